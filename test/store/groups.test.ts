// Requests that wait in one line are done together, and fail each by itself.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Groups } from '../../src/store/groups.ts'
import { openStore } from '../../src/store/open.ts'
import { type Store, StoreError } from '../../src/store/store.ts'
import { createSqliteDatabase, databaseOf, type TestDatabase } from '../support/fresh-database.ts'

let database: TestDatabase
let store: Store
beforeAll(async () => {
  database = await createSqliteDatabase()
  store = (await openStore(databaseOf(database), { now: () => 0, onIdleError: () => {} })).store
})
afterAll(async () => {
  await store.close()
  await database.remove()
})

/** Groups over units of work that begin when `begin` is called, and what they were asked to do together. */
function groupsOver(
  work: (requests: readonly string[]) => string[] = (texts) => texts.map((text) => `${text}!`),
) {
  const begun: (() => void)[] = []
  const done: string[][] = []
  const held: Pick<Store, 'write'> = {
    async write(unit, options) {
      await new Promise<void>((resolve) => void begun.push(resolve))
      return store.write(unit, options)
    },
  }
  const groups = new Groups<string, string, string>(held, {
    lineOf: (place) => place,
    fit: (waiting) => Math.min(waiting.length, 3),
    async work(_tx, _place, requests) {
      done.push([...requests])
      return work(requests)
    },
  })
  /** Lets the units begin that wait, and those that come up behind them. */
  const begin = async () => {
    for (let turns = 0; turns < 50; turns++) {
      await nextTurn()
      if (turns % 10 === 0) for (const resolve of begun.splice(0)) resolve()
    }
  }
  return { groups, begin, done }
}

it('does together what waits in a line when its turn comes, as many as fit', async () => {
  const { groups, begin, done } = groupsOver()
  const first = groups.do('one', 'a')
  await nextTurn()
  const others = ['b', 'c', 'd'].map((text) => groups.do('one', text))
  const elsewhere = groups.do('two', 'x')
  await begin()
  expect(await Promise.all([first, ...others, elsewhere])).toEqual(['a!', 'b!', 'c!', 'd!', 'x!'])
  expect(done).toEqual([['a', 'b', 'c'], ['x'], ['d']])
})

it('does one by one what failed together, so that a failure is of its own request alone', async () => {
  const { groups, begin, done } = groupsOver((requests) => {
    if (requests.includes('bad')) throw new Error('bad')
    return [...requests]
  })
  const outcomes = Promise.allSettled(['a', 'bad', 'c'].map((text) => groups.do('one', text)))
  await begin()
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(done).toEqual([['a', 'bad', 'c'], ['a'], ['bad'], ['c']])
})

it('fails all of them if the database is away, and goes on with those that come later', async () => {
  let isAway = true
  const { groups, begin, done } = groupsOver((requests) => {
    if (isAway) throw new StoreError('no connection', undefined, true)
    return [...requests]
  })
  const outcomes = Promise.allSettled(['a', 'b'].map((text) => groups.do('one', text)))
  await begin()
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isAway = false
  const later = groups.do('one', 'c')
  await begin()
  expect(await later).toBe('c')
  expect(done).toEqual([['a', 'b'], ['c']])
})
