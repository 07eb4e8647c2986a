// How an account gets, confirms and loses second factors, and gets new recovery codes. Each change but a confirmation takes a fresh
// proof of the password.
import { nonceBytes, sealBytes } from '../../aes-gcm.ts'
import type { Clock } from '../../clock.ts'
import type { WebauthnOptions, WebauthnRegistration } from '../../contract/second-factors.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import { holdAccount } from '../account-row.ts'
import { noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import type { MailSettings } from '../mail/settings.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { AccountRow } from './accounts.ts'
import { type PasswordProof, type ProofNeeds, proveAccount } from './passwords.ts'
import { newRecoveryCodes, showRecoveryCode } from './recovery-codes.ts'
import { totpAssociatedData, totpSecretOf } from './second-factor-login.ts'
import {
  beginFactor,
  type Confirmation,
  confirmFactor,
  countRecoveryCodes,
  factorsOf,
  getPending,
  hasFactor,
  hasFactors,
  removeFactor,
  replaceRecoveryCodes,
} from './second-factors.ts'
import { describeTotp, stepOfCode, totpSecretBytes } from './totp.ts'
import { registrationOptions, verifyRegistration, type WebauthnSettings } from './webauthn.ts'

interface Owner {
  readonly accountId: string
}

/** What changing the factors of an owner takes who has proved the password. */
export interface ChangeNeeds {
  readonly clock: Clock
  readonly config: WebauthnSettings & MailSettings
  readonly keys: Pick<ServerKeys, 'totpSecrets' | 'webauthnChallenges'>
  readonly random: Random
  readonly store: Store
}

interface Needs extends ProofNeeds, ChangeNeeds {
  readonly keys: ProofNeeds['keys'] & ChangeNeeds['keys']
}

const defaultTotpName = 'Authenticator app'

/** Begins an authenticator app for an owner who has proved the password. Throws `too-many-factors`. @returns the secret that goes into it */
export async function beginTotp(
  owner: Owner,
  { clock, keys, random, store }: ChangeNeeds,
): Promise<{ id: string; secret: Uint8Array }> {
  const id = random.uuid()
  const secret = random.bytes(totpSecretBytes)
  const nonce = random.bytes(nonceBytes)
  const sealedSecret = sealBytes(keys.totpSecrets, nonce, totpAssociatedData(owner, id), secret)
  const begun = { id, type: 'totp', name: defaultTotpName, sealedSecret, now: clock.now() } as const
  await store.write((tx) => beginFactor(tx, owner, begun))
  return { id, secret }
}

/**
 * Begins to add an authenticator app. Throws `invalid-credentials` and `too-many-factors`.
 * @returns what goes into the app: the secret in base32, and an otpauth URI with it
 */
export async function startTotp(
  caller: SessionCaller,
  proof: PasswordProof,
  needs: Needs,
): Promise<{ id: string; secret: string; uri: string }> {
  const account = await proveAccount(caller, proof, needs)
  const { id, secret } = await beginTotp(caller, needs)
  const { host } = new URL(needs.config.publicUrl)
  return { id, ...describeTotp(secret, { issuer: host, label: account.email }) }
}

/** Recovery codes are in the form for people; null if the account has some already. */
type Confirmed = { readonly kind: 'confirmed'; readonly recoveryCodes: string[] | null }

async function confirm(
  caller: SessionCaller,
  id: string,
  confirmation: Confirmation,
  needs: Needs,
): Promise<Confirmed> {
  const codes = newRecoveryCodes(needs.random)
  return needs.store.write(async (tx) => {
    // Of two first factors at the same time, one makes the codes.
    await holdAccount(tx, caller.accountId)
    await confirmFactor(tx, caller, id, confirmation)
    await noteChange(tx, caller, 'second-factor-added', needs)
    if ((await countRecoveryCodes(tx, caller)) > 0) return { kind: 'confirmed', recoveryCodes: null }
    await replaceRecoveryCodes(tx, caller, codes)
    return { kind: 'confirmed', recoveryCodes: codes.map(showRecoveryCode) }
  })
}

/**
 * Confirms an app by a code that it shows now; logins ask for it from then on. Throws `not-found` and `too-many-factors`.
 * @param given.name in place of the one that it has by default
 */
export async function confirmTotp(
  caller: SessionCaller,
  { id, code, name }: { id: string; code: string; name?: string | undefined },
  needs: Needs,
): Promise<Confirmed | { readonly kind: 'wrong-code' }> {
  const now = needs.clock.now()
  const pending = await needs.store.read((reader) => getPending(reader, caller, { id, type: 'totp', now }))
  const { sealedSecret } = pending
  const secret = sealedSecret && totpSecretOf(caller, { id, sealedSecret }, needs)
  if (!secret) throw notFound()
  const lastStep = stepOfCode(secret, code, now)
  if (lastStep === undefined) return { kind: 'wrong-code' }
  return confirm(caller, id, { name: name ?? pending.name, now, lastStep }, needs)
}

/** Begins a passkey or a security key for an owner who has proved the password. Throws `too-many-factors`. */
export async function beginWebauthn(
  account: Pick<AccountRow, 'id' | 'email'>,
  needs: ChangeNeeds,
): Promise<{ id: string; options: WebauthnOptions }> {
  const { clock, random, store } = needs
  const owner = { accountId: account.id }
  const id = random.uuid()
  const begun = { id, type: 'webauthn', name: '', sealedSecret: null, now: clock.now() } as const
  const { webauthn } = await store.write(async (tx) => {
    await beginFactor(tx, owner, begun)
    return factorsOf(tx, owner)
  })
  return { id, options: await registrationOptions(account, id, webauthn, needs) }
}

/**
 * Begins to add a passkey or a security key. Throws `invalid-credentials` and `too-many-factors`.
 * @returns what `navigator.credentials.create()` takes
 */
export async function startWebauthn(
  caller: SessionCaller,
  proof: PasswordProof,
  needs: Needs,
): Promise<{ id: string; options: WebauthnOptions }> {
  return beginWebauthn(await proveAccount(caller, proof, needs), needs)
}

/** Confirms a passkey by what its authenticator made; logins ask for it from then on. Throws `not-found` and `too-many-factors`. */
export async function confirmWebauthn(
  caller: SessionCaller,
  { id, response, name }: { id: string; response: WebauthnRegistration; name: string },
  needs: Needs,
): Promise<Confirmed | { readonly kind: 'wrong-answer' }> {
  const now = needs.clock.now()
  await needs.store.read((reader) => getPending(reader, caller, { id, type: 'webauthn', now }))
  const credential = await verifyRegistration(id, response, needs)
  if (!credential) return { kind: 'wrong-answer' }
  return confirm(caller, id, { name, now, ...credential }, needs)
}

/** Removes a factor, and with the last one the recovery codes. Throws `not-found` and `invalid-credentials`. */
export async function removeSecondFactor(
  caller: SessionCaller,
  id: string,
  proof: PasswordProof,
  needs: Needs,
): Promise<void> {
  if (!(await needs.store.read((reader) => hasFactor(reader, caller, id)))) throw notFound()
  await proveAccount(caller, proof, needs)
  await needs.store.write(async (tx) => {
    await holdAccount(tx, caller.accountId)
    await removeFactor(tx, caller, id)
    await noteChange(tx, caller, 'second-factor-removed', needs)
  })
}

/**
 * Puts new recovery codes in place of those there are. Throws `invalid-credentials`, and `not-found` if the account has no second factor.
 * @returns them in the form for people
 */
export async function renewRecoveryCodes(
  caller: SessionCaller,
  proof: PasswordProof,
  needs: Needs,
): Promise<string[]> {
  await proveAccount(caller, proof, needs)
  const codes = newRecoveryCodes(needs.random)
  await needs.store.write(async (tx) => {
    await holdAccount(tx, caller.accountId)
    // Codes without a factor would stand for nothing.
    if (!(await hasFactors(tx, caller))) throw notFound()
    await replaceRecoveryCodes(tx, caller, codes)
    await noteChange(tx, caller, 'recovery-codes-replaced', needs)
  })
  return codes.map(showRecoveryCode)
}
