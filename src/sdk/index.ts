// What `import { … } from 'limpet'` offers. Runs in Node and in browsers.

export {
  type Account,
  type AccountEvent,
  type AuthMethod,
  type Device,
  defaultKdf,
  type KdfParameters,
  minKdf,
} from '../contract/accounts.ts'
export {
  type AttachedFile,
  ItemContent,
  type ItemKind,
  type UnknownContent,
  VaultContent,
} from '../contract/content.ts'
export type { QuotaName, Quotas } from '../contract/quotas.ts'
export type { SecondFactor } from '../contract/second-factors.ts'
export type { ServerInfo } from '../contract/server.ts'
export type { ShareReceipt } from '../contract/shares.ts'
export { largestSecretBytes, shareTtl } from '../contract/sizes.ts'
export type { CurrentToken, TokenScope, TokenSummary } from '../contract/tokens.ts'
export type { Item, ItemState, Operation, Vault } from '../contract/vaults.ts'
export * from '../protocol/associated-data.ts'
export { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts'
export { OpenError, open, seal } from '../protocol/envelope.ts'
export { decryptFernet, encryptFernet } from '../protocol/fernet.ts'
export * from '../protocol/item-content.ts'
export * from '../protocol/keys.ts'
export { type PasswordRefusal, PasswordRefusedError } from '../protocol/password.ts'
export { RefusedError } from '../protocol/refused.ts'
export { FileChangedError } from '../protocol/sealed-file.ts'
export * from '../protocol/share-link.ts'
export { UnlockedAccount } from './account.ts'
export { filesOf, mergeFiles, NoSuchFileError, TooManyFilesError } from './attached-files.ts'
export { type Attached, Attachments } from './attachments.ts'
export * from './errors.ts'
export type { TransferOptions } from './file-transfer.ts'
export { hasKeptShares, type KeptShare, KeptShares, keptSharesId, keptSharesKind } from './kept-shares.ts'
export { type AskSecondFactor, Limpet, type LimpetOptions } from './limpet.ts'
export { fileOf, type NewFile } from './new-file.ts'
export {
  type OneTimeCode,
  OneTimeCodeError,
  type OneTimeCodeSettings,
  oneTimeCode,
  oneTimeCodeSettings,
} from './one-time-code.ts'
export type { OpenItem } from './open-item.ts'
export {
  assessPassword,
  type PasswordAssessment,
  type PasswordContext,
  passwordCharacters,
} from './password-choice.ts'
export { type AcceptAuthKey, type AuthKeyOffer, LoginPin, type LoginPins } from './pins.ts'
export { withPreviousPassword } from './previous-passwords.ts'
export type { MethodChoice } from './proofs.ts'
export { prepareRegistration, type Registration } from './registration.ts'
export { Replica, ReplicaState } from './replica.ts'
export {
  type RotationOptions,
  type RotationProgress,
  type RotationResult,
  UnreadableError,
  type VersionsChoice,
} from './rotation.ts'
export { type SecondFactorAnswer, SecondFactors } from './second-factors.ts'
export { isEnded, memorySessionStorage, SessionState, type SessionStorage } from './session-storage.ts'
export * from './shares.ts'
export type { Timing } from './timing.ts'
export {
  type MadeToken,
  type NewToken,
  TokenAccess,
  TokenClient,
  TokenError,
  type TokenOptions,
  Tokens,
} from './tokens.ts'
export { PendingUpload, type UploadOptions } from './uploads.ts'
export { OpenVault, type SealedItem } from './vault.ts'
export type { WatchEvent, WatchOptions } from './watch.ts'
