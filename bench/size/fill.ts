// `npm run bench:size-fill -- STATE URL VAULTS ITEMS`: fills an empty database with accounts of one vault each, so many items in each
// vault. The first account is registered as any other; the rest is written as SQL, in minutes for ten million items.
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import Driver from 'better-sqlite3'
import pg from 'pg'
import { z } from 'zod'
import { days } from '../../src/clock.ts'
import { versionDaysKept } from '../../src/domain/vaults/versions.ts'
import { registration } from '../../test/support/accounts.ts'
import { ask } from '../place.ts'
import { newSettings, startLimpet } from '../servers.ts'
import { emailOf, type State, writeState } from './state.ts'

/** Of an envelope: a login's usual size. */
const itemBytes = 400
/** Vaults grow in turns, as they do in use: the rows of one do not lie beside each other. */
const itemsInTurn = 250
/** One of so many items has a replaced version, and one of so many versions is old enough for the cleanup. */
const versionOf = 10
const oldOf = 10
/** Envelopes in form. */
const envelopes = Array.from({ length: 256 }, () =>
  Buffer.concat([Buffer.from([1]), randomBytes(itemBytes - 1)]),
)

interface Shape {
  readonly vaults: number
  readonly items: number
  readonly now: number
}

/** What one account stores, beside its vault's own row. */
function storedBy({ items }: Shape) {
  const versions = Math.floor(items / versionOf)
  return { versions, bytes: (items + versions) * itemBytes }
}

const tell = (done: number, of: number) => process.stderr.write(`\r${done} of ${of} turns`)

/** Runs in `turns` statements over all vaults: [first, last] numbers of the items, from 1. */
function turnsOf({ items }: Shape): [number, number][] {
  const turns: [number, number][] = []
  for (let first = 1; first <= items; first += itemsInTurn)
    turns.push([first, Math.min(first + itemsInTurn - 1, items)])
  return turns
}

async function fillPostgres(url: string, shape: Shape) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { versions, bytes } = storedBy(shape)
  const { vaults, items, now } = shape
  // Foreign keys are checked row by row otherwise. They hold; `limpet-server verify` looks.
  await client.query(`set session_replication_role = replica`)
  await client.query('set synchronous_commit = off')
  await client.query(`update accounts set email = $1`, [emailOf(0)])
  await client.query(
    `insert into accounts (id, email, email_verified, auth_method, auth_verifier, kdf_memory_kib, kdf_iterations, kdf_parallelism,
       kdf_salt, account_key, created_at, stored_bytes)
     select gen_random_uuid()::text, 'size-' || n || '@example.com', email_verified, auth_method, auth_verifier, kdf_memory_kib,
       kdf_iterations, kdf_parallelism, kdf_salt, account_key, created_at, stored_bytes
     from accounts, generate_series(1, $1::int - 1) n`,
    [vaults],
  )
  await client.query(
    `insert into vaults (id, account_id, key, data, revision, epoch, created_at, updated_at)
     select gen_random_uuid()::text, a.id, v.key, v.data, 0, md5(a.id), v.created_at, v.updated_at
     from (select * from vaults) v, accounts a where a.id <> v.account_id`,
  )
  const chunk = 500
  const turns = turnsOf(shape)
  let done = 0
  for (const [first, last] of turns)
    for (let from = 0; from < vaults; from += chunk) {
      await client.query(
        `insert into items (vault_id, id, state, data, revision, created_at, updated_at)
         select v.id, gen_random_uuid()::text, 'active', ($1::bytea[])[1 + floor(random() * $2)::int], 2 * n, $3, $3
         from (select id from vaults order by account_id offset $6 limit $7) v, generate_series($4::int, $5::int) n`,
        [envelopes, envelopes.length, now - days(90), first, last, from, chunk],
      )
      tell(++done, turns.length * Math.ceil(vaults / chunk))
    }
  await client.query(
    `insert into item_versions (vault_id, item_id, revision, data, created_at, replaced_at)
     select vault_id, id, revision - 1, data, created_at,
       case when revision % $1 = 0 then $2::bigint else $3::bigint end from items where revision % $4 = 0`,
    [2 * versionOf * oldOf, now - days(versionDaysKept + 1), now - days(1), 2 * versionOf],
  )
  await client.query('update vaults set revision = $1', [2 * items])
  await client.query('update accounts set stored_items = $1, stored_bytes = stored_bytes + $2', [
    items,
    bytes,
  ])
  await client.query('vacuum analyze')
  await client.end()
  return versions
}

function fillSqlite(file: string, shape: Shape) {
  const { vaults, items, now } = shape
  const { bytes } = storedBy(shape)
  const connection = new Driver(file)
  for (const setting of [
    // The write-ahead log is left first, or it would hold everything once more.
    'journal_mode = DELETE',
    'journal_mode = OFF',
    'synchronous = OFF',
    'cache_size = -2000000',
    'foreign_keys = OFF',
    'locking_mode = EXCLUSIVE',
  ])
    connection.pragma(setting)
  const one = z.record(z.string(), z.unknown())
  const account = one.parse(connection.prepare('select * from accounts').get())
  const vault = one.parse(connection.prepare('select * from vaults').get())
  const inserting = (table: string, row: object) => {
    const names = Object.keys(row)
    return connection.prepare(
      `insert into ${table} (${names.join(', ')}) values (${names.map((name) => `:${name}`).join(', ')})`,
    )
  }
  connection.exec('begin')
  connection.prepare('update accounts set email = ?').run(emailOf(0))
  const insertAccount = inserting('accounts', account)
  const insertVault = inserting('vaults', vault)
  const ids = [z.string().parse(vault.id)]
  for (let number = 1; number < vaults; number++) {
    const [id, vaultId] = [randomUUID(), randomUUID()]
    insertAccount.run({ ...account, id, email: emailOf(number) })
    insertVault.run({ ...vault, id: vaultId, account_id: id, epoch: randomBytes(16).toString('hex') })
    ids.push(vaultId)
  }
  const insertItem = connection.prepare(
    `insert into items (vault_id, id, state, data, revision, created_at, updated_at) values (?, ?, 'active', ?, ?, ?, ?)`,
  )
  const insertVersion = connection.prepare(
    `insert into item_versions (vault_id, item_id, revision, data, created_at, replaced_at) values (?, ?, ?, ?, ?, ?)`,
  )
  const turns = turnsOf(shape)
  let done = 0
  const made = now - days(90)
  for (const [first, last] of turns) {
    for (const vaultId of ids)
      for (let number = first; number <= last; number++) {
        const id = randomUUID()
        const data = envelopes[randomInt(envelopes.length)]
        insertItem.run(vaultId, id, data, 2 * number, made, made)
        if (number % versionOf !== 0) continue
        const replaced = number % (versionOf * oldOf) === 0 ? now - days(versionDaysKept + 1) : now - days(1)
        insertVersion.run(vaultId, id, 2 * number - 1, data, made, replaced)
      }
    tell(++done, turns.length)
  }
  connection.prepare('update vaults set revision = ?').run(2 * items)
  connection
    .prepare('update accounts set stored_items = ?, stored_bytes = stored_bytes + ?')
    .run(items, bytes)
  connection.exec('commit')
  connection.close()
}

/** The first account, as a server makes it; and what all programs need. */
async function begin(databaseUrl: string, vaults: number): Promise<State> {
  const body = registration()
  const settings = { ...(await newSettings(databaseUrl)), MAX_ITEMS: '10000000', MAX_BYTES: '100G' }
  const server = await startLimpet(settings)
  try {
    await ask(server, { method: 'POST', path: '/api/v1/register', body })
  } finally {
    await server.stop()
  }
  return { settings, databaseUrl, vaults, authKey: body.authKey }
}

const [file, url, vaults, items] = process.argv.slice(2)
if (!file || !url || !vaults || !items) throw new Error('STATE URL VAULTS ITEMS')
const began = performance.now()
const shape = { vaults: Number(vaults), items: Number(items), now: Date.now() }
const state = await begin(url, shape.vaults)
if (url.startsWith('file:')) fillSqlite(url.slice('file:'.length), shape)
else await fillPostgres(url, shape)
writeState(file, state)
process.stderr.write(`\nfilled in ${Math.round((performance.now() - began) / 1000)} s\n`)
