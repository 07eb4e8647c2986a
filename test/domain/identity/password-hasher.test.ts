// The queue before Argon2: bounded, in turn, and it tells whoever is too much when to come back.
import argon2 from 'argon2'
import { describe, expect, it, vi } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { createPasswordHasher } from '../../../src/domain/identity/password-hasher.ts'

// The real costs.
vi.unmock('argon2')

const secret = new Uint8Array(32).fill(7)
const wrong = new Uint8Array(32).fill(8)

/** Two at a time, and 64 that wait. */
const most = 66

const refusalsOf = (outcomes: PromiseSettledResult<unknown>[]): unknown[] =>
  outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))

describe('the queue before the hashes', () => {
  it('takes as many as it says and refuses all further ones at once', async () => {
    const hasher = createPasswordHasher()
    const hash = await hasher.hash(secret)
    const kinds = [
      () => hasher.verify(hash, secret),
      () => hasher.verify(hash, wrong),
      () => hasher.verify(undefined, new Uint8Array(32)),
      () => hasher.hash(secret),
    ]
    const order: string[] = []
    const outcomes = await Promise.allSettled(
      Array.from({ length: most + 40 }, async (_, index) => {
        try {
          return await kinds[index % kinds.length]?.()
        } finally {
          order.push(index < most ? 'taken' : 'refused')
        }
      }),
    )
    // Those that are too many did not wait for those that were taken.
    expect(order.lastIndexOf('refused')).toBeLessThan(order.indexOf('taken'))
    const [taken, refused] = [outcomes.slice(0, most), outcomes.slice(most)]
    expect(refusalsOf(taken)).toEqual([])
    const values = taken.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined))
    for (const [index, value] of values.entries())
      expect(value).toEqual(
        [true, false, false, expect.stringMatching(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)][index % 4],
      )
    const problems = refusalsOf(refused)
    expect(problems).toHaveLength(40)
    for (const problem of problems) {
      expect(problem).toBeInstanceOf(Failure)
      expect(problem).toMatchObject({
        code: 'unavailable',
        retryAfter: expect.any(Number),
      })
    }
  })

  it('is empty again afterwards, also after a hash that could not be read', async () => {
    const hasher = createPasswordHasher()
    const hash = await hasher.hash(secret)
    for (let round = 0; round < 2; round++) {
      const broken = await Promise.allSettled(
        Array.from({ length: most }, () => hasher.verify('not a hash', secret)),
      )
      expect(refusalsOf(broken)).toHaveLength(most)
      for (const refusal of refusalsOf(broken)) expect(refusal).not.toBeInstanceOf(Failure)
      const all = await Promise.all(Array.from({ length: most }, () => hasher.verify(hash, secret)))
      expect(new Set(all)).toEqual(new Set([true]))
    }
  })
})

describe('without an account', () => {
  it('checks against a hash that is like every other, and is told by no secret', async () => {
    const hasher = createPasswordHasher()
    const real = await hasher.hash(secret)
    const verify = vi.spyOn(argon2, 'verify')
    expect(await hasher.verify(undefined, secret)).toBe(false)
    const ofNobody = verify.mock.calls[0]?.[0] ?? ''
    verify.mockRestore()
    const parts = (hash: string) => hash.split('$')
    expect(parts(ofNobody).slice(0, 4)).toEqual(parts(real).slice(0, 4))
    expect(parts(ofNobody).map((part) => part.length)).toEqual(parts(real).map((part) => part.length))
    expect(ofNobody).not.toBe(real)
  })
})
