// Empty databases of both engines, for tests and benches alike.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { DatabaseUrl } from '../../src/store/open.ts'

export interface TestDatabase {
  /** For DATABASE_URL. */
  readonly url: string
  remove(): Promise<void>
}

async function withAdmin<T>(serverUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/**
 * An empty database on a Postgres server.
 * @param template the database that it is a copy of, if it is not to be without tables
 */
export async function createPostgresDatabase(
  serverUrl: string,
  template: string | null = null,
): Promise<TestDatabase> {
  const name = `limpet_${randomUUID().replaceAll('-', '')}`
  const like = template === null ? '' : ` template ${template}`
  await withAdmin(serverUrl, (client) => client.query(`create database ${name}${like}`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    remove: () =>
      withAdmin(serverUrl, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`)
      }),
  }
}

/** A path for an SQLite file in a folder of its own, below `parent`. */
export async function createSqliteDatabase(parent: string = tmpdir()): Promise<TestDatabase> {
  const folder = await mkdtemp(join(parent, 'limpet-sqlite-'))
  return {
    url: `file:${join(folder, 'limpet.db')}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The same as the store takes it. */
export const databaseOf = ({ url }: TestDatabase): DatabaseUrl =>
  url.startsWith('file:')
    ? { engine: 'sqlite', file: url.slice('file:'.length) }
    : { engine: 'postgres', url }
