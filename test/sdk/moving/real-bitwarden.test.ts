// Exports that Bitwarden's `bw` made (test/fixtures/moving): every value of them arrives, or is told.
import { readFileSync } from 'node:fs'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { fileOfBytes, type IncomingItem, readerOf, readIncoming } from '../../../src/sdk/moving/index.ts'

const fixture = (name: string) =>
  fileOfBytes(new Uint8Array(readFileSync(new URL(`../../fixtures/moving/${name}`, import.meta.url))), 'any')
const password = async () => 'three wet rocks'

async function textsOf({ files }: Pick<IncomingItem, 'files'>) {
  const texts: Record<string, string> = {}
  for (const file of files) {
    const pieces: Uint8Array[] = []
    for await (const piece of file.read(0)) pieces.push(piece.slice())
    texts[file.name] = Buffer.concat(pieces).toString('utf8')
  }
  return texts
}

const field = (name: string, value: string, hidden = false) => ({ name, value, hidden })

const mail = {
  kind: 'login',
  name: 'Mail',
  folder: 'Work/Web',
  favourite: true,
  notes: 'Two lines\nof notes, "quoted"',
  username: 'ada',
  password: 'tidal-pool-2',
  totp: 'otpauth://totp/Mail:ada?secret=JBSWY3DPEHPK3PXP&issuer=Mail',
}
const poem = {
  kind: 'note',
  name: 'Poem: of the sea',
  notes: 'Öysters 🦪\n=1+1',
  fields: [field('Key', 'value: with a colon', true)],
}
const note = (name: string) => ({ kind: 'note', name })

/** As its JSON has them, in its order. */
const contents = [
  { ...note('Archived'), tags: ['archived'] },
  {
    kind: 'card',
    name: 'Card',
    holder: 'Ada Lovelace',
    brand: 'Visa',
    number: '4242424242424242',
    expiry: '2031-04',
    code: '123',
  },
  note('Deed: a'),
  {
    kind: 'identity',
    name: 'Identity',
    fullName: 'Dr Ada King Lovelace',
    address: '1 Quay\nFloor 2\nDoor 3\nW1 London Greater London\nGB',
    organization: 'Engines',
    email: 'ada@example.com',
    phone: '+44 1',
    fields: [
      field('User name', 'countess'),
      field('Social security number', '000-00-0000', true),
      field('Passport number', 'P123', true),
      field('License number', 'L456', true),
    ],
  },
  {
    kind: 'ssh-key',
    name: 'Key',
    privateKey: 'a made-up private key',
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5',
  },
  {
    ...mail,
    urls: ['https://mail.example.com/login?a=1,2', 'https://webmail.example.com', '^https://.*example'],
    previousPasswords: [{ password: 'tidal-pool-1', replacedAt: '2026-11-22T08:43:42.519Z' }],
    passkeys: [
      {
        credentialId: 'ABEiM0RVZneImaq7zN3u_w',
        privateKey:
          'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg53MrCTukTics-A5zJ2JdM3yqgzFXnDSdqELeJNGR2hahRANCAAQP55SCionBXd8ZZ4ikFUJMEOrLxNMhHpkJXDcb9CG62K5sdUBkfWml7jXEvasBCCQgmw_vLxPuPoT_WCrxdYJI',
        rpId: 'mail.example.com',
        rpName: 'Mail',
        userHandle: 'dXNlcg',
        userName: 'ada',
        userDisplayName: 'Ada',
        discoverable: true,
        createdAt: '2026-05-01T00:00:00.000Z',
      },
    ],
    fields: [
      field('Match detection of https://webmail.example.com', 'exact'),
      field('Match detection of ^https://.*example', 'regular expression'),
      field('Colour', 'sea green'),
      field('PIN', '3141', true),
      field('Remember me', 'true'),
      field('Login name', 'shows the user name of the item'),
      // `bw` keeps what a hidden field was before among the passwords.
      field('Previous value of PIN', '2718', true),
      field('Master password re-prompt', 'yes'),
    ],
  },
  poem,
  note('Twin'),
  note('Twin'),
]

const toField = (place: string, ...what: string[]) =>
  what.map((one) => ({ place, what: one, wentTo: 'a field' }))
const told = [
  { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
  { place: 'item 1', what: 'that it is archived', wentTo: 'a tag' },
  ...toField('item 4', 'User name', 'Social security number', 'Passport number', 'License number'),
  ...toField(
    'item 6',
    'Match detection of https://webmail.example.com',
    'Match detection of ^https://.*example',
    'Login name',
    'Previous value of PIN',
    'Master password re-prompt',
  ),
]

describe('exports of a real bw', () => {
  it.each([
    ['bitwarden.json', 'bitwarden-json'],
    ['bitwarden-protected.json', 'bitwarden-json-protected'],
    ['bitwarden.zip', 'bitwarden-zip'],
  ])('%s arrives whole', async (name, format) => {
    expect((await readerOf(fixture(name))).name).toBe(format)
    const { items, leftovers } = await readIncoming(fixture(name), { password })
    expect(items.map(({ content }) => content)).toEqual(contents)
    expect(leftovers).toEqual(told)
  })

  it('as a table arrives with what the table has', async () => {
    const { items, leftovers } = await readIncoming(fixture('bitwarden.csv'))
    expect(items.map(({ content }) => content)).toEqual([
      { ...note('Archived'), tags: ['archived'] },
      note('Deed: a'),
      {
        ...mail,
        // The table parts addresses by commas, which are in addresses too.
        urls: ['https://mail.example.com/login?a=1,2', 'https://webmail.example.com,^https://.*example'],
        fields: [
          field('Colour', 'sea green', true),
          field('PIN', '3141', true),
          field('Remember me', 'true', true),
          field('Login name', 'undefined', true),
          field('Master password re-prompt', 'yes'),
        ],
      },
      poem,
      note('Twin'),
      note('Twin'),
    ])
    expect(leftovers).toEqual([
      { place: 'line 2', what: 'that it is archived', wentTo: 'a tag' },
      ...toField('line 4', 'Master password re-prompt'),
    ])
  })

  it('for the account alone is refused', async () => {
    await expect(readIncoming(fixture('bitwarden-account.json'))).rejects.toMatchObject({
      code: 'unsupported',
    })
  })

  it('with files: each is beside its item, also of two items of one name', async () => {
    const { items } = await readIncoming(fixture('bitwarden.zip'))
    const files = await Promise.all(items.map(async (item) => [item.content.name, await textsOf(item)]))
    expect(files.filter(([, texts]) => Object.keys(texts ?? {}).length > 0)).toEqual([
      // It takes the dots out of names.
      ['Deed: a', { 'deedv2.txt': 'The deed of the house by the sea\n', scan: 'a scan\n' }],
      ['Twin', { 'twin.txt': 'of the first twin\n' }],
      ['Twin', { 'twin.txt': 'of the second twin\n' }],
    ])
  })
})

/** An archive of Bitwarden with notes of these names, and these files. */
const archive = (names: readonly string[], files: Readonly<Record<string, string>>) => {
  const items = names.map((name) => ({ type: 2, name }))
  const entries = Object.entries(files).map(([path, text]) => [path, strToU8(text)])
  const data = strToU8(JSON.stringify({ encrypted: false, folders: [], items }))
  return fileOfBytes(zipSync({ 'data.json': data, ...Object.fromEntries(entries) }), 'any.bin')
}

const unsure = 'files of one of several items of this name; the archive does not say which'

describe("Bitwarden's archive", () => {
  it('says so where it cannot be known which item a file is of', async () => {
    const names = ['Mail', 'Mail', 'a/b', 'a:b', 'alone']
    const { items, leftovers } = await readIncoming(
      archive(names, {
        'attachments/Mail/one.txt': '1',
        'attachments/a_b/two.txt': '2',
        'attachments/alone/three.txt': '3',
        'attachments/nobody/four.txt': '4',
        'more.txt': '5',
      }),
    )
    expect(await Promise.all(items.map(textsOf))).toEqual([
      { 'one.txt': '1' },
      {},
      { 'two.txt': '2' },
      {},
      { 'three.txt': '3' },
    ])
    expect(leftovers.slice(1)).toEqual([
      { place: 'item 1', what: unsure, wentTo: 'this item' },
      { place: 'item 3', what: unsure, wentTo: 'this item' },
      { place: 'attachments/nobody/four.txt', what: 'a file of the archive', wentTo: undefined },
      { place: 'more.txt', what: 'a file of the archive', wentTo: undefined },
    ])
  })

  it('takes the second item of a name for the one of the second folder', async () => {
    const { items, leftovers } = await readIncoming(
      archive(['Mail', 'Mail', 'Mail_1'], {
        'attachments/Mail/one.txt': '1',
        'attachments/Mail_1/two.txt': '2',
      }),
    )
    expect(await Promise.all(items.map(textsOf))).toEqual([{ 'one.txt': '1' }, { 'two.txt': '2' }, {}])
    // It can be the third one's, too.
    expect(leftovers.slice(1)).toEqual([{ place: 'item 2', what: unsure, wentTo: 'this item' }])
  })

  it('is refused if it is damaged, without its data, or larger than it may be', async () => {
    const whole = new Uint8Array(
      readFileSync(new URL('../../fixtures/moving/bitwarden.zip', import.meta.url)),
    )
    const refusal = (bytes: Uint8Array) => readIncoming(fileOfBytes(bytes, 'any'))
    await expect(refusal(whole.subarray(0, -30))).rejects.toMatchObject({ code: 'malformed' })
    await expect(refusal(zipSync({ 'data.json': strToU8('{"items": 1}') }))).rejects.toMatchObject({
      code: 'malformed',
    })
    // The size of the first file, as the list at the end says it.
    const vast = whole.slice()
    const list = Buffer.from(vast.buffer).indexOf(Buffer.from('PK\u0001\u0002', 'latin1'))
    new DataView(vast.buffer).setUint32(list + 24, 300 * 2 ** 20, true)
    await expect(refusal(vast)).rejects.toMatchObject({ code: 'too-large' })
  })
})
