// Links and their keys: against the vectors, and what becomes of links on their way.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { encodeBase64url } from '../../src/protocol/base64url.ts'
import { PasswordRefusedError } from '../../src/protocol/password.ts'
import {
  formatShareLink,
  newShareKey,
  parseShareLink,
  ShareLinkError,
  shareKeys,
} from '../../src/protocol/share-link.ts'
import { vectors } from './read-vectors.ts'

function refusal(text: string): unknown {
  try {
    return parseShareLink(text)
  } catch (error) {
    return error
  }
}

describe('the keys of a share', () => {
  test.each(vectors.shares.accepted)('$name', async ({ linkKey, passphrase, fernetKey, proof }) => {
    expect(await shareKeys(linkKey, passphrase ?? undefined)).toEqual({ fernetKey, proof })
  })

  it('need a passphrase that has a UTF-8 form, where there is one', async () => {
    for (const passphrase of ['', 'a\ud800', '\udc00b'])
      await expect(shareKeys(newShareKey(), passphrase)).rejects.toThrow(PasswordRefusedError)
  })
})

describe('a link', () => {
  test.each(vectors.shares.links)('is read: $text', ({ text, ...link }) => {
    expect(parseShareLink(text)).toEqual(link)
  })

  test.each(vectors.shares.refusedLinks)('is refused with $why: $text', ({ text, incomplete }) => {
    const error = refusal(text)
    expect(error).toBeInstanceOf(ShareLinkError)
    expect(error).toMatchObject({ incomplete })
  })

  it('is what it was made of', () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map(encodeBase64url)
    const link = fc.record({
      server: fc
        .webUrl({ withQueryParameters: false, withFragments: false })
        .map((url) => url.replace(/\/+$/, '')),
      id: bytes(16),
      key: bytes(32),
    })
    fc.assert(
      fc.property(
        link.filter(({ server }) => !/%(25)*23/.test(server)),
        (made) => {
          expect(parseShareLink(formatShareLink(made))).toEqual(made)
        },
      ),
    )
  })

  it('is refused without any of its last characters, and the refusal does not repeat it', () => {
    const key = newShareKey()
    const link = formatShareLink({ server: 'https://vault.example.com', id: 'A'.repeat(22), key })
    for (let length = link.indexOf('/s/'); length < link.length; length++) {
      const error = refusal(link.slice(0, length))
      expect(error).toBeInstanceOf(ShareLinkError)
      expect(String(error)).not.toContain(key.slice(0, 6))
    }
  })

  it('has a new key of 32 bytes each time', () => {
    const keys = Array.from({ length: 50 }, () => newShareKey())
    expect(new Set(keys)).toHaveLength(50)
    for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/)
  })
})
