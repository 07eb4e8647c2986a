// The change of the user key: the whole vault in one request.
import { z } from 'zod'
import { minutes } from '../../clock.ts'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { FolderId, ItemId, line } from '../../contract/primitives.ts'
import { rotatedCipher } from '../../domain/ciphers/rotation.ts'
import { Failure } from '../../domain/failure.ts'
import { bitwardenKdfOf } from '../../domain/identity/bitwarden-accounts.ts'
import { replaceKeyPair } from '../../domain/identity/bitwarden-settings.ts'
import { rotateUserKey } from '../../domain/key-rotation/key-rotation.ts'
import { checkPieces, inJsonPieces } from '../../http/json-pieces.ts'
import { anyQuery } from '../../http/route.ts'
import { CipherRequest, FolderName } from './cipher-shapes.ts'
import { encStringOf } from './enc-string.ts'
import { AccountKeysRequest, PublicKey, WrappedPrivateKey } from './key-shapes.ts'
import { chosenPasswordShape, requireChosenPassword, UserKeyId } from './password-shapes.ts'
import { route } from './route.ts'
import { ClientHash, proveSecret } from './secret.ts'
import { RotatedSend } from './send-shapes.ts'
import { caseless } from './wire.ts'

/** 10,000 items take about 20 MiB, of some hundred values each. */
const rotationBody = { bytes: 48 * 1024 * 1024, values: 4_000_000, ms: minutes(5) }

/** All items, folders and sends. */
const maxObjects = 100_000

/** The newer format of keys, which no client makes unless the server asks for it. */
const refused = z.null('This server takes keys of version 1 alone').optional()

const RotatedCipher = z
  .intersection(caseless({ id: ItemId }), CipherRequest)
  .transform(({ id, ...write }) => ({ id, write }))

/** A folder without an id is a mistake of older clients, and none of the account's. */
const RotatedFolder = caseless({ id: FolderId.nullish(), name: FolderName }).transform(({ id, name }) =>
  id == null ? [] : [{ id, name }],
)

const RotationRequest = caseless({
  oldMasterKeyAuthenticationHash: ClientHash,
  accountUnlockData: caseless({
    masterPasswordUnlockData: caseless({
      kdfType: chosenPasswordShape.kdf,
      kdfIterations: chosenPasswordShape.kdfIterations,
      kdfMemory: chosenPasswordShape.kdfMemory,
      kdfParallelism: chosenPasswordShape.kdfParallelism,
      email: z.string(),
      salt: z.string().nullish(),
      masterPasswordSalt: z.string().nullish(),
      masterKeyAuthenticationHash: ClientHash,
      masterKeyEncryptedUserKey: encStringOf(64),
      masterPasswordHint: z.union([z.literal('').transform(() => null), line(50)]).nullish(),
      containedKeyId: UserKeyId.nullish(),
    }),
    v2UpgradeToken: refused,
  }),
  accountKeys: AccountKeysRequest,
  accountData: caseless({
    ciphers: z.array(z.unknown()),
    folders: z.array(z.unknown()),
    sends: z.array(z.unknown()),
  }),
  newUserKeyId: UserKeyId.nullish(),
  wrappedAccountCryptographicState: refused,
})

const anotherSalt = (path: string) =>
  new Failure('malformed-request', 'This is not the e-mail address of the account.', {
    errors: [{ path, message: 'This is not the e-mail address of the account' }],
  })

const rotate = route({
  method: 'post',
  path: bitwardenAccountPaths.rotation,
  auth: 'account',
  limit: 'proof',
  bodyBounds: rotationBody,
  request: { query: anyQuery, body: inJsonPieces(RotationRequest, { objects: maxObjects }) },
  success: { 200: null },
  async handler({ body, caller }, services) {
    const { accountUnlockData, accountData, accountKeys, newUserKeyId } = body
    const { masterPasswordUnlockData: unlock } = accountUnlockData
    const account = await proveSecret(
      caller,
      { masterPasswordHash: body.oldMasterKeyAuthenticationHash },
      services,
    )
    const { email } = account
    for (const name of ['email', 'salt', 'masterPasswordSalt'] as const)
      if (unlock[name] != null && unlock[name] !== email) throw anotherSalt(name)
    const { kdfType: kdf, kdfIterations, kdfMemory, kdfParallelism } = unlock
    const credentials = requireChosenPassword(
      {
        masterPasswordHash: unlock.masterKeyAuthenticationHash,
        kdf,
        kdfIterations,
        kdfMemory,
        kdfParallelism,
      },
      { email, flatUserKey: unlock.masterKeyEncryptedUserKey, kdf: bitwardenKdfOf(account) },
    )
    const listed = (list: keyof typeof accountData) => (index: number) => ['accountData', list, index]
    const folders = await checkPieces(RotatedFolder, accountData.folders, listed('folders'), (found) => found)
    const sends = await checkPieces(RotatedSend, accountData.sends, listed('sends'), (send) => send)
    const ciphers = await checkPieces(
      RotatedCipher,
      accountData.ciphers,
      listed('ciphers'),
      ({ id, write }) => rotatedCipher(id, write),
    )
    await rotateUserKey(
      caller,
      account,
      {
        credentials,
        hint: unlock.masterPasswordHint,
        publicKey: accountKeys.publicKey,
        privateKey: accountKeys.encryptedPrivateKey,
        userKeyId: newUserKeyId ?? unlock.containedKeyId ?? null,
        ciphers,
        folders: folders.flat(),
        sends,
      },
      services,
    )
    return { status: 200 }
  },
})

/** For an account whose private key its client cannot open: what others have encrypted for it is lost either way. */
const regenerate = route({
  method: 'post',
  path: bitwardenAccountPaths.keyPair,
  auth: 'account',
  limit: 'proof',
  request: {
    query: anyQuery,
    body: caseless({ userPublicKey: PublicKey, userKeyEncryptedUserPrivateKey: WrappedPrivateKey }),
  },
  success: { 200: null },
  async handler({ body, caller }, services) {
    const { userPublicKey: publicKey, userKeyEncryptedUserPrivateKey: privateKey } = body
    await replaceKeyPair(caller, { publicKey, privateKey }, services)
    return { status: 200 }
  },
})

export const rotationRoutes = [rotate, regenerate]
