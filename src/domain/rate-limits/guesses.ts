// Guesses at what a person chose and gave to a reader: the passphrase of a share, the password of a send.
import type { Visitor } from '../caller.ts'
import { shareReaderKey } from './keys.ts'
import type { RateLimiter } from './limiter.ts'

/**
 * Counts a guess before it is known whether it is right. Once others have spent the tries of what is guessed at, each address has one
 * more: strangers who know the link's id do not keep its reader out. Throws `too-many-requests`, and what `prove` throws.
 * @param id of what is guessed at
 * @returns whether it is right
 */
export async function countGuess(
  limiter: RateLimiter,
  { address }: Visitor,
  id: string,
  prove: () => Promise<boolean>,
): Promise<boolean> {
  const reader = shareReaderKey(address, id)
  await limiter.count('addressProof', address)
  await limiter.count('readerProof', reader)
  const isLate = !(await limiter.tryCount('shareProof', id)).ok
  if (isLate) await limiter.count('lateProof', reader)
  const takeBack = async () => {
    await limiter.uncount('addressProof', address)
    await limiter.uncount('readerProof', reader)
    await limiter.uncount('shareProof', id)
    if (isLate) await limiter.uncount('lateProof', reader)
  }
  const isRight = await prove().catch(async (error: unknown) => {
    await takeBack()
    throw error
  })
  if (isRight) await takeBack()
  return isRight
}
