// Content of items and vaults: read tolerantly, kept whole, and refused where it is something else.
import { describe, expect, test } from 'vitest'
import type { ItemContent } from '../../src/contract/content.ts'
import {
  ContentError,
  encodeContent,
  isItemContent,
  parseItemContent,
  parseVaultContent,
  secretMembers,
} from '../../src/protocol/item-content.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const jsonBytes = (value: unknown) => bytesOf(JSON.stringify(value))

const common = {
  notes: 'two\nlines',
  folder: 'Work',
  tags: ['sea'],
  favourite: true,
  fields: [{ name: 'PIN', value: '2718', hidden: true }],
}

const full: ItemContent[] = [
  {
    kind: 'login',
    name: 'Harbour',
    ...common,
    username: 'ada',
    password: 'tide',
    urls: ['https://harbour.example'],
    totp: 'JBSWY3DPEHPK3PXP',
    previousPasswords: [{ password: 'ebb', replacedAt: '2026-01-01T00:00:00Z' }, { password: 'flood' }],
    passkeys: [{ credentialId: 'AQID', privateKey: 'BAUG', rpId: 'harbour.example', counter: 1 }],
  },
  { kind: 'note', name: 'Shells', ...common },
  {
    kind: 'card',
    name: 'Visa',
    ...common,
    holder: 'Ada',
    number: '4111111111111111',
    expiry: '2031-04',
    code: '123',
    brand: 'Visa',
  },
  {
    kind: 'identity',
    name: 'Me',
    ...common,
    fullName: 'Ada Lovelace',
    email: 'ada@example.com',
    phone: '+44 20 7946 0000',
    address: '12 St James Square',
    organization: 'Analytical Engines',
  },
  { kind: 'ssh-key', name: 'Laptop', ...common, privateKey: '-----BEGIN', publicKey: 'ssh-ed25519 AAAA' },
]

describe('items', () => {
  test.each(full)('of kind $kind come back whole', (content) => {
    const parsed = parseItemContent(encodeContent(content))
    expect(parsed).toEqual(content)
    expect(isItemContent(parsed)).toBe(true)
  })

  test.each(full)('of kind $kind need no more than a name', ({ kind }) => {
    expect(parseItemContent(jsonBytes({ kind, name: '' }))).toEqual({ kind, name: '' })
  })

  test('keep what a later client added, at each depth', () => {
    const later = {
      kind: 'login',
      name: 'Harbour',
      stickers: [{ id: 1 }],
      fields: [{ name: 'PIN', value: '1', hidden: false, pinned: true }],
    }
    const parsed = parseItemContent(jsonBytes(later))
    expect(parseItemContent(encodeContent({ ...parsed, name: 'Quay' }))).toEqual({ ...later, name: 'Quay' })
  })

  test('of a kind that is not known are read loosely and kept', () => {
    const later = { kind: 'passport', name: 'Mine', number: 7, tags: 'not a list' }
    const parsed = parseItemContent(jsonBytes(later))
    expect(parsed).toEqual(later)
    expect(isItemContent(parsed)).toBe(false)
    expect(parseItemContent(encodeContent(parsed))).toEqual(later)
  })

  test.each(['toString', '__proto__', 'constructor'])('of kind %s are of no known kind', (kind) => {
    expect(isItemContent(parseItemContent(jsonBytes({ kind, name: 'x' })))).toBe(false)
  })

  test('do not reach the prototype of other objects', () => {
    const parsed = parseItemContent(bytesOf('{"kind":"note","name":"x","__proto__":{"polluted":true}}'))
    expect(parsed).not.toHaveProperty('polluted')
    expect({}).not.toHaveProperty('polluted')
  })

  test.each([
    ['nothing', ''],
    ['no JSON', 'limpet'],
    ['more than one value', '{"kind":"note","name":"x"}{}'],
    ['a byte order mark', '\ufeff{"kind":"note","name":"x"}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no kind', '{"name":"x"}'],
    ['no name', '{"kind":"note"}'],
    ['a name that is no text', '{"kind":"note","name":7}'],
    ['a password that is no text', '{"kind":"login","name":"x","password":null}'],
    ['tags that are no list', '{"kind":"note","name":"x","tags":"sea"}'],
    ['a field without a value', '{"kind":"note","name":"x","fields":[{"name":"a","hidden":true}]}'],
  ])('are refused: %s', (_, text) => {
    expect(() => parseItemContent(bytesOf(text))).toThrow(ContentError)
  })

  test('are refused where they are not UTF-8', () => {
    const broken = Uint8Array.from([...bytesOf('{"kind":"note","name":"'), 0xff, ...bytesOf('"}')])
    expect(() => parseItemContent(broken)).toThrow(ContentError)
  })

  test('are refused without a word of what is in them', () => {
    const wrong = jsonBytes({ kind: 'login', name: 'x', password: ['hunter2'] })
    expect(() => parseItemContent(wrong)).toThrow(/^The content has another form than expected at: password$/)
  })
})

describe('vaults', () => {
  test('have a name and keep the rest', () => {
    const content = { name: 'Personal', colour: 'sea green' }
    expect(parseVaultContent(encodeContent(content))).toEqual(content)
  })

  test.each(['{}', '[]', '{"name":null}', 'Personal'])('are refused: %s', (text) => {
    expect(() => parseVaultContent(bytesOf(text))).toThrow(ContentError)
  })
})

test('every secret member is a member of its kind', () => {
  for (const content of full)
    for (const member of secretMembers[content.kind]) expect(content).toHaveProperty([member])
})
