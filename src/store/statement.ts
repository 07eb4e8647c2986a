// Queries that are built once for each connection and run many times: building one takes longer than SQLite takes to run it.
import { type Placeholder, sql } from 'drizzle-orm'
import type { Reader } from './store.ts'

/**
 * Keeps what `build` makes of a handle for as long as the handle lives. `build` ends in `.prepare('name')`, a name that no
 * other statement has, and values come in by `sql.placeholder`.
 */
export function statement<Handle extends Reader, Prepared>(build: (handle: Handle) => Prepared) {
  const built = new WeakMap<Handle, Prepared>()
  return (handle: Handle): Prepared => {
    const known = built.get(handle)
    if (known !== undefined) return known
    const prepared = build(handle)
    built.set(handle, prepared)
    return prepared
  }
}

/**
 * A statement about a list, whose text depends on the list's length. That for one entry is kept, as most writes are about one;
 * a longer list's is built for it, where the building is little beside the rest.
 */
export function listStatement<Handle extends Reader, Prepared>(
  name: string,
  build: (handle: Handle, length: number) => { prepare(name: string): Prepared },
) {
  const forOne = statement((handle: Handle) => build(handle, 1).prepare(name))
  // Postgres takes the empty name for its unnamed statement, which is not kept.
  return (handle: Handle, length: number): Prepared =>
    length === 1 ? forOne(handle) : build(handle, length).prepare('')
}

const placeholderName = (name: string, index: number) => `${name}${index}`

/** The placeholder of one member of a list's entry. */
export const entryPlaceholder = <Name extends string>(name: Name, index: number): Placeholder =>
  sql.placeholder(placeholderName(name, index))

/** A placeholder for each entry, for `inArray`. */
export const entryPlaceholders = (name: string, length: number): Placeholder[] =>
  Array.from({ length }, (_, index) => entryPlaceholder(name, index))

/** The values of all entries by the names of their placeholders. */
export const entryValues = (entries: readonly object[]): Record<string, unknown> =>
  Object.fromEntries(
    entries.flatMap((entry, index) =>
      Object.entries(entry).map(([name, value]) => [placeholderName(name, index), value]),
    ),
  )

/**
 * Runs statements that need nothing of each other's answers: they are sent together, and run in this order. Waits for all of them
 * also if one fails, because nothing of a unit of work may run after its end.
 */
export async function together<First, Second, Third = undefined>(
  first: PromiseLike<First>,
  second: PromiseLike<Second>,
  third?: PromiseLike<Third>,
) {
  const settled = await Promise.allSettled([first, second, third])
  return [settledValue(settled[0]), settledValue(settled[1]), settledValue(settled[2])] as const
}

function settledValue<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}
