// The store on both engines: units of work, what failures take along and what they say, and several processes at a time.
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Driver from 'better-sqlite3'
import { eq, sql } from 'drizzle-orm'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { readConfig } from '../../src/server/config.ts'
import { openStore } from '../../src/store/open.ts'
import { rowsStatement } from '../../src/store/statement.ts'
import { type Reader, type Store, StoreError, type Tx, Unchanged } from '../../src/store/store.ts'
import {
  createDatabase,
  createDatabaseWithoutTables,
  engines,
  type TestDatabase,
} from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { testOpaqueSetup, testSecret } from '../support/server.ts'

const open = ({ url }: { url: string }) =>
  openStore(
    readConfig({ DATABASE_URL: url, JWT_SECRET: testSecret, OPAQUE_SERVER_SETUP: testOpaqueSetup }).database,
    {
      now: () => Date.UTC(2026, 0, 1),
      onIdleError: () => {},
    },
  )

const account = (email = `${randomUUID()}@example.com`) => ({
  id: randomUUID(),
  email,
  emailVerified: false,
  authMethod: 'authKey',
  authVerifier: 'x',
  kdfMemoryKiB: 19_456,
  kdfIterations: 2,
  kdfParallelism: 1,
  kdfSalt: new Uint8Array(16),
  accountKey: new Uint8Array([1, 2, 3]),
  hint: null,
  createdAt: 0,
  lastLoginAt: null,
})

const insert = async ({ db, tables: { accounts } }: Tx, email?: string): Promise<string> => {
  const row = account(email)
  await db.insert(accounts).values(row)
  return row.email
}

const emails = async ({ db, tables: { accounts } }: Reader): Promise<string[]> =>
  (await db.select({ email: accounts.email }).from(accounts)).map(({ email }) => email).sort()

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  )

const insertedStatement = rowsStatement<[], Tx>('account_for_test', ({ db, tables: { accounts } }) =>
  db.insert(accounts).values({ ...account(), id: sql.placeholder('id'), email: sql.placeholder('email') }),
)

/** Inserts accounts with the commit. */
const insertLast = async (tx: Tx, ...names: string[]) =>
  tx.withCommit(names.map((email) => insertedStatement(tx)({ id: randomUUID(), email })))

describe.each(engines)('a store on %s', (engine) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const newDatabase = async (): Promise<TestDatabase> => {
    const database = await createDatabase(engine)
    closing.push(() => database.remove())
    return database
  }

  const openOn = async (database: { url: string }): Promise<Store> => {
    const { store } = await open(database)
    closing.push(() => store.close())
    return store
  }

  it('answers a write once it is committed: another connection sees it', async () => {
    const database = await newDatabase()
    const [store, other] = [await openOn(database), await openOn(database)]
    for (let times = 0; times < 5; times++) {
      const email = await store.write((tx) => insert(tx))
      expect(await other.read(emails)).toContain(email)
    }
  })

  it('shows nobody what is not committed yet', async () => {
    const database = await newDatabase()
    const store = await openOn(database)
    const { promise: inside, resolve: enter } = Promise.withResolvers<void>()
    const { promise: looked, resolve: leave } = Promise.withResolvers<void>()
    const writing = store.write(async (tx) => {
      await insert(tx)
      enter()
      await looked
    })
    await inside
    const seen = await store.read(emails)
    leave()
    await writing
    expect(seen).toEqual([])
    expect(await store.read(emails)).toHaveLength(1)
  })

  it.each([
    ['alone', undefined],
    ['in one line', { line: 'one' }],
  ])('rolls a unit back that throws, %s, with the very error, and keeps the others', async (_, options) => {
    const store = await openOn(await newDatabase())
    const own = new Error('of the unit itself')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        store.write(async (tx) => {
          const email = await insert(tx, `${index}@example.com`)
          if (index % 4 === 0) throw own
          if (index % 4 === 1) await insert(tx, email)
          return email
        }, options),
      ),
    )
    const kept = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(kept).toHaveLength(20)
    expect(await store.read(emails)).toEqual(kept.sort())
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue
      if (index % 4 === 0) expect(outcome.reason).toBe(own)
      else expect(outcome.reason).toBeInstanceOf(StoreError)
    }
  })

  it.each([
    ['alone', undefined],
    ['in one line', { line: 'one' }],
  ])('rolls back what is returned as unchanged, %s, and answers with its result', async (_, options) => {
    const store = await openOn(await newDatabase())
    const done: string[] = []
    const unit = (email: string, isChanged: boolean) =>
      store.write(async (tx) => {
        await insert(tx, email)
        tx.afterCommit(() => done.push(email))
        return isChanged ? email : new Unchanged(email)
      }, options)
    const names = ['first', 'second', 'third', 'fourth'].map((name) => `${name}@example.com`)
    const answers = await Promise.all(names.map((name, index) => unit(name, index % 2 === 0)))
    expect(answers).toEqual(names)
    expect(await store.read(emails)).toEqual(['first@example.com', 'third@example.com'])
    expect(done.sort()).toEqual(['first@example.com', 'third@example.com'])
  })

  it.each([
    ['alone', undefined],
    ['in one line', { line: 'one' }],
  ])('takes back a unit, %s, of which a statement failed that it did not wait for', async (_, options) => {
    const store = await openOn(await newDatabase())
    await store.write((tx) => insert(tx, 'ada@example.com'))
    const unit = (...names: string[]) =>
      store.write(async (tx) => {
        for (const name of names) await tx.withCommit([insert(tx, `${name}@example.com`)])
      }, options)
    const outcomes = await Promise.allSettled([unit('one'), unit('two', 'ada', 'three'), unit('four')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    // What failed first is told, and not what was refused because of it.
    expect(outcomes[1]).toMatchObject({
      reason: { code: expect.stringMatching(/^(23505|SQLITE_CONSTRAINT)/) },
    })
    expect(await store.read(emails)).toEqual(['ada', 'four', 'one'].map((name) => `${name}@example.com`))
  })

  it('does all or nothing of what a unit sends with its commit', async () => {
    const store = await openOn(await newDatabase())
    const hinted = rowsStatement<[], Tx>('hint_for_test', ({ db, tables: { accounts } }) =>
      db.update(accounts).set({ hint: sql`${sql.placeholder('hint')}` }),
    )
    await store.write((tx) => insertLast(tx, 'ada'))
    const lost = (tx: Tx) => tx.withCommit([insertLast(tx, 'eve', 'ada'), hinted(tx)({ hint: 'lost' })])
    expect(await failure(store.write(lost))).toMatchObject({
      code: expect.stringMatching(/^(23505|SQLITE_CONSTRAINT_UNIQUE)$/),
    })
    expect(await store.read(emails)).toEqual(['ada'])
    // It was not prepared, because it came behind what failed.
    await store.write((tx) => tx.withCommit([insertLast(tx, 'eve'), hinted(tx)({ hint: 'kept' })]))
    expect(await store.read(emails)).toEqual(['ada', 'eve'])
    const hints = await store.read(({ db, tables: { accounts } }) =>
      db.select({ hint: accounts.hint }).from(accounts),
    )
    expect(hints).toEqual([{ hint: 'kept' }, { hint: 'kept' }])
  })

  it('runs the units of one line one after the other, in the order in which they came', async () => {
    const store = await openOn(await newDatabase())
    const seen: number[] = []
    let running = 0
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        store.write(
          async (tx) => {
            expect(++running).toBe(1)
            await insert(tx)
            seen.push(index)
            running--
          },
          { line: 'one' },
        ),
      ),
    )
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })

  it('refuses a store call inside a store call, which would wait for itself', async () => {
    const store = await openOn(await newDatabase())
    const nested: (() => Promise<unknown>)[] = [
      () => store.write(() => store.write((tx) => insert(tx))),
      () => store.write(() => store.read(emails)),
      () => store.read(() => store.write((tx) => insert(tx))),
      () => store.read(() => store.read(emails)),
    ]
    for (const call of nested)
      expect(await failure(call())).toMatchObject({ message: expect.stringContaining('inside a store call') })
    expect(await store.read(emails)).toEqual([])
    await store.write((tx) => insert(tx))
    expect(await store.read(emails)).toHaveLength(1)
  })

  it('is opened by eight at the same time, of whom one makes the tables', async () => {
    const database = await createDatabaseWithoutTables(engine)
    closing.push(() => database.remove())
    const opened = await Promise.all(Array.from({ length: 8 }, () => open(database)))
    for (const { store } of opened) closing.push(() => store.close())
    expect(opened.filter(({ migrationsApplied }) => migrationsApplied > 0)).toHaveLength(1)
    const epochs = await Promise.all(
      opened.map(({ store }) =>
        store.read(({ db, tables: { instance } }) => db.select({ epoch: instance.epoch }).from(instance)),
      ),
    )
    expect(new Set(epochs.flat().map(({ epoch }) => epoch)).size).toBe(1)
    expect(await Promise.all(opened.map(({ store }) => store.isReady()))).toEqual(Array(8).fill(true))
  })

  it('shares a database with another store that writes at the same time', async () => {
    const database = await newDatabase()
    const stores = [await openOn(database), await openOn(database)]
    const written = await Promise.all(
      Array.from({ length: 60 }, (_, index) => stores[index % 2]?.write((tx) => insert(tx))),
    )
    expect(new Set(written).size).toBe(60)
    for (const store of stores) expect(await store.read(emails)).toHaveLength(60)
  })

  it('names the statement of what failed, and none of its values', async () => {
    const store = await openOn(await newDatabase())
    const marker = `marker-${randomUUID()}@example.com`
    await store.write((tx) => insert(tx, marker))
    const errors = [
      await failure(store.write((tx) => insert(tx, marker))),
      await failure(
        store.write(async ({ db, tables: { vaults } }) => {
          const [key, data] = [new TextEncoder().encode(marker), new Uint8Array()]
          await db
            .insert(vaults)
            .values({ ...times, id: marker, accountId: marker, key, data, revision: 1, epoch: marker })
        }),
      ),
    ]
    for (const error of errors) {
      if (!(error instanceof StoreError)) throw new Error('It is not a StoreError')
      expect(error.unavailable).toBe(false)
      expect(error.message).toMatch(/^The database answered \w+( to: insert into|$)/)
      const everything = [error.message, error.stack, String(error.cause), JSON.stringify(error)]
      const members = JSON.stringify(error, Object.getOwnPropertyNames(error))
      for (const text of [...everything, members]) {
        expect(text).not.toContain(marker)
        expect(text).not.toContain(Buffer.from(marker).toString('hex'))
      }
    }
  })

  it('takes what was deleted out of its files when it is told to, while others write', async () => {
    const database = await newDatabase()
    const store = await openOn(database)
    const marker = `marker-${randomUUID()}@example.com`
    // Postgres leaves that to its own vacuum; it only has to take no harm.
    const isInFiles = () => {
      if (engine === 'postgres') return undefined
      const file = database.url.slice('file:'.length)
      return readdirSync(dirname(file)).some((name) =>
        readFileSync(join(dirname(file), name)).includes(marker),
      )
    }
    await store.write((tx) => insert(tx, marker))
    await store.truncateWal()
    expect(isInFiles()).not.toBe(false)
    await store.write(({ db, tables: { accounts } }) => db.delete(accounts).where(eq(accounts.email, marker)))
    await Promise.all([store.write((tx) => insert(tx)), store.truncateWal(), store.write((tx) => insert(tx))])
    expect(isInFiles()).not.toBe(true)
    expect(await store.read(emails)).toHaveLength(2)
  })

  it('goes on after a unit that failed', async () => {
    const store = await openOn(await newDatabase())
    await store.write((tx) => insert(tx, 'taken@example.com'))
    await failure(store.write((tx) => insert(tx, 'taken@example.com')))
    await store.write(({ db, tables: { accounts } }) =>
      db.delete(accounts).where(eq(accounts.email, 'taken@example.com')),
    )
    expect(await store.read(emails)).toEqual([])
  })
})

describe('an SQLite file', () => {
  it('is waited for while another process holds it, also before its first use', async () => {
    const database = await createDatabase('sqlite')
    const other = new Driver(fileURLToPath(database.url.replace(/^file:/, 'file://')))
    other.exec('begin exclusive')
    const opening = open(database)
    // What fails for a lock fails at the first look; the rejection is then here before the lock is gone.
    const first = await Promise.race([opening, nextTurn('still waiting')])
    other.exec('rollback')
    other.close()
    const { store, migrationsApplied } = await opening
    expect({ first, ready: await store.isReady() }).toEqual({ first: 'still waiting', ready: true })
    expect(migrationsApplied).toBeGreaterThan(0)
    await store.close()
    await database.remove()
  })
})

describe('the write-ahead log of an SQLite file', () => {
  it('is copied into the file after whoever wrote was answered, and does not grow without end', async () => {
    const database = await createDatabase('sqlite')
    const { store } = await open(database)
    const other = new Driver(fileURLToPath(database.url.replace(/^file:/, 'file://')))
    const look = other.prepare<[], [number, number, number]>('pragma wal_checkpoint(NOOP)').raw()
    const isCopied = () => {
      const [, pages, copied] = look.get() ?? [0, 0, -1]
      return pages === copied
    }
    const copiedAtAnswer: boolean[] = []
    for (let write = 0; write < 4; write++) {
      // Six megabytes in one row.
      await store.write((tx) => insert(tx, `${'x'.repeat(6_000_000)}${write}@example.com`))
      copiedAtAnswer.push(isCopied())
      await expect.poll(isCopied).toBe(true)
    }
    expect(copiedAtAnswer).toEqual([false, false, false, false])
    expect(statSync(`${other.name}-wal`).size).toBeLessThan(4 * 6_000_000)
    other.close()
    await store.close()
    await database.remove()
  })
})

/** Ends every connection to the database but the one that does it. */
async function terminateAll(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await client.end()
}

const times = { createdAt: 0, updatedAt: 0 }

describe('units of work on Postgres', () => {
  const withStore = async (use: (store: Store, database: TestDatabase) => Promise<void>) => {
    const database = await createDatabase('postgres')
    const { store } = await open(database)
    try {
      await use(store, database)
    } finally {
      await store.close()
      await database.remove()
    }
  }

  /** The number of the transaction that a unit runs in. */
  const transactionOf = async ({ db, tables: { instance } }: Tx) => {
    const [row] = await db.select({ id: sql<string>`pg_current_xact_id()::text` }).from(instance)
    return row?.id
  }

  it('are one message to Postgres if they wait for no answer, and two if they wait once', () =>
    withStore(async (store) => {
      const query = vi.spyOn(pg.Client.prototype, 'query')
      const sent = () =>
        query.mock.calls.splice(0).map(([piece]) =>
          z
            .object({ statements: z.array(z.object({ text: z.string() })) })
            .parse(piece)
            .statements.map(({ text }) => text.split(' ', 1)[0]),
        )
      try {
        await store.write((tx) => insertLast(tx, 'ada', 'bob'))
        expect(sent()).toEqual([['insert', 'insert']])
        await store.write(async (tx) => {
          await insertedStatement(tx)({ id: randomUUID(), email: 'eve' })
          await insertLast(tx, 'dan')
        })
        expect(sent()).toEqual([
          ['begin', 'insert'],
          ['insert', 'commit'],
        ])
      } finally {
        query.mockRestore()
      }
      expect(await store.read(emails)).toEqual(['ada', 'bob', 'dan', 'eve'])
    }))

  it('share a commit if they wait in one line, and do not wait for those of another', () =>
    withStore(async (store) => {
      const { promise: looked, resolve: leave } = Promise.withResolvers<void>()
      const first = store.write(() => looked, { line: 'one' })
      const waiting = Array.from({ length: 5 }, () => store.write(transactionOf, { line: 'one' }))
      const other = await store.write(transactionOf, { line: 'other' })
      leave()
      await first
      const together = await Promise.all(waiting)
      expect(new Set(together).size).toBe(1)
      expect(together).not.toContain(other)
    }))

  it('fail if a statement failed of whose failure nobody took notice', () =>
    withStore(async (store) => {
      await store.write((tx) => insert(tx, 'ada@example.com'))
      const careless = async (tx: Tx) => {
        await insert(tx, 'lost@example.com')
        await insert(tx, 'ada@example.com').catch(() => {})
      }
      expect(await failure(store.write(careless))).toBeInstanceOf(StoreError)
      const outcomes = await Promise.allSettled(
        Array.from({ length: 4 }, () => store.write(careless, { line: 'one' })),
      )
      expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
      expect(await store.read(emails)).toEqual(['ada@example.com'])
    }))

  it('are run again if Postgres ends a deadlock by them, also in the middle of a line', () =>
    withStore(async (store, database) => {
      const [one = '', two = ''] = [
        await store.write((tx) => insert(tx)),
        await store.write((tx) => insert(tx)),
      ]
      const touch = ({ db, tables: { accounts } }: Tx, email: string, hint: string) =>
        db.update(accounts).set({ hint }).where(eq(accounts.email, email))
      const { store: other } = await open(database)
      try {
        const { promise: otherHolds, resolve: otherIsIn } = Promise.withResolvers<void>()
        const { promise: lineHolds, resolve: lineIsIn } = Promise.withResolvers<void>()
        const opposite = other.write(async (tx) => {
          await touch(tx, two, 'other')
          otherIsIn()
          await lineHolds
          await touch(tx, one, 'other')
        })
        await otherHolds
        const { promise: gathered, resolve: gather } = Promise.withResolvers<void>()
        const line = [
          store.write(() => gathered, { line: 'one' }),
          store.write((tx) => touch(tx, one, 'line').then(() => lineIsIn()), { line: 'one' }),
          store.write((tx) => touch(tx, two, 'line'), { line: 'one' }),
          store.write((tx) => insert(tx, 'last@example.com'), { line: 'one' }),
        ]
        gather()
        const outcomes = await Promise.allSettled([opposite, ...line])
        expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'))
        expect(await store.read(emails)).toContain('last@example.com')
      } finally {
        await other.close()
      }
    }))

  it('fail together if their connection is lost, and nothing of them stays', () =>
    withStore(async (store, database) => {
      const { promise: gathered, resolve: gather } = Promise.withResolvers<void>()
      const units = [
        store.write(() => gathered, { line: 'one' }),
        store.write((tx) => insert(tx), { line: 'one' }),
        store.write(
          async (tx) => {
            await terminateAll(database.url)
            await insert(tx)
          },
          { line: 'one' },
        ),
        store.write((tx) => insert(tx), { line: 'one' }),
      ]
      gather()
      const outcomes = await Promise.allSettled(units)
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        ...Array<string>(3).fill('rejected'),
      ])
      for (const outcome of outcomes.slice(1))
        expect(outcome).toMatchObject({ reason: { unavailable: true } })
      expect(await store.read(emails).catch(() => store.read(emails))).toEqual([])
    }))
})

describe('a Postgres that goes away', () => {
  it('is connected to again by the next call', async () => {
    const database = await createDatabase('postgres')
    const { store } = await open(database)
    try {
      const email = await store.write((tx) => insert(tx))
      await terminateAll(database.url)
      // Until the pool has heard of it, a call may still meet one of the connections that were ended.
      for (let calls = 0; calls < 12; calls++) {
        const outcome = await failure(store.read(emails))
        if (outcome === 'it succeeded') break
        expect(outcome).toBeInstanceOf(StoreError)
        expect(outcome).toMatchObject({ unavailable: true })
      }
      expect(await store.read(emails)).toEqual([email])
      expect(await store.isReady()).toBe(true)
    } finally {
      await store.close()
      await database.remove()
    }
  })

  it('takes a unit along that was running, and nothing of it stays', async () => {
    const database = await createDatabase('postgres')
    const { store } = await open(database)
    try {
      const error = await failure(
        store.write(async (tx) => {
          await insert(tx, 'first@example.com')
          await terminateAll(database.url)
          await insert(tx, 'second@example.com')
        }),
      )
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ unavailable: true })
      expect(await store.read(emails).catch(() => store.read(emails))).toEqual([])
    } finally {
      await store.close()
      await database.remove()
    }
  })

  it('is unavailable to the rate limiter as well, whose whole numbers are numbers', async () => {
    const database = await createDatabase('postgres')
    const { store } = await open(database)
    try {
      const count = async (text: string) => (await store.counts?.client.query({ text }))?.rows
      expect(await count('select 5::bigint as points')).toEqual([{ points: 5 }])
      const error = await failure(count('select pg_terminate_backend(pg_backend_pid())'))
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ unavailable: true })
      expect(await failure(count('select points from nowhere'))).toMatchObject({ unavailable: false })
      expect(await count('select 6::bigint as points')).toEqual([{ points: 6 }])
    } finally {
      await store.close()
      await database.remove()
    }
  })

  it('is unavailable where it cannot be reached at all', async () => {
    const error = await failure(open({ url: `postgres://ada:secret@127.0.0.1:${await freePort()}/limpet` }))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ unavailable: true })
    expect(String(error)).not.toContain('secret')
  })
})
