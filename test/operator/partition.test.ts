// A Postgres database whose tables are cut up by vault: nothing of it changes but how it lies on the disk.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { Changes, Item } from '../../src/contract/vaults.ts'
import { digestAll, onSnapshot } from '../../src/operator/whole-database.ts'
import { allTables, tablesInBackups } from '../../src/store/shape.ts'
import { fakeEnvelope, logIn, newAccount } from '../support/accounts.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createPostgresDatabase, databaseOf } from '../support/fresh-database.ts'
import { operatorOf } from '../support/operator.ts'
import { bodyOf, send } from '../support/requests.ts'
import { runStatement } from '../support/rows.ts'
import { startServer, type TestServer } from '../support/server.ts'

const cleaning: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
})

async function newDatabase(): Promise<TestDatabase> {
  const database = await createPostgresDatabase(inject('postgresUrl'))
  cleaning.push(() => database.remove())
  return database
}

async function start(database: TestDatabase): Promise<TestServer> {
  const server = await startServer('postgres', { database })
  cleaning.push(() => server.stop())
  return server
}

const put = (
  server: TestServer,
  { token, vaultId }: { token: string; vaultId: string },
  id: string,
  match: string,
) =>
  send(server, {
    method: 'PUT',
    path: `/api/v1/vaults/${vaultId}/items/${id}`,
    token,
    headers: match === '*' ? { 'If-None-Match': '*' } : { 'If-Match': match },
    body: { data: fakeEnvelope(300) },
  })

/** A database with items and versions of several vaults. */
async function filled() {
  const database = await newDatabase()
  const server = await start(database)
  const accounts = await Promise.all(Array.from({ length: 3 }, () => newAccount(server)))
  const ids = Array.from({ length: 5 }, () => randomUUID())
  for (const account of accounts)
    for (const id of ids) {
      const { revision } = bodyOf(Item, await put(server, account, id, '*'))
      bodyOf(Item, await put(server, account, id, `"${revision}"`))
    }
  await server.stop()
  return { database, accounts, ids }
}

const digestsOf = (database: TestDatabase, tables = allTables) =>
  onSnapshot(databaseOf(database), (snapshot) => digestAll(snapshot, tables))

/** The tables that are cut up, and the keys and indexes of all, parts left out. */
async function layoutOf({ url }: TestDatabase) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const texts = async (query: string) => {
    const { rows } = await client.query<[string], []>({ text: query, rowMode: 'array' })
    return rows.map(([text]) => text).toSorted()
  }
  const own = 'relnamespace = current_schema()::regnamespace and not relispartition'
  try {
    return {
      partitioned: await texts(`select relname::text from pg_class where relkind = 'p' and ${own}`),
      indexes: await texts(
        `select replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') from pg_index join pg_class on pg_class.oid = indrelid where ${own}`,
      ),
      keys: await texts(
        `select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid)) from pg_constraint
         join pg_class on pg_class.oid = conrelid where ${own} and conparentid = 0 and contype in ('p', 'u', 'f')`,
      ),
    }
  } finally {
    await client.end()
  }
}

const byVault = allTables.flatMap(({ isByVault, name }) => (isByVault ? [name] : [])).toSorted()

describe('limpet-server partition', () => {
  it('cuts up what is in vaults, and keeps every row, key and index', async () => {
    const { database, accounts, ids } = await filled()
    const [rows, layout] = [await digestsOf(database), await layoutOf(database)]
    const done = await operatorOf(database).json('partition')
    expect(done).toMatchObject({ tables: { items: 15, item_versions: 15 } })
    expect(await digestsOf(database)).toEqual(rows)
    expect(await layoutOf(database)).toEqual({ ...layout, partitioned: byVault })

    const [first] = accounts
    const [id = ''] = ids
    if (!first) throw new Error('No account')
    const server = await start(database)
    const account = { ...first, ...(await logIn(server, first)) }
    const page = bodyOf(
      Changes,
      await send(server, {
        method: 'GET',
        path: `/api/v1/vaults/${account.vaultId}/changes`,
        token: account.token,
      }),
    )
    expect(page.items).toHaveLength(5)
    const revision = page.items.find((item) => item.id === id)?.revision
    expect((await put(server, account, id, `"${revision}"`)).status).toBe(200)
    expect((await put(server, account, id, `"${revision}"`)).status).toBe(412)
    const deleted = await send(server, {
      method: 'DELETE',
      path: `/api/v1/account`,
      token: account.token,
      body: { authKey: account.authKey },
    })
    expect(deleted.status).toBe(204)
    await server.stop()
    // What refers to a vault goes with it, as before.
    expect(await operatorOf(database).json('verify')).toMatchObject({ damage: [] })
    expect((await digestsOf(database)).items).toMatchObject({ rows: 10 })
  })

  it('changes nothing when it is run again', async () => {
    const database = await newDatabase()
    expect((await operatorOf(database).run('migrate')).code).toBe(0)
    expect(await operatorOf(database).json('partition')).toMatchObject({ tables: { items: 0 } })
    expect(await operatorOf(database).json('partition')).toMatchObject({ tables: {} })
  })

  it('is complete or has changed nothing', async () => {
    const { database } = await filled()
    const [rows, layout] = [await digestsOf(database), await layoutOf(database)]
    // In the way of a part, late.
    await runStatement(database, 'create table item_versions_63 (id text)')
    const refused = await operatorOf(database).run('partition')
    expect(refused.code).not.toBe(0)
    expect(await digestsOf(database)).toEqual(rows)
    expect(await layoutOf(database)).toEqual(layout)
  })

  it('refuses while a server is running, and on SQLite', async () => {
    const database = await newDatabase()
    const server = await start(database)
    const refused = await operatorOf(database).run('partition')
    expect(refused.stderr).toContain('Stop its servers')
    await server.stop()
    const file = await createDatabase('sqlite')
    cleaning.push(() => file.remove())
    expect((await operatorOf(file).run('partition')).stderr).toContain('Only a Postgres database')
  })

  it('is backed up as any other, and an empty one stays partitioned when it is filled', async () => {
    const { database } = await filled()
    await operatorOf(database).json('partition')
    const rows = await digestsOf(database, tablesInBackups)
    const folder = await mkdtemp(join(tmpdir(), 'limpet-partition-'))
    cleaning.push(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'backup')
    await operatorOf(database).json('backup', file)

    const whole = await newDatabase()
    await operatorOf(whole).json('restore', file)
    expect((await digestsOf(whole, tablesInBackups)).items).toEqual(rows.items)
    expect((await layoutOf(whole)).partitioned).toEqual([])

    const target = await newDatabase()
    await operatorOf(target).run('migrate')
    await operatorOf(target).json('partition')
    await operatorOf(target).json('move', '--from', database.url, '--to', target.url)
    expect(await digestsOf(target)).toEqual(await digestsOf(database))
    expect((await layoutOf(target)).partitioned).toEqual(byVault)
  })
})
