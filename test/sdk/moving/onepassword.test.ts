// Exports of 1Password, written by their public description.
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { fileOfBytes, readerOf, readIncoming } from '../../../src/sdk/moving/index.ts'
import { fileOfText } from '../../support/moving.ts'

const field = (id: string, title: string, value: object) => ({ id, title, value, guarded: false })

const items = [
  {
    uuid: 'a',
    favIndex: 1,
    createdAt: 1_600_000_000,
    updatedAt: 1_700_000_000,
    state: 'active',
    categoryUuid: '001',
    details: {
      loginFields: [
        { value: 'ada', id: '', name: 'username', fieldType: 'T', designation: 'username' },
        { value: 'present', id: '', name: 'password', fieldType: 'P', designation: 'password' },
      ],
      notesPlain: 'a note',
      sections: [
        {
          title: 'Security',
          name: 's',
          fields: [
            field('TOTP_1', 'one-time password', { totp: 'otpauth://totp/x?secret=JBSWY3DP' }),
            field('pin', 'PIN', { concealed: '1234' }),
            field('scan', 'Scan', {
              file: { fileName: '../scan.pdf', documentId: 'doc1', decryptedSize: 4 },
            }),
          ],
        },
      ],
      passwordHistory: [
        { value: 'older', time: 1_600_000_000 },
        { value: 'newer', time: 1_650_000_000 },
      ],
    },
    overview: {
      title: 'Example',
      url: 'https://example.com',
      urls: [
        { label: 'website', url: 'https://example.com' },
        { label: '', url: 'https://example.org' },
      ],
      tags: ['work'],
    },
  },
  {
    categoryUuid: '002',
    state: 'archived',
    details: {
      sections: [
        {
          title: '',
          fields: [
            field('cardholder', 'cardholder name', { string: 'Ada' }),
            field('ccnum', 'number', { creditCardNumber: '4111 1111' }),
            field('expiry', 'expiry date', { monthYear: 203104 }),
          ],
        },
      ],
    },
    overview: { title: 'Card' },
  },
  {
    categoryUuid: '114',
    details: {
      sections: [
        {
          title: '',
          fields: [
            field('private_key', 'private key', {
              sshKey: {
                privateKey: 'PRIVATE',
                metadata: { publicKey: 'ssh-ed25519 AAAA', keyType: 'ed25519' },
              },
            }),
          ],
        },
      ],
    },
    overview: { title: 'Key' },
  },
]

const archive = (data: object) =>
  zipSync({
    'export.attributes': strToU8('{"version":3}'),
    'export.data': strToU8(JSON.stringify(data)),
    'files/doc1__../scan.pdf': strToU8('scan'),
  })

const accounts = [{ attrs: {}, vaults: [{ attrs: { name: 'Private' }, items }] }]

describe('an archive of 1Password', () => {
  it('gives logins, cards and keys with files, codes and previous passwords', async () => {
    const source = fileOfBytes(archive({ accounts }), 'x')
    expect((await readerOf(source)).name).toBe('1password-1pux')
    const incoming = await readIncoming(source)
    expect(incoming.items.map(({ content }) => content)).toEqual([
      {
        kind: 'login',
        name: 'Example',
        username: 'ada',
        password: 'present',
        notes: 'a note',
        totp: 'otpauth://totp/x?secret=JBSWY3DP',
        urls: ['https://example.com', 'https://example.org'],
        tags: ['work'],
        favourite: true,
        fields: [{ name: 'Security: PIN', value: '1234', hidden: true }],
        previousPasswords: [
          { password: 'newer', replacedAt: '2022-04-15T05:20:00.000Z' },
          { password: 'older', replacedAt: '2020-09-13T12:26:40.000Z' },
        ],
      },
      {
        kind: 'card',
        name: 'Card',
        holder: 'Ada',
        number: '41111111',
        expiry: '2031-04',
        tags: ['archived'],
      },
      { kind: 'ssh-key', name: 'Key', privateKey: 'PRIVATE', publicKey: 'ssh-ed25519 AAAA' },
    ])
    expect(incoming.items[0]?.vault).toBe('Private')
    const [scan] = incoming.items[0]?.files ?? []
    expect(scan).toMatchObject({ name: '../scan.pdf', size: 4 })
    const pieces = []
    for await (const piece of scan?.read(1) ?? []) pieces.push(Buffer.from(piece).toString())
    expect(pieces.join('')).toBe('can')
  })

  it('is not unpacked to more than it says, and not if that is too much', async () => {
    const bomb = zipSync({ 'export.data': new Uint8Array(1000) })
    // The size in the list of files, which the archive can say as it likes (APPNOTE, section 4.3.12).
    const list = Buffer.from(bomb).indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
    new DataView(bomb.buffer).setUint32(list + 24, 300 * 1024 * 1024, true)
    await expect(readIncoming(fileOfBytes(bomb, 'x'))).rejects.toMatchObject({ code: 'too-large' })
    // Two entries of the list that are unpacked from the same bytes.
    const two = zipSync({ a: new Uint8Array(100_000), b: new Uint8Array(100_000) })
    const second = Buffer.from(two).lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]))
    new DataView(two.buffer).setUint32(second + 20, two.length - 50, true)
    await expect(readIncoming(fileOfBytes(two, 'x'), { format: '1password-1pux' })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('damaged'),
    })
    const cut = archive({ accounts }).subarray(0, 200)
    await expect(readIncoming(fileOfBytes(cut, 'x'))).rejects.toMatchObject({ code: 'malformed' })
  })
})

describe('what the description of 1PUX does not have', () => {
  it('is kept as hidden fields, also a passkey; objects of linked accounts are read', async () => {
    const item = {
      categoryUuid: '001',
      state: 'trashed',
      details: {
        loginFields: [
          { value: { email_address: 'ada@example.com', provider: 'mail' }, designation: 'username' },
          { value: 'p', designation: 'password' },
        ],
        passkey: { privateKey: 'x' },
        sections: [
          { fields: [field('e', 'Other', { email: { email_address: 'b@example.com', provider: 'p' } })] },
        ],
      },
      overview: { title: 'A', passkey: { rpId: 'example.com' } },
    }
    const { items } = await readIncoming(
      fileOfBytes(archive({ accounts: [{ vaults: [{ attrs: { name: 'V' }, items: [item] }] }] }), 'x'),
    )
    expect(items).toMatchObject([{ trashed: true, content: { username: 'ada@example.com', password: 'p' } }])
    const { fields } = Object(items[0]?.content)
    expect(fields).toContainEqual({ name: 'Other', value: 'b@example.com', hidden: false })
    for (const value of ['{"privateKey":"x"}', '{"rpId":"example.com"}', 'mail', 'p'])
      expect(fields).toContainEqual({ name: expect.any(String), value, hidden: true })
  })
})

describe('a table of 1Password', () => {
  it('gives logins with tags and codes', async () => {
    const text =
      'Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\nA,https://a.example,ada,p,otpauth://x,true,true,"one,two",n\n'
    const { items } = await readIncoming(fileOfText(text))
    expect(items[0]?.content).toEqual({
      kind: 'login',
      name: 'A',
      urls: ['https://a.example'],
      username: 'ada',
      password: 'p',
      totp: 'otpauth://x',
      notes: 'n',
      favourite: true,
      tags: ['one', 'two', 'archived'],
    })
  })
})
