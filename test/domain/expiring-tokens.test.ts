// Tokens that clients carry for the server: whatever is changed about one, it is none.
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hours, minutes } from '../../src/clock.ts'
import { linkTokenBytes } from '../../src/contract/sizes.ts'
import {
  openToken,
  sealToken,
  signedTokenBytes,
  signToken,
  unverifiedContent,
  verifyToken,
} from '../../src/domain/expiring-tokens.ts'
import { idInLink, isLinkFor, linkToken, toConfirm, toDelete } from '../../src/domain/mail/links.ts'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { systemRandom } from '../../src/random.ts'
import { testOpaqueSetup, testSecret } from '../support/server.ts'

const keys = deriveServerKeys(testSecret, testOpaqueSetup)
const now = Date.UTC(2026, 5, 1)
const expiresAt = now + minutes(5)
const content = Buffer.from('sixteen bytes!!!')

/** Both kinds, for one key and purpose. */
const kinds = {
  sealed: {
    make: (key = keys.opaqueHandshakes, about = 'login:ada') =>
      sealToken({ key, random: systemRandom }, about, { content, expiresAt }),
    read: (token: string, { key = keys.opaqueHandshakes, about = 'login:ada', at = now } = {}) =>
      openToken(key, about, token, at),
  },
  signed: {
    make: (key = keys.opaqueHandshakes, about = 'login:ada') => signToken(key, about, { content, expiresAt }),
    read: (token: string, { key = keys.opaqueHandshakes, about = 'login:ada', at = now } = {}) =>
      verifyToken(key, about, token, { contentBytes: content.length, now: at }),
  },
}

describe.each(Object.entries(kinds))('a %s token', (_kind, { make, read }) => {
  const token = make()
  const bytes = Buffer.from(token, 'base64url')

  it('gives back what it was made of', () => {
    expect(read(token)).toEqual({ content, expiresAt })
  })

  it('is none from its end on, however the clock moves', () => {
    expect(read(token, { at: expiresAt - 1 })).toBeDefined()
    expect(read(token, { at: expiresAt })).toBeUndefined()
    expect(read(token, { at: expiresAt + hours(1) })).toBeUndefined()
    expect(read(token, { at: now - hours(1) })).toEqual({ content, expiresAt })
  })

  it('is none for another purpose, or under the key of another one', () => {
    expect(read(token, { about: 'login:eve' })).toBeUndefined()
    expect(read(token, { about: '' })).toBeUndefined()
    expect(read(token, { key: keys.opaqueRegistrations })).toBeUndefined()
    const otherServer = deriveServerKeys(`${testSecret}x`, testOpaqueSetup)
    expect(read(token, { key: otherServer.opaqueHandshakes })).toBeUndefined()
  })

  it('is none when a bit of it is flipped', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(read(flipped.toString('base64url')), `bit ${bit}`).toBeUndefined()
    }
  })

  it('is none when it is cut, longer, or spelled in another way', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(read(bytes.subarray(0, length).toString('base64url')), `${length} bytes`).toBeUndefined()
    expect(read(Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'))).toBeUndefined()
    for (const spelling of [
      `${token}=`,
      `${token} `,
      ` ${token}`,
      bytes.toString('base64'),
      'not base64url',
      '',
    ])
      if (spelling !== token) expect(read(spelling), spelling).toBeUndefined()
  })
})

describe('a sealed token', () => {
  it('shows nothing of its content, and never looks the same twice', () => {
    const [one, other] = [kinds.sealed.make(), kinds.sealed.make()]
    expect(one).not.toBe(other)
    expect(Buffer.from(one, 'base64url').includes(content)).toBe(false)
  })
})

describe('a signed token', () => {
  it('shows its content before it is believed', () => {
    expect(unverifiedContent(kinds.signed.make())).toEqual(content)
  })

  it('is none where content of another length is expected', () => {
    const token = kinds.signed.make()
    const expected = { contentBytes: content.length - 1, now }
    expect(verifyToken(keys.opaqueHandshakes, 'login:ada', token, expected)).toBeUndefined()
  })
})

describe('the token of a link', () => {
  const account = { id: '5f0c2a8e-1234-4000-8000-0123456789ab', email: 'ada@example.com', lastLoginAt: null }
  const purpose = toConfirm(account)

  it('is that of links that were sent before', () => {
    // id (16) ‖ end (6) ‖ HMAC-SHA256 of both and of what it is about. Mails with links in this form are under way.
    const head = Buffer.from(
      `${account.id.replaceAll('-', '')}${expiresAt.toString(16).padStart(12, '0')}`,
      'hex',
    )
    const mac = createHmac('sha256', keys.emailConfirmations).update(head).update(account.email).digest()
    const sent = Buffer.concat([head, mac]).toString('base64url')
    expect(linkToken(keys.emailConfirmations, purpose, expiresAt)).toBe(sent)
    expect(idInLink(sent)).toBe(account.id)
    expect(isLinkFor(keys.emailConfirmations, sent, purpose, now)).toBe(true)
    expect(signedTokenBytes(16)).toBe(linkTokenBytes)
  })

  it('is for one account, and for one thing', () => {
    const token = linkToken(keys.emailConfirmations, purpose, expiresAt)
    const other = toConfirm({ ...account, id: '5f0c2a8e-1234-4000-8000-0123456789ac' })
    for (const wrong of [other, toDelete(account)])
      expect(isLinkFor(keys.emailConfirmations, token, wrong, now)).toBe(false)
  })
})
