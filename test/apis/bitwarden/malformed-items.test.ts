// Items that would break the lists of clients, were they stored: by creation, by replacement and by import. What a client of Bitwarden's
// makes of each of them was tried with `bw`.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encString } from '../../support/bitwarden.ts'
import { BitwardenDevice, registerBitwardenUser } from '../../support/bitwarden-client.ts'
import { engines } from '../../support/database.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const parts = () => encString().slice(2).split('|')

/** Whatever is no EncString of type 2. */
const noEncStrings: Readonly<Record<string, unknown>> = {
  'plain text': 'plain text',
  'a number': 5,
  'an object': {},
  'two parts': `2.${parts().slice(0, 2).join('|')}`,
  'four parts': `2.${[...parts(), 'AAAA'].join('|')}`,
  'bad base64': `2.*${parts().join('|').slice(1)}`,
  'base64 without padding': encString().replaceAll('=', ''),
  'type 0': `0.${parts().slice(0, 2).join('|')}`,
  'type 4': '4.QUJD',
  'type 7': '7.g1gdowE6AAERcA==',
  'type 9': `9.${parts().join('|')}`,
  'a short IV': `2.QUJD|${parts().slice(1).join('|')}`,
  'a short MAC': `2.${parts().slice(0, 2).join('|')}|QUJD`,
  'a broken block': `2.${parts()[0]}|QUJDRA==|${parts()[2]}`,
  'no ciphertext': `2.${parts()[0]}||${parts()[2]}`,
  'a space behind': `${encString()} `,
}

const passkey = () => ({
  credentialId: encString(),
  keyType: encString(),
  keyAlgorithm: encString(),
  keyCurve: encString(),
  keyValue: encString(),
  rpId: encString(),
  rpName: null,
  userHandle: null,
  userName: null,
  userDisplayName: null,
  counter: encString(),
  discoverable: encString(),
  creationDate: '2026-01-01T00:00:00.000Z',
})

type Body = Record<string, unknown>
type Spoil = (body: Body) => Body

const inLogin =
  (more: Body): Spoil =>
  (body) => ({ ...body, login: { uris: null, username: null, password: null, totp: null, ...more } })

/** Where an EncString belongs. */
const places: Readonly<Record<string, (value: unknown) => Spoil>> = {
  name: (name) => (body) => ({ ...body, name }),
  notes: (notes) => (body) => ({ ...body, notes }),
  key: (key) => (body) => ({ ...body, key }),
  'login.username': (username) => inLogin({ username }),
  'login.password': (password) => inLogin({ password }),
  'login.totp': (totp) => inLogin({ totp }),
  'login.uris[].uri': (uri) => inLogin({ uris: [{ uri, match: null }] }),
  'login.uris[].uriChecksum': (uriChecksum) =>
    inLogin({ uris: [{ uri: encString(), uriChecksum, match: null }] }),
  'login.fido2Credentials[].keyValue': (keyValue) =>
    inLogin({ fido2Credentials: [{ ...passkey(), keyValue }] }),
  'fields[].name': (name) => (body) => ({
    ...body,
    fields: [{ type: 0, name, value: encString(), linkedId: null }],
  }),
  'fields[].value': (value) => (body) => ({
    ...body,
    fields: [{ type: 0, name: encString(), value, linkedId: null }],
  }),
  'passwordHistory[].password': (password) => (body) => ({
    ...body,
    passwordHistory: [{ password, lastUsedDate: '2026-01-01T00:00:00.000Z' }],
  }),
  'secureNote beside text': (notes) => (body) => ({
    ...body,
    type: 2,
    secureNote: { type: 0 },
    login: null,
    notes,
  }),
  'card.number': (number) => (body) => ({ ...body, type: 3, login: null, card: { number } }),
  'identity.ssn': (ssn) => (body) => ({ ...body, type: 4, login: null, identity: { ssn } }),
  'sshKey.privateKey': (privateKey) => (body) => ({
    ...body,
    type: 5,
    login: null,
    sshKey: { privateKey, publicKey: encString(), keyFingerprint: encString() },
  }),
}

/** Anything else that breaks a list, or makes one item of it disappear, or shows it without its content. */
const otherwiseBad: Readonly<Record<string, Spoil>> = {
  'no name': ({ name: _, ...body }) => body,
  'a name of null': (body) => ({ ...body, name: null }),
  'an empty name': (body) => ({ ...body, name: '' }),
  'type 0': (body) => ({ ...body, type: 0 }),
  'type 9': (body) => ({ ...body, type: 9 }),
  'type 1.5': (body) => ({ ...body, type: 1.5 }),
  'no type': ({ type: _, ...body }) => body,
  'a password of null in the history': (body) => ({
    ...body,
    passwordHistory: [{ password: null, lastUsedDate: '2026-01-01T00:00:00.000Z' }],
  }),
  'a bad date in the history': (body) => ({
    ...body,
    passwordHistory: [{ password: encString(), lastUsedDate: 'yesterday' }],
  }),
  'a bad date of the password': inLogin({ passwordRevisionDate: 'yesterday' }),
  'a passkey without its key': inLogin({ fido2Credentials: [{ ...passkey(), keyValue: undefined }] }),
  'a passkey with a bad date': inLogin({ fido2Credentials: [{ ...passkey(), creationDate: '' }] }),
  'a folder that is no UUID': (body) => ({ ...body, folderId: 'work' }),
  'a folder of nobody': (body) => ({ ...body, folderId: randomUUID() }),
  'an organization': (body) => ({ ...body, organizationId: randomUUID() }),
  'another owner': (body) => ({ ...body, encryptedFor: randomUUID() }),
  'an SSH key without the private one': (body) => ({
    ...body,
    type: 5,
    login: null,
    sshKey: { publicKey: encString(), keyFingerprint: encString() },
  }),
}

/** What clients shrug off: it may be stored or refused, and the list has to open all the same. */
const harmless: Readonly<Record<string, Spoil>> = {
  'an empty user name': inLogin({ username: '' }),
  'no URIs': inLogin({ uris: null }),
  'a match in words': inLogin({ uris: [{ uri: encString(), match: '0' }] }),
  'a match out of range': inLogin({ uris: [{ uri: encString(), match: 9 }] }),
  'no login': (body) => ({ ...body, login: null }),
  'an empty login': (body) => ({ ...body, login: {} }),
  'a kind of field that is none': (body) => ({ ...body, fields: [{ type: 9, name: null, value: null }] }),
  'a link to nothing': (body) => ({
    ...body,
    fields: [{ type: 3, name: encString(), value: null, linkedId: 999 }],
  }),
  'an empty list of fields': (body) => ({ ...body, fields: [] }),
  'a reprompt out of range': (body) => ({ ...body, reprompt: 5 }),
  'a reprompt in words': (body) => ({ ...body, reprompt: '0' }),
  'no reprompt and no favorite': ({ reprompt: _, favorite: __, ...body }) => body,
  'members of other kinds': (body) => ({ ...body, sshKey: {}, secureNote: {}, card: {} }),
  'type 6 without its member': (body) => ({ ...body, type: 6, login: null }),
  'a date of creation that is none': (body) => ({
    ...body,
    creationDate: 'x',
    deletedDate: '',
    revisionDate: null,
  }),
  'members of the server': (body) => ({
    ...body,
    id: 'X',
    edit: false,
    permissions: {},
    collectionIds: null,
  }),
  'members of Object': (body) => ({ ...body, constructor: 1, toString: 'x', ['__proto__']: { name: 'x' } }),
}

const allBad: Readonly<Record<string, Spoil>> = {
  ...Object.fromEntries(
    Object.entries(places).flatMap(([place, at]) =>
      Object.entries(noEncStrings).map(([kind, value]) => [`${place}: ${kind}`, at(value)]),
    ),
  ),
  ...otherwiseBad,
}

describe.each(engines)('malformed items on %s', (engine) => {
  let server: TestServer
  let device: BitwardenDevice
  let goodId: string
  beforeAll(async () => {
    server = await startServer(engine, { environment: { BITWARDEN_API: 'on' } })
    device = await BitwardenDevice.login(server, await registerBitwardenUser(server))
    goodId = (await device.createItem({ name: 'good' })).id
  })
  afterAll(() => server.close())

  const good = () => device.sealed({ name: 'good' })

  /** All ways in which an item gets onto the server. */
  const writes: Readonly<Record<string, (body: Body) => Promise<number>>> = {
    created: async (body) => (await device.request('POST', '/api/ciphers', body)).status,
    replaced: async (body) => (await device.request('PUT', `/api/ciphers/${goodId}`, body)).status,
    imported: async (body) => {
      const ciphers = [good(), body]
      const answer = await device.request('POST', '/api/ciphers/import', {
        ciphers,
        folders: [],
        folderRelationships: [],
      })
      return answer.status
    },
  }

  it.each(Object.keys(writes))('are refused when they are %s, and change nothing', async (way) => {
    const write = writes[way]
    expect(await write?.(good())).toBe(200)
    const before = await device.sync()
    const outcomes: string[] = []
    for (const [kind, spoil] of Object.entries(allBad)) {
      // An import says beside its items in which folder each is.
      if (way === 'imported' && kind.startsWith('a folder')) continue
      const status = await write?.(spoil(good()))
      if (status !== 400) outcomes.push(`${kind}: ${status}`)
    }
    expect(outcomes).toEqual([])
    expect(await device.sync()).toEqual(before)
  })

  it.each(Object.keys(writes))(
    'that clients shrug off leave the list whole when they are %s',
    async (way) => {
      const write = writes[way]
      const outcomes: string[] = []
      for (const [kind, spoil] of Object.entries(harmless)) {
        const { items } = await device.sync()
        const status = (await write?.(spoil(device.sealed({ name: kind })))) ?? 0
        if (![200, 400].includes(status)) outcomes.push(`${kind}: ${status}`)
        const after = await device.sync().catch((error: unknown) => outcomes.push(`${kind}: ${error}`))
        if (typeof after === 'object' && after.items.size < items.size)
          outcomes.push(`${kind}: an item is gone`)
      }
      expect(outcomes).toEqual([])
    },
  )
})
