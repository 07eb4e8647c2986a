// Wire shapes of accounts and sessions (docs/protocol.md, "Keys"). Requests are strict; of answers a client drops what it does
// not know, so that an older client works with a newer server.
import * as z from 'zod'
import { OpaqueFinish, OpaqueHandshake, OpaqueRecord, OpaqueRegistration } from './opaque.ts'
import {
  AccountId,
  base64urlLetter,
  base64urlOf,
  DeviceId,
  Email,
  KeyVersion,
  line,
  oneOfMore,
  SealedKey,
  SessionId,
  Timestamp,
  tooLong,
  VaultId,
} from './primitives.ts'
import { Quotas } from './quotas.ts'
import { SecondFactorProof } from './second-factors.ts'
import { CreateVault, keyVersion } from './vaults.ts'

/** What the server accepts at the least (OWASP), and what a client chooses by default. Memory in KiB. */
export const minKdf = { memoryKiB: 19_456, iterations: 2, parallelism: 1 } as const
export const defaultKdf = { memoryKiB: 65_536, iterations: 3, parallelism: 1 } as const

/** Above these a client refuses too, so that a hostile server cannot freeze it. */
export const maxKdf = { memoryKiB: 1_048_576, iterations: 16, parallelism: 8 } as const

export const KdfParameters = z
  .strictObject({
    algorithm: z.literal('argon2id'),
    memoryKiB: z.int().min(1).max(maxKdf.memoryKiB),
    iterations: z.int().min(1).max(maxKdf.iterations),
    parallelism: z.int().min(1).max(maxKdf.parallelism),
    salt: base64urlOf(16),
  })
  .meta({ id: 'KdfParameters', description: 'How the password becomes the master key' })

/** Whether every cost reaches the floor below which neither side goes. */
export const isStrongEnough = (kdf: Omit<z.infer<typeof KdfParameters>, 'algorithm' | 'salt'>): boolean =>
  kdf.memoryKiB >= minKdf.memoryKiB &&
  kdf.iterations >= minKdf.iterations &&
  kdf.parallelism >= minKdf.parallelism

/** How an account proves its password: by OPAQUE (RFC 9807), or by a key derived from it. It has one of them at a time. */
export const AuthMethod = z
  .enum(['opaque', 'authKey'])
  .meta({ id: 'AuthMethod', description: 'How the account proves its password' })

const AuthKey = base64urlOf(32).meta({ description: 'Derived by the client; the server keeps a hash of it' })

/** What the server checks a password against from now on: of either method. */
const newAuthKey = { authKey: AuthKey }
const newRecord = {
  opaque: z.strictObject({ record: OpaqueRecord, registration: OpaqueRegistration }).meta({
    id: 'NewOpaqueRecord',
    description:
      'In place of authKey, after POST /opaque/register, or for a new password POST /account/opaque',
  }),
}

/** Proof of a password: of either method. */
export const authKeyProof = { authKey: AuthKey }
export const opaqueProof = {
  opaque: z
    .strictObject({ handshake: OpaqueHandshake, finish: OpaqueFinish })
    .meta({ id: 'OpaqueProof', description: 'In place of authKey, after POST /opaque/login' }),
}

/** Proof that the caller knows the account's password right now. */
export const PasswordProof = z
  .union([
    z.strictObject(authKeyProof).meta({ id: 'PasswordProofByAuthKey' }),
    z.strictObject(opaqueProof).meta({ id: 'PasswordProofByOpaque' }),
  ])
  .meta({ id: 'PasswordProof' })

const inviteForm = new RegExp(`^lmi_${base64urlLetter}{21}[AQgw]$`)

export const InviteCode = z
  .string()
  .length(26, tooLong())
  .regex(inviteForm, 'Expected an invite code: lmi_ and 22 more characters')
  .meta({ description: 'What the operator handed out; good for one registration' })

const registration = {
  accountId: AccountId,
  email: Email,
  kdf: KdfParameters,
  accountKey: SealedKey,
  vault: CreateVault.omit({ accountKeyVersion: true }).meta({ id: 'FirstVault' }),
  hint: line(200).optional().meta({ description: 'A hint for the owner, kept for being sent by e-mail' }),
  invite: InviteCode.optional().meta({
    description: 'Where GET /api/v1/server says that registration is by invite. Ignored elsewhere',
  }),
}

export const Register = z
  .union([
    z.strictObject({ ...registration, ...newAuthKey }).meta({ id: 'RegisterByAuthKey' }),
    z.strictObject({ ...registration, ...newRecord }).meta({ id: 'RegisterByOpaque' }),
  ])
  .meta({ id: 'Register' })

export const Registered = z
  .object({ accountId: AccountId, email: Email, emailVerified: z.boolean(), createdAt: Timestamp })
  .meta({ id: 'Registered' })

export const Prelogin = z.strictObject({ email: Email }).meta({ id: 'Prelogin' })
export const PreloginAnswer = z
  .object({ kdf: KdfParameters, method: AuthMethod })
  .meta({ id: 'PreloginAnswer' })

export const Device = z
  .strictObject({
    id: DeviceId,
    name: line(100),
    type: z.enum(['desktop', 'mobile', 'browser', 'cli', 'other']),
  })
  .meta({ id: 'Device' })

const login = {
  email: Email,
  device: Device,
  secondFactor: SecondFactorProof.optional().meta({
    description: 'Where a login without it was answered with `second-factor-required`',
  }),
}

export const Login = z
  .union([
    z.strictObject({ ...login, ...authKeyProof }).meta({ id: 'LoginByAuthKey' }),
    z.strictObject({ ...login, ...opaqueProof }).meta({ id: 'LoginByOpaque' }),
  ])
  .meta({ id: 'Login' })

const RefreshToken = base64urlOf(32).meta({ description: 'Replaced at each use' })

export const Refresh = z.strictObject({ refreshToken: RefreshToken }).meta({ id: 'Refresh' })

/** What a refresh answers: the credentials of a session. */
export const SessionTokens = z
  .object({
    accessToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().min(1).meta({ description: 'Seconds that the access token is good for' }),
    refreshToken: RefreshToken,
    sessionId: SessionId,
  })
  .meta({ id: 'SessionTokens' })

/** What a login answers: the credentials, and what the client needs to unlock. */
export const Session = SessionTokens.extend({
  account: z
    .object({ id: AccountId, email: Email, accountKey: SealedKey, accountKeyVersion: keyVersion })
    .meta({ id: 'SessionAccount' }),
}).meta({ id: 'Session' })

export const Account = z
  .object({
    id: AccountId,
    email: Email,
    emailVerified: z.boolean(),
    createdAt: Timestamp,
    method: AuthMethod,
    kdf: KdfParameters,
    accountKey: SealedKey,
    accountKeyVersion: keyVersion.meta({ description: 'Raised by each change of the account key' }),
    deletesAt: Timestamp.nullable().meta({
      description: 'When it is deleted, because its mailbox asked for that; a login keeps it',
    }),
    quotas: Quotas,
  })
  .meta({ id: 'Account' })

const passwordChange = {
  current: PasswordProof,
  kdf: KdfParameters,
  accountKey: SealedKey,
  accountKeyVersion: keyVersion.meta({ description: 'Of the account key, which stays as it is' }),
  keepTokens: z.boolean().default(false).meta({
    description: 'Whether the personal access tokens of the account live on; they end otherwise',
  }),
}

/** Also how the method is switched: the proof is of the present one, and what follows may be of the other. */
export const ChangePassword = z
  .union([
    z.strictObject({ ...passwordChange, ...newAuthKey }).meta({ id: 'ChangePasswordByAuthKey' }),
    z.strictObject({ ...passwordChange, ...newRecord }).meta({ id: 'ChangePasswordByOpaque' }),
  ])
  .meta({ id: 'ChangePassword' })

/** The most vaults of an account whose account key can be changed. */
const maxVaultKeys = 10_000

/** A vault's key, and the one that is to follow if its key is being changed, under the new account key. */
const VaultKeys = z
  .strictObject({
    id: VaultId,
    keyVersion: KeyVersion,
    key: SealedKey,
    nextKey: SealedKey.optional().meta({
      description:
        'The key of `rotation`: required while the key of the vault is being changed, and else refused',
    }),
  })
  .meta({ id: 'VaultKeys' })

export const ChangeAccountKey = z
  .strictObject({
    current: PasswordProof,
    accountKey: SealedKey.meta({ description: 'The new one, under a key of the password' }),
    accountKeyVersion: KeyVersion.meta({ description: "One more than the account's" }),
    vaults: z
      .array(VaultKeys)
      .max(maxVaultKeys)
      .refine(
        (vaults) => new Set(vaults.map(({ id }) => id)).size === vaults.length,
        'Each vault may stand there once',
      )
      .meta({ description: 'Every vault of the account' }),
  })
  .meta({ id: 'ChangeAccountKey' })

export const AccountKeyChanged = z.object({ accountKeyVersion: KeyVersion }).meta({ id: 'AccountKeyChanged' })

export const SessionSummary = z
  .object({
    id: SessionId,
    device: Device,
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
    expiresAt: Timestamp,
    current: z.boolean(),
  })
  .meta({ id: 'SessionSummary' })

export const SessionList = z.object({ sessions: z.array(SessionSummary) }).meta({ id: 'SessionList' })

/** What the security log knows; a newer server may know more. */
const accountEventTypes = [
  'login',
  'login-failed',
  'second-factor-failed',
  'proof-failed',
  'password-changed',
  'second-factor-added',
  'second-factor-removed',
  'recovery-codes-replaced',
  'second-factors-reset',
  'token-created',
  'token-revoked',
  'tokens-ended',
  'hint-changed',
  'email-change-started',
  'email-changed',
  'deletion-started',
  'deletion-cancelled',
  'session-ended',
  'vault-deleted',
  'vault-key-change-started',
  'vault-key-changed',
  'account-key-changed',
  'key-derivation-changed',
  'account-disabled',
  'account-enabled',
] as const

/** Why a session ended; a newer server may know more reasons. */
const sessionEndReasons = ['logout', 'owner', 'password-change', 'token-reuse', 'quota', 'operator'] as const

export const AccountEvent = z
  .object({
    type: oneOfMore(accountEventTypes),
    at: Timestamp.meta({ description: 'When; of several failures, the last one' }),
    device: Device.nullable().meta({
      description:
        'The device that logged in or tried to, made the change, or lost its session. Null if it is not known: the operator has none, and an OPAQUE login that was begun and not finished does not say',
    }),
    address: z.string().nullable().meta({
      description: 'Null if the operator did it, and for failures from more addresses than are kept apart',
    }),
    count: z.int().min(1).default(1).meta({
      description: 'How many there were: failures of one kind, address and hour are one entry',
    }),
    reason: oneOfMore(sessionEndReasons).nullable().default(null).meta({
      description:
        'Why a session ended: it logged out, its owner ended it from another session, the password was changed, its refresh token was used a second time, or the operator ended it. Null for other entries and for older ones',
    }),
  })
  .meta({ id: 'AccountEvent' })

export const AccountEventList = z.object({ events: z.array(AccountEvent) }).meta({ id: 'AccountEventList' })

export type Account = z.infer<typeof Account>
export type AccountEvent = z.infer<typeof AccountEvent>
export type AccountEventType = (typeof accountEventTypes)[number]
export type SessionEndReason = (typeof sessionEndReasons)[number]
export type AuthMethod = z.infer<typeof AuthMethod>
export type Device = z.infer<typeof Device>
export type Login = z.infer<typeof Login>
export type KdfParameters = z.infer<typeof KdfParameters>
export type PasswordProof = z.infer<typeof PasswordProof>
/** What a registration and a password change give to check the password against. */
export type NewVerifier = { authKey: string } | { opaque: { record: string; registration: string } }
export type PreloginAnswer = z.infer<typeof PreloginAnswer>
export type Register = z.infer<typeof Register>
export type Registered = z.infer<typeof Registered>
export type Session = z.infer<typeof Session>
export type SessionSummary = z.infer<typeof SessionSummary>
export type SessionTokens = z.infer<typeof SessionTokens>
