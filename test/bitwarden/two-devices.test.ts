// Two devices with `bw` on one vault, sessions that end, second factors, and connections that lose what was sent.
import { randomUUID } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../src/clock.ts'
import { BitwardenDevice, type BitwardenUser, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { type Bw, type BwVersion, newBw } from '../support/bw.ts'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'

const Item = z.looseObject({ id: z.uuid(), name: z.string(), notes: z.string().nullish() })

const login = (name: string) => ({
  organizationId: null,
  collectionIds: null,
  folderId: null,
  type: 1,
  name,
  notes: null,
  favorite: false,
  fields: [],
  reprompt: 0,
  login: { uris: [], username: 'ada', password: 'a password', totp: null },
})

/** The environment of a program of Node whose clock is ahead. @param ms how far */
const clockAhead = (ms: number) => {
  const program = `const now = Date.now; globalThis.Date = class extends Date { constructor(...given) { given.length ? super(...given) : super(now() + ${ms}) } static now() { return now() + ${ms} } }`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` }
}

describe.each(engines)('devices with bw on %s', (engine) => {
  let proxy: TlsProxy
  let server: TestServer
  beforeAll(async () => {
    proxy = await startTlsProxy()
    server = await startServer(engine, {
      environment: { BITWARDEN_API: 'on', PUBLIC_URL: proxy.url },
    })
    proxy.pointAt(server.url)
  })
  afterAll(async () => {
    await server.close()
    await proxy.close()
  })

  let user: BitwardenUser
  /** A device of the test's own, which does what `bw` has no command for. */
  let owner: BitwardenDevice
  const devices: Bw[] = []
  beforeEach(async () => {
    user = await registerBitwardenUser(server)
    owner = await BitwardenDevice.login(server, user)
  })
  afterEach(async () => {
    proxy.decide(() => 'answered')
    for (const bw of devices.splice(0)) await bw.remove()
  })

  async function newDevice(version: BwVersion = '2026.9.0'): Promise<Bw> {
    const bw = await newBw(version, proxy)
    devices.push(bw)
    return bw
  }
  async function loggedIn(version?: BwVersion): Promise<Bw> {
    const bw = await newDevice(version)
    await bw.login(user.email, user.password)
    return bw
  }
  const itemsOf = async (bw: Bw) => z.array(Item).parse(JSON.parse(await bw.out(['list', 'items'])))

  it('see what the other one did, and do not overwrite it', async () => {
    const [newer, older] = [await loggedIn('2026.9.0'), await loggedIn('2025.12.1')]
    const made = Item.parse(JSON.parse(await newer.out(['create', 'item'], { input: login('shared') })))
    expect(await itemsOf(older)).toEqual([])
    await older.out(['sync'])
    const seen = Item.parse(JSON.parse(await older.out(['get', 'item', made.id])))
    expect(seen.name).toBe('shared')

    await newer.out(['edit', 'item', made.id], { input: { ...made, notes: 'by the newer one' } })
    const edit = { input: { ...seen, notes: 'by the older one' } }
    const refused = await older.run(['edit', 'item', made.id], edit)
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/another|changed|out of date/i)])
    await older.out(['sync'])
    expect(await older.out(['get', 'notes', made.id])).toBe('by the newer one')
    const fresh = Item.parse(JSON.parse(await older.out(['get', 'item', made.id])))
    await older.out(['edit', 'item', made.id], { input: { ...fresh, notes: 'by the older one' } })
    await newer.out(['sync'])
    expect(await newer.out(['get', 'notes', made.id])).toBe('by the older one')

    await newer.out(['delete', 'item', made.id, '--permanent'])
    expect((await older.run(['edit', 'item', made.id], edit)).code).toBe(1)
    await older.out(['sync'])
    expect(await itemsOf(older)).toEqual([])
  })

  it('lose no session and no item when requests and answers are lost', async () => {
    const bw = await loggedIn()
    proxy.decide(({ path }) => (path === '/api/ciphers' ? 'lost answer' : 'answered'))
    expect((await bw.run(['create', 'item'], { input: login('made') })).code).toBe(1)
    proxy.decide(({ path }) => (path === '/api/ciphers' ? 'lost request' : 'answered'))
    expect((await bw.run(['create', 'item'], { input: login('never made') })).code).toBe(1)
    proxy.decide(() => 'answered')
    await bw.out(['sync'])
    expect((await itemsOf(bw)).map(({ name }) => name)).toEqual(['made'])

    for (const [fate, lost] of [
      ['lost request', '/identity/connect/token'],
      ['lost answer', '/identity/connect/token'],
      ['half an answer', '/identity/connect/token'],
      ['lost answer', '/api/sync'],
      ['half an answer', '/api/sync'],
    ] as const) {
      proxy.decide(({ path }) => (path === lost ? fate : 'answered'))
      await bw.run(['sync', '--force'])
      proxy.decide(() => 'answered')
      await bw.out(['sync', '--force'])
    }
    expect(await itemsOf(bw)).toHaveLength(1)
  })

  it('renew their access token when it runs out', async () => {
    const bw = await loggedIn()
    const begun = proxy.seen.length
    // By its clock its token is good for a few minutes more, so that it asks for another one. Not at the login: there the client may ask
    // before it has stored its refresh token, and ends.
    await bw.out(['create', 'item'], { input: login('late'), environment: clockAhead(minutes(57)) })
    const refreshed = proxy.seen.slice(begun).filter(({ path }) => path === '/identity/connect/token')
    expect(refreshed.map(({ status }) => status)).toContain(200)
    await bw.out(['sync', '--force'])
    expect(await itemsOf(bw)).toHaveLength(1)
  })

  it('are logged out when their owner ends all sessions, and can log in again', async () => {
    const bw = await loggedIn()
    await bw.out(['create', 'item'], { input: login('kept') })
    await owner.ask('POST', '/api/accounts/security-stamp', { masterPasswordHash: owner.passwordHash })
    expect((await bw.run(['sync', '--force'])).code).toBe(1)
    expect(JSON.parse(await bw.out(['status']))).toMatchObject({ status: 'unauthenticated' })
    await bw.login(user.email, user.password)
    expect(await itemsOf(bw)).toHaveLength(1)
  })

  it.each(['2026.9.0', '2025.12.1'] as const)(
    'log in with a code of an authenticator app by bw %s',
    async (version) => {
      const Begun = z.looseObject({ key: z.string(), userVerificationToken: z.string() })
      const { key, userVerificationToken } = Begun.parse(
        await owner.ask('POST', '/api/two-factor/get-authenticator', {
          masterPasswordHash: owner.passwordHash,
        }),
      )
      const totp = new TOTP({ secret: Secret.fromBase32(key) })
      await owner.ask('PUT', '/api/two-factor/authenticator', {
        key,
        userVerificationToken,
        token: totp.generate(),
      })
      const bw = await newDevice(version)
      const login = ['login', user.email, user.password, '--raw']
      expect((await bw.run(login)).code).toBe(1)
      const wrong = await bw.run([...login, '--method', '0', '--code', '000000'])
      expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/two-step token is invalid/i)])
      // A code is good once, and the first one was used to confirm the factor.
      const code = totp.generate({ timestamp: Date.now() + 30_000 })
      await bw.login(user.email, user.password, ['--method', '0', '--code', code])
      expect(await itemsOf(bw)).toEqual([])
    },
  )

  it('log in with the API key, which asks for no second factor', async () => {
    const { apiKey } = z
      .looseObject({ apiKey: z.string() })
      .parse(await owner.ask('POST', '/api/accounts/api-key', { masterPasswordHash: owner.passwordHash }))
    const bw = await newDevice()
    const secrets = { BW_CLIENTID: `user.${owner.accountId}`, BW_CLIENTSECRET: apiKey }
    await bw.out(['login', '--apikey'], { environment: secrets })
    await bw.unlock(user.password)
    await bw.out(['create', 'item'], { input: login('by the key') })
    await bw.out(['sync', '--force'])
    expect(await itemsOf(bw)).toHaveLength(1)
    const wrong = await (await newDevice()).run(['login', '--apikey'], {
      environment: { ...secrets, BW_CLIENTSECRET: randomUUID() },
    })
    expect(wrong.code).toBe(1)
  })
})
