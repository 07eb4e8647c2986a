// How much mail one address is sent, whoever asks for it.
import { HttpProblem } from '../../http/problem.ts'
import type { Services } from '../route.ts'

/** Counts a mail to an address. @returns false where there were too many lately: then nothing is said, and nothing sent */
export async function maySendTo({ limiter }: Pick<Services, 'limiter'>, email: string): Promise<boolean> {
  try {
    await limiter.count('mailTo', email)
    return true
  } catch (error) {
    if (error instanceof HttpProblem && error.code === 'too-many-requests') return false
    throw error
  }
}
