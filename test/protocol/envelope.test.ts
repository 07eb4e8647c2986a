// Envelopes: what holds for every plaintext, and what must not open whatever else is right.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KdfParameters, maxKdf } from '../../src/contract/accounts.ts'
import { Sealed } from '../../src/contract/primitives.ts'
import {
  type AssociatedData,
  encodeAssociatedData,
  itemAssociatedData,
  unlockAssociatedData,
  unlockUseAssociatedData,
  vaultDataAssociatedData,
} from '../../src/protocol/associated-data.ts'
import { decodeBase64url, encodeBase64url } from '../../src/protocol/base64url.ts'
import { OpenError, open, seal } from '../../src/protocol/envelope.ts'
import { newKdf, newKey } from '../../src/protocol/keys.ts'

const key = newKey()
const context = itemAssociatedData(
  '8d5b1c9e-0c64-4b2e-8f3d-1a2b3c4d5e01',
  'c4a7e2d0-7b3f-4e19-a6c8-9d8e7f6a5b01',
)
const plaintexts = fc.uint8Array({ maxLength: 5000 })

function withByte(sealed: string, at: number, change: (byte: number) => number): string {
  const bytes = decodeBase64url(sealed)
  bytes[at] = change(bytes[at] ?? 0)
  return encodeBase64url(bytes)
}

describe('seal and open', () => {
  test('give back every plaintext', async () => {
    await fc.assert(
      fc.asyncProperty(plaintexts, async (plaintext) => {
        const sealed = await seal(key, context, plaintext)
        expect(await open(key, context, sealed)).toEqual(plaintext)
        expect(Sealed.safeParse(sealed).success).toBe(true)
      }),
    )
  })

  test('add at the most 12 % and 82 bytes', async () => {
    await fc.assert(
      fc.asyncProperty(plaintexts, async (plaintext) => {
        const { length } = decodeBase64url(await seal(key, context, plaintext))
        expect(length).toBeLessThanOrEqual(1.12 * (plaintext.length + 1) + 81)
      }),
    )
  })

  test('refuse every flipped bit', async () => {
    await fc.assert(
      fc.asyncProperty(plaintexts, fc.nat(), fc.nat(7), async (plaintext, somewhere, bit) => {
        const sealed = await seal(key, context, plaintext)
        const at = somewhere % decodeBase64url(sealed).length
        const flipped = withByte(sealed, at, (byte) => byte ^ (1 << bit))
        await expect(open(key, context, flipped)).rejects.toThrow(OpenError)
      }),
    )
  })

  test('refuse every other key and context', async () => {
    const contexts = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(contexts, contexts, async (own, other) => {
        fc.pre(JSON.stringify(own) !== JSON.stringify(other))
        const sealed = await seal(key, own, Uint8Array.of(1))
        await expect(open(key, other, sealed)).rejects.toThrow(OpenError)
        await expect(open(newKey(), own, sealed)).rejects.toThrow(OpenError)
      }),
    )
  })

  test('are different each time', async () => {
    expect(await seal(key, context, Uint8Array.of(1))).not.toBe(await seal(key, context, Uint8Array.of(1)))
  })

  test('give lengths that do not tell one plaintext from one of nearly its length', async () => {
    const short = await seal(key, context, new Uint8Array(1000))
    const long = await seal(key, context, new Uint8Array(1007))
    expect(short.length).toBe(long.length)
  })

  test('hold the largest item that the server takes', async () => {
    const plaintext = new Uint8Array(250_000).fill(7)
    const sealed = await seal(key, context, plaintext)
    expect(Sealed.safeParse(sealed).success).toBe(true)
    expect(await open(key, context, sealed)).toEqual(plaintext)
  })

  test('take a plaintext and a key that are part of a larger buffer', async () => {
    const buffer = crypto.getRandomValues(new Uint8Array(100))
    const sealed = await seal(buffer.subarray(3, 35), context, buffer.subarray(40, 50))
    expect(await open(buffer.slice(3, 35), context, sealed)).toEqual(buffer.slice(40, 50))
  })
})

describe('open refuses', () => {
  test('a wrong commitment although key, context and body are right', async () => {
    const sealed = await seal(key, context, new TextEncoder().encode('limpet'))
    for (const at of [33, 48, 64])
      await expect(
        open(
          key,
          context,
          withByte(sealed, at, (byte) => byte ^ 1),
        ),
      ).rejects.toThrow(OpenError)
  })

  test('with one and the same error', async () => {
    const sealed = await seal(key, context, Uint8Array.of(1))
    const outcomes = await Promise.allSettled([
      open(newKey(), context, sealed),
      open(key, vaultDataAssociatedData('x'), sealed),
      open(key, context, ''),
      open(key, context, `${sealed}=`),
      open(key, context, sealed.slice(0, -2)),
      open(
        key,
        context,
        withByte(sealed, 0, () => 2),
      ),
      open(
        key,
        context,
        withByte(sealed, 40, (byte) => byte ^ 1),
      ),
      open(
        key,
        context,
        withByte(sealed, 70, (byte) => byte ^ 1),
      ),
    ])
    for (const outcome of outcomes)
      expect(outcome).toStrictEqual({ status: 'rejected', reason: new OpenError() })
  })
})

describe('misuse is a TypeError', () => {
  const sealed = 'AQ'

  test.each([0, 16, 31, 33, 43])('a key of %i bytes', async (length) => {
    await expect(seal(new Uint8Array(length), context, Uint8Array.of(1))).rejects.toThrow(TypeError)
    await expect(open(new Uint8Array(length), context, sealed)).rejects.toThrow(TypeError)
  })

  test('a context with half of a surrogate pair, which UTF-8 would turn into another one', async () => {
    const broken: AssociatedData = ['item', '\ud800', 'x']
    await expect(seal(key, broken, Uint8Array.of(1))).rejects.toThrow(TypeError)
    await expect(open(key, broken, sealed)).rejects.toThrow(TypeError)
  })

  test('a random source that gives too little', async () => {
    const short = () => new Uint8Array(16)
    await expect(seal(key, context, Uint8Array.of(1), short)).rejects.toThrow(TypeError)
    expect(() => newKey(short)).toThrow(TypeError)
  })
})

describe('contexts', () => {
  test('encode to the same bytes only where they are the same', () => {
    const contexts = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 })
    fc.assert(
      fc.property(contexts, contexts, (left, right) => {
        const same =
          encodeBase64url(encodeAssociatedData(left)) === encodeBase64url(encodeAssociatedData(right))
        expect(same).toBe(JSON.stringify(left) === JSON.stringify(right))
      }),
    )
  })

  test('that stay on a disk have a role of their own', () => {
    expect(unlockAssociatedData('an account')).toEqual(['unlock', 'an account'])
    expect(unlockUseAssociatedData('an account')).toEqual(['unlock-use', 'an account'])
  })
})

describe('new keys and parameters', () => {
  test('are fresh each time', () => {
    expect(newKey()).toHaveLength(32)
    expect(newKey()).not.toEqual(newKey())
    expect(newKdf().salt).not.toBe(newKdf().salt)
    expect(KdfParameters.safeParse(newKdf()).success).toBe(true)
  })

  test('are never weaker or heavier than a client accepts', () => {
    expect(newKdf(maxKdf)).toMatchObject(maxKdf)
    expect(() => newKdf({ memoryKiB: 19_455, iterations: 2, parallelism: 1 })).toThrow(
      'from 19456 to 1048576',
    )
    expect(() => newKdf({ ...maxKdf, iterations: 17 })).toThrow('iterations 17')
  })
})
