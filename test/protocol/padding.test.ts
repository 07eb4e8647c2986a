// Padding and base64url: what holds for every input.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { padme } from '../../src/contract/file-sizes.ts'
import { decodeBase64url, encodeBase64url } from '../../src/protocol/base64url.ts'
import { pad, unpad } from '../../src/protocol/padding.ts'

const lengths = fc.oneof(
  fc.nat(5000),
  fc.nat(2 ** 31),
  fc.maxSafeNat().map((number) => Math.floor(number / 2)),
)

describe('padme', () => {
  test('never shortens, adds at the most 12 %, and is at rest', () => {
    fc.assert(
      fc.property(lengths, (length) => {
        const padded = padme(length)
        expect(padded).toBeGreaterThanOrEqual(length)
        expect(padded).toBeLessThanOrEqual(length * 1.12)
        expect(padme(padded)).toBe(padded)
      }),
    )
  })

  test('never falls', () => {
    fc.assert(
      fc.property(lengths, fc.nat(1000), (length, more) => {
        expect(padme(length + more)).toBeGreaterThanOrEqual(padme(length))
      }),
    )
  })

  test('leaves few lengths', () => {
    const thousand = new Set(Array.from({ length: 100_000 }, (_, length) => padme(length)))
    expect(thousand.size).toBeLessThan(250)
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a length of %d', (length) => {
    expect(() => padme(length)).toThrow(RangeError)
  })
})

describe('pad and unpad', () => {
  test('give back every plaintext', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (plaintext) => {
        expect(unpad(pad(plaintext))).toEqual(plaintext)
      }),
    )
  })

  test('have one spelling: whatever unpads is what pad makes', () => {
    const nearPadding = fc.array(fc.constantFrom(0, 0, 0, 0x80, 1), { maxLength: 40 })
    fc.assert(
      fc.property(nearPadding, (bytes) => {
        const padded = Uint8Array.from(bytes)
        let plaintext: Uint8Array
        try {
          plaintext = unpad(padded)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
          return
        }
        expect(pad(plaintext)).toEqual(padded)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('base64url', () => {
  test('is what Node writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const text = encodeBase64url(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
        expect(decodeBase64url(text)).toEqual(bytes)
      }),
    )
  })

  test('has one spelling: whatever decodes is what encode writes', () => {
    const nearBase64url = fc.string({ unit: fc.constantFrom(...'AQgwBC_-+/= \n'), maxLength: 9 })
    fc.assert(
      fc.property(nearBase64url, (text) => {
        let bytes: Uint8Array
        try {
          bytes = decodeBase64url(text)
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
          return
        }
        expect(encodeBase64url(bytes)).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  test('takes the largest envelope', () => {
    const bytes = new Uint8Array(256 * 1024).map((_, index) => index * 31)
    expect(decodeBase64url(encodeBase64url(bytes))).toEqual(bytes)
  })
})
