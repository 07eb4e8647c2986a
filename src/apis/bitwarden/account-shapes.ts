// An account as clients get it: its keys, the costs of its KDF, what opens the user key, its profile. Members that some client requires
// are always there, and null if they are empty.
import { z } from 'zod'
import { toTimestamp } from '../../domain/encoding.ts'
import {
  type BitwardenAccount,
  type BitwardenKdf,
  bitwardenKdfOf,
} from '../../domain/identity/bitwarden-accounts.ts'

const kibInMib = 1024

/** The numbers by which clients name the kinds of KDF. */
const kdfTypes = { pbkdf2: 0, argon2id: 1 } as const

/** The costs of a KDF as an object of their own: memory in MiB, null for those that the kind does not have. */
const kdfSettingsOf = (kdf: BitwardenKdf) => ({
  kdfType: kdfTypes[kdf.kind],
  iterations: kdf.iterations,
  memory: kdf.kind === 'pbkdf2' ? null : kdf.memoryKiB / kibInMib,
  parallelism: kdf.kind === 'pbkdf2' ? null : kdf.parallelism,
})

/** What prelogin tells of a KDF: flat for older clients, as an object for newer ones. */
export function kdfAnswer(kdf: BitwardenKdf) {
  const kdfSettings = kdfSettingsOf(kdf)
  const { kdfType, iterations, memory, parallelism } = kdfSettings
  return {
    kdf: kdfType,
    kdfIterations: iterations,
    kdfMemory: memory,
    kdfParallelism: parallelism,
    kdfSettings,
  }
}

/** The key pair of an account. Accounts sign nothing here. */
export const accountKeysOf = ({ own }: BitwardenAccount) => ({
  publicKeyEncryptionKeyPair: {
    publicKey: own.publicKey,
    wrappedPrivateKey: own.privateKey,
    signedPublicKey: null,
    object: 'publicKeyEncryptionKeyPair' as const,
  },
  signatureKeyPair: null,
  securityState: null,
  object: 'privateKeys' as const,
})

export const AccountKeys = z.object({
  publicKeyEncryptionKeyPair: z.object({
    publicKey: z.string(),
    wrappedPrivateKey: z.string(),
    signedPublicKey: z.null(),
    object: z.literal('publicKeyEncryptionKeyPair'),
  }),
  signatureKeyPair: z.null(),
  securityState: z.null(),
  object: z.literal('privateKeys'),
})

/** How the user key is opened, for `sync`. Clients read its wrapped form under either of two names. */
export const userDecryptionOf = (account: BitwardenAccount) => ({
  masterPasswordUnlock: {
    kdf: kdfSettingsOf(bitwardenKdfOf(account.account)),
    masterKeyEncryptedUserKey: account.own.userKey,
    masterKeyWrappedUserKey: account.own.userKey,
    salt: account.account.email,
  },
  ...(account.own.userKeyId !== null && { userKeyId: account.own.userKeyId }),
})

/** The keys of an account as a login answers with them: the same as above in Pascal case, and flat for older clients. */
export function loginKeysOf(account: BitwardenAccount) {
  const { own } = account
  const { kdfType, iterations, memory, parallelism } = kdfSettingsOf(bitwardenKdfOf(account.account))
  return {
    Key: own.userKey,
    PrivateKey: own.privateKey,
    Kdf: kdfType,
    KdfIterations: iterations,
    KdfMemory: memory,
    KdfParallelism: parallelism,
    AccountKeys: accountKeysOf(account),
    UserDecryptionOptions: {
      HasMasterPassword: true as const,
      MasterPasswordUnlock: {
        Kdf: { KdfType: kdfType, Iterations: iterations, Memory: memory, Parallelism: parallelism },
        MasterKeyEncryptedUserKey: own.userKey,
        MasterKeyWrappedUserKey: own.userKey,
        Salt: account.account.email,
      },
      Object: 'userDecryptionOptions' as const,
    },
  }
}

/** The profile of an account: what `sync` begins with, and what requests about it answer with. */
export const profileOf = (
  account: BitwardenAccount,
  { twoFactorEnabled }: { readonly twoFactorEnabled: boolean },
) => ({
  object: 'profile' as const,
  id: account.account.id,
  name: account.own.name,
  email: account.account.email,
  emailVerified: true as const,
  premium: true as const,
  premiumFromOrganization: false as const,
  culture: 'en-US' as const,
  twoFactorEnabled,
  key: account.own.userKey,
  privateKey: account.own.privateKey,
  accountKeys: accountKeysOf(account),
  securityStamp: account.own.securityStamp,
  forcePasswordReset: false as const,
  usesKeyConnector: false as const,
  verifyDevices: account.own.verifiesDevices,
  avatarColor: account.own.avatarColor,
  creationDate: toTimestamp(account.account.createdAt),
  masterPasswordHint: null,
  organizations: [],
  providers: [],
  providerOrganizations: [],
})

const none = z.array(z.never())

export const Profile = z.object({
  object: z.literal('profile'),
  id: z.string(),
  name: z.string().nullable(),
  email: z.string(),
  emailVerified: z.literal(true),
  premium: z.literal(true),
  premiumFromOrganization: z.literal(false),
  culture: z.literal('en-US'),
  twoFactorEnabled: z.boolean(),
  key: z.string(),
  privateKey: z.string(),
  accountKeys: AccountKeys,
  securityStamp: z.string(),
  forcePasswordReset: z.literal(false),
  usesKeyConnector: z.literal(false),
  verifyDevices: z.boolean(),
  avatarColor: z.string().nullable(),
  creationDate: z.string(),
  masterPasswordHint: z.null(),
  organizations: none,
  providers: none,
  providerOrganizations: none,
})
