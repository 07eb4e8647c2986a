// The mark on a database that is moved somewhere else: a server that finds it does not start.
import { type Engine, type MigrationTarget, tableNames } from './migrate.ts'
import { StoreError } from './store.ts'

/** Not among the tables of the schema: it is no data, and neither backed up nor moved. */
const table = 'limpet_move'

/** `moving` from before the first row is read until the copy is complete; `moved` from then on. */
type MoveState = 'moving' | 'moved'

export interface MoveMark {
  readonly state: MoveState
  /** Where to, without a secret. */
  readonly destination: string
}

type Looking = Pick<MigrationTarget, 'texts'>

export async function readMark(engine: Engine, target: Looking): Promise<MoveMark | undefined> {
  const found = await target.texts(`select name from (${tableNames[engine]}) t where name = '${table}'`)
  if (found.length === 0) return undefined
  const [state] = await target.texts(`select state from ${table}`)
  const [destination = ''] = await target.texts(`select destination from ${table}`)
  return { state: state === 'moved' ? 'moved' : 'moving', destination }
}

export async function setMark(target: MigrationTarget, { state, destination }: MoveMark): Promise<void> {
  await removeMark(target)
  await target.run(`create table ${table} (state text not null, destination text not null)`)
  await target.run(
    `insert into ${table} (state, destination) values ('${state}', '${destination.replaceAll("'", "''")}')`,
  )
}

export const removeMark = (target: Pick<MigrationTarget, 'run'>): Promise<void> =>
  target.run(`drop table if exists ${table}`)

const sentences: Readonly<Record<MoveState, (destination: string) => string>> = {
  moving: (destination) =>
    `This database is being moved to ${destination}, or that was interrupted: run the same "limpet-server move" again. "limpet-server help move" says how to go back.`,
  moved: (destination) =>
    `This database was moved to ${destination}, and is served from there: set DATABASE_URL to that. "limpet-server help move" says how to go back.`,
}

/** The database is marked: two servers on two copies would lose writes, and give a secret to two readers. */
export class MovedError extends StoreError {
  override name = 'MovedError'

  constructor({ state, destination }: MoveMark) {
    super('moved', undefined, true)
    this.message = sentences[state](destination)
  }
}

/** Throws MovedError where the database is marked. */
export async function refuseMoved(engine: Engine, target: Looking): Promise<void> {
  const mark = await readMark(engine, target)
  if (mark) throw new MovedError(mark)
}
