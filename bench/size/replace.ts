// `npm run bench:size-replace -- STATE COUNT`: replaces so many items of a database that `npm run bench:size-fill` has filled, in batches from
// anywhere in it, and says how the database has grown: of Postgres its tables and what autovacuum has done, of SQLite pages and free pages.
import { randomInt } from 'node:crypto'
import Driver from 'better-sqlite3'
import pg from 'pg'
import { BatchResult, Changes } from '../../src/contract/vaults.ts'
import { logIn } from '../../test/support/accounts.ts'
import { bodyOf } from '../../test/support/requests.ts'
import { endProgress, progress, table } from '../figures.ts'
import { ask, usualEnvelope } from '../place.ts'
import { machine } from '../results.ts'
import { startLimpet } from '../servers.ts'
import { emailOf, readState, Vaults } from './state.ts'

const perBatch = 500
/** So many vaults at the most are written to. */
const most = 200
/** Made once: the server never looks inside. */
const envelopes = Array.from({ length: 64 }, usualEnvelope)

const tables = ['items', 'item_versions']

async function sizesOfPostgres(url: string): Promise<string[][]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    // Of a partitioned table, all of its parts.
    const { rows } = await client.query<string[]>({
      rowMode: 'array',
      text: `select root.relname::text, sum(s.n_live_tup)::text, sum(s.n_dead_tup)::text,
          sum(pg_table_size(s.relid))::text, sum(pg_indexes_size(s.relid))::text, sum(s.autovacuum_count)::text
        from pg_class root, lateral (select root.oid as relid union select inhrelid from pg_inherits where inhparent = root.oid) part
        join pg_stat_user_tables s using (relid) where root.relname = any($1) group by root.relname order by root.relname`,
      values: [tables],
    })
    return rows
  } finally {
    await client.end()
  }
}

function sizesOfSqlite(file: string): string[][] {
  const connection = new Driver(file, { readonly: true })
  const pragma = (name: string) => String(connection.pragma(name, { simple: true }))
  try {
    return [[pragma('page_count'), pragma('freelist_count'), pragma('page_size')]]
  } finally {
    connection.close()
  }
}

const [file, given] = process.argv.slice(2)
if (!file || !given) throw new Error('STATE COUNT')
const count = Number(given)
const { settings, databaseUrl, vaults, authKey } = readState(file)
const isSqlite = databaseUrl.startsWith('file:')
const head = isSqlite
  ? ['pages', 'free', 'bytes of each']
  : ['table', 'rows', 'dead', 'bytes', 'bytes of indexes', 'vacuumed']
const sizes = async () =>
  table(
    head,
    isSqlite ? sizesOfSqlite(databaseUrl.slice('file:'.length)) : await sizesOfPostgres(databaseUrl),
  )

const before = await sizes()
const server = await startLimpet(settings)
const began = performance.now()
try {
  const used = Math.min(vaults, most)
  const known: { token: string; path: string; revisions: Map<string, number> }[] = []
  for (let index = 0; index < used; index++) {
    const { token } = await logIn(server, { email: emailOf(Math.floor((index * vaults) / used)), authKey })
    const [vault] = bodyOf(Vaults, await ask(server, { path: '/api/v1/vaults', token })).vaults
    const path = `/api/v1/vaults/${vault?.id}`
    const revisions = new Map<string, number>()
    for (let since = ''; ; ) {
      const page = bodyOf(Changes, await ask(server, { path: `${path}/changes${since}`, token }))
      for (const { id, revision } of page.items) revisions.set(id, revision)
      if (!page.more) break
      since = `?since=${page.cursor}`
    }
    known.push({ token, path, revisions })
    progress(`${index + 1} of ${used} vaults`)
  }
  for (let done = 0; done < count; ) {
    const vault = known[randomInt(known.length)]
    if (!vault) throw new Error('No vault')
    const ids = [...vault.revisions.keys()]
    const from = randomInt(Math.max(1, ids.length - perBatch))
    const chosen = ids.slice(from, from + perBatch)
    const { path, token } = vault
    const operations = chosen.map((id, index) => ({
      op: 'put',
      id,
      data: envelopes[index % envelopes.length],
      revision: vault.revisions.get(id),
    }))
    const answer = await ask(server, { method: 'POST', path: `${path}/batch`, token, body: { operations } })
    for (const { id, revision } of bodyOf(BatchResult, answer).items) vault.revisions.set(id, revision)
    done += chosen.length
    progress(`${done} of ${count} replaced`)
  }
} finally {
  endProgress()
  await server.stop()
}
const took = Math.round((performance.now() - began) / 1000)
process.stdout.write(
  `${machine()}\n\nBefore:\n\n${before}\n\nAfter ${count} replacements in ${took} s:\n\n${await sizes()}\n`,
)
