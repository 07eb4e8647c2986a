// Postgres: the tables of what is in vaults, each cut up by its vault into parts of their own. Autovacuum, an index that is built anew and
// a part that is moved to another disk then are about one part and not about all of it.
import type { MigrationTarget } from './migrate.ts'
import { allTables, columnList, countRows, type Table } from './shape.ts'

/** Into so many: each is worth its own vacuum from some million items on, and a statement that has no vault looks into all. */
const partitions = 64

const isPartitioned = ({ name }: Table) =>
  `select relname::text from pg_class where relkind = 'p' and relname = '${name}' and relnamespace = current_schema()::regnamespace`

/** Of a table that was just partitioned the name is taken until the old one is gone. */
const newName = (name: string) => `${name}_partitioned`

async function tablesByVault(target: MigrationTarget): Promise<{ whole: Table[]; cutUp: Table[] }> {
  const whole: Table[] = []
  const cutUp: Table[] = []
  for (const table of allTables) {
    if (!table.isByVault) continue
    const found = await target.texts(isPartitioned(table))
    ;(found.length > 0 ? cutUp : whole).push(table)
  }
  return { whole, cutUp }
}

/** Whether a database is partitioned, or was before a migration added a table. */
export const hasPartitions = async (target: MigrationTarget): Promise<boolean> =>
  (await tablesByVault(target)).cutUp.length > 0

/** What makes the keys and indexes of a table, in an order in which they can be made; each with the names that they have. */
const keysAndIndexes = ({ name }: Table) => `
  select sentence from (
    select 1 as turn, conname as name, format('alter table %I add constraint %I %s', '${name}', conname, pg_get_constraintdef(oid)) as sentence
      from pg_constraint where conrelid = '"${name}"'::regclass and contype in ('p', 'u')
    union all
    select 2, relname, pg_get_indexdef(indexrelid)
      from pg_index join pg_class on pg_class.oid = indexrelid
      where indrelid = '"${name}"'::regclass and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))
  ) sentences order by turn, name`

/** What makes its foreign keys; the tables that they refer to have to be there. */
const foreignKeys = ({ name }: Table) => `
  select format('alter table %I add constraint %I %s', '${name}', conname, pg_get_constraintdef(oid))
  from pg_constraint where conrelid = '"${name}"'::regclass and contype = 'f' order by conname`

async function copy(target: MigrationTarget, table: Table): Promise<void> {
  const { name } = table
  const cutUp = newName(name)
  await target.run(
    `create table "${cutUp}" (like "${name}" including defaults including storage including compression) partition by hash (vault_id)`,
  )
  for (let part = 0; part < partitions; part++)
    await target.run(
      `create table "${name}_${String(part).padStart(2, '0')}" partition of "${cutUp}" for values with (modulus ${partitions}, remainder ${part})`,
    )
  await target.run(`insert into "${cutUp}" (${columnList(table)}) select ${columnList(table)} from "${name}"`)
}

/**
 * Cuts up every table of what is in vaults that is not yet, with its rows. All of it or nothing, by the caller's transaction, beside
 * which nobody writes. Takes as much room again as these tables have, until the commit.
 * @returns the tables that it has cut up, with how many rows each has
 */
export async function partitionByVault(
  target: MigrationTarget,
  report: (sentence: string) => void = () => {},
): Promise<Record<string, number>> {
  const { whole } = await tablesByVault(target)
  const made = new Map<string, { keys: string[]; references: string[] }>()
  for (const table of whole) {
    made.set(table.name, {
      keys: await target.texts(keysAndIndexes(table)),
      references: await target.texts(foreignKeys(table)),
    })
    report(`${table.name}: rows`)
    await copy(target, table)
  }
  // The tables that refer to others go first.
  for (const { name } of whole.toReversed()) await target.run(`drop table "${name}"`)
  // Each part's foreign keys are looked at by themselves. Joined otherwise, each look would read the whole table that they refer to.
  for (const join of ['hash', 'merge']) await target.run(`set local enable_${join}join = off`)
  const counts: Record<string, number> = {}
  for (const table of whole) {
    const { name } = table
    const { keys = [], references = [] } = made.get(name) ?? {}
    report(`${name}: indexes`)
    await target.run(`alter table "${newName(name)}" rename to "${name}"`)
    for (const sentence of [...keys, ...references]) await target.run(sentence)
    await target.run(`analyze "${name}"`)
    counts[name] = Number((await target.texts(countRows(table)))[0])
  }
  return counts
}
