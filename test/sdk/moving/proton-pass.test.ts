// Exports of Proton Pass, written by what its own programs say of them (github.com/ProtonMail/WebClients, packages/pass/lib/export, and
// github.com/protonpass/proton-pass-common, passkey).
import { createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { fileOfBytes, readIncoming } from '../../../src/sdk/moving/index.ts'
import { fileOfText } from '../../support/moving.ts'

/** A value in MessagePack, as that program packs it: bytes as a list of numbers. */
function packed(value: unknown): number[] {
  if (value === null) return [0xc0]
  if (typeof value === 'string') return [0xd9, Buffer.byteLength(value), ...Buffer.from(value)]
  if (typeof value === 'number') {
    if (value < 0) return [0xd0, value & 0xff]
    return value < 128 ? [value] : [0xcc, value]
  }
  if (value instanceof Uint8Array) return packed([...value])
  if (Array.isArray(value)) return [0xdc, value.length >> 8, value.length & 0xff, ...value.flatMap(packed)]
  const entries = Object.entries(Object(value))
  return [0x80 | entries.length, ...entries.flatMap(([name, member]) => [...packed(name), ...packed(member)])]
}

const bytesOf = (text = '') => Buffer.from(text, 'base64url')

interface Change {
  readonly algorithm?: string
  readonly y?: Buffer
  readonly secret?: object | null
  readonly form?: number
}

/** A passkey as an item has it. */
function passkey(jwk: JsonWebKey, { algorithm = 'ES256', y, secret = null, form = 1 }: Change = {}) {
  const int = (value: number) => ({ t: 'int', c: value })
  const bytes = (text: string | undefined) => ({ t: 'bytes', c: bytesOf(text) })
  const curve = { t: 'int', c: { inner: Buffer.concat([Buffer.of(1), Buffer.alloc(15)]) } }
  const inner = {
    key: {
      kty: { t: 'assign', c: 'EC2' },
      kid: [],
      alg: { t: 'assign', c: algorithm },
      kops: [],
      biv: [],
      par: [
        [int(-1), curve],
        [int(-2), bytes(jwk.x)],
        [int(-3), y ? { t: 'bytes', c: y } : bytes(jwk.y)],
        [int(-4), bytes(jwk.d)],
      ],
    },
    cid: Buffer.of(1, 2, 200),
    rid: 'example.com',
    uhd: Buffer.from('ada'),
    cnt: null,
    ext: { hmac_secret: secret },
  }
  const content = Buffer.from(packed({ c: Buffer.from(packed(inner)), v: form })).toString('base64')
  return {
    keyId: 'AQLI',
    content,
    domain: 'https://example.com',
    rpId: 'example.com',
    rpName: 'Example',
    userName: 'ada',
    userDisplayName: 'Ada L',
    userId: 'YWRh',
    createTime: 1_700_000_000,
    note: '',
    credentialId: 'AQLI',
    userHandle: 'YWRh',
    creationData: null,
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = privateKey.export({ format: 'jwk' })

const exportOf = (passkeys: readonly object[], more: object = {}) => ({
  version: '1.31.0',
  encrypted: false,
  vaults: {
    v1: {
      name: 'Private',
      folders: [
        { folderId: 'f1', parentFolderId: null, name: 'Work' },
        { folderId: 'f2', parentFolderId: 'f1', name: 'Web' },
      ],
      items: [
        {
          itemId: 'i',
          state: 2,
          folderId: 'f2',
          files: ['deed/1.uid.txt'],
          data: {
            metadata: { name: 'A', note: 'n', itemUuid: 'u' },
            type: 'login',
            content: {
              itemEmail: 'ada@example.com',
              itemUsername: 'ada',
              password: 'p',
              urls: ['https://a.example'],
              autofillUrls: [
                { url: 'https://a.example', mode: 0 },
                { url: 'https://b.example', mode: 1 },
              ],
              totpUri: 'T',
              passkeys,
            },
            extraFields: [{ fieldName: 'PIN', type: 'hidden', data: { content: '1' } }],
          },
          ...more,
        },
      ],
    },
  },
})

const read = async (passkeys: readonly object[]) =>
  readIncoming(fileOfText(JSON.stringify(exportOf(passkeys))))

describe('an export of Proton Pass', () => {
  it('has vaults, folders, addresses and files', async () => {
    const data = strToU8(JSON.stringify(exportOf([])))
    const archive = zipSync({
      'Proton Pass/data.json': data,
      'Proton Pass/files/deed_1.uid.txt': strToU8('deed'),
    })
    const { items, leftovers } = await readIncoming(fileOfBytes(archive, 'x'))
    expect(items).toMatchObject([
      {
        vault: 'Private',
        trashed: true,
        content: {
          username: 'ada',
          totp: 'T',
          folder: 'Work/Web',
          urls: ['https://a.example', 'https://b.example'],
          fields: [
            { name: 'E-mail', value: 'ada@example.com' },
            { name: 'Autofill mode of https://b.example', value: '1' },
            { name: 'PIN', value: '1', hidden: true },
          ],
        },
        files: [{ name: 'deed/1.uid.txt', size: 4 }],
      },
    ])
    expect(leftovers.filter(({ wentTo }) => wentTo === undefined).map(({ what }) => what)).toEqual([
      'when they were made and changed',
    ])
    // The JSON alone has no files.
    expect((await read([])).leftovers).toContainEqual({
      place: 'item 1 of the vault "Private"',
      what: 'an attached file, which is not in what was exported',
      wentTo: undefined,
    })
  })

  it('has passkeys', async () => {
    const secret = { cred_with_uv: Buffer.of(9, 9), cred_without_uv: null }
    const { items, leftovers } = await read([passkey(jwk, { secret })])
    const [{ content } = { content: undefined }] = items
    expect(content).toMatchObject({
      passkeys: [
        {
          credentialId: 'AQLI',
          rpId: 'example.com',
          rpName: 'Example',
          userHandle: 'YWRh',
          userName: 'ada',
          userDisplayName: 'Ada L',
          createdAt: '2023-11-14T22:13:20.000Z',
          discoverable: true,
        },
      ],
    })
    const [found] = Object(content).passkeys
    const key = createPrivateKey({ key: bytesOf(found.privateKey), format: 'der', type: 'pkcs8' })
    expect(key.equals(privateKey)).toBe(true)
    expect(Object(content).fields).toContainEqual({
      name: 'Secret for the PRF extension of example.com (cred_with_uv)',
      value: 'CQk',
      hidden: true,
    })
    expect(leftovers.some(({ what }) => what.startsWith('a passkey'))).toBe(false)
  })

  it('loses a passkey of another form with a word', async () => {
    const strange = [
      {},
      { ...passkey(jwk), content: Buffer.from([0x81]).toString('base64') },
      { ...passkey(jwk), content: Buffer.from('\xdd\xff\xff\xff\xff', 'latin1').toString('base64') },
      { ...passkey(jwk), content: Buffer.alloc(50_000, 0x91).toString('base64') },
      passkey(jwk, { form: 2 }),
      passkey(jwk, { algorithm: 'RS256' }),
      // The public half of another key.
      passkey(jwk, { y: Buffer.alloc(32, 7) }),
    ]
    const { items, leftovers } = await read(strange)
    expect(items[0]?.content).not.toHaveProperty('passkeys')
    expect(leftovers.filter(({ what }) => what === 'a passkey of an unknown form')).toHaveLength(
      strange.length,
    )
  })

  it('that is encrypted is refused with what to do', async () => {
    const pgp = fileOfText('-----BEGIN PGP MESSAGE-----\nx')
    await expect(readIncoming(pgp)).rejects.toMatchObject({ code: 'unsupported' })
  })
})
