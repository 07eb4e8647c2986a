// `npm run test:crash`: backup, restore and move, killed at any moment, leave what was there, or what was to be, and go on.
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { rowsOf, withBackup } from '../../src/operator/backup-file.ts'
import { digestAll, fillEmpty, onSnapshot } from '../../src/operator/whole-database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { allTables } from '../../src/store/shape.ts'
import { createDatabase, type Engine, engines, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { operatorOf } from '../support/operator.ts'
import { testOpaqueSetup, testSecret } from '../support/server.ts'

const kills = 8
const items = 4000

const program = fileURLToPath(new URL('../../bin/limpet-server.js', import.meta.url))
const other = { sqlite: 'postgres', postgres: 'sqlite' } as const

async function newDatabase(engine: Engine): Promise<TestDatabase> {
  const database = await createDatabase(engine)
  onTestFinished(() => database.remove())
  return database
}

/** A vault with many items. */
async function filled(engine: Engine): Promise<TestDatabase> {
  const database = await newDatabase(engine)
  await fillEmpty(databaseOf(database), async ({ engine, tx: { db, tables }, ...connection }) => {
    await migrate(engine, connection, 0)
    const [accountId, vaultId] = [randomUUID(), randomUUID()]
    await db.insert(tables.instance).values({ id: 1, epoch: 'of the test' })
    await db.insert(tables.accounts).values({
      id: accountId,
      email: 'ada@example.com',
      emailVerified: true,
      authMethod: 'authKey',
      authVerifier: 'x',
      kdfMemoryKiB: 19_456,
      kdfIterations: 2,
      kdfParallelism: 1,
      kdfSalt: randomBytes(16),
      accountKey: randomBytes(40),
      createdAt: 0,
    })
    const times = { createdAt: 0, updatedAt: 0 }
    await db.insert(tables.vaults).values({
      id: vaultId,
      accountId,
      key: randomBytes(40),
      data: randomBytes(40),
      revision: items,
      epoch: 'v',
      ...times,
    })
    for (let revision = 1; revision <= items; revision++)
      await db
        .insert(tables.items)
        .values({ vaultId, id: randomUUID(), state: 'active', data: randomBytes(1500), revision, ...times })
  })
  return database
}

const digestsOf = (database: TestDatabase) =>
  onSnapshot(databaseOf(database), (snapshot) => digestAll(snapshot, allTables))

/** Starts the program and kills it after a while. @returns whether it had ended by itself before */
async function killed(database: TestDatabase, args: string[], after: number): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.url,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
    },
  })
  const gone = once(child, 'exit')
  await Promise.race([pause(after), gone])
  const ended = child.exitCode !== null
  child.kill('SIGKILL')
  await gone
  return ended
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** A moment at which so long a command is at work, mostly. */
const someMoment = (duration: number) => duration * (0.5 + 0.5 * Math.random())

const tell = (engine: Engine, what: string, kill: number, outcome: string) =>
  process.stdout.write(`${engine}: ${what} killed ${kill} of ${kills} times, ${outcome}\n`)

describe.each(engines)(`killed ${kills} times on %s`, (engine) => {
  it('a backup leaves the old file or the new one', { timeout: 600_000 }, async () => {
    const database = await filled(engine)
    const folder = await mkdtemp(join(tmpdir(), 'limpet-crash-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'limpet.backup')
    const run = ['backup', file, '--force']
    const duration = await timed(() => operatorOf(database).json(...run))
    for (let kill = 1; kill <= kills; kill++) {
      const ended = await killed(database, run, someMoment(duration))
      const rows = await withBackup(file, async (backup) => {
        const batches = backup.batches()
        for (;;) {
          const next = await batches.next()
          if (next.done) return rowsOf(next.value)
        }
      })
      expect(rows).toBe(items + 3)
      tell(engine, 'backup', kill, ended ? 'too late' : 'whole')
    }
  })

  it('a restore leaves an empty database, or a complete one', { timeout: 600_000 }, async () => {
    const database = await filled(engine)
    const folder = await mkdtemp(join(tmpdir(), 'limpet-crash-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'limpet.backup')
    await operatorOf(database).json('backup', file)
    const before = await digestsOf(database)
    const first = await newDatabase(other[engine])
    const duration = await timed(() => operatorOf(first).json('restore', file))
    for (let kill = 1; kill <= kills; kill++) {
      const target = await newDatabase(other[engine])
      const ended = await killed(target, ['restore', file], someMoment(duration))
      const again = await operatorOf(target).run('restore', file)
      if (again.code !== 0) expect(again.stderr).toContain('is not empty')
      expect((await digestsOf(target)).items).toEqual(before.items)
      tell(engine, 'restore', kill, ended || again.code !== 0 ? 'too late' : 'done again')
      await target.remove()
    }
  })

  it('a move is run again, and no server starts on either half meanwhile', { timeout: 600_000 }, async () => {
    let database = await filled(engine)
    const before = await digestsOf(database)
    let duration = 4000
    for (let kill = 1; kill <= kills; kill++) {
      const [source, target] = [database, await newDatabase(other[engine])]
      const run = ['move', '--from', source.url, '--to', target.url]
      const ended = await killed(source, run, someMoment(duration))
      const started = await operatorOf(source, { PORT: String(await freePort()) }).run('users', 'list')
      // It had not yet begun, or nobody may use it.
      if (started.code !== 0) expect(started.stderr).toMatch(/is being moved|was moved/)
      duration = await timed(async () => {
        const again = await operatorOf(source).run(...run)
        if (again.code !== 0) expect(again.stderr).toContain('was moved to')
      })
      expect(await digestsOf(target)).toEqual(before)
      expect((await operatorOf(source).run('users', 'list')).code).toBe(1)
      tell(engine, 'move', kill, ended ? 'too late' : started.code === 0 ? 'too early' : 'done again')
      // And back, for the next time.
      database = await newDatabase(engine)
      await operatorOf(target).json('move', '--from', target.url, '--to', database.url)
      expect(await digestsOf(database)).toEqual(before)
    }
  })
})
