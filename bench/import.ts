// `npm run bench:import`: how long `limpet import` takes for 10,000 logins, from its start to its end, as a program against a server
// that is a process of its own; and how long the same import takes that finds all of them.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { chrome } from '../test/support/chrome.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { launch } from './processes.ts'

const items = 10_000
const program = fileURLToPath(new URL('../bin/limpet.js', import.meta.url))
const password = 'kelp forest lantern dune'

async function measure(engine: string, databaseUrl: string): Promise<void> {
  const server = await launch('../bin/limpet-server.js', [], {
    DATABASE_URL: databaseUrl,
    PORT: String(await freePort()),
    PUBLIC_URL: 'http://localhost',
    JWT_SECRET: randomBytes(32).toString('base64url'),
    OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
  })
  const folder = mkdtempSync(join(tmpdir(), 'limpet-bench-'))
  const limpet = (args: readonly string[], environment: Record<string, string> = {}) =>
    execFileSync(process.execPath, [program, ...args], {
      input: `${password}\n`,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {
        ...process.env,
        LIMPET_STATE_DIR: join(folder, 'state'),
        LIMPET_SERVER: server.url,
        ...environment,
      },
    })
  try {
    limpet(['register', 'ada@example.com'])
    const [, key = ''] = /LIMPET_UNLOCK_KEY='([\w-]+)'/.exec(limpet(['unlock'])) ?? []
    const path = join(folder, 'export.csv')
    writeFileSync(path, chrome(items))
    const timed = (): string => {
      const began = performance.now()
      limpet(['import', path, '--yes'], { LIMPET_UNLOCK_KEY: key })
      return ((performance.now() - began) / 1000).toFixed(1)
    }
    console.log(
      `${engine}: ${items.toLocaleString('en')} items in ${timed()} s, the same again in ${timed()} s`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await server.stop()
  }
}

const sqlite = await createSqliteDatabase()
await measure('SQLite', sqlite.url).finally(() => sqlite.remove())
const postgres = await startPostgres()
const database = await createPostgresDatabase(postgres.url)
await measure('Postgres', database.url).finally(() => database.remove())
await postgres.stop()
