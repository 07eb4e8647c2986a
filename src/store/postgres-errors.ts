// What Postgres and its driver say went wrong, as errors of the store.
import pg from 'pg'
import { StoreError, unwrap } from './store.ts'

// SQLSTATE classes: connection exceptions, insufficient resources, operator intervention (shutdown, time limits).
const unavailableCodes = /^(08|53|57)/

/**
 * What the driver threw as a StoreError; every other error (a Problem thrown by the work) as it is.
 * @param statement what it is about, if the error does not say it
 */
export function storeError(error: unknown, statement?: string): unknown {
  const { cause, query = statement } = unwrap(error)
  if (cause instanceof StoreError) return cause
  if (cause instanceof pg.DatabaseError) {
    const code = cause.code ?? 'without a code'
    return new StoreError(code, query, unavailableCodes.test(code))
  }
  // A statement that failed without an answer from the server: the connection was lost, refused or not to be had.
  return query === undefined ? error : new StoreError('no connection', query, true)
}

/** Runs one of the transaction's own statements, for which every failure is the connection's. */
export async function control<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof pg.DatabaseError || error instanceof StoreError
      ? storeError(error)
      : new StoreError('no connection', undefined, true)
  }
}
