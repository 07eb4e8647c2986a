// What stands before every proof of a password: attempts that fail are counted by address, and by address and e-mail together.

import { tooMany } from '../rate-limits/counters.ts'
import { loginKey } from '../rate-limits/keys.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'

/** Who tries to log in as whom. Whether the e-mail has an account makes no difference, so that limits tell nothing of it. */
export interface LoginAttempt {
  readonly address: string
  readonly email: string
}

interface Needs {
  readonly limiter: RateLimiter
}

/**
 * Counts an attempt before its proof is looked at; throws `too-many-requests`.
 * @returns what takes it back if it came to nothing that says whether the password was right
 */
async function countLogin({ limiter }: Needs, attempt: LoginAttempt) {
  await limiter.count('loginFailures', attempt.address)
  const begun = await limiter.loginBackoff.tryBegin(loginKey(attempt)).catch(async (error: unknown) => {
    await limiter.uncount('loginFailures', attempt.address)
    throw error
  })
  if (!begun.ok) {
    await limiter.uncount('loginFailures', attempt.address)
    throw tooMany(begun.waitMs)
  }
  return async () => {
    await begun.takeBack()
    await limiter.uncount('loginFailures', attempt.address)
  }
}

/** After a login: the failures before it are forgotten. */
async function forgetFailures({ limiter }: Needs, attempt: LoginAttempt) {
  await Promise.all([
    limiter.loginBackoff.forget(loginKey(attempt)),
    limiter.uncount('loginFailures', attempt.address),
  ])
}

/**
 * Counts the first half of an OPAQUE login; throws `too-many-requests`. Its answer shows a client whether a guess was right, even if
 * the second half is never sent, so a start is a failure until its finish has succeeded.
 */
export async function countStartedLogin(needs: Needs, attempt: LoginAttempt): Promise<void> {
  await countLogin(needs, attempt)
}

const countedBefore = async () => {}

/** What an attempt says about the password. `unsaid` stands for nothing: the attempt was refused for another reason. */
export type PasswordVerdict = 'right' | 'wrong' | 'unsaid'

/**
 * Runs what proves a password. Only a wrong password is a failure; a right one ends the count of those before it. Throws
 * `too-many-requests`, and whatever `prove` throws, which says nothing about the password.
 * @param attempt.isFinish whether the first half was counted by `countStartedLogin`
 */
export async function guardLogin<Outcome>(
  needs: Needs,
  attempt: LoginAttempt & { readonly isFinish: boolean },
  prove: () => Promise<Outcome>,
  verdictOf: (outcome: Outcome) => PasswordVerdict,
): Promise<Outcome> {
  const takeBack = attempt.isFinish ? countedBefore : await countLogin(needs, attempt)
  const outcome = await prove().catch(async (error: unknown) => {
    await takeBack()
    throw error
  })
  const verdict = verdictOf(outcome)
  if (verdict === 'right') await forgetFailures(needs, attempt)
  if (verdict === 'unsaid') await takeBack()
  return outcome
}
