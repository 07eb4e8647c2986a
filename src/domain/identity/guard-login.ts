// What stands before every proof of a password: attempts that fail are counted by address, and by address and e-mail together.
import { Failure } from '../failure.ts'
import type { RateLimiter } from '../rate-limits/budgets.ts'

/** Who tries to log in as whom. Whether the e-mail has an account makes no difference, so that limits tell nothing of it. */
interface LoginAttempt {
  readonly address: string
  readonly email: string
}

interface Needs {
  readonly limiter: RateLimiter
}

/** Nobody is counted by e-mail alone: strangers elsewhere could then keep the owner out. */
const pairOf = ({ address, email }: LoginAttempt) => `${address} ${email}`

/**
 * Counts an attempt before its proof is looked at; throws `too-many-requests`.
 * @returns what takes it back where it came to nothing that says whether the password was right
 */
async function countLogin({ limiter }: Needs, attempt: LoginAttempt) {
  await limiter.count('loginFailures', attempt.address)
  try {
    const takeBack = await limiter.failures.begin(pairOf(attempt))
    return async () => {
      await takeBack()
      await limiter.uncount('loginFailures', attempt.address)
    }
  } catch (refusal) {
    await limiter.uncount('loginFailures', attempt.address)
    throw refusal
  }
}

/** After a login: the failures before it are forgotten. */
async function forgetFailures({ limiter }: Needs, attempt: LoginAttempt) {
  await limiter.failures.forget(pairOf(attempt))
  await limiter.uncount('loginFailures', attempt.address)
}

/**
 * Counts the first half of an OPAQUE login. Whoever has its answer can see whether a guess was right without ever sending the
 * second half, so a start is a failure until its finish has succeeded.
 */
export async function countStartedLogin(services: Needs, attempt: LoginAttempt): Promise<void> {
  await countLogin(services, attempt)
}

const countedBefore = async () => {}

/**
 * Runs a login that throws `invalid-credentials` where the proof is wrong; only that is a failure.
 * @param isFinish whether its first half was counted by `countStartedLogin`
 */
export async function guardLogin<T>(
  services: Needs,
  attempt: LoginAttempt & { readonly isFinish: boolean },
  login: () => Promise<T>,
): Promise<T> {
  const takeBack = attempt.isFinish ? countedBefore : await countLogin(services, attempt)
  try {
    const result = await login()
    await forgetFailures(services, attempt)
    return result
  } catch (error) {
    const code = error instanceof Failure ? error.code : undefined
    // The password was right; guesses of the factor are counted where it is checked.
    if (code === 'second-factor-required' || code === 'invalid-second-factor')
      await forgetFailures(services, attempt)
    else if (code !== 'invalid-credentials') await takeBack()
    throw error
  }
}
