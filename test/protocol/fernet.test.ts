// Fernet against the vectors of its specification, and against whoever changes a token on its way.
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { decodeBase64url, encodeBase64url } from '../../src/protocol/base64url.ts'
import { OpenError } from '../../src/protocol/envelope.ts'
import { decryptFernet, encryptFernet, fernetKeyBytes } from '../../src/protocol/fernet.ts'
import { vectors } from './read-vectors.ts'

const withoutPadding = (text: string) => text.replace(/=+$/, '')
const key = decodeBase64url(withoutPadding(vectors.fernet.key))

const bytesOf = (token: string) => decodeBase64url(withoutPadding(token))
const tokenOf = (bytes: Uint8Array) => {
  const text = encodeBase64url(bytes)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** The token with an HMAC that fits: what only whoever has the key could make. */
function signed(token: string): string {
  const content = bytesOf(token).slice(0, -32)
  const mac = createHmac('sha256', key.subarray(0, 16)).update(content).digest()
  return tokenOf(new Uint8Array([...content, ...mac]))
}

const refused = (why: string) => {
  const found = vectors.fernet.refused.find((vector) => vector.why === why)
  if (!found) throw new Error(`There is no vector "${why}"`)
  return found
}

describe('the vectors of the specification', () => {
  test.each(vectors.fernet.accepted)('$name', async ({ seconds, iv, plaintext, token }) => {
    const bytes = new TextEncoder().encode(plaintext)
    expect(await encryptFernet(key, bytes, { now: seconds * 1000, random: () => iv })).toBe(token)
    expect(await decryptFernet(key, token)).toEqual(bytes)
  })

  test.each(vectors.fernet.refused)('refuses: $why', async ({ token }) => {
    await expect(decryptFernet(key, token)).rejects.toStrictEqual(new OpenError())
  })

  it('refuses what is signed only for what is wrong beside', async () => {
    for (const why of ['payload padding error', 'incorrect IV (causes padding error)']) {
      const { token } = refused(why)
      expect(signed(token)).toBe(token)
      await expect(decryptFernet(key, token)).rejects.toThrow(OpenError)
    }
    expect(await decryptFernet(key, signed(refused('incorrect mac').token))).toEqual(new Uint8Array())
  })
})

describe('the vectors of shares', () => {
  test.each(vectors.shares.accepted)('$name', async ({ fernetKey, seconds, iv, plaintext, token }) => {
    const made = { now: seconds * 1000 + 999, random: () => iv }
    expect(await encryptFernet(fernetKey, plaintext, made)).toBe(token)
    expect(await decryptFernet(fernetKey, token)).toEqual(plaintext)
  })

  test.each(vectors.shares.refused)('refuses: $why', async ({ fernetKey, token }) => {
    await expect(decryptFernet(fernetKey, token)).rejects.toStrictEqual(new OpenError())
  })
})

describe('any token', () => {
  const keys = fc.uint8Array({ minLength: fernetKeyBytes, maxLength: fernetKeyBytes })

  it('opens to the bytes that it was made of', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.uint8Array({ maxLength: 300 }), async (anyKey, plaintext) => {
        const token = await encryptFernet(anyKey, plaintext)
        expect(token).toMatch(/^gAAAAA[\w-]+={0,2}$/)
        expect(token.length % 4).toBe(0)
        expect(await decryptFernet(anyKey, token)).toEqual(plaintext)
      }),
    )
  })

  it('is refused with any of its bytes changed', async () => {
    const token = bytesOf(await encryptFernet(key, new TextEncoder().encode('The quay closes at low tide.')))
    for (let at = 0; at < token.length; at++) {
      const changed = token.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte))
      await expect(decryptFernet(key, tokenOf(changed))).rejects.toStrictEqual(new OpenError())
    }
  })

  it('is refused where it is any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        await expect(decryptFernet(key, text)).rejects.toStrictEqual(new OpenError())
      }),
    )
  })

  it('never has the initialization vector of another', async () => {
    const plaintext = new Uint8Array(16)
    const tokens = await Promise.all(Array.from({ length: 50 }, () => encryptFernet(key, plaintext)))
    expect(new Set(tokens.map((token) => bytesOf(token).slice(9, 25).join()))).toHaveLength(50)
  })
})

it('takes only keys of 32 bytes', async () => {
  for (const length of [0, 16, 31, 33])
    await expect(encryptFernet(new Uint8Array(length), new Uint8Array())).rejects.toThrow(TypeError)
})
