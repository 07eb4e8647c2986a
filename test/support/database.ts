// The database of a test, of the engine that the suite is about.
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { inject } from 'vitest'
import { createPostgresDatabase, createSqliteDatabase, type TestDatabase } from './fresh-database.ts'

export type { TestDatabase } from './fresh-database.ts'

export const engines = ['sqlite', 'postgres'] as const
export type Engine = (typeof engines)[number]

/** Linux's file system in memory, if it has room: elsewhere every commit of every test waits for the disk. */
function quickFolder(): string {
  const memory = '/dev/shm'
  try {
    const { bavail, bsize } = statfsSync(memory)
    if (bavail * bsize > 2 ** 30) return memory
  } catch {
    // There is none.
  }
  return tmpdir()
}

/** For a server: the server makes its tables, unless they are there and partitioned (`npm run test:partitioned`). */
export const createDatabase = (engine: Engine): Promise<TestDatabase> =>
  engine === 'sqlite'
    ? createSqliteDatabase(quickFolder())
    : createPostgresDatabase(inject('postgresUrl'), inject('postgresTemplate'))

/** A database that never has tables at first, for tests of how they are made. */
export const createDatabaseWithoutTables = (engine: Engine): Promise<TestDatabase> =>
  engine === 'sqlite' ? createDatabase(engine) : createPostgresDatabase(inject('postgresUrl'))
