// What units of work leave to be done after their commit, and what they announce to others.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { type Store, type Tx, Unchanged } from '../../src/store/store.ts'
import { createDatabase, engines, type TestDatabase } from '../support/database.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { runStatement } from '../support/rows.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function newDatabase(engine: (typeof engines)[number]): Promise<TestDatabase> {
  const database = await createDatabase(engine)
  closing.push(() => database.remove())
  return database
}

async function openOn(database: TestDatabase): Promise<Store> {
  const { store } = await openStore(databaseOf(database), { now: () => 0, onIdleError: () => {} })
  closing.push(() => store.close())
  return store
}

/** Collects what a store hears, and resolves what waits for it. */
function listening(store: Store) {
  const heard: string[] = []
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  let missed = 0
  const end = store.listen({
    heard: (message) => {
      heard.push(message)
      changed()
    },
    missed: () => {
      missed++
      changed()
    },
  })
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isSo()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return {
    heard,
    end,
    /** Waits until other processes are heard too, `times` times. */
    connected: (times = 1) => until(() => missed >= times),
    hears: (message: string) => until(() => heard.includes(message)),
  }
}

const insertOne = async ({ db, tables: { usedOnce } }: Tx) => {
  await db.insert(usedOnce).values({ id: Buffer.from(randomUUID()), expiresAt: 0 })
}

describe.each(engines)('after a commit on %s', (engine) => {
  it('does what a unit left to be done, before its caller is answered', async () => {
    const store = await openOn(await newDatabase(engine))
    const done: string[] = []
    let again: Promise<void> | undefined
    await store.write(async (tx) => {
      await insertOne(tx)
      tx.afterCommit(() => done.push('first'))
      tx.afterCommit(() => done.push('second'))
      // It may call the store again.
      tx.afterCommit(() => {
        again = store.write(insertOne)
      })
      expect(done).toEqual([])
    })
    expect(done).toEqual(['first', 'second'])
    await again
    expect(again).toBeDefined()
  })

  it('does nothing of a unit that failed, that was refused with others, or that changed nothing', async () => {
    const store = await openOn(await newDatabase(engine))
    const ear = listening(store)
    const done: number[] = []
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        store.write(async (tx) => {
          await insertOne(tx)
          tx.afterCommit(() => done.push(index))
          await tx.announce(String(index))
          if (index % 4 === 0) throw new Error('of the unit')
          return index % 4 === 1 ? new Unchanged(index) : index
        }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(5)
    const expected = Array.from({ length: 20 }, (_, index) => index).filter((index) => index % 4 > 1)
    expect(done.toSorted((one, other) => one - other)).toEqual(expected)
    expect(ear.heard.map(Number).sort((one, other) => one - other)).toEqual(expected)
  })

  it('tells this process what was announced, once, until it listens no more', async () => {
    const store = await openOn(await newDatabase(engine))
    const ear = listening(store)
    await store.write(async (tx) => tx.announce('one'))
    expect(ear.heard).toEqual(['one'])
    ear.end()
    await store.write(async (tx) => tx.announce('two'))
    await expect(store.write((tx) => tx.announce('x'.repeat(8000)))).rejects.toThrow('too long')
    expect(ear.heard).toEqual(['one'])
  })
})

describe.each(engines)('what is announced soon after a commit on %s', (engine) => {
  const soon = (topic: string, order: number) => ({ topic, order, message: `${topic} ${order}` })

  it('is told to this process once for each topic, the last of it, and not at all if nothing was done', async () => {
    const store = await openOn(await newDatabase(engine))
    const ear = listening(store)
    await store.write(async (tx) => {
      await insertOne(tx)
      for (const announcement of [soon('one', 1), soon('two', 1), soon('one', 3), soon('one', 2)])
        tx.announceSoon(announcement)
      expect(ear.heard).toEqual([])
    })
    expect(ear.heard.toSorted()).toEqual(['one 3', 'two 1'])
    await store.write(async (tx) => {
      tx.announceSoon(soon('three', 1))
      return new Unchanged(undefined)
    })
    const failed = store.write(async (tx) => {
      tx.announceSoon(soon('four', 1))
      throw new Error('of the unit')
    })
    await expect(failed).rejects.toThrow('of the unit')
    await expect(
      store.write(async (tx) => tx.announceSoon({ ...soon('five', 1), message: 'x'.repeat(8000) })),
    ).rejects.toThrow('too long')
    expect(ear.heard).toHaveLength(2)
  })
})

describe('several processes on Postgres', () => {
  it('hear what the others announce soon after their commits, also if they lost the connection that tells it', async () => {
    const database = await newDatabase('postgres')
    const [one, two] = [await openOn(database), await openOn(database)]
    const ears = [listening(one), listening(two)]
    await Promise.all(ears.map((ear) => ear.connected()))
    const announce = (order: number) =>
      one.write(async (tx) => {
        await insertOne(tx)
        tx.announceSoon({ topic: 'one', order, message: `one ${order}` })
      })
    await announce(1)
    for (const ear of ears) await ear.hears('one 1')
    await runStatement(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'limpet listener'`,
    )
    for (let order = 2; order <= 50; order++) await announce(order)
    await Promise.all(ears.map((ear) => ear.connected(2)))
    await announce(51)
    for (const ear of ears) await ear.hears('one 51')
    // Its own it hears at once, and once.
    expect(ears[0]?.heard).toEqual(Array.from({ length: 51 }, (_, index) => `one ${index + 1}`))
  })

  it('tell what waits to be told before they close', async () => {
    const database = await newDatabase('postgres')
    const two = await openOn(database)
    const ear = listening(two)
    await ear.connected()
    const { store: one } = await openStore(databaseOf(database), { now: () => 0, onIdleError: () => {} })
    const own = listening(one)
    await own.connected()
    for (let order = 1; order <= 20; order++)
      await one.write(async (tx) => tx.announceSoon({ topic: 'one', order, message: `one ${order}` }))
    await one.close()
    await ear.hears('one 20')
  })

  it('hear what the others announce, each announcement once', async () => {
    const database = await newDatabase('postgres')
    const [one, two] = [await openOn(database), await openOn(database)]
    const ears = [listening(one), listening(two)]
    await Promise.all(ears.map((ear) => ear.connected()))
    await one.write(async (tx) => tx.announce('from one'))
    await two.write(async (tx) => tx.announce('from two'))
    for (const ear of ears) {
      await ear.hears('from one')
      await ear.hears('from two')
    }
    // A second copy of the first would have come before this one.
    await one.write(async (tx) => tx.announce('last'))
    for (const ear of ears) {
      await ear.hears('last')
      expect(ear.heard.toSorted()).toEqual(['from one', 'from two', 'last'])
    }
  })

  it('hear again after the connection that listens was lost, and are told that they may have missed something', async () => {
    const database = await newDatabase('postgres')
    const [one, two] = [await openOn(database), await openOn(database)]
    const ear = listening(two)
    await ear.connected()
    const admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
    closing.push(() => admin.end())
    for (const times of [2, 3]) {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'limpet listener'`,
      )
      await ear.connected(times)
      await one.write(async (tx) => tx.announce(`heard again ${times}`))
      await ear.hears(`heard again ${times}`)
    }
  })

  it('close while the connection that listens is being made', async () => {
    const database = await newDatabase('postgres')
    const { store } = await openStore(databaseOf(database), { now: () => 0, onIdleError: () => {} })
    store.listen({ heard: () => {}, missed: () => {} })
    await expect(store.close()).resolves.toBeUndefined()
  })
})

describe('a server behind a pooler', () => {
  it('listens on a connection of its own to the database itself', async () => {
    const database = await newDatabase('postgres')
    // The name tells the two ways apart.
    const listenUrl = `${database.url}${database.url.includes('?') ? '&' : '?'}application_name=past-the-pooler`
    const { store } = await openStore(
      { engine: 'postgres', url: database.url, listenUrl },
      { now: () => 0, onIdleError: () => {} },
    )
    closing.push(() => store.close())
    const ear = listening(store)
    await ear.connected()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client
      .query(
        "select application_name as name from pg_stat_activity where datname = current_database() and query like 'listen %'",
      )
      .finally(() => client.end())
    expect(rows).toEqual([{ name: 'past-the-pooler' }])
    await (await openOn(database)).write(async (tx) => {
      await insertOne(tx)
      await tx.announce('from the other one')
    })
    await ear.hears('from the other one')
  })
})
