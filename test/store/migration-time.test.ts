// Migrations have no time limit: an index over a large table takes longer than any request may, and other servers wait for it meanwhile.
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { migrationLock } from '../../src/store/postgres.ts'
import { createPostgresDatabase, type TestDatabase } from '../support/fresh-database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createPostgresDatabase(inject('postgresUrl'))
})
afterAll(() => database.remove())

it('waits for another process that migrates, for longer than a statement may take', async () => {
  const other = new pg.Client({ connectionString: database.url })
  await other.connect()
  await other.query(`select pg_advisory_lock(${migrationLock})`)
  const bounds = { connections: 2, statementMs: 1000, waitMs: 5000 }
  const opening = openStore(
    { engine: 'postgres', url: database.url, bounds },
    { now: Date.now, onIdleError: () => {} },
  )
  opening.catch(() => {})
  const waitsForLong = `select 1 from pg_stat_activity where datname = current_database() and wait_event = 'advisory'
    and clock_timestamp() - query_start > interval '1100 ms'`
  const ended = opening.then(
    () => true,
    () => true,
  )
  while ((await other.query(waitsForLong)).rowCount === 0)
    if (await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20, false))])) break
  await other.query(`select pg_advisory_unlock(${migrationLock})`)
  const { migrationsApplied, store } = await opening
  await store.close()
  await other.end()
  expect(migrationsApplied).toBeGreaterThan(0)
})
