// Pauses by themselves: attempts that are under way at the same time, and those that are taken back.
import { describe, expect, it } from 'vitest'
import { countersOver } from '../../../src/domain/rate-limits/counters.ts'
import { createLoginBackoff } from '../../../src/domain/rate-limits/login-backoff.ts'

const free = 20

describe('attempts at the same time', () => {
  it('leave nothing once all of them are taken back', async () => {
    const backoff = createLoginBackoff(countersOver(undefined), 16)
    for (let round = 0; round < 3; round++) {
      const begun = await Promise.all(Array.from({ length: free + 5 }, () => backoff.tryBegin('key')))
      const attempts = begun.filter((one) => one.ok)
      expect(attempts, `round ${round}`).toHaveLength(free)
      for (const { takeBack } of attempts) await takeBack()
    }
    for (let failed = 0; failed < free; failed++) await backoff.begin('key')
    await expect(backoff.begin('key')).rejects.toMatchObject({
      code: 'too-many-requests',
      // The pauses of attempts that were taken back did not make this one longer.
      retryAfter: 5,
    })
    await expect(backoff.begin('another key')).resolves.toBeDefined()
  })
})
