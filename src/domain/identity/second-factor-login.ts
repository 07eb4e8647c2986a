// What a login has to show beside the password, where its account asks for that.
import { openBytes } from '../../aes-gcm.ts'
import type { Clock } from '../../clock.ts'
import type { SecondFactorChallenge } from '../../contract/problems.ts'
import type { SecondFactorProof } from '../../contract/second-factors.ts'
import type { Random } from '../../random.ts'
import type { Store, Tx } from '../../store/store.ts'
import { toBase64url } from '../encoding.ts'
import { secondFactorKey } from '../rate-limits/keys.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { ServerKeys } from '../server-keys.ts'
import { useOnce } from '../single-use.ts'
import {
  countRecoveryCodes,
  type Factors,
  factorsOf,
  hasFactors,
  noteAssertion,
  useRecoveryCode,
  useStep,
} from './second-factors.ts'
import { stepOfCode } from './totp.ts'
import { assertionOptions, verifyAssertion, type WebauthnSettings } from './webauthn.ts'

/** Why a login whose password is right has to go on, or ends here. */
export type FactorRefusal =
  /** The account asks for one of its factors. */
  | { readonly kind: 'second-factor-required'; readonly challenge: SecondFactorChallenge }
  /** It is wrong, or was used before. */
  | { readonly kind: 'second-factor-wrong'; readonly challenge: SecondFactorChallenge }
  /** The account's first factor was added at this moment: the next login is asked for it. */
  | { readonly kind: 'second-factor-added' }

/** A second factor that was looked at. What works once is used in the transaction that makes the session, or not at all. */
export interface CheckedFactor {
  readonly kind: 'checked'
  /** @returns whether the login may go on */
  use(tx: Tx): Promise<boolean>
  /** Why, if it may not. */
  readonly refusal: FactorRefusal
}

type Use = CheckedFactor['use']

/** What checking a second factor takes. */
export interface FactorNeeds {
  readonly clock: Clock
  readonly config: WebauthnSettings
  readonly keys: Pick<ServerKeys, 'totpSecrets' | 'webauthnChallenges'>
  readonly limiter: RateLimiter
  readonly random: Random
  readonly store: Store
}

interface Owner {
  readonly accountId: string
}

async function challengeOf(
  owner: Owner,
  factors: Factors,
  needs: FactorNeeds,
): Promise<SecondFactorChallenge> {
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
  }
}

/** In the context that sealed it: a secret that is put into another row opens nothing there. */
export const totpAssociatedData = ({ accountId }: Owner, factorId: string): string =>
  `totp:${accountId}:${factorId}`

function checkCode(
  owner: Owner,
  { totp }: Factors,
  code: string,
  { clock, keys }: FactorNeeds,
): Use | undefined {
  const now = clock.now()
  for (const { id, sealedSecret } of totp) {
    const secret = openBytes(keys.totpSecrets, totpAssociatedData(owner, id), sealedSecret)
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

async function check(
  owner: Owner,
  factors: Factors,
  given: SecondFactorProof,
  needs: FactorNeeds,
): Promise<Use | undefined> {
  if (given.type === 'recovery-code') return (tx) => useRecoveryCode(tx, owner, given.code)
  if (given.type === 'webauthn') return checkAssertion(owner, factors, given.response, needs)
  await needs.limiter.loginBackoff.begin(secondFactorKey(owner))
  return checkCode(owner, factors, given.code, needs)
}

/**
 * Checks the second factor of a login whose password was proved; never before, so that strangers learn nothing of it. Throws
 * `too-many-requests` after too many wrong codes of an app.
 */
export async function checkSecondFactor(
  owner: Owner,
  given: SecondFactorProof | undefined,
  needs: FactorNeeds,
): Promise<CheckedFactor | FactorRefusal> {
  const factors = await needs.store.read((reader) => factorsOf(reader, owner))
  if (factors.totp.length + factors.webauthn.length === 0)
    return {
      kind: 'checked',
      use: async (tx) => !(await hasFactors(tx, owner)),
      refusal: { kind: 'second-factor-added' },
    }
  const challenge = await challengeOf(owner, factors, needs)
  if (!given) return { kind: 'second-factor-required', challenge }
  const refusal = { kind: 'second-factor-wrong', challenge } as const
  const use = await check(owner, factors, given, needs)
  return use ? { kind: 'checked', use, refusal } : refusal
}

/** After a login: the wrong codes before it are forgotten. */
export const forgetGuesses = (owner: Owner, { limiter }: Pick<FactorNeeds, 'limiter'>): Promise<void> =>
  limiter.loginBackoff.forget(secondFactorKey(owner))
