// What a login has to show beside the password, where its account asks for that.
import { openBytes } from '../../aes-gcm.ts'
import type { Clock } from '../../clock.ts'
import type { Device } from '../../contract/accounts.ts'
import type { SecondFactorChallenge } from '../../contract/problems.ts'
import type { SecondFactorProof } from '../../contract/second-factors.ts'
import type { Random } from '../../random.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { noteChangeOf } from '../audit/noted-changes.ts'
import { toBase64url } from '../encoding.ts'
import type { MailSettings } from '../mail/settings.ts'
import { secondFactorKey } from '../rate-limits/keys.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { ServerKeys } from '../server-keys.ts'
import { useOnce } from '../single-use.ts'
import { isRecoveryCode } from './account-recovery.ts'
import type { AccountRow } from './accounts.ts'
import { noteBitwardenChange } from './bitwarden-accounts.ts'
import { checkCode } from './mailed-codes.ts'
import { checkNewDevice, type DeviceRefusal } from './new-device-check.ts'
import { isRemembered, rememberDevice, rememberTokenBytes } from './remembered-devices.ts'
import {
  countRecoveryCodes,
  type Factors,
  factorsOf,
  hasFactors,
  noteAssertion,
  removeAllFactors,
  useRecoveryCode,
  useStep,
} from './second-factors.ts'
import { isKnownDevice } from './sessions.ts'
import { stepOfCode } from './totp.ts'
import { assertionOptions, verifyAssertion, type WebauthnSettings } from './webauthn.ts'

/** What a login shows: as the contract has it, or one of those that only Bitwarden's apps know. */
export type FactorProof =
  | SecondFactorProof
  /** A code that was mailed. */
  | { readonly type: 'email'; readonly code: string }
  /** What a device was given that is remembered, base64url. */
  | { readonly type: 'remembered'; readonly token: string }
  /** The one recovery code that removes every factor. */
  | { readonly type: 'account-recovery'; readonly code: string }
  /** Nothing that could be a proof of any kind. */
  | { readonly type: 'unreadable' }

/** What an account asks for. */
export interface FactorChallenge extends SecondFactorChallenge {
  /** Where a code can be mailed to: only an account of Bitwarden's apps has such an address. */
  readonly mailsTo?: string
}

/** Why a login whose password is right has to go on, or ends here. */
export type FactorRefusal =
  /** The account asks for one of its factors. */
  | { readonly kind: 'second-factor-required'; readonly challenge: FactorChallenge }
  /** It is wrong, or was used before. */
  | { readonly kind: 'second-factor-wrong'; readonly challenge: FactorChallenge }
  | DeviceRefusal
  /** The account's first factor was added at this moment: the next login is asked for it. */
  | { readonly kind: 'second-factor-added' }

/** A second factor that was looked at. What works once is used in the transaction that makes the session, or not at all. */
export interface CheckedFactor {
  readonly kind: 'checked'
  /** Takes the rows that come before the account's own in the order of locks. */
  hold(tx: Tx): Promise<void>
  /** Comes after the rows of the account and of its device. @returns whether the login may go on */
  use(tx: Tx): Promise<boolean>
  /** Why, if it may not. */
  readonly refusal: FactorRefusal
  /** By which the device logs in without its factor for a while, base64url; undefined if it is not to be remembered. */
  readonly rememberToken?: string | undefined
  /** Forgets the wrong codes of an app before it, once there is a login. */
  forgetGuesses?(): Promise<void>
}

type Use = CheckedFactor['use']

/** A proof that was found right, and what using it up takes. */
interface Right extends Partial<Pick<CheckedFactor, 'hold'>> {
  readonly use: Use
  /** Whether a person has shown a factor, so that the device may be remembered by it. */
  readonly isShown: boolean
}

/** What a login says of its second factor, and from where it comes. */
export interface FactorRequest {
  readonly secondFactor?: FactorProof | undefined
  /** Whether the device wants to be remembered: only one of Bitwarden's apps can. */
  readonly remembersDevice?: boolean | undefined
  /** What the owner was mailed for a device that the account does not know. */
  readonly deviceCode?: string | undefined
  readonly device: Device
  readonly address: string
}

/** What checking a second factor takes. */
export interface FactorNeeds {
  readonly clock: Clock
  readonly config: WebauthnSettings & MailSettings
  readonly keys: Pick<ServerKeys, 'bitwardenSecrets' | 'mailedCodes' | 'totpSecrets' | 'webauthnChallenges'>
  readonly limiter: RateLimiter
  readonly random: Random
  readonly store: Store
}

interface Owner {
  readonly accountId: string
}

async function challengeOf(owner: Owner, factors: Factors, needs: FactorNeeds): Promise<FactorChallenge> {
  const [email] = factors.email
  const codesLeft = await needs.store.read((reader) => countRecoveryCodes(reader, owner))
  return {
    methods: [
      ...(factors.totp.length > 0 ? (['totp'] as const) : []),
      ...(factors.webauthn.length > 0 ? (['webauthn'] as const) : []),
      ...(codesLeft > 0 ? (['recovery-code'] as const) : []),
    ],
    ...(factors.webauthn.length > 0 && {
      options: await assertionOptions(owner.accountId, factors.webauthn, needs),
    }),
    ...(email && { mailsTo: email.email }),
  }
}

/** In the context that sealed it: a secret that is put into another row opens nothing there. */
export const totpAssociatedData = ({ accountId }: Owner, factorId: string): string =>
  `totp:${accountId}:${factorId}`

/** What the codes of an app are made from. @returns undefined if the server's key is not the one that sealed it */
export const totpSecretOf = (
  owner: Owner,
  { id, sealedSecret }: { readonly id: string; readonly sealedSecret: Uint8Array },
  { keys }: { readonly keys: Pick<ServerKeys, 'totpSecrets'> },
): Buffer | undefined => openBytes(keys.totpSecrets, totpAssociatedData(owner, id), sealedSecret)

function checkAppCode(owner: Owner, { totp }: Factors, code: string, needs: FactorNeeds): Use | undefined {
  const now = needs.clock.now()
  for (const factor of totp) {
    const { id } = factor
    const secret = totpSecretOf(owner, factor, needs)
    const step = secret && stepOfCode(secret, code, now)
    if (step !== undefined) return (tx) => useStep(tx, owner, { id, step, now })
  }
  return undefined
}

async function checkAssertion(
  owner: Owner,
  { webauthn }: Factors,
  response: (SecondFactorProof & { type: 'webauthn' })['response'],
  needs: FactorNeeds,
): Promise<Use | undefined> {
  const factor = webauthn.find(({ credentialId }) => toBase64url(credentialId) === response.id)
  if (!factor) return undefined
  const verified = await verifyAssertion(owner.accountId, factor, response, needs)
  if (!verified) return undefined
  const { challenge, signCount } = verified
  const noted = { id: factor.id, signCount, now: needs.clock.now() }
  return async (tx) => (await useOnce(tx, challenge)) && noteAssertion(tx, owner, noted)
}

/** The code that a login was mailed. */
export const loginCodeOf = ({ accountId }: Owner) =>
  ({ accountId, purpose: 'second-factor', detail: null }) as const

/** A wrong code is counted, whatever becomes of the login. */
async function checkMailedCode(owner: Owner, code: string, needs: FactorNeeds): Promise<Use | undefined> {
  const { clock, keys, store } = needs
  const use = (tx: Tx, isLast: boolean) =>
    checkCode(tx, loginCodeOf(owner), { code, isLast }, { keys, now: clock.now() })
  const isRight = await store.write((tx) => use(tx, false))
  return isRight ? (tx) => use(tx, true) : undefined
}

/** Removes every factor of an account, as its owner has asked for by the recovery code. */
function recover(owner: Owner, code: string, { address, device }: FactorRequest, needs: FactorNeeds): Right {
  const now = needs.clock.now()
  const change = { accountId: owner.accountId, deviceIdentifier: device.id }
  return {
    isShown: false,
    async hold(tx) {
      await noteBitwardenChange(tx, change, { now, what: 'settings' })
    },
    async use(tx) {
      // Another login may have used it in between: the row is held since.
      if (!(await isRecoveryCode(tx, owner, code, needs))) return false
      await removeAllFactors(tx, owner)
      await noteChangeOf(
        tx,
        owner.accountId,
        { type: 'second-factor-removed', at: now, device, address },
        needs,
      )
      return true
    },
  }
}

const shown = (use: Use | undefined): Right | undefined => use && { use, isShown: true }

async function check(
  owner: Owner,
  factors: Factors,
  given: FactorProof,
  request: FactorRequest & { readonly guesses: string },
  needs: FactorNeeds,
): Promise<Right | undefined> {
  switch (given.type) {
    case 'unreadable':
      return undefined
    case 'recovery-code':
      return { use: (tx) => useRecoveryCode(tx, owner, given.code), isShown: false }
    case 'account-recovery': {
      const isRight = await needs.store.read((reader) => isRecoveryCode(reader, owner, given.code, needs))
      return isRight ? recover(owner, given.code, request, needs) : undefined
    }
    case 'remembered': {
      const device = { ...owner, identifier: request.device.id }
      const use = (reader: Reader) => isRemembered(reader, device, given.token, needs.clock.now())
      return (await needs.store.read(use)) ? { use, isShown: false } : undefined
    }
    case 'webauthn':
      return shown(await checkAssertion(owner, factors, given.response, needs))
    case 'email':
      return factors.email.length > 0 ? shown(await checkMailedCode(owner, given.code, needs)) : undefined
    case 'totp':
      await needs.limiter.loginBackoff.begin(request.guesses)
      return shown(checkAppCode(owner, factors, given.code, needs))
  }
}

/** Has the device remembered where that was asked for. */
function remembering(owner: Owner, { device }: FactorRequest, needs: FactorNeeds) {
  const token = toBase64url(needs.random.bytes(rememberTokenBytes))
  const remembered = { ...owner, identifier: device.id }
  return { token, write: (tx: Tx) => rememberDevice(tx, remembered, token, needs.clock.now()) }
}

const hold = async () => {}

/** An account without factors may want to know its devices. */
async function withoutFactors(
  account: AccountRow,
  request: FactorRequest,
  needs: FactorNeeds,
): Promise<CheckedFactor | FactorRefusal> {
  const device = await checkNewDevice(account, request, needs)
  if (device.kind !== 'known') return device
  return {
    kind: 'checked',
    hold,
    use: async (tx) => (await device.use(tx)) && !(await hasFactors(tx, { accountId: account.id })),
    refusal: { kind: 'second-factor-added' },
  }
}

/**
 * Checks the second factor of a login whose password was proved; never before, so that strangers learn nothing of it. Throws
 * `too-many-requests` after too many wrong codes of an app.
 */
export async function checkSecondFactor(
  account: AccountRow,
  request: FactorRequest,
  needs: FactorNeeds,
): Promise<CheckedFactor | FactorRefusal> {
  const owner = { accountId: account.id }
  const { secondFactor: given } = request
  const factors = await needs.store.read((reader) => factorsOf(reader, owner))
  if (factors.totp.length + factors.webauthn.length + factors.email.length === 0)
    return withoutFactors(account, request, needs)
  const challenge = await challengeOf(owner, factors, needs)
  if (!given) return { kind: 'second-factor-required', challenge }
  const isKnown = await needs.store.read((reader) => isKnownDevice(reader, owner, request.device))
  const guesses = secondFactorKey(owner, isKnown ? request.device.id : undefined)
  const right = await check(owner, factors, given, { ...request, guesses }, needs)
  // A device that is not remembered any more is asked, as one that never was.
  const kind = given.type === 'remembered' ? 'second-factor-required' : 'second-factor-wrong'
  const refusal = { kind, challenge } as const
  if (!right) return refusal
  const remembers = request.remembersDevice && right.isShown ? remembering(owner, request, needs) : undefined
  return {
    kind: 'checked',
    hold,
    ...right,
    async use(tx) {
      if (!(await right.use(tx))) return false
      await remembers?.write(tx)
      return true
    },
    refusal,
    rememberToken: remembers?.token,
    forgetGuesses: () => needs.limiter.loginBackoff.forget(guesses),
  }
}
