// Databases of KeePass: made by KeePassXC, and what a hostile one asks for.
import { readFileSync } from 'node:fs'
import { constants, deflateRawSync } from 'node:zlib'
import kdbxweb from 'kdbxweb'
import { describe, expect, it } from 'vitest'
import { fileOfBytes, type ReadOptions, readerOf, readIncoming } from '../../../src/sdk/moving/index.ts'
import { loadKdbxweb } from '../../../src/sdk/moving/kdbx-argon2.ts'
import { fileOfText } from '../../support/moving.ts'

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/moving/${name}`, import.meta.url))
const file = (name: string) => fileOfBytes(fixture(name), 'whatever')
const password = async () => 'fixture passphrase'
const keyFile = fixture('keepassxc-key-file.keyx')

const read = async (name: string, options: ReadOptions = {}) => {
  const { items, leftovers } = await readIncoming(file(name), options)
  return { items, leftovers, contents: items.map(({ content }) => content) }
}

describe('a database of KeePassXC', () => {
  it('opens with password and key file, and has groups, trash and history', async () => {
    const { items } = await read('keepassxc-key-file.kdbx', { password, keyFile })
    expect(items).toMatchObject([
      {
        content: {
          kind: 'login',
          name: 'Example',
          folder: 'Work/Web',
          username: 'ada',
          password: 'second password',
          urls: ['https://example.com'],
          notes: 'line one',
          previousPasswords: [{ password: 'first password', replacedAt: expect.stringMatching(/^2026-/) }],
        },
        trashed: false,
      },
      { content: { name: 'Old', username: 'gone', password: 'thrown away' }, trashed: true },
    ])
    expect(items[1]?.content).not.toHaveProperty('folder')
  })

  it.each(['keepassxc.kdbx', 'keepassxc.xml'])(
    'gives code generators, passkeys, tags and strings: %s',
    async (name) => {
      const { contents } = await read(name, { password })
      expect(contents[0]).toMatchObject({
        username: 'ada',
        totp: 'otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXP&period=30&digits=6&issuer=Example',
        urls: ['https://example.com', 'https://login.example.com'],
        tags: ['sea', 'shell'],
        passkeys: [
          {
            credentialId: 'AQIDBA',
            privateKey: 'AQIDBAUG',
            rpId: 'example.com',
            userHandle: 'dXNlcg',
            userName: 'ada',
            discoverable: true,
          },
        ],
        previousPasswords: [{ password: 'first password' }],
        fields: [
          { name: 'PIN', value: '1234', hidden: true },
          { name: 'Shelf', value: 'left', hidden: false },
        ],
      })
    },
  )

  it('is the same as XML and as a database', async () => {
    const [database, xml] = [await read('keepassxc.kdbx', { password }), await read('keepassxc.xml')]
    expect(xml.items.map(({ files: _, ...item }) => item)).toEqual(
      database.items.map(({ files: _, ...item }) => item),
    )
  })

  it('gives what its table has', async () => {
    const { items } = await read('keepassxc.csv')
    expect(items).toMatchObject([
      { content: { name: 'Example', folder: 'Work/Web', password: 'second password' }, trashed: false },
      { content: { name: 'Old' }, trashed: true },
    ])
  })

  it('says what is wrong with the password', async () => {
    await expect(read('keepassxc.kdbx', { password: async () => 'wrong' })).rejects.toMatchObject({
      code: 'wrong-password',
    })
    await expect(read('keepassxc-key-file.kdbx', { password })).rejects.toThrow('--key-file')
    await expect(read('keepassxc.kdbx')).rejects.toMatchObject({ code: 'needs-password' })
  })

  it('says so if it is cut off', async () => {
    const bytes = fixture('keepassxc.kdbx')
    for (const length of [13, 60, 400, bytes.length - 40])
      await expect(
        readIncoming(fileOfBytes(bytes.subarray(0, length), 'cut'), { password }),
      ).rejects.toMatchObject({ name: 'ImportError' })
  })
})

/** A database of the library itself, for what `keepassxc-cli` does not make. */
async function made(change: (database: kdbxweb.Kdbx, entry: kdbxweb.KdbxEntry) => void | Promise<void>) {
  await loadKdbxweb()
  const credentials = new kdbxweb.Credentials(kdbxweb.ProtectedValue.fromString('fixture passphrase'))
  const database = kdbxweb.Kdbx.create(credentials, 'made')
  const entry = database.createEntry(database.getDefaultGroup())
  await change(database, entry)
  return fileOfBytes(new Uint8Array(await database.save()), 'made')
}

const cheap = (database: kdbxweb.Kdbx) => {
  database.header.kdfParameters?.set('M', kdbxweb.VarDictionary.ValueType.UInt64, kdbxweb.Int64.from(65536))
  database.header.kdfParameters?.set('I', kdbxweb.VarDictionary.ValueType.UInt64, kdbxweb.Int64.from(1))
}

/** Zeros packed with gzip, of which a thousandth is left: a mebibyte that ends at a whole byte, as often as wanted. */
function bomb(mebibytes: number): Buffer {
  const piece = deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: constants.Z_FULL_FLUSH })
  const header = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
  // An empty last block, and a checksum and a size that are lies.
  return Buffer.concat([
    header,
    ...Array.from({ length: mebibytes }, () => piece),
    Buffer.of(3, 0),
    Buffer.alloc(8, 1),
  ])
}

/** A database of KDBX 3 with any content, which its password opens. */
async function sealed3(content: Uint8Array, isPacked: boolean): Promise<Uint8Array> {
  await loadKdbxweb()
  const { BinaryStream, ByteUtils, Consts, CryptoEngine, HashedBlockTransform, KeyEncryptorAes } = kdbxweb
  const credentials = new kdbxweb.Credentials(kdbxweb.ProtectedValue.fromString('fixture passphrase'))
  const { header } = kdbxweb.Kdbx.create(credentials, 'bomb')
  header.setVersion(3)
  header.compression = Consts.CompressionAlgorithm[isPacked ? 'GZip' : 'None']
  header.keyEncryptionRounds = 1000
  header.generateSalts()
  const stream = new BinaryStream()
  header.write(stream)
  const { masterSeed, transformSeed, streamStartBytes, encryptionIV } = header
  if (!masterSeed || !transformSeed || !streamStartBytes || !encryptionIV) throw new Error('No salts')
  await credentials.ready
  const hash = new Uint8Array(await credentials.getHash())
  const derived = await KeyEncryptorAes.encrypt(hash, transformSeed, 1000)
  const inner = await CryptoEngine.sha256(ByteUtils.arrayToBuffer(derived))
  const both = Buffer.concat([new Uint8Array(masterSeed), new Uint8Array(inner)])
  const aes = CryptoEngine.createAesCbc()
  await aes.importKey(await CryptoEngine.sha256(ByteUtils.arrayToBuffer(both)))
  const blocks = await HashedBlockTransform.encrypt(ByteUtils.arrayToBuffer(content))
  const plain = Buffer.concat([new Uint8Array(streamStartBytes), new Uint8Array(blocks)])
  stream.writeBytes(await aes.encrypt(ByteUtils.arrayToBuffer(plain), encryptionIV))
  return new Uint8Array(stream.getWrittenBytes())
}

describe('a database of another program', () => {
  it('has files, references, and codes of other plug-ins; with Argon2, and in version 3', async () => {
    for (const version of [3, 4] as const) {
      const source = await made(async (database, entry) => {
        database.setVersion(version)
        if (version === 4) cheap(database)
        else database.header.keyEncryptionRounds = 1000
        entry.fields.set('Title', 'First')
        entry.fields.set('Password', kdbxweb.ProtectedValue.fromString('shared'))
        entry.fields.set('TOTP Seed', 'JBSW Y3DP')
        entry.fields.set('TOTP Settings', '60;8')
        entry.binaries.set('../../etc/passwd', await database.createBinary(new Uint8Array([1, 2, 3]).buffer))
        const second = database.createEntry(database.getDefaultGroup())
        second.fields.set('Title', 'Second')
        const uuid = Buffer.from(entry.uuid.toBytes()).toString('hex').toUpperCase()
        second.fields.set('Password', `{REF:P@I:${uuid}}`)
        second.times.expires = true
        second.times.expiryTime = new Date('2030-01-01T00:00:00Z')
        const third = database.createEntry(database.getDefaultGroup())
        third.fields.set('Title', 'Third')
        third.fields.set('Notes', 'only text')
      })
      const { items, leftovers } = await readIncoming(source, { password })
      expect(items.map(({ content }) => content)).toMatchObject([
        { name: 'First', totp: 'otpauth://totp/?secret=JBSWY3DP&period=60&digits=8' },
        {
          name: 'Second',
          password: 'shared',
          fields: [{ name: 'Expires', value: '2030-01-01T00:00:00.000Z' }],
        },
        { kind: 'note', name: 'Third', notes: 'only text' },
      ])
      expect(leftovers).toContainEqual({ place: 'entry "Second"', what: 'Expires', wentTo: 'a field' })
      const [attached] = items[0]?.files ?? []
      expect(attached).toMatchObject({ name: '../../etc/passwd', size: 3 })
    }
  })

  it('is refused if opening it would take too much', async () => {
    const { Int64, VarDictionary } = kdbxweb
    const costs: [name: string, value: kdbxweb.Int64][] = [
      ['M', new Int64(0, 4)],
      ['I', Int64.from(1_000_000)],
      ['I', new Int64(0xffffffff, 0xffffffff)],
    ]
    for (const [name, value] of costs) {
      const source = await made((database) => cheap(database))
      // The header comes before what the password seals: its numbers can be changed by everybody.
      const bytes = new Uint8Array(source.size)
      for await (const piece of source.read(0)) bytes.set(piece)
      const dictionary = new VarDictionary()
      dictionary.set(name, VarDictionary.ValueType.UInt64, value)
      const at = Buffer.from(bytes).indexOf(Buffer.from([5, 1, 0, 0, 0, name.charCodeAt(0), 8, 0, 0, 0])) + 10
      new DataView(bytes.buffer).setUint32(at, value.lo, true)
      new DataView(bytes.buffer).setUint32(at + 4, value.hi, true)
      await expect(readIncoming(fileOfBytes(bytes, 'costly'), { password })).rejects.toMatchObject({
        code: 'too-large',
      })
    }
  })

  it('is refused if more comes out of it than it may hold', async () => {
    const packedFile = (bytes: Buffer) =>
      Buffer.from(
        `<KeePassFile><Meta><Binaries><Binary ID="0" Compressed="True">${bytes.toString('base64')}</Binary></Binaries></Meta><Root/></KeePassFile>`,
      )
    const bombs = [
      await sealed3(bomb(600), true),
      await sealed3(packedFile(bomb(600)), false),
      await sealed3(Buffer.alloc(10_000_001, '<'), false),
    ]
    for (const database of bombs)
      await expect(readIncoming(fileOfBytes(database, 'bomb'), { password })).rejects.toMatchObject({
        code: 'too-large',
      })
  })

  it('of KeePass 1 is refused with what to do', async () => {
    const head = fileOfBytes(Uint8Array.of(3, 0xd9, 0xa2, 0x9a, 0x65, 0xfb, 0x4b, 0xb5, 0, 0), 'old.kdb')
    await expect(readIncoming(head)).rejects.toThrow('save it as KDBX')
  })
})

describe('XML of KeePass', () => {
  it('is recognised, and expands nothing', async () => {
    const laughs = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><KeePassFile><Root><Group><Entry><String><Key>Title</Key><Value>&b;</Value></String></Entry></Group></Root></KeePassFile>`
    await expect(readIncoming(fileOfText(laughs), { format: 'keepass-xml' })).rejects.toMatchObject({
      code: 'malformed',
    })
    const deep = `<KeePassFile><Root>${'<Group>'.repeat(100_000)}`
    expect((await readerOf(fileOfText(deep))).name).toBe('keepass-xml')
    await expect(readIncoming(fileOfText(deep))).rejects.toMatchObject({ code: 'malformed' })
  })
})
