// Moving a database to the other engine: everything goes, nobody notices, and never are two copies served.
import { existsSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Changes, Item } from '../../src/contract/vaults.ts'
import { fillEmpty, withConnection } from '../../src/operator/whole-database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { setMark } from '../../src/store/move-mark.ts'
import { fakeEnvelope, newAccount } from '../support/accounts.ts'
import { createDatabase, type Engine, engines, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { operatorOf, runOperator } from '../support/operator.ts'
import { bodyOf, outcomeOf, send } from '../support/requests.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShare, receiptOf, reveal } from '../support/shares.ts'
import { newToken } from '../support/tokens.ts'

const Verified = z.looseObject({ tables: z.record(z.string(), z.unknown()), damage: z.array(z.string()) })

const other = { sqlite: 'postgres', postgres: 'sqlite' } as const

const cleaning: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
})

async function newDatabase(engine: Engine): Promise<TestDatabase> {
  const database = await createDatabase(engine)
  cleaning.push(() => database.remove())
  return database
}

async function start(engine: Engine, database: TestDatabase, port?: number): Promise<TestServer> {
  const environment: Record<string, string> =
    port === undefined ? {} : { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` }
  const server = await startServer(engine, { database, environment })
  cleaning.push(() => server.stop())
  return server
}

/** The command, with the password where `ps` does not show it. */
const move = (from: TestDatabase, to: TestDatabase | undefined, ...options: string[]) => {
  const withoutPassword = ({ url }: TestDatabase) => url.replace('limpet:limpet@', 'limpet@')
  const target = to ? ['--to', withoutPassword(to)] : []
  return runOperator(['move', '--from', withoutPassword(from), ...target, ...options], {
    PGPASSWORD: 'limpet',
  })
}

async function moved(
  from: TestDatabase,
  to: TestDatabase | undefined,
  ...options: string[]
): Promise<unknown> {
  const { code, stdout, stderr } = await move(from, to, '--json', ...options)
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** A database with something in most of its tables. */
async function filled(engine: Engine) {
  const database = await newDatabase(engine)
  const server = await start(engine, database)
  const account = await newAccount(server)
  const id = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
  const path = `/api/v1/vaults/${account.vaultId}/items/${id}`
  let revision: number | undefined
  for (let writes = 0; writes < 3; writes++) {
    const headers: Record<string, string> =
      revision === undefined ? { 'If-None-Match': '*' } : { 'If-Match': `"${revision}"` }
    const body = { data: fakeEnvelope(1000) }
    ;({ revision } = bodyOf(
      Item,
      await send(server, { method: 'PUT', path, token: account.token, headers, body }),
    ))
  }
  const share = await newShare(server)
  const { token } = await newToken(server, account)
  const changes = `/api/v1/vaults/${account.vaultId}/changes`
  const { cursor } = bodyOf(Changes, await send(server, { path: changes, token: account.token }))
  const port = Number(new URL(server.url).port)
  await server.stop()
  return { database, account, share, token, path, since: `${changes}?since=${cursor}`, port }
}

const verified = async (database: TestDatabase) => {
  const { tables, damage } = Verified.parse(await operatorOf(database).json('verify'))
  expect(damage).toEqual([])
  return tables
}

describe.each(engines)('a move from %s to the other engine', (engine) => {
  it('takes everything along, and clients notice nothing', async () => {
    const { database, account, share, token, path, since, port } = await filled(engine)
    const before = await verified(database)
    const target = await newDatabase(other[engine])
    expect(await moved(database, target)).toMatchObject({ tables: before })
    expect(await verified(target)).toEqual(before)

    const server = await start(other[engine], target, port)
    for (const living of [account.token, token])
      expect(outcomeOf(await send(server, { path, token: living }))).toBe('200')
    expect(bodyOf(Changes, await send(server, { path: since, token: account.token }))).toMatchObject({
      items: [],
    })
    expect((await receiptOf(server, share)).text).toContain('"pending"')
    expect(outcomeOf(await reveal(server, share))).toBe('200')
    expect(outcomeOf(await reveal(server, share))).toBe('410 share-consumed')

    const operator = operatorOf(database, { PORT: String(await freePort()) })
    for (const args of [['start'], ['users', 'list'], ['migrate']]) {
      const { code, stderr } = await operator.run(...args)
      expect(code, args.join(' ')).toBe(1)
      expect(stderr).toMatch(/^This database was moved to .*, and is served from there/)
    }
    const again = await move(database, await newDatabase(other[engine]))
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('was moved to')
  })

  it('goes back as well, with equal digests', async () => {
    const { database } = await filled(engine)
    const before = await verified(database)
    const [there, back] = [await newDatabase(other[engine]), await newDatabase(engine)]
    await moved(database, there)
    await moved(there, back)
    expect(await verified(back)).toEqual(before)
    await (await start(engine, back)).stop()
  })

  it('is refused into a database with anything in it, and then changes neither', async () => {
    const [{ database }, { database: target }] = [await filled(engine), await filled(other[engine])]
    const rows = [await readRows(database), await readRows(target)]
    const { code, stdout, stderr } = await move(database, target)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('is not empty. Nothing was changed.')
    expect([await readRows(database), await readRows(target)]).toEqual(rows)
    await (await start(engine, database)).stop()
  })

  it('is refused while a server runs on it', async () => {
    const { database } = await filled(engine)
    const server = await start(engine, database)
    expect(outcomeOf(await send(server, { path: '/readyz' }))).toBe('200')
    const target = await newDatabase(other[engine])
    const { code, stderr } = await move(database, target)
    expect(code).toBe(1)
    expect(stderr).toContain('Stop its servers')
    expect(outcomeOf(await send(server, { path: '/readyz' }))).toBe('200')
    await server.stop()
    await moved(database, target)
  })

  it('that was interrupted is run again, and nothing is served meanwhile', async () => {
    const { database } = await filled(engine)
    const before = await verified(database)
    const target = await newDatabase(other[engine])
    const name = new URL(target.url)
    const destination = name.protocol === 'file:' ? name.pathname : `postgres://${name.host}${name.pathname}`
    const mark = (state: 'moving' | 'moved') =>
      withConnection(databaseOf(database), (source) => setMark(source, { state, destination }))

    // Killed before the copy was committed: as here, nothing of it is there.
    await mark('moving')
    const refused = await operatorOf(database, { PORT: String(await freePort()) }).run('start')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('run the same "limpet-server move" again')
    const elsewhere = await move(database, await newDatabase(other[engine]))
    expect(elsewhere.stderr).toContain('is being moved to')
    await moved(database, target)
    expect(await verified(target)).toEqual(before)

    // Killed after that, and before the source was marked.
    await mark('moving')
    await moved(database, target)
    expect((await operatorOf(database).run('users', 'list')).stderr).toContain('was moved to')

    // The same, but the new one was used in between: then it is not to be overwritten, nor taken for a copy.
    await mark('moving')
    await runStatement(target, 'update vaults set revision = revision + 1')
    const changed = await move(database, target)
    expect(changed.code).toBe(1)
    expect(changed.stderr).toContain('is not empty')
    expect((await operatorOf(database).run('users', 'list')).stderr).toContain('is being moved to')
  })

  it('is undone as a backup is restored', async () => {
    const { database, account, share, token, path } = await filled(engine)
    expect((await move(database, undefined, '--undo')).stderr).toContain('was not moved')
    await moved(database, await newDatabase(other[engine]))
    expect(await moved(database, undefined, '--undo')).toMatchObject({ undone: true })
    const server = await start(engine, database)
    for (const dead of [account.token, token])
      expect(outcomeOf(await send(server, { path, token: dead }))).toBe('401 not-authenticated')
    expect(outcomeOf(await reveal(server, share))).toBe('404 not-found')
    await server.stop()
    await verified(database)
    const { share_bodies: bodies, accounts } = await readRows(database)
    expect(bodies).toEqual([])
    expect(accounts).toHaveLength(1)
  })
})

describe('a move', () => {
  it('from Postgres is noticed by a server that was idle meanwhile', async () => {
    const { database } = await filled('postgres')
    const server = await start('postgres', database)
    await withConnection(databaseOf(database), (source) =>
      setMark(source, { state: 'moved', destination: 'elsewhere' }),
    )
    // As after ten seconds without a request: it has no connection, and needs a new one for whatever comes.
    await runStatement(
      database,
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    expect((await send(server, { path: '/readyz' })).status).toBe(503)
    const share = {
      method: 'POST',
      path: '/api/v1/login',
      body: {
        email: 'a@b.example',
        authKey: 'A'.repeat(43),
        device: { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7', name: 'x', type: 'other' },
      },
    }
    expect(outcomeOf(await send(server, share))).toBe('503 unavailable')
  })

  it('says that a password in an argument is seen, and shows it nowhere', async () => {
    const [source, target] = [await newDatabase('postgres'), await newDatabase('sqlite')]
    await fillEmpty(databaseOf(source), async (connection) => {
      await migrate('postgres', connection, 0)
      await connection.run("insert into instance (id, epoch) values (1, 'x')")
    })
    const { code, stdout, stderr } = await runOperator(['move', '--from', source.url, '--to', target.url], {})
    expect(code).toBe(0)
    expect(stderr).toContain('The password in --from can be seen')
    expect(stdout + stderr).not.toContain('limpet:limpet')
  })

  it.each([
    [['move'], 'either --to or --undo'],
    [['move', '--to', 'file:b.db', '--undo'], 'either --to or --undo'],
    [['move', '--from', 'mysql://x', '--to', 'file:b.db'], '--from takes file:PATH'],
    [['move', '--from', 'file:a.db', '--to', 'b.db'], '--to takes file:PATH'],
  ])('refuses %j with 2 and a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await runOperator(args, {})
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(sentence)
  })

  it('is refused to where it comes from, and from where nothing is', async () => {
    const { database } = await filled('sqlite')
    expect((await move(database, database)).stderr).toContain('the same database twice')
    const [none, target] = [await newDatabase('sqlite'), await newDatabase('sqlite')]
    expect((await move(none, target)).stderr).toContain('There is no database at')
    expect(existsSync(target.url.slice('file:'.length))).toBe(false)
  })
})
