// The closed catalogue of problems (RFC 9457). A code is stable; clients decide by it and never by the words.
import * as z from 'zod'
import { AttachmentId, oneOfMore, Timestamp } from './primitives.ts'
import { type QuotaName, Quotas } from './quotas.ts'
import { LeftCounts } from './rotation.ts'
import { SecondFactorMethod, WebauthnOptions } from './second-factors.ts'
import { Conflict, Item, type ItemState, Tombstone, Vault } from './vaults.ts'

/** Each code: its status, its title, and what a user who meets it can do. */
export const problemCatalogue = {
  'malformed-request': {
    status: 400,
    title: 'The request is malformed',
    help: 'Compare the request with the contract at /docs. `errors` names each place and what is expected there.',
  },
  'kdf-too-weak': {
    status: 400,
    title: 'The key derivation is too weak',
    help: 'Choose at least the parameters that GET /api/v1/server gives as minKdf.',
  },
  'stale-opaque-registration': {
    status: 400,
    title: 'The new password has to be chosen again',
    help: 'What POST /opaque/register and POST /account/opaque answer is good for ten minutes, for the address or the account that asked. Begin again there.',
  },
  'not-authenticated': {
    status: 401,
    title: 'A valid token is needed',
    help: 'Send "Authorization: Bearer <accessToken>", a personal access token where the contract takes one, or for the receipt of a share its manage token. Access tokens live for minutes: get a new one from POST /api/v1/token/refresh, and log in again where that is refused.',
  },
  'invalid-credentials': {
    status: 401,
    title: 'E-mail address or password is wrong',
    help: 'Check both and try again. The server cannot tell which one is wrong and cannot recover a password. Where addresses have to be confirmed, there is no account before the link of the mail was opened.',
  },
  'second-factor-required': {
    status: 401,
    title: 'A second factor is needed',
    help: 'The password was right. `methods` lists what else proves that it is you: send the login again, with a new proof of the password and with `secondFactor`. For WebAuthn, give `options` to the platform.',
  },
  'invalid-second-factor': {
    status: 401,
    title: 'The second factor is wrong',
    help: 'Each code works once: wait for the next one of the app, and check that its clock is right. A recovery code or another factor does as well. Send the login again with a new proof of the password.',
  },
  'invalid-refresh-token': {
    status: 401,
    title: 'The session has ended',
    help: 'Log in again. The session was ended, ran out, or its refresh token was used a second time after it had been replaced.',
  },
  'https-required': {
    status: 403,
    title: 'Use https',
    help: 'The request came without TLS to a server that is behind it. What was sent could be read on its way: change it if it was a secret, and use the address with https.',
  },
  'registration-closed': {
    status: 403,
    title: 'Registration is closed',
    help: 'Ask the operator of this server for an account.',
  },
  'email-unverified': {
    status: 403,
    title: 'The e-mail address is not confirmed yet',
    help: 'Open the link in the mail that was sent to it. POST /api/v1/email/resend sends it again.',
  },
  'invalid-confirmation': {
    status: 403,
    title: 'The link does not work',
    help: 'Links are valid for a day, and while there is something to do for them. Ask for a new one, such as by POST /api/v1/email/resend, or register again.',
  },
  'email-off': {
    status: 403,
    title: 'This server sends no e-mail',
    help: 'Ask the operator of this server.',
  },
  'account-deletion-off': {
    status: 403,
    title: 'Accounts are not deleted by mail here',
    help: 'The operator of this server decided that. Ask them, or log in and delete the account from there.',
  },
  'token-not-allowed': {
    status: 403,
    title: 'This takes a session',
    help: 'Personal access tokens reach items, and never the account itself. Log in, and send the access token of that session.',
  },
  'insufficient-scope': {
    status: 403,
    title: 'The scope of the token does not cover this',
    help: 'Make another token with the scope that `detail` names, from a session. The scopes of a token never change. Deleting for good takes a session: no scope covers it.',
  },
  'invite-required': {
    status: 403,
    title: 'Registration needs an invite',
    help: 'Ask the operator of this server for an invite code, and send it as `invite`.',
  },
  'invalid-invite': {
    status: 403,
    title: 'The invite cannot be used',
    help: 'It is unknown, used, expired, revoked, or for another e-mail address; the answer is the same for all. Check the code and the address, and ask the operator of this server for another one.',
  },
  'shares-off': {
    status: 403,
    title: 'One-time shares are switched off',
    help: 'The operator of this server decided that. Use another way to hand the secret over.',
  },
  'quota-exceeded': {
    status: 403,
    title: 'The account may not have more of this',
    help: '`resource` says of what, `used` how much there is, `allowed` how much there may be. Delete what is not needed any more: for good, because the trash counts. Or ask the operator of this server for more.',
  },
  'wrong-proof': {
    status: 403,
    title: 'The key or the passphrase is wrong',
    help: 'Nothing was lost. Copy the whole link again, up to its last character, or type the passphrase again, and repeat.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    help: 'It does not exist, no longer exists, or belongs to somebody else; the answer is the same for all three.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This method does not work here',
    help: 'The Allow header lists the methods that do.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request took too long to arrive',
    help: 'The headers or the body did not come in time. Send it again, over a faster connection, or in smaller pieces.',
  },
  'email-taken': {
    status: 409,
    title: 'The e-mail address already has an account',
    help: 'Log in with it, or register another address.',
  },
  'id-taken': {
    status: 409,
    title: 'The id is already in use',
    help: 'Choose a new random UUID and seal the data again for it.',
  },
  'upload-offset': {
    status: 409,
    title: 'The upload goes on somewhere else',
    help: '`receivedBytes` says how much of the file is here. Send the part that begins there.',
  },
  'attachment-missing': {
    status: 409,
    title: 'A file is not here',
    help: '`attachments` lists the files that the item names and that are not whole here. Upload them, then send the item again.',
  },
  'key-changed': {
    status: 409,
    title: 'The key was changed in the meantime',
    help: 'Nothing was written. `current` is the vault with its present key; for the account key, `accountKeyVersion` says which one the account has. Open that key, seal again under it, and send again. A client that does not know it has to be updated.',
  },
  'rotation-under-way': {
    status: 409,
    title: 'The key of the vault is being changed',
    help: '`current` is the vault, with the key that is to follow. Any client of its owner can go on with that change, and finish it.',
  },
  'rotation-incomplete': {
    status: 409,
    title: 'Not everything is sealed under the new key yet',
    help: '`left` says how much is missing. GET …/rotation/left names it: seal it anew, and finish again. Nothing is lost in between.',
  },
  'too-many-factors': {
    status: 409,
    title: 'There are too many second factors',
    help: 'Remove one that is not used any more, by DELETE /api/v1/account/second-factors/{id}.',
  },
  'share-consumed': {
    status: 410,
    title: 'The secret was already read',
    help: '`readAt` says when. If that was not you, tell the sender at once: somebody else has read it. Ask for a new link.',
  },
  'share-expired': {
    status: 410,
    title: 'The secret has expired',
    help: 'It was not read, and nobody can read it any more. Ask the sender for a new link.',
  },
  'share-revoked': {
    status: 410,
    title: 'The secret was revoked',
    help: 'Its sender took it back before it was read. Ask the sender for a new link.',
  },
  'resync-required': {
    status: 410,
    title: 'The cursor is not valid any more',
    help: 'Pull all changes again without `since`. This happens after the server was restored from a backup.',
  },
  'revision-conflict': {
    status: 412,
    title: 'It was changed in the meantime',
    help: 'Nothing was written. Look at the current state in the answer, merge, and send again with its revision.',
  },
  'too-large': {
    status: 413,
    title: 'The request body is too large',
    help: 'GET /api/v1/server lists the limits.',
  },
  'not-json': {
    status: 415,
    title: 'The request body is not JSON',
    help: 'Send the body as JSON in UTF-8, uncompressed, with "Content-Type: application/json".',
  },
  'range-not-satisfiable': {
    status: 416,
    title: 'The file ends before that',
    help: '`bytes` says how long the file is. Ask for a range that begins before its end.',
  },
  'precondition-required': {
    status: 428,
    title: 'A precondition is missing',
    help: 'Send If-Match with the revision that you replace, in quotes, or "If-None-Match: *" to create.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    help: 'Wait for as many seconds as Retry-After says.',
  },
  'internal-error': {
    status: 500,
    title: 'The server failed',
    help: 'Try again. If it stays, give the requestId to the operator of the server: the log says more under it.',
  },
  unavailable: {
    status: 503,
    title: 'The server cannot answer right now',
    help: 'Try again after as many seconds as Retry-After says. Nothing is lost by trying again.',
  },
} as const

export type ProblemCode = keyof typeof problemCatalogue

/** The ways to go on with a login; `options` is there where WebAuthn is one of them. */
export interface SecondFactorChallenge {
  readonly methods: SecondFactorMethod[]
  readonly options?: WebauthnOptions
}

/** What a problem carries beyond the members that all have, by its code. */
export type ProblemMembers = {
  'malformed-request': { errors: { path: string; message: string }[] }
  'second-factor-required': SecondFactorChallenge
  'invalid-second-factor': SecondFactorChallenge
  'quota-exceeded': { resource: QuotaName; used: number; allowed: number }
  'wrong-proof': { passphrase: boolean }
  'upload-offset': { receivedBytes: number }
  'attachment-missing': { attachments: string[] }
  'range-not-satisfiable': { bytes: number }
  'share-consumed': { readAt: string }
  'share-expired': { expiresAt: string }
  'share-revoked': { revokedAt: string }
  'revision-conflict': { current: ItemState | Vault } | { conflicts: Conflict[] }
  'key-changed': { current: Vault } | { accountKeyVersion: number }
  'rotation-under-way': { current: Vault }
  'rotation-incomplete': { left: LeftCounts }
}

/**
 * An `application/problem+json` body. Loose, and with an open code, so that a client still reads the problems of a newer server.
 */
export const Problem = z
  .looseObject({
    type: z.url(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: oneOfMore(Object.keys(problemCatalogue)),
    requestId: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }).meta({ id: 'Mistake' }))
      .optional()
      .meta({ description: 'With `malformed-request`: each place that is wrong' }),
    // Open, so that an older client can still say what a newer server's methods are.
    methods: z
      .array(oneOfMore(SecondFactorMethod.options))
      .optional()
      .meta({ description: 'With `second-factor-required` and `invalid-second-factor`: what proves it' }),
    options: WebauthnOptions.optional().meta({
      description: 'With the same, where `webauthn` is one of `methods`: for navigator.credentials.get()',
    }),
    resource: oneOfMore(Object.keys(Quotas.shape))
      .optional()
      .meta({ description: 'With `quota-exceeded`: of what there would be too much' }),
    used: z.int().optional().meta({ description: 'With `quota-exceeded`: how much of it there is' }),
    allowed: z.int().optional().meta({ description: 'With `quota-exceeded`: how much there may be' }),
    passphrase: z
      .boolean()
      .optional()
      .meta({ description: 'With `wrong-proof`: whether the share has a passphrase' }),
    receivedBytes: z
      .int()
      .optional()
      .meta({ description: 'With `upload-offset`: how much of the file is here' }),
    attachments: z
      .array(AttachmentId)
      .optional()
      .meta({ description: 'With `attachment-missing`: the files that are not whole here' }),
    bytes: z.int().optional().meta({ description: 'With `range-not-satisfiable`: how long the file is' }),
    readAt: Timestamp.optional().meta({ description: 'With `share-consumed`' }),
    expiresAt: Timestamp.optional().meta({ description: 'With `share-expired`' }),
    revokedAt: Timestamp.optional().meta({ description: 'With `share-revoked`' }),
    current: z
      .union([Item, Tombstone, Vault])
      .meta({ id: 'CurrentState', description: 'What stands there now' })
      .optional()
      .meta({
        description:
          'With `revision-conflict`: what stands there now. With `key-changed` and `rotation-under-way`: the vault',
      }),
    accountKeyVersion: z
      .int()
      .optional()
      .meta({ description: 'With `key-changed`, if it is about the account key: of the present one' }),
    left: LeftCounts.optional().meta({ description: 'With `rotation-incomplete`: how much is missing' }),
    conflicts: z
      .array(Conflict)
      .optional()
      .meta({ description: 'With `revision-conflict` of a batch: each operation that did not apply' }),
  })
  .meta({ id: 'Problem' })

export type Problem = z.infer<typeof Problem>
