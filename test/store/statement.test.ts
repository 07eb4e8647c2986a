// Statements are built once for each connection, and not again for each unit of work.
import { eq, sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { rowsStatement } from '../../src/store/statement.ts'
import { createDatabase, engines } from '../support/database.ts'
import { databaseOf } from '../support/fresh-database.ts'

describe.each(engines)('a statement on %s', (engine) => {
  it('is built once for the units of a connection', async () => {
    const database = await createDatabase(engine)
    const { store } = await openStore(databaseOf(database), { now: () => 0, onIdleError: () => {} })
    let built = 0
    const found = rowsStatement<[id: string]>('account_for_test', ({ db, tables: { accounts } }) => {
      built++
      return db
        .select({ id: accounts.id })
        .from(accounts)
        .where(eq(accounts.id, sql.placeholder('id')))
    })
    try {
      for (let times = 0; times < 5; times++)
        expect(await store.write((tx) => found(tx)({ id: 'nobody' }))).toEqual([])
      expect(built).toBe(1)
    } finally {
      await store.close()
      await database.remove()
    }
  })
})
