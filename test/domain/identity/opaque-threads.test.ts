import { client, ready } from '@serenity-kit/opaque'
import { beforeAll, describe, expect, it } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { createOpaqueServer } from '../../../src/domain/identity/opaque.ts'
import { isOpaqueSetup } from '../../../src/domain/identity/opaque-library.ts'
import { startThread, threadsThatDie } from '../../support/opaque-threads.ts'
import { testOpaqueSetup } from '../../support/server.ts'

const notAMessage = 'A'.repeat(43)
const outcomesOf = (settled: readonly PromiseSettledResult<unknown>[]) =>
  settled.map((one) => (one.status === 'fulfilled' ? one.value !== undefined : one.reason))

describe('threads that compute OPAQUE', () => {
  let request: string
  beforeAll(async () => {
    await ready
    request = client.startRegistration({ password: 'correct horse' }).registrationRequest
  })

  it('compute while the event loop goes on', async () => {
    const opaque = createOpaqueServer(testOpaqueSetup, { most: 1 })
    try {
      await opaque.startRegistration('anybody', request)
      const order: string[] = []
      const answered = opaque.startRegistration('anybody', request).then(() => order.push('answer'))
      setImmediate(() => order.push('event loop'))
      await answered
      expect(order).toEqual(['event loop', 'answer'])
      expect(await opaque.startRegistration('anybody', notAMessage)).toBeUndefined()
      expect(await opaque.isRecord('A'.repeat(256))).toBe(false)
      expect(await opaque.finishLogin('A'.repeat(171), 'B'.repeat(86))).toBe(false)
    } finally {
      await opaque.close()
    }
  })

  it('are started for calls that would wait, and no more of them than may be', async () => {
    let started = 0
    const start = (setup: string) => {
      started++
      return startThread(setup)
    }
    const opaque = createOpaqueServer(testOpaqueSetup, { most: 2, start })
    try {
      expect(started).toBe(0)
      await opaque.startRegistration('anybody', request)
      await opaque.startRegistration('anybody', request)
      expect(started).toBe(1)
      await Promise.all(Array.from({ length: 8 }, () => opaque.startRegistration('anybody', request)))
      expect(started).toBe(2)
    } finally {
      await opaque.close()
    }
  })

  it('refuse what would wait for too long, and nothing afterwards', async () => {
    const opaque = createOpaqueServer(testOpaqueSetup, { most: 1, maxWaitingEach: 3 })
    const ask = () => opaque.startRegistration('anybody', request)
    try {
      for (let round = 0; round < 2; round++) {
        const [...answers] = outcomesOf(await Promise.allSettled(Array.from({ length: 5 }, ask)))
        expect(answers.slice(0, 3)).toEqual([true, true, true])
        for (const refusal of answers.slice(3)) {
          expect(refusal).toBeInstanceOf(Failure)
          expect(refusal).toMatchObject({
            code: 'unavailable',
            message: 'Too many people are logging in at this moment.',
          })
        }
        expect(opaque.waiting()).toBe(0)
      }
    } finally {
      await opaque.close()
    }
  })

  it('are replaced when they die, and what they were computing is computed by the next', async () => {
    const lost: Error[] = []
    const { start, killAll } = threadsThatDie()
    const opaque = createOpaqueServer(testOpaqueSetup, {
      most: 1,
      start,
      onLost: (error) => lost.push(error),
    })
    const ask = () => opaque.startRegistration('anybody', request)
    try {
      const asked = [ask(), ask(), ask()]
      await killAll()
      expect(outcomesOf(await Promise.allSettled(asked))).toEqual([true, true, true])
      expect(lost).toHaveLength(1)
      expect(lost[0]?.message).not.toContain(testOpaqueSetup)
    } finally {
      await opaque.close()
    }
    expect(lost).toHaveLength(1)
  })

  it('are given up on by a call with which two have died', async () => {
    const { start, killAll, killNext } = threadsThatDie()
    const opaque = createOpaqueServer(testOpaqueSetup, { most: 1, start })
    const ask = () => opaque.startRegistration('anybody', request)
    try {
      const asked = ask()
      killNext(1)
      await killAll()
      await expect(asked).rejects.toThrow('A thread that computes OPAQUE has ended with code')
      expect(await ask()).toBeDefined()
    } finally {
      await opaque.close()
    }
  })

  it('answer what waits before they are closed, and refuse the rest', async () => {
    const opaque = createOpaqueServer(testOpaqueSetup, { most: 1 })
    const ask = () => opaque.startRegistration('anybody', request)
    const asked = [ask(), ask(), ask()]
    const closed = opaque.close()
    await expect(ask()).rejects.toThrow('Too many people')
    expect(outcomesOf(await Promise.allSettled(asked))).toEqual([true, true, true])
    await closed
    expect(opaque.waiting()).toBe(0)
  })

  it('take a setup in any form of base64url, as its fingerprint does', async () => {
    expect(await isOpaqueSetup(testOpaqueSetup)).toBe(true)
    expect(await isOpaqueSetup('A'.repeat(171))).toBe(false)
    const opaque = createOpaqueServer(`${testOpaqueSetup}=`, { most: 1 })
    try {
      expect(await opaque.startRegistration('anybody', request)).toBeDefined()
    } finally {
      await opaque.close()
    }
  })
})
