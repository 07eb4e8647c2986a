// Exports of Bitwarden as JSON, written by its public description.
import { describe, expect, it } from 'vitest'
import { ImportError, readerOf, readIncoming } from '../../../src/sdk/moving/index.ts'
import { fileOfText } from '../../support/moving.ts'

const login = {
  passwordHistory: [
    { lastUsedDate: '2024-01-01T00:00:00.000Z', password: 'oldest' },
    { lastUsedDate: '2025-01-01T00:00:00.000Z', password: 'older' },
  ],
  revisionDate: '2025-01-01T00:00:00.000Z',
  creationDate: '2023-01-01T00:00:00.000Z',
  deletedDate: null,
  id: '7c2b9b6e-58f2-4f76-9d2b-b1a600cbd1c1',
  organizationId: null,
  folderId: 'f1',
  type: 1,
  reprompt: 1,
  name: 'Example',
  notes: 'two\nlines',
  favorite: true,
  fields: [
    { name: 'PIN', value: '1234', type: 1, linkedId: null },
    { name: 'plain', value: 'text', type: 0, linkedId: null },
    { name: 'user', value: null, type: 3, linkedId: 100 },
  ],
  login: {
    uris: [
      { match: 3, uri: 'https://example.com/login' },
      { match: null, uri: 'https://example.org' },
    ],
    username: 'ada',
    password: 'present',
    totp: 'JBSWY3DPEHPK3PXP',
    fido2Credentials: [
      {
        credentialId: '00112233-4455-6677-8899-aabbccddeeff',
        keyType: 'public-key',
        keyAlgorithm: 'ECDSA',
        keyCurve: 'P-256',
        keyValue: 'AQIDBA',
        rpId: 'example.com',
        userHandle: 'dXNlcg',
        userName: 'ada',
        counter: '0',
        rpName: 'Example',
        userDisplayName: 'Ada',
        discoverable: 'true',
        creationDate: '2024-05-01T00:00:00.000Z',
      },
    ],
  },
  collectionIds: null,
}

const exported = (...items: object[]) =>
  fileOfText(
    JSON.stringify({ encrypted: false, folders: [{ id: 'f1', name: 'Work/Web' }], items }),
    'whatever.txt',
  )

describe('an export of Bitwarden as JSON', () => {
  it('is recognised by its content', async () => {
    expect((await readerOf(exported(login))).name).toBe('bitwarden-json')
  })

  it('gives a login with everything that has a member', async () => {
    const { items } = await readIncoming(exported(login))
    expect(items).toEqual([
      {
        content: {
          kind: 'login',
          name: 'Example',
          notes: 'two\nlines',
          folder: 'Work/Web',
          favourite: true,
          username: 'ada',
          password: 'present',
          totp: 'JBSWY3DPEHPK3PXP',
          urls: ['https://example.com/login', 'https://example.org'],
          previousPasswords: [
            { password: 'older', replacedAt: '2025-01-01T00:00:00.000Z' },
            { password: 'oldest', replacedAt: '2024-01-01T00:00:00.000Z' },
          ],
          passkeys: [
            {
              credentialId: 'ABEiM0RVZneImaq7zN3u_w',
              privateKey: 'AQIDBA',
              rpId: 'example.com',
              rpName: 'Example',
              userHandle: 'dXNlcg',
              userName: 'ada',
              userDisplayName: 'Ada',
              discoverable: true,
              createdAt: '2024-05-01T00:00:00.000Z',
            },
          ],
          fields: [
            { name: 'Match detection of https://example.com/login', value: 'exact', hidden: false },
            { name: 'PIN', value: '1234', hidden: true },
            { name: 'plain', value: 'text', hidden: false },
            { name: 'user', value: 'shows the user name of the item', hidden: false },
            { name: 'Master password re-prompt', value: 'yes', hidden: false },
          ],
        },
        vault: undefined,
        trashed: false,
        files: [],
        versions: [],
        place: 'item 1',
      },
    ])
  })

  it('gives the other kinds', async () => {
    const { items } = await readIncoming(
      exported(
        { type: 2, name: 'Note', notes: 'text', secureNote: { type: 0 } },
        {
          type: 3,
          name: 'Card',
          card: {
            cardholderName: 'Ada',
            brand: 'Visa',
            number: '4111 1111 1111 1111',
            expMonth: '4',
            expYear: '2031',
            code: '123',
          },
        },
        {
          type: 4,
          name: 'Ada',
          identity: {
            title: 'Ms',
            firstName: 'Ada',
            lastName: 'Lovelace',
            address1: '1 Street',
            city: 'London',
            postalCode: 'W1',
            country: 'UK',
            company: 'Engines',
            email: 'ada@example.com',
            phone: '1',
            ssn: '078',
          },
        },
        {
          type: 5,
          name: 'Key',
          sshKey: { privateKey: 'PRIVATE', publicKey: 'ssh-ed25519 AAAA', keyFingerprint: 'SHA256:x' },
        },
      ),
    )
    expect(items.map(({ content }) => content)).toEqual([
      { kind: 'note', name: 'Note', notes: 'text' },
      {
        kind: 'card',
        name: 'Card',
        holder: 'Ada',
        brand: 'Visa',
        number: '4111111111111111',
        expiry: '2031-04',
        code: '123',
      },
      {
        kind: 'identity',
        name: 'Ada',
        fullName: 'Ms Ada Lovelace',
        address: '1 Street\nW1 London\nUK',
        organization: 'Engines',
        email: 'ada@example.com',
        phone: '1',
        fields: [{ name: 'Social security number', value: '078', hidden: true }],
      },
      { kind: 'ssh-key', name: 'Key', privateKey: 'PRIVATE', publicKey: 'ssh-ed25519 AAAA' },
    ])
  })

  it('takes the collections of an organization for folders, and the trash for the trash', async () => {
    const value = {
      encrypted: false,
      collections: [
        { id: 'c1', organizationId: 'o', name: 'Servers', externalId: null },
        { id: 'c2', organizationId: 'o', name: 'Night shift', externalId: null },
      ],
      items: [{ type: 2, name: 'N', collectionIds: ['c1', 'c2'], deletedDate: '2025-01-01T00:00:00.000Z' }],
    }
    const { items } = await readIncoming(fileOfText(JSON.stringify(value)))
    expect(items[0]).toMatchObject({ content: { folder: 'Servers', tags: ['Night shift'] }, trashed: true })
  })

  it('drops nothing without a word: what it does not know becomes a hidden field', async () => {
    const { items, leftovers } = await readIncoming(
      exported({ type: 1, name: 'N', login: { password: 'p', later: 'secret?' }, newer: { a: [1] } }),
    )
    expect(items[0]?.content.fields).toEqual([
      { name: 'newer', value: '{"a":[1]}', hidden: true },
      { name: 'login.later', value: 'secret?', hidden: true },
    ])
    expect(leftovers).toContainEqual({ place: 'item 1', what: 'login.later', wentTo: 'a field' })
  })

  it('takes an item of a later kind as a note, with all it has', async () => {
    const { items, leftovers } = await readIncoming(
      exported({ type: 9, name: 'Bank', bankAccount: { iban: 'X1' } }),
    )
    expect(items[0]?.content).toEqual({
      kind: 'note',
      name: 'Bank',
      fields: [{ name: 'bankAccount', value: '{"iban":"X1"}', hidden: true }],
    })
    expect(leftovers).toContainEqual({
      place: 'item 1',
      what: 'an item of the unknown kind 9',
      wentTo: 'a note',
    })
  })

  it('is not what is no format at all, and says so', async () => {
    await expect(readIncoming(fileOfText('{"hello": 1}'))).rejects.toThrow(ImportError)
    await expect(readIncoming(fileOfText('just text'))).rejects.toThrow('of no format that is known here')
  })
})
