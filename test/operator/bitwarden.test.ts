<<<<<<< HEAD
// What the operator sees of accounts of Bitwarden's apps, and does with them; and what the doctor says of the settings for them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkSettings } from '../../src/operator/doctor/settings.ts'
import { readConfig } from '../../src/server/config.ts'
import { askForToken, passwordGrant, registeredApp } from '../support/bitwarden.ts'
import { engines } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { send } from '../support/requests.ts'
import {
  registeredClient,
  startServer,
  type TestServer,
  testOpaqueSetup,
  testSecret,
} from '../support/server.ts'

const Users = z.array(z.object({ email: z.string(), kind: z.string(), sessions: z.int() }))

describe.each(engines)("accounts of Bitwarden's apps on %s, for the operator,", (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  const statusOf = async (token: string) => (await send(server, { path: '/api/devices', token })).status
  const refresh = ({ refresh_token }: { refresh_token: string }) =>
    askForToken(server, { grant_type: 'refresh_token', client_id: 'cli', refresh_token })

  it('are listed with their kind, and their sessions end and they are shut out as all others', async () => {
    const operator = operatorOf(server.database)
    const app = await registeredApp(server)
    const native = await registeredClient(server)
    const users = Users.parse(await operator.json('users', 'list'))
    const kinds = new Map(users.map(({ email, kind, sessions }) => [email, [kind, sessions]]))
    expect(kinds.get(app.email)).toEqual(['bitwarden', 1])
    expect(kinds.get(native.email)).toEqual(['native', 1])
    await operator.json('sessions', 'end', '--account', app.email)
    await expect.poll(() => statusOf(app.token)).toBe(401)
    expect((await refresh(app.session)).text).toBe('{"error":"invalid_grant"}')
    expect((await askForToken(server, passwordGrant(app))).status).toBe(200)
    await operator.json('users', 'disable', app.email)
    const shutOut = await askForToken(server, passwordGrant(app))
    expect([shutOut.status, shutOut.text]).toEqual([
      400,
      expect.stringContaining('invalid_username_or_password'),
    ])
    await operator.json('users', 'enable', app.email)
    expect((await askForToken(server, passwordGrant(app))).status).toBe(200)
  })
})

describe('the doctor', () => {
  const findings = (settings: Record<string, string>) =>
    checkSettings(
      readConfig({
        DATABASE_URL: 'file:limpet.db',
        JWT_SECRET: testSecret,
        OPAQUE_SERVER_SETUP: testOpaqueSetup,
        ...settings,
      }),
    ).filter(({ check }) => check === 'bitwarden')

  it("says what Bitwarden's apps lack, and nothing of it where they are not served", () => {
    const http = { PUBLIC_URL: 'http://vault.example.com', REGISTRATION: 'invite' }
    expect(findings(http)).toEqual([])
    const found = findings({ ...http, BITWARDEN_API: 'on' })
    expect(found.map(({ status }) => status)).toEqual(['error', 'warning'])
    const https = { PUBLIC_URL: 'https://vault.example.com', BITWARDEN_API: 'on' }
    expect(findings(https).map(({ status }) => status)).toEqual(['ok'])
=======
// Backup, restore and move of a database with a whole account of Bitwarden's apps: what it holds opens on the other engine, too.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days } from '../../src/clock.ts'
import { BitwardenDevice, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { createDatabase, type Engine, engines, type TestDatabase } from '../support/database.ts'
import { operatorOf, runOperator } from '../support/operator.ts'
import { startServer, type TestServer } from '../support/server.ts'

const cleaning: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
})

async function newDatabase(engine: Engine): Promise<TestDatabase> {
  const database = await createDatabase(engine)
  cleaning.push(() => database.remove())
  return database
}

/** @param at where it listens, so that devices find it where another one was */
async function start(engine: Engine, database: TestDatabase, at?: TestServer): Promise<TestServer> {
  const place = at && { PORT: new URL(at.url).port, PUBLIC_URL: at.url }
  const server = await startServer(engine, { database, environment: { BITWARDEN_API: 'on', ...place } })
  cleaning.push(() => server.stop())
  return server
}

/** An account with everything that an account can have. */
async function wholeAccount(server: TestServer) {
  const user = await registerBitwardenUser(server)
  const device = await BitwardenDevice.login(server, user)
  const folderId = await device.createFolder('work')
  const { id, revisionDate } = await device.createItem({
    name: 'mail',
    username: 'ada',
    password: 'first',
    folderId,
  })
  await device.replaceItem(id, { name: 'mail', username: 'ada', password: 'second', folderId }, revisionDate)
  const trashed = await device.createItem({ name: 'in the trash' })
  await device.ask('PUT', `/api/ciphers/${trashed.id}/delete`)
  const archived = await device.createItem({ name: 'in the archive' })
  await device.ask('PUT', '/api/ciphers/archive', { ids: [archived.id] })
  const { body } = device.sealedSend('a send', 'its text', new Date(Date.now() + days(7)))
  await device.ask('POST', '/api/sends', body)
  return { user, device, itemId: id }
}

async function expectWhole(device: BitwardenDevice, itemId: string) {
  const { items, folders, sends } = await device.sync()
  expect([...items.values()].map(({ name }) => name).toSorted()).toEqual([
    'in the archive',
    'in the trash',
    'mail',
  ])
  const item = items.get(itemId)
  expect(item).toMatchObject({ username: 'ada', password: 'second' })
  expect(folders.get(item?.folderId ?? '')).toBe('work')
  expect([...sends.values()]).toEqual(['a send'])
}

const other = { sqlite: 'postgres', postgres: 'sqlite' } as const

describe.each(engines)("an account of Bitwarden's apps on %s", (engine) => {
  it('comes back from a backup on the other engine, and its devices log in again', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const { user, device, itemId } = await wholeAccount(server)
    const folder = await mkdtemp(join(tmpdir(), 'limpet-backup-'))
    cleaning.push(() => rm(folder, { recursive: true }))
    const backup = join(folder, 'limpet.backup')
    await operatorOf(database).json('backup', backup)
    await device.createItem({ name: 'after the backup' })
    const lastSeen = await device.revision()
    await server.stop()

    const restored = await newDatabase(other[engine])
    await operatorOf(restored).json('restore', backup)
    expect(await operatorOf(restored).json('verify')).toMatchObject({ damage: [] })
    const again = await start(other[engine], restored, server)
    const fresh = await BitwardenDevice.login(again, user)
    await expectWhole(fresh, itemId)
    // Devices from before hold items that the server no longer has: whatever they have seen, there is something newer.
    expect(await fresh.revision()).toBeGreaterThan(lastSeen)
    expect((await device.request('GET', '/api/sync')).status).toBe(401)
    const refusal = await device.refresh().catch((error: unknown) => error)
    expect(String(refusal)).toMatch(/400.*invalid_grant/)
  })

  it('moves to the other engine, and its devices notice nothing', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const { device, itemId } = await wholeAccount(server)
    await server.stop()
    const target = await newDatabase(other[engine])
    const withoutPassword = ({ url }: TestDatabase) => url.replace('limpet:limpet@', 'limpet@')
    const places = ['--from', withoutPassword(database), '--to', withoutPassword(target)]
    const { code, stderr } = await runOperator(['move', ...places], { PGPASSWORD: 'limpet' })
    expect(code, stderr).toBe(0)
    await start(other[engine], target, server)
    await expectWhole(device, itemId)
    await device.refresh()
    await device.createItem({ name: 'after the move' })
    z.literal(4).parse((await device.sync()).items.size)
>>>>>>> 2ad06dc (Backup, restore and move of an account of Bitwarden's apps; their bench; why real clients have a run of their own)
  })
})
