// The database of a test, of the engine that the suite is about.
import { inject } from 'vitest'
import { createPostgresDatabase, createSqliteDatabase, type TestDatabase } from './fresh-database.ts'

export type { TestDatabase } from './fresh-database.ts'

export const engines = ['sqlite', 'postgres'] as const
export type Engine = (typeof engines)[number]

export const createDatabase = (engine: Engine): Promise<TestDatabase> =>
  engine === 'sqlite' ? createSqliteDatabase() : createPostgresDatabase(inject('postgresUrl'))
