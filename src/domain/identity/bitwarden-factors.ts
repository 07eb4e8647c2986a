// How an account of Bitwarden's apps gets, shows and loses second factors. Who calls these functions has proved the password, or holds a
// grant (factor-grants.ts). There is one app and one address for codes; security keys stand in numbered slots.
import { eq } from 'drizzle-orm'
import type { WebauthnOptions, WebauthnRegistration } from '../../contract/second-factors.ts'
import type { Tx } from '../../store/store.ts'
import { holdAccount } from '../account-row.ts'
import { type AccountChange, noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { mailRequestKey } from '../rate-limits/keys.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'
import type { ServerKeys } from '../server-keys.ts'
import { findRecoveryCode, recoveryCodeOf } from './account-recovery.ts'
import { getAccount } from './accounts.ts'
import { noteBitwardenChange } from './bitwarden-accounts.ts'
import { noCodeForNow } from './bitwarden-proofs.ts'
import type { FactorType } from './factor-grants.ts'
import { checkCode, mailCode } from './mailed-codes.ts'
import { forgetRememberedDevices } from './remembered-devices.ts'
import { beginTotp, beginWebauthn, type ChangeNeeds } from './second-factor-changes.ts'
import { totpSecretOf } from './second-factor-login.ts'
import { beginFactor, confirmFactor, factorsOf, findPending, removeFactor } from './second-factors.ts'
import { base32Of, stepOfCode } from './totp.ts'
import { verifyRegistration } from './webauthn.ts'

interface Caller extends SessionCaller {
  readonly deviceIdentifier: string
}

interface Needs extends ChangeNeeds {
  readonly keys: ChangeNeeds['keys'] & Pick<ServerKeys, 'bitwardenSecrets' | 'mailedCodes'>
}

/** Changes the factors in one transaction: with the account held, noted for the owner, and with no device remembered after it. */
const changeFactors = <T>(
  caller: Caller,
  change: AccountChange,
  needs: Needs,
  work: (tx: Tx, now: number) => Promise<T>,
): Promise<T> => {
  const now = needs.clock.now()
  return needs.store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now, what: 'settings' })
    await holdAccount(tx, caller.accountId)
    const result = await work(tx, now)
    await forgetRememberedDevices(tx, caller)
    await noteChange(tx, caller, change, needs)
    return result
  })
}

/**
 * The secret of the account's app in base32; if it has no app, that of one which is begun with this. Throws `not-found` if the server's
 * key for such secrets is another than it was.
 */
export async function showTotp(
  caller: Caller,
  needs: Needs,
): Promise<{ readonly isEnabled: boolean; readonly secret: string }> {
  const { totp } = await needs.store.read((reader) => factorsOf(reader, caller))
  const [known] = totp
  if (!known) return { isEnabled: false, secret: base32Of((await beginTotp(caller, needs)).secret) }
  const secret = totpSecretOf(caller, known, needs)
  if (!secret) throw notFound()
  return { isEnabled: true, secret: base32Of(secret) }
}

const isSame = (one: string, other: string) => isSameHash(hashSecret(one), hashSecret(other))

/**
 * Has logins ask for the codes of the app that was begun last. Repeating it changes nothing. Throws `not-found` if its secret is
 * another, or was shown too long ago.
 * @param given.secret in base32, as it was shown
 * @returns whether the code is one that the app shows now
 */
export async function enableTotp(
  caller: Caller,
  given: { readonly secret: string; readonly code: string },
  needs: Needs,
): Promise<boolean> {
  const now = needs.clock.now()
  const [known, pending] = await needs.store.read(async (reader) => [
    (await factorsOf(reader, caller)).totp[0],
    await findPending(reader, caller, { type: 'totp', now }),
  ])
  const factor = known ?? pending
  const sealedSecret = factor?.sealedSecret
  const secret = factor && sealedSecret && totpSecretOf(caller, { id: factor.id, sealedSecret }, needs)
  if (!secret || !isSame(base32Of(secret), given.secret)) throw notFound()
  const lastStep = stepOfCode(secret, given.code, now)
  if (lastStep === undefined) return false
  if (known || !pending) return true
  await changeFactors(caller, 'second-factor-added', needs, (tx) =>
    confirmFactor(tx, caller, pending.id, { name: pending.name, now, lastStep }),
  )
  return true
}

/** Begins a security key. @returns what `navigator.credentials.create()` takes. Throws `too-many-factors` */
export async function startSecurityKey(caller: Caller, needs: Needs): Promise<WebauthnOptions> {
  const account = await needs.store.read((reader) => getAccount(reader, caller))
  return (await beginWebauthn(account, needs)).options
}

/**
 * Has logins ask for the security key that was begun last. Throws `not-found` if none was in the last minutes, and
 * `too-many-factors` if its slot is taken.
 * @returns whether the answer is that of an authenticator to the options
 */
export async function addSecurityKey(
  caller: Caller,
  given: { readonly slot: number; readonly name: string; readonly response: WebauthnRegistration },
  needs: Needs,
): Promise<boolean> {
  const { name, response, slot } = given
  const now = needs.clock.now()
  const pending = await needs.store.read((reader) => findPending(reader, caller, { type: 'webauthn', now }))
  if (!pending) throw notFound()
  const credential = await verifyRegistration(pending.id, response, needs)
  if (!credential) return false
  await changeFactors(caller, 'second-factor-added', needs, async (tx) => {
    const { webauthn } = await factorsOf(tx, caller)
    if (webauthn.some((factor) => factor.slot === slot))
      throw new Failure(
        'too-many-factors',
        'There is a security key under this number already. Load the page again.',
      )
    await confirmFactor(tx, caller, pending.id, { name, now, slot, ...credential })
  })
  return true
}

/** Removes a security key; throws `not-found`. */
export const removeSecurityKey = (caller: Caller, slot: number, needs: Needs): Promise<void> =>
  changeFactors(caller, 'second-factor-removed', needs, async (tx) => {
    const { webauthn } = await factorsOf(tx, caller)
    const factor = webauthn.find((one) => one.slot === slot)
    if (!factor) throw notFound()
    await removeFactor(tx, caller, factor.id)
  })

const addressCodeOf = ({ accountId }: Caller, email: string) =>
  ({ accountId, purpose: 'factor-address', detail: email }) as const

/**
 * Mails a code to the address that codes of logins are to be mailed to. Throws `email-off` and `too-many-requests`.
 * @param email in its normalized form
 */
export async function mailAddressCode(
  caller: Caller,
  email: string,
  needs: Needs & { readonly limiter: RateLimiter },
): Promise<void> {
  if (!needs.config.smtp) throw new Failure('email-off', 'This server sends no e-mail.')
  await needs.limiter.count('mailAbout', mailRequestKey({ address: caller.address, email }))
  if (!(await needs.store.write((tx) => mailCode(tx, addressCodeOf(caller, email), needs, { email }))))
    throw noCodeForNow()
}

/**
 * Has logins ask for codes by mail, in place of the address before.
 * @param given.code that was mailed there
 * @returns whether the code is right
 */
export async function enableEmail(
  caller: Caller,
  { email, code }: { readonly email: string; readonly code: string },
  needs: Needs,
): Promise<boolean> {
  const { clock, keys, random, store } = needs
  const now = clock.now()
  const check = (tx: Tx, isLast: boolean) =>
    checkCode(tx, addressCodeOf(caller, email), { code, isLast }, { keys, now })
  // A wrong one is counted, whatever becomes of the rest.
  if (!(await store.write((tx) => check(tx, false)))) return false
  await changeFactors(caller, 'second-factor-added', needs, async (tx) => {
    if (!(await check(tx, true))) throw notFound()
    for (const { id } of (await factorsOf(tx, caller)).email) await removeFactor(tx, caller, id)
    const begun = { id: random.uuid(), type: 'email', name: email, sealedSecret: null, now } as const
    await beginFactor(tx, caller, begun)
    await confirmFactor(tx, caller, begun.id, { name: email, now, email })
  })
  return true
}

/** Has new devices checked, or not. */
export const setDeviceCheck = (caller: Caller, isOn: boolean, { clock, store }: Needs): Promise<void> =>
  store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'settings' })
    const { bitwardenAccounts } = tx.tables
    await tx.db
      .update(bitwardenAccounts)
      .set({ verifiesDevices: isOn })
      .where(eq(bitwardenAccounts.accountId, caller.accountId))
  })

/** Removes every factor of a kind. If there is none, nothing is changed. */
export async function disableFactors(caller: Caller, type: FactorType, needs: Needs): Promise<void> {
  const before = await needs.store.read((reader) => factorsOf(reader, caller))
  if (before[type].length === 0) return
  await changeFactors(caller, 'second-factor-removed', needs, async (tx) => {
    for (const { id } of (await factorsOf(tx, caller))[type]) await removeFactor(tx, caller, id)
  })
}

/** The one code that removes every factor at a login. The owner may be shown it again. */
export async function showRecoveryCode(caller: Caller, needs: Needs): Promise<string> {
  const { clock, store } = needs
  const known = await store.read((reader) => findRecoveryCode(reader, caller, needs))
  if (known !== undefined) return known
  return store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'settings' })
    return recoveryCodeOf(tx, caller, needs)
  })
}
