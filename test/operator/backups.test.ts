// Backups: what comes back in either engine and what must not, and that a damaged file never comes near a database.
import { exec } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RotationLeft } from '../../src/contract/rotation.ts'
import { Changes, Item, Vault } from '../../src/contract/vaults.ts'
import { encodeBackup, type Header, withBackup } from '../../src/operator/backup-file.ts'
import { digestAll, fillEmpty, onSnapshot, readAll } from '../../src/operator/whole-database.ts'
import type { BulkConnection } from '../../src/store/bulk.ts'
import { migrate, migrationNames } from '../../src/store/migrate.ts'
import { postgresTables } from '../../src/store/schema.ts'
import { allTables, tablesInBackups, tablesLeftOut } from '../../src/store/shape.ts'
import { writeNewFile } from '../../src/terminal/new-file.ts'
import { newShell } from '../cli/program.ts'
import { fakeEnvelope, logIn, newAccount, type RawAccount } from '../support/accounts.ts'
import {
  createDatabase,
  createDatabaseWithoutTables,
  type Engine,
  engines,
  type TestDatabase,
} from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { shapesOf } from '../support/old-database.ts'
import { operatorOf } from '../support/operator.ts'
import { bodyOf, outcomeOf, send } from '../support/requests.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShare, receiptOf, reveal } from '../support/shares.ts'
import { newToken } from '../support/tokens.ts'

const Digests = z.record(z.string(), z.strictObject({ rows: z.number(), digest: z.string().length(64) }))

const Written = z.strictObject({
  file: z.string(),
  bytes: z.number(),
  createdAt: z.iso.datetime(),
  engine: z.enum(engines),
  migration: z.string(),
  tables: Digests,
  filesElsewhere: z.literal(0),
})

const Restored = z.strictObject({
  file: z.string(),
  createdAt: z.iso.datetime(),
  limpet: z.string(),
  database: z.string(),
  ended: z.strictObject({
    personalTokens: z.number(),
    invites: z.number(),
    shares: z.number(),
    sends: z.number(),
    apiKeys: z.number(),
  }),
  opaqueSetupFits: z.boolean(),
})

const Verified = z.looseObject({ migration: z.string(), tables: Digests, damage: z.array(z.string()) })

const program = fileURLToPath(new URL('../../bin/limpet-server.js', import.meta.url))

const cleaning: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-backup-'))
  cleaning.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function newDatabase(engine: Engine, create = createDatabase): Promise<TestDatabase> {
  const database = await create(engine)
  cleaning.push(() => database.remove())
  return database
}

/** A server that a test may stop; it is stopped at the end in any case. */
async function start(
  engine: (typeof engines)[number],
  database: TestDatabase,
  environment: Record<string, string> = {},
): Promise<TestServer> {
  const server = await startServer(engine, { database, environment })
  cleaning.push(() => server.stop())
  return server
}

/** Writes new items until it is told to stop. @returns those that were answered, by id, with what they hold */
function writeItems(server: { url: string }, { token, vaultId }: RawAccount) {
  const answered = new Map<string, string>()
  let stopping = false
  const writing = Array.from({ length: 6 }, async () => {
    while (!stopping) {
      const [id, data] = [randomUUID(), fakeEnvelope(500)]
      const answer = await send(server, {
        method: 'PUT',
        path: `/api/v1/vaults/${vaultId}/items/${id}`,
        token,
        headers: { 'If-None-Match': '*' },
        body: { data },
      })
      answered.set(id, bodyOf(Item, answer).data)
    }
  })
  return {
    answered,
    async atLeast(count: number) {
      while (answered.size < count) await pause(5)
    },
    async stop() {
      stopping = true
      await Promise.all(writing)
    },
  }
}

async function allItems(server: { url: string }, token: string, vaultId: string) {
  const found = new Map<string, string>()
  for (let cursor: string | undefined; ; ) {
    const path = `/api/v1/vaults/${vaultId}/changes${cursor ? `?since=${cursor}` : ''}`
    const page = bodyOf(Changes, await send(server, { path, token }))
    for (const item of page.items) if ('data' in item) found.set(item.id, item.data)
    cursor = page.cursor
    if (!page.more) return { found, cursor }
  }
}

const other = { sqlite: 'postgres', postgres: 'sqlite' } as const

/** The columns of a table as a database has it. */
describe.each(engines)('a backup of %s', (engine) => {
  it('made under load is restored into the other engine, and nobody loses anything', async () => {
    const port = await freePort()
    const environment = { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` }
    const database = await newDatabase(engine)
    const server = await start(engine, database, environment)
    const operator = operatorOf(database)
    const file = join(await newFolder(), 'limpet.backup')

    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'login', 'Kept'], 'same')
    await shell.done(['add', 'login', 'Edited'], 'old')
    await shell.done(['sync'])
    const account = await newAccount(server)
    const writers = writeItems(server, account)
    await writers.atLeast(100)
    const { cursor } = await allItems(server, account.token, account.vaultId)
    const before = new Map(writers.answered)
    const written = Written.parse(await operator.json('backup', file))
    expect(writers.answered.size).toBeGreaterThan(before.size)
    await writers.stop()
    expect(written).toMatchObject({ engine, migration: migrationNames(engine).at(-1) })
    // After the backup, and before it is needed.
    await shell.done(['add', 'login', 'Lost', '--username', 'ada'], 'only here')
    await shell.done(['edit', 'Edited', '--set-secret', 'password'], 'new')
    await shell.done(['sync'])
    await server.stop()

    const target = await newDatabase(other[engine])
    const restored = Restored.parse(await operatorOf(target).json('restore', file))
    expect(restored).toMatchObject({ createdAt: written.createdAt, opaqueSetupFits: true })
    const verified = Verified.parse(await operatorOf(target).json('verify'))
    expect(verified.damage).toEqual([])
    for (const name of ['accounts', 'account_events', 'vaults', 'items', 'item_versions'])
      expect(verified.tables[name], name).toEqual(written.tables[name])
    const again = await start(other[engine], target, environment)

    expect(outcomeOf(await send(again, { path: '/api/v1/vaults', token: account.token }))).toBe(
      '401 not-authenticated',
    )
    const { token } = await logIn(again, account)
    const { found } = await allItems(again, token, account.vaultId)
    for (const [id, data] of before) expect(found.get(id)).toBe(data)
    const path = `/api/v1/vaults/${account.vaultId}/changes?since=${cursor}`
    expect(outcomeOf(await send(again, { path, token }))).toBe('410 resync-required')

    await shell.ended('loggedOut', ['sync'])
    await shell.done(['login', shell.email], shell.password)
    const synced = JSON.parse(await shell.done(['sync', '--json'], shell.password))
    expect(synced.vaults).toMatchObject([
      { resynced: true, putBack: [{ name: 'Lost' }], recovered: [{ name: 'Edited (recovered)' }] },
    ])
    const password = (name: string) => shell.done(['get', name, '--field', 'password'], shell.password)
    expect(await password('Kept')).toBe('same')
    expect(await password('Lost')).toBe('only here')
    expect(await password('Edited (recovered)')).toBe('new')
  })

  it('made in the middle of a change of a key goes on from there', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const account = await newAccount(server)
    const path = (end: string) => `/api/v1/vaults/${account.vaultId}${end}`
    const ask = async (where: TestServer, token: string, method: string, end: string, body?: unknown) =>
      send(where, { method, path: path(end), token, body })
    const [resealed, left] = [randomUUID(), randomUUID()]
    const put = (id: string) => ({ op: 'put', id, data: fakeEnvelope(), revision: null })
    const operation = (id: string, revision: number) => [
      { op: 'reseal', id, revision, keyVersion: 2, data: fakeEnvelope() },
    ]
    const { token, authKey } = account
    await ask(server, token, 'POST', '/batch', { operations: [put(resealed), put(left)] })
    const key = { key: fakeEnvelope(), keyVersion: 2, versions: 'keep', authKey }
    expect(outcomeOf(await ask(server, token, 'POST', '/rotation', key))).toBe('201')
    await ask(server, token, 'POST', '/batch', { operations: operation(resealed, 2) })
    await ask(server, token, 'PUT', '', { data: fakeEnvelope(), keyVersion: 2 })
    const file = join(await newFolder(), 'limpet.backup')
    await operatorOf(database).json('backup', file)
    await ask(server, token, 'POST', '/batch', { operations: operation(left, 2) })
    expect(outcomeOf(await ask(server, token, 'POST', '/rotation/finish', { keyVersion: 2 }))).toBe('200')
    await server.stop()

    const target = await newDatabase(other[engine])
    await operatorOf(target).json('restore', file)
    const verified = Verified.parse(await operatorOf(target).json('verify'))
    expect(verified.damage).toEqual([])
    const again = await start(other[engine], target)
    const { token: newSession } = await logIn(again, account)
    const found = bodyOf(RotationLeft, await ask(again, newSession, 'GET', '/rotation/left'))
    expect(found).toMatchObject({ items: [{ id: left, revision: 2 }], counts: { items: 1, vaultData: 0 } })
    await ask(again, newSession, 'POST', '/batch', { operations: operation(left, 2) })
    const finished = bodyOf(
      Vault,
      await ask(again, newSession, 'POST', '/rotation/finish', { keyVersion: 2 }),
    )
    expect(finished).toMatchObject({ key: key.key, keyVersion: 2, rotation: null })
    expect(Verified.parse(await operatorOf(target).json('verify')).damage).toEqual([])
  })

  it('is of one moment, while others write', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    await newAccount(server)
    await server.stop()
    const vaults = allTables.filter(({ name }) => name === 'vaults')
    const look = (snapshot: BulkConnection) => digestAll(snapshot, vaults)
    const [before, during] = await onSnapshot(databaseOf(database), async (snapshot) => {
      await runStatement(database, 'update vaults set revision = revision + 1')
      const first = await look(snapshot)
      await runStatement(database, 'update vaults set revision = revision + 1')
      return [first, await look(snapshot)]
    })
    expect(during).toEqual(before)
    expect(await onSnapshot(databaseOf(database), look)).not.toEqual(before)
  })

  it('brings nothing back that may have ended since', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const account = await newAccount(server)
    const operator = operatorOf(database)
    const file = join(await newFolder(), 'limpet.backup')
    const [read, pending] = [await newShare(server), await newShare(server)]
    const early = await newShare(server)
    expect(outcomeOf(await reveal(server, early))).toBe('200')
    const { token } = await newToken(server, account)
    const invite = z.looseObject({ id: z.string() }).parse(await operator.json('invite', 'create'))
    const { epoch: epochBefore } = await instanceOf(database)
    await operator.json('backup', file)
    expect(outcomeOf(await reveal(server, read))).toBe('200')
    await server.stop()

    const text = gunzipSync(await readFile(file)).toString()
    expect(text).toContain(pending.id)
    for (const { ciphertext } of [read, pending]) expect(text).not.toContain(ciphertext.slice(0, 60))

    const restoreInto = async (...options: string[]) => {
      const target = await newDatabase(engine)
      const restored = Restored.parse(await operatorOf(target).json('restore', file, ...options))
      return { target, restored, again: await start(engine, target) }
    }
    const { target, restored, again } = await restoreInto()
    expect(restored.ended).toEqual({ personalTokens: 1, invites: 1, shares: 2, sends: 0, apiKeys: 0 })
    for (const share of [read, pending]) {
      expect(outcomeOf(await reveal(again, share))).toBe('404 not-found')
      expect(outcomeOf(await receiptOf(again, share))).toMatch(/^40[14] /)
    }
    expect(outcomeOf(await reveal(again, early))).toBe('410 share-consumed')
    expect((await receiptOf(again, early)).text).toContain('"read"')
    for (const dead of [account.token, token])
      expect(outcomeOf(await send(again, { path: '/api/v1/vaults', token: dead }))).toBe(
        '401 not-authenticated',
      )
    const { refreshToken } = account
    const refresh = { method: 'POST', path: '/api/v1/token/refresh', body: { refreshToken } }
    expect(outcomeOf(await send(again, refresh))).toMatch(/^401 /)
    expect(await operatorOf(target).json('invite', 'list')).toMatchObject([
      { id: invite.id, state: 'revoked' },
    ])
    expect((await instanceOf(target)).epoch).not.toBe(epochBefore)

    const keeping = await restoreInto('--keep-access')
    expect(keeping.restored.ended).toEqual({ personalTokens: 0, invites: 0, shares: 2, sends: 0, apiKeys: 0 })
    expect(outcomeOf(await send(keeping.again, { path: '/api/v1/vaults', token }))).toBe('200')
    expect(outcomeOf(await reveal(keeping.again, pending))).toBe('404 not-found')
    expect(await operatorOf(keeping.target).json('invite', 'list')).toMatchObject([{ state: 'open' }])
  })

  it('is not restored over anything', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    await newAccount(server)
    const file = join(await newFolder(), 'limpet.backup')
    await operatorOf(database).json('backup', file)
    await server.stop()
    const before = await readRows(database)
    const { code, stdout, stderr } = await operatorOf(database).run('restore', file)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/is not empty\. Nothing was changed\./)
    expect(await readRows(database)).toEqual(before)
  })

  it('is not restored where a server runs', async () => {
    const [database, target] = [await newDatabase(engine), await newDatabase(engine)]
    await (await start(engine, database)).stop()
    const file = join(await newFolder(), 'limpet.backup')
    await operatorOf(database).json('backup', file)
    const server = await start(engine, target)
    expect(outcomeOf(await send(server, { path: '/readyz' }))).toBe('200')
    const refused = await operatorOf(target).run('restore', file)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('Stop its servers')
    expect(refused.stderr).not.toContain('limpet:limpet')
    await server.stop()
    // What it left behind is no more than that it was there.
    expect(await operatorOf(target).run('restore', file)).toMatchObject({ code: 0 })
  })

  it('that an older version made is brought up to date', async () => {
    const file = join(await newFolder(), 'limpet.backup')
    const first = migrationNames(engine).indexOf('0005_opaque') + 1
    const id = randomUUID()
    const row = [
      id,
      'ada@example.com',
      true,
      'authKey',
      'x',
      19456,
      2,
      1,
      randomBytes(16),
      randomBytes(40),
      null,
      1,
      2,
    ]
    await fillEmpty(databaseOf(await newDatabase(engine, createDatabaseWithoutTables)), async (old) => {
      await migrate(engine, old, 0, { first })
      const tables = await shapesOf(old)
      const [instance] = tables.filter(({ name }) => name === 'instance')
      const [accounts] = tables.filter(({ name }) => name === 'accounts')
      if (!accounts || !instance) throw new Error('No tables')
      await old.insert(instance, [[1, 'of-before', null]])
      await old.insert(accounts, [row])
      const header: Header = {
        ...headerOf('0005_opaque'),
        tables: tables.map(({ name, columns }) => ({ name, columns: [...columns] })),
      }
      await writeNewFile(
        file,
        encodeBackup(header, readAll(old, tables), () => {}),
        { force: false },
      )
    })
    const target = await newDatabase(other[engine])
    expect(Restored.parse(await operatorOf(target).json('restore', file)).limpet).toBe('0.1.0')
    expect(await operatorOf(target).json('users', 'list')).toMatchObject([{ id, disabledAt: null }])
    expect(Verified.parse(await operatorOf(target).json('verify')).damage).toEqual([])
  })

  it('is not made of a database of another version', async () => {
    const database = await newDatabase(engine, createDatabaseWithoutTables)
    const operator = operatorOf(database)
    const file = join(await newFolder(), 'limpet.backup')
    const refused = async (command: string[], sentence: string) => {
      const { code, stdout, stderr } = await operator.run(...command)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain(sentence)
      expect(existsSync(file)).toBe(false)
    }
    if (engine === 'postgres') await refused(['backup', file], 'holds no data of Limpet')
    else await refused(['backup', file], 'There is no database')
    await fillEmpty(databaseOf(database), (connection) => migrate(engine, connection, 0, { first: 2 }))
    await refused(['backup', file], 'lacks migrations')
    await refused(['verify'], 'lacks migrations')
    await operator.run('migrate')
    await runStatement(
      database,
      "insert into limpet_migrations (hash, applied_at) values ('of the future', 1)",
    )
    await refused(['backup', file], 'a newer version')
    await refused(['restore', file], 'There is no file')
  })
})

const headerOf = (migration: string): Omit<Header, 'tables'> => ({
  limpetBackup: 1,
  limpet: '0.1.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  engine: 'sqlite',
  migration,
})

async function instanceOf(database: TestDatabase) {
  const [row] = z.array(z.looseObject({ epoch: z.string() })).parse((await readRows(database)).instance)
  if (!row) throw new Error('No instance')
  return row
}

/** A small backup with an account in it. */
async function smallBackup(): Promise<string> {
  const database = await newDatabase('sqlite')
  const server = await start('sqlite', database)
  await newAccount(server)
  const file = join(await newFolder(), 'limpet.backup')
  await operatorOf(database).json('backup', file)
  return file
}

/** How a file is refused, without the program around it. */
const refusal = (file: string) =>
  withBackup(file, async (backup) => {
    for await (const _ of backup.batches());
  }).then(
    () => 'it was taken',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

describe('the file of a backup', () => {
  it('is refused after any change of any byte, and when it is cut off or grows', async () => {
    const file = await smallBackup()
    const whole = await readFile(file)
    const changed = join(await newFolder(), 'changed')
    expect(await refusal(file)).toBe('it was taken')
    for (let at = 0; at < whole.length; at++)
      for (const flip of [1 << (at % 8), 0xff]) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at)
        await writeFile(changed, bytes)
        expect(await refusal(changed), `byte ${at}`).toMatch(/is damaged|no backup of Limpet/)
      }
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(changed, whole.subarray(0, length))
      expect(await refusal(changed), `of ${length} bytes`).toMatch(/is damaged|no backup of Limpet/)
    }
    for (const more of [Buffer.from([0]), whole]) {
      await writeFile(changed, Buffer.concat([whole, more]))
      expect(await refusal(changed)).toMatch(/is damaged/)
    }
  })

  it('is refused before anything is written', async () => {
    const file = await smallBackup()
    const bytes = await readFile(file)
    const middle = Math.floor(bytes.length / 2)
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 4, middle)
    await writeFile(file, bytes)
    const target = await newDatabase('sqlite')
    for (const args of [
      ['restore', file],
      ['verify', file],
    ]) {
      const { code, stdout, stderr } = await operatorOf(target).run(...args)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain('is damaged')
      expect(stderr).not.toContain('    at ')
    }
    await expect(access(target.url.slice('file:'.length))).rejects.toThrow('ENOENT')
  })

  it.each([
    [
      'of a later form',
      { ...headerOf('0000_vault'), limpetBackup: 2, tables: [] },
      'in a form that this version',
    ],
    ['of a later database', { ...headerOf('9999_future'), tables: [] }, 'this version (0.2.0) does not know'],
  ])('%s is refused with the version that can read it', async (_name, header, sentence) => {
    const file = join(await newFolder(), 'limpet.backup')
    // Only this test writes what the type does not allow.
    const content = encodeBackup({ ...header, limpetBackup: 1 }, readNothing(), () => {})
    await writeNewFile(file, header.limpetBackup === 1 ? content : encodeOther(header), { force: false })
    const target = await newDatabase('sqlite')
    const { code, stderr } = await operatorOf(target).run('restore', file)
    expect(code).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr).toContain('0.1.0')
    await expect(access(target.url.slice('file:'.length))).rejects.toThrow('ENOENT')
  })

  it('that is something else is called so', async () => {
    const file = join(await newFolder(), 'notes.txt')
    await writeFile(file, 'Dear diary, '.repeat(100))
    expect(await refusal(file)).toContain('is no backup of Limpet')
    expect(await refusal(join(file, 'nowhere'))).toContain('There is no file')
    expect(await refusal(await newFolder())).toContain('no backup of Limpet')
  })

  it("is its owner's alone, replaces nothing by itself, and is whole or not there", async () => {
    const folder = await newFolder()
    const database = await newDatabase('sqlite')
    await (await start('sqlite', database)).stop()
    const operator = operatorOf(database)
    const file = join(folder, 'limpet.backup')
    await operator.json('backup', file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const before = await readFile(file)
    const { code, stderr } = await operator.run('backup', file)
    expect(code).toBe(1)
    expect(stderr).toContain('exists already')
    expect(await readFile(file)).toEqual(before)
    await operator.json('backup', file, '--force')
    expect(await readFile(file)).not.toEqual(before)
    expect(await operator.run('backup', join(folder, 'nowhere', 'x'))).toMatchObject({ code: 2 })

    async function* untilFull() {
      yield Buffer.alloc(1000)
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    }
    const kept = await readFile(file)
    await expect(writeNewFile(file, untilFull(), { force: true })).rejects.toThrow('no space left')
    await expect(writeNewFile(join(folder, 'new'), untilFull(), { force: false })).rejects.toThrow(
      file.slice(0, 5),
    )
    expect(await readFile(file)).toEqual(kept)
    expect(await readdir(folder)).toEqual(['limpet.backup'])
  })

  it('goes through a pipe as well', async () => {
    const database = await newDatabase('sqlite')
    await (await start('sqlite', database)).stop()
    const folder = await newFolder()
    const file = join(folder, 'limpet.backup')
    const { stderr } = await promisify(exec)(`'${process.execPath}' '${program}' backup - > '${file}'`, {
      env: { PATH: process.env.PATH, DATABASE_URL: database.url },
    })
    expect(stderr).toContain('The backup: 1 row')
    expect(await refusal(file)).toBe('it was taken')
    expect(await operatorOf(database).run('backup', '-', '--json')).toMatchObject({ code: 2, stdout: '' })
  })

  it('is verified by restoring it', async () => {
    const file = await smallBackup()
    const target = await newDatabase('sqlite')
    const verified = Verified.parse(await operatorOf(target).json('verify', file))
    expect(verified.damage).toEqual([])
    expect(verified.tables.accounts).toMatchObject({ rows: 1 })
    expect(Object.keys(verified.tables)).toEqual(tablesInBackups.map(({ name }) => name))
  })
})

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const one of all) collected.push(one)
  return collected
}

async function* readNothing() {}

/** A backup's bytes with another first line. */
async function* encodeOther(header: object): AsyncIterable<Uint8Array> {
  const content = encodeBackup(
    { ...headerOf('0000_vault'), ...header, limpetBackup: 1, tables: [] },
    readNothing(),
    () => {},
  )
  const chunks = await collect(content)
  const whole = Buffer.concat(chunks)
  const seal = whole.subarray(-58)
  const text = gunzipSync(whole).toString().replace('"limpetBackup":1', '"limpetBackup":2')
  const body = gzipSync(text)
  createHash('sha256').update(body).digest().copy(seal, 16)
  yield Buffer.concat([body, seal])
}

describe.each(engines)('verify on %s', (engine) => {
  it.each([
    ['an item ahead of its vault', 'update items set revision = 999', 'above that of their vault'],
    [
      'content of what is deleted',
      {
        sqlite: "update items set state = 'purged', data = zeroblob(2000)",
        postgres: "update items set state = 'purged', data = decode(repeat('00', 2000), 'hex')",
      },
      'deleted for good and have content',
    ],
    [
      'a reference to nothing',
      {
        sqlite: "pragma foreign_keys = off; update items set vault_id = 'gone'",
        postgres:
          "alter table items drop constraint items_vault_id_vaults_id_fk; update items set vault_id = 'gone'",
      },
      '1 rows of items refer to something in vaults',
    ],
  ])('finds %s', async (_name, statement, sentence) => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const account = await newAccount(server)
    const writers = writeItems(server, account)
    await writers.atLeast(1)
    await writers.stop()
    await server.stop()
    const keep = 'delete from items where id <> (select min(id) from items)'
    await runStatement(database, keep)
    await runStatement(
      database,
      `update accounts set stored_items = 1, stored_bytes = (select sum(octet_length(data)) from vaults)
        + (select sum(octet_length(data)) from items) + (select coalesce(sum(octet_length(data)), 0) from item_versions)`,
    )
    expect(await operatorOf(database).run('verify')).toMatchObject({ code: 0 })
    await runStatement(database, typeof statement === 'string' ? statement : statement[engine])
    const { code, stdout, stderr } = await operatorOf(database).run('verify', '--json')
    expect(code).toBe(1)
    expect(stderr).toContain('Found damage')
    expect(Verified.parse(JSON.parse(stdout)).damage.join()).toContain(sentence)
  })

  it('finds a damaged page of a file', { skip: engine !== 'sqlite' }, async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const account = await newAccount(server)
    const writers = writeItems(server, account)
    await writers.atLeast(50)
    await writers.stop()
    await server.stop()
    const file = database.url.slice('file:'.length)
    const bytes = await readFile(file)
    bytes.fill(0xff, bytes.length - 4096, bytes.length - 3000)
    await writeFile(file, bytes)
    const { code, stderr } = await operatorOf(database).run('verify')
    expect(code).toBe(1)
    expect(stderr).toMatch(/Found damage|cannot be used \(SQLITE_CORRUPT/)
  })
})

describe('what is in a backup', () => {
  it('is decided for every table', async () => {
    const decided = [...tablesInBackups, ...tablesLeftOut].map(({ name }) => name).sort()
    expect(decided).toEqual(allTables.map(({ name }) => name).sort())
    expect(allTables.map(({ key }) => key).sort()).toEqual(Object.keys(postgresTables).sort())
    const page = await readFile(new URL('../../docs/decisions/backups.md', import.meta.url), 'utf8')
    for (const { name } of tablesLeftOut) expect(page).toContain(`\`${name}\``)
  })

  it('stands behind what it refers to', () => {
    const seen = new Set<string>()
    for (const { name, references } of allTables) {
      for (const { parent } of references) expect(seen.has(parent), `${name} → ${parent}`).toBe(true)
      seen.add(name)
    }
    // A table that is kept must not refer to one that is not.
    const kept = new Set(tablesInBackups.map(({ name }) => name))
    for (const { references } of tablesInBackups)
      for (const { parent } of references) expect(kept.has(parent)).toBe(true)
  })

  it('reads the same from both engines, value for value', async () => {
    const id = randomUUID()
    const row = [
      id,
      'ada@example.com',
      false,
      'authKey',
      '„ü" \u2028 \\ \n',
      'a credential identifier',
      19456,
      2,
      1,
      Buffer.alloc(16, 0xff),
      Buffer.from([0, 10, 13, 34, 92, 255]),
      null,
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      null,
      1,
      2,
      2 ** 40,
      3,
      1,
    ]
    const rows = []
    for (const engine of engines) {
      const database = await newDatabase(engine)
      await operatorOf(database).run('migrate')
      const accounts = allTables.find(({ name }) => name === 'accounts')
      if (!accounts) throw new Error('No accounts')
      await fillEmpty(databaseOf(database), async (connection) => {
        await migrate(engine, connection, 0)
        await connection.insert(accounts, [row])
        await connection.insert(allTables[0] ?? accounts, [[1, 'x', null]])
      })
      rows.push(
        await onSnapshot(databaseOf(database), async (snapshot) =>
          (await collect(readAll(snapshot, [accounts]))).flatMap((batch) => batch.rows),
        ),
      )
    }
    const plain = (all: unknown) => JSON.parse(JSON.stringify(all))
    expect(plain(rows[0])).toEqual(plain(rows[1]))
    expect(plain(rows[0])).toEqual(plain([row]))
  })
})
