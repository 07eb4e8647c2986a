// Nothing secret leaves a trace: after everything that a client can do, database, log and errors hold none of what it hid.
import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { days, minutes } from '../../../src/clock.ts'
import { parseShareLink, shareKeys } from '../../../src/protocol/share-link.ts'
import {
  type ItemContent,
  Limpet,
  memorySessionStorage,
  minKdf,
  type OpenItem,
  type OpenVault,
  ReceivedShare,
  Replica,
  type SessionState,
  type SessionStorage,
  TokenClient,
  type UnlockedAccount,
} from '../../../src/sdk/index.ts'
import { deriveTokenKey, parseBearerToken } from '../../../src/sdk/tokens.ts'
import type { TestDatabase } from '../../support/database.ts'
import { engines } from '../../support/database.ts'
import { send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import {
  client,
  quickRegistration,
  startServer,
  TestClock,
  type TestServer,
  testOpaqueSetup,
  testSecret,
} from '../../support/server.ts'

/** Random, and unlike everything else; in letters that JSON leaves as they are. */
const newMarker = (what: string) => `${what}${randomBytes(12).toString('hex')}`

/** The ways in which something could stand somewhere: as it is, in base64 and base64url wherever it begins, in hex. */
function spellings(secret: string | Uint8Array): string[] {
  const bytes = Buffer.from(secret)
  const shifted = [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    // The first and last characters hold bits of the neighbours too.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((padded.length * 8) / 6)]
    return [padded.toString('base64'), padded.toString('base64url')].map((coded) => coded.slice(from, to))
  })
  return [bytes.toString('latin1'), ...shifted, bytes.toString('hex'), bytes.toString('hex').toUpperCase()]
}

/** Where one of the secrets, in any spelling, stands in one of the places. */
const found = (secrets: Iterable<string | Uint8Array>, places: Record<string, string>): string[] =>
  [...secrets].flatMap((secret) =>
    spellings(secret).flatMap((spelling) =>
      Object.entries(places).flatMap(([place, content]) =>
        content.includes(spelling) ? [`${spelling} in ${place}`] : [],
      ),
    ),
  )

/** What the database holds, byte for byte, by the name of the file or table. */
async function contentOf(database: TestDatabase): Promise<Record<string, string>> {
  const rows = Object.entries(await readRows(database)).map(([table, found]) => {
    const cells = found.flatMap((row) => Object.values(row)).map(String)
    // Bytes are read as hex; what they spell counts too.
    const spelled = cells.map((cell) =>
      /^([0-9a-f]{2})+$/.test(cell) ? Buffer.from(cell, 'hex').toString('latin1') : '',
    )
    return [table, [...cells, ...spelled].join('\n')]
  })
  if (!database.url.startsWith('file:')) return Object.fromEntries(rows)
  const file = database.url.slice('file:'.length)
  const folder = dirname(file)
  const files = readdirSync(folder)
    .filter((name) => name.startsWith(basename(file)))
    .map((name) => [name, readFileSync(join(folder, name)).toString('latin1')])
  return Object.fromEntries([...rows, ...files])
}

/** A session storage that remembers every token that it was given. */
function rememberingStorage(): { storage: SessionStorage; states: SessionState[] } {
  const storage = memorySessionStorage()
  const states: SessionState[] = []
  return {
    states,
    storage: {
      ...storage,
      async save(state) {
        states.push(state)
        await storage.save(state)
      },
    },
  }
}

const contents = (text: (what: string) => string): ItemContent[] => [
  {
    kind: 'login',
    name: text('name'),
    username: text('user'),
    password: text('secret'),
    urls: [`https://${text('host')}.example`],
    totp: text('totp'),
    notes: text('notes'),
    folder: text('folder'),
    tags: [text('tag')],
    fields: [{ name: text('field'), value: text('value'), hidden: true }],
  },
  { kind: 'note', name: text('name'), notes: text('notes') },
  { kind: 'card', name: text('name'), holder: text('holder'), number: text('number'), code: text('code') },
  { kind: 'identity', name: text('name'), fullName: text('full'), phone: text('phone') },
  { kind: 'ssh-key', name: text('name'), privateKey: text('private'), publicKey: text('public') },
]

describe.each(engines)('no trace on %s', (engine) => {
  const clock = new TestClock()
  /** What the client hid: passwords, names, contents, and the account's key. */
  const hidden = new Set<string | Uint8Array>()
  /** What the server was shown to prove something, and must not keep or write down. */
  const credentials = new Set<string>()
  /** What it handed out or signs with, and must not write down. */
  const unlogged = new Set<string>([testSecret, testOpaqueSetup])
  const errors: Record<string, string> = {}
  let server: TestServer

  const hide = (what: string) => {
    const marker = newMarker(what)
    hidden.add(marker)
    return marker
  }

  /** Looks at every request on its way, notes what proves something, and keeps the answers that are problems. */
  const watchingFetch: typeof globalThis.fetch = async (input, init) => {
    const body = typeof init?.body === 'string' ? init.body : ''
    for (const [, proof = ''] of body.matchAll(/"(?:authKey|proof|claim|handshake|finish)":"([^"]+)"/g))
      credentials.add(proof)
    const response = await fetch(input, init)
    if (!response.ok)
      errors[`${init?.method} ${input} (${Object.keys(errors).length})`] = await response.clone().text()
    return response
  }

  async function raw(method: string, path: string, token: string | undefined, body: string) {
    const answer = await send(server, { method, path, token, raw: body })
    expect(answer.status, `${method} ${path}`).toBeGreaterThanOrEqual(400)
    expect(answer.status, `${method} ${path}`).toBeLessThan(500)
    errors[`${method} ${path} (${Object.keys(errors).length})`] = answer.text + JSON.stringify(answer.headers)
  }

  /** A one-time share, of which everything is noted that nobody is to find. */
  async function makeShare(limpet: Limpet, share: { secret: string; passphrase?: string; ttl?: number }) {
    const made = await limpet.shares.create(share)
    const { key } = parseShareLink(made.link)
    const { fernetKey } = await shareKeys(key, share.passphrase)
    for (const secret of [key, Buffer.from(key, 'base64url'), fernetKey]) hidden.add(secret)
    credentials.add(made.manageToken)
    unlogged.add(made.id)
    return { ...made, key }
  }

  /** The lives that shares can have: read, guessed at, revoked, expired, and mistaken for something else. */
  async function shareSecrets(limpet: Limpet) {
    const receive = ({ link }: { link: string }) => new ReceivedShare(link, { fetch: watchingFetch })
    const secret = hide('shared')
    const read = await makeShare(limpet, { secret })
    const received = receive(read)
    expect(await received.look()).toEqual({ readable: true, passphrase: false })
    await received.open()
    const opened = await received.open()
    expect(new TextDecoder().decode(opened.secret)).toBe(secret)
    await opened.acknowledge()
    await receive(read)
      .open()
      .catch(() => {})

    const passphrase = hide('passphrase')
    const guarded = await makeShare(limpet, { secret: hide('guarded'), passphrase })
    const guesser = receive(guarded)
    await guesser.open(hide('guess')).catch(() => {})
    // Not acknowledged, so that it is still in the database.
    await guesser.open(passphrase)

    const revoked = await makeShare(limpet, { secret: hide('revoked') })
    await limpet.shares.revoke(revoked)
    await limpet.shares.receipt(revoked)
    const expired = await makeShare(limpet, { secret: hide('expired'), ttl: 60 })
    clock.advance(minutes(1))
    for (const gone of [revoked, expired])
      await receive(gone)
        .open()
        .catch(() => {})

    const pending = await makeShare(limpet, { secret: hide('pending'), passphrase: hide('passphrase') })
    const path = `/api/v1/shares/${pending.id}`
    await raw('GET', `${path}?key=${pending.key}`, pending.manageToken, '')
    await raw('POST', `${path}/reveal`, undefined, JSON.stringify({ proof: pending.key, claim: pending.key }))
    await raw('POST', `${path}/reveal`, undefined, JSON.stringify({ key: hide('misplaced') }))
    await raw('POST', '/api/v1/shares', undefined, JSON.stringify({ ciphertext: hide('plain'), proof: 'x' }))
    // The "#" of a link, mangled on its way: the key is in the address that the server is asked for.
    const page = await send(server, { path: `/s/${pending.id}%23${pending.key}` })
    expect(found([pending.key], { page: page.text + JSON.stringify(page.headers) })).toEqual([])
  }

  /** What a job does with tokens, wrongly too. */
  async function useTokens(account: UnlockedAccount, vault: OpenVault, password: string) {
    const made = await account.tokens.create({ name: 'job', scopes: ['read'], vault, password })
    const { token, secret } = parseBearerToken(made.bearerToken)
    if (!secret) throw new Error('The token has no key')
    credentials.add(token.slice('lmp_'.length))
    for (const bytes of [secret, await deriveTokenKey(secret)]) hidden.add(bytes)
    const client = new TokenClient({
      server: server.url,
      bearerToken: made.bearerToken,
      fetch: watchingFetch,
    })
    const opened = await (await client.open()).vault()
    await opened.create({ kind: 'note', name: hide('unwritten') }).catch(() => {})
    await raw('GET', '/api/v1/account', token, '')
    // The whole text, which a script sent that should have cut it at the dot.
    await raw('GET', '/api/v1/vaults', made.bearerToken, '')
    await raw('DELETE', `/api/v1/tokens/${token}`, undefined, '')
    await account.tokens.revoke(made.id)
    await opened.changes(undefined).catch(() => {})
    await account.tokens.create({ name: 'another job', scopes: ['write'], vault, password })
  }

  /** Everything that a client can do, wrongly too. */
  async function live() {
    const { storage, states } = rememberingStorage()
    const device = { id: randomUUID(), name: 'test', type: 'other' as const }
    const limpet = new Limpet({ server: server.url, device, storage, fetch: watchingFetch })
    const email = `${randomUUID()}@example.com`
    const [password, next] = [hide('pass'), hide('next')]
    const registration = { email, password, ...quickRegistration, vaultName: hide('vault') }
    await limpet.register(registration)
    await limpet.register(registration).catch(() => {})
    await limpet.login({ email, password: hide('wrong') }).catch(() => {})
    const account = await limpet.login({ email, password })
    hidden.add(account.exportKey())
    const [vault] = await account.vaults()
    if (!vault) throw new Error('A new account has no vault')

    const items: OpenItem[] = []
    for (const content of contents(hide)) items.push(await vault.create(content))
    const [item, ...rest] = items
    if (!item) throw new Error('Nothing was created')
    const edited = await vault.replace(item.id, item.revision, { kind: 'note', name: hide('edited') })
    await vault.replace(item.id, item.revision, { kind: 'note', name: hide('conflict') }).catch(() => {})
    await vault.create({ kind: 'note', name: hide('twice') }, item.id).catch(() => {})
    const sealed = await vault.sealItem(randomUUID(), { kind: 'note', name: hide('batch') })
    await vault.batch([{ op: 'put', id: randomUUID(), ...sealed, revision: null }])
    await vault.versions(item.id)
    // A rename is for the vault as it was last looked at, items included.
    const seen = (await account.vaults()).find(({ id }) => id === vault.id)
    await seen?.rename(hide('renamed'))
    await account.createVault(hide('second'))
    for (const { id } of rest.slice(0, 2)) await vault.trash(id)
    for (const { id } of rest.slice(1, 3)) await vault.purge(id)
    await new Replica().pull(vault)

    // Requests that put a secret where it does not belong.
    const { accessToken: token } = states.at(-1) ?? {}
    const path = `/api/v1/vaults/${vault.id}`
    const secret = hide('misplaced')
    await raw(
      'POST',
      '/api/v1/login',
      undefined,
      JSON.stringify({ email, password: secret }).replace('password', 'authKey'),
    )
    await raw('POST', '/api/v1/login', undefined, `{"email":"${secret}"`)
    await raw('POST', '/api/v1/prelogin', undefined, JSON.stringify({ email: secret }))
    await raw('PUT', `${path}/items/${item.id}`, token, JSON.stringify({ data: secret }))
    await raw('PUT', `${path}/items/${secret}`, token, '{}')
    await raw('POST', `${path}/batch`, token, JSON.stringify({ operations: [{ op: secret, id: secret }] }))
    await raw('POST', `/${secret}?q=${secret}`, secret, secret)
    await raw('GET', `/api/v1/vaults?limit=${encodeURIComponent(secret)}`, secret, secret)

    await shareSecrets(limpet)
    await useTokens(account, vault, password)
    clock.advance(minutes(20))
    await account.details()
    const state = states.at(-1)
    clock.advance(minutes(20))
    await account.details()
    // Reuse of a replaced refresh token, which ends the session.
    await raw(
      'POST',
      '/api/v1/token/refresh',
      undefined,
      JSON.stringify({ refreshToken: states[0]?.refreshToken }),
    )
    expect(state?.refreshToken).not.toBe(states[0]?.refreshToken)

    const again = await limpet.login({ email, password })
    await again.changePassword({ current: hide('mistyped'), next }).catch(() => {})
    await again.changePassword({ current: password, next, method: 'authKey', kdf: minKdf })
    const opened = (await again.vaults()).find(({ id }) => id === vault.id)
    expect((await opened?.get(item.id))?.content).toEqual(edited.content)
    await limpet.login({ email, password }).catch(() => {})
    const second = client(server)
    await second.login({ email, password: next })
    await second.logout()
    // The other method, for good measure: its password, its messages and the key that comes of it.
    const last = hide('last')
    const third = new Limpet({
      server: server.url,
      device,
      acceptAuthKey: () => true,
      fetch: watchingFetch,
    })
    const switching = await third.login({ email, password: next })
    await switching.changePassword({ current: next, next: last, method: 'opaque' })
    await third.login({ email, password: hide('mistaken') }).catch(() => {})
    await third.login({ email, password: last })
    await raw(
      'POST',
      '/api/v1/login',
      undefined,
      JSON.stringify({ email, password: secret }).replace('password', 'opaque'),
    )
    clock.advance(days(31))
    await again.details().catch(() => {})
    for (const { accessToken, refreshToken } of states) {
      // What the SDK keeps of a session that is over has no tokens.
      if (refreshToken === '') continue
      unlogged.add(accessToken)
      credentials.add(refreshToken)
    }
  }

  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { LOG_LEVEL: 'trace' } })
    await live()
  })
  afterAll(() => server.close())

  it('went through all of it', () => {
    expect(hidden.size).toBeGreaterThan(50)
    expect(credentials.size).toBeGreaterThan(20)
    expect(unlogged.size).toBeGreaterThan(9)
    const codes = new Set(Object.values(errors).map((text) => /"code":"([\w-]+)"/.exec(text)?.[1]))
    expect([...codes].sort()).toEqual(
      [
        'email-taken',
        'invalid-credentials',
        'insufficient-scope',
        'invalid-refresh-token',
        'malformed-request',
        'not-authenticated',
        'not-found',
        'precondition-required',
        'method-not-allowed',
        'revision-conflict',
        'share-consumed',
        'share-expired',
        'share-revoked',
        'token-not-allowed',
        'wrong-proof',
      ].sort(),
    )
    expect(server.log().split('\n').length).toBeGreaterThan(40)
  })

  it('would be noticed', async () => {
    // An account id stands in the database as it is, and a request id in the log.
    const { accounts = [] } = await readRows(server.database)
    const places = { ...(await contentOf(server.database)), log: server.log() }
    expect(found([String(accounts[0]?.id)], places).length).toBeGreaterThan(0)
    for (const coding of ['base64', 'base64url', 'hex', 'latin1'] as const)
      for (const before of ['', 'x', 'xy', 'xyz'])
        expect(
          found(['a needle in it'], { hay: Buffer.from(`${before}a needle in it...`).toString(coding) }),
          `${coding} behind ${before}`,
        ).not.toEqual([])
  })

  it('of what was hidden is in the database', async () => {
    const places = await contentOf(server.database)
    if (engine === 'sqlite')
      expect(Object.keys(places)).toEqual(
        expect.arrayContaining(['limpet.db', 'limpet.db-wal', 'limpet.db-shm']),
      )
    expect(found(hidden, places)).toEqual([])
  })

  it('of what was hidden is in the log or in an answer that refuses', () => {
    expect(found(hidden, { ...errors, log: server.log() })).toEqual([])
  })

  it('of a proof or a refresh token is in the database, but for its hash', async () => {
    // As text, and as the bytes that the text spells.
    const secrets = [...credentials].flatMap((text) => [text, Buffer.from(text, 'base64url')])
    expect(
      found(
        [...secrets, testSecret, testOpaqueSetup, Buffer.from(testOpaqueSetup, 'base64url')],
        await contentOf(server.database),
      ),
    ).toEqual([])
  })

  it('of a token, a proof or the secret is in the log', () => {
    const log = { log: server.log() }
    expect(found(unlogged, log)).toEqual([])
    expect(found(credentials, log)).toEqual([])
    // Not even the part of a token that anybody could read.
    expect(server.log()).not.toMatch(/eyJ[\w-]{10}|Bearer|authorization|127\.0\.0\.1/i)
  })
})
