// `limpet-server` as a process: starting, its messages, migrating, stopping.

import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minKdf } from '../../src/sdk/index.ts'
import { prepareRegistration } from '../../src/sdk/registration.ts'
import {
  createDatabase,
  createDatabaseWithoutTables,
  engines,
  type TestDatabase,
} from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { runServer, type ServerProcess, startProcess } from '../support/process.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { client, testOpaqueSetup, testSecret } from '../support/server.ts'

const migrations = (await readdir(new URL('../../migrations/sqlite', import.meta.url))).filter((name) =>
  name.endsWith('.sql'),
).length

describe('limpet-server', () => {
  it('names every mistake of its configuration at once, and does not start', async () => {
    const { code, stderr } = await runServer([], {
      PORT: 'many',
      SESSION_TTL: 'forever',
      NODE_ENV: 'production',
    })
    expect(code).toBe(1)
    for (const name of ['PORT', 'SESSION_TTL', 'JWT_SECRET', 'OPAQUE_SERVER_SETUP'])
      expect(stderr).toContain(`${name}: expected`)
    expect(stderr).not.toContain('    at ')
  })

  it('says what it can do when it is asked for something else', async () => {
    const { code, stderr } = await runServer(['serve-me'], {})
    expect(code).toBe(2)
    expect(stderr).toContain('"limpet-server help"')
  })

  it('says in a sentence that a database cannot be reached, without its password', async () => {
    const port = await freePort()
    const { code, stderr } = await runServer([], {
      DATABASE_URL: `postgres://limpet:hidden-${randomUUID()}@127.0.0.1:${port}/limpet`,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
    })
    expect(code).toBe(1)
    expect(stderr).toContain('DATABASE_URL')
    expect(stderr).not.toContain('hidden-')
    expect(stderr).not.toContain('    at ')
  })

  it('names the port that another program has', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    if (address === null || typeof address === 'string') throw new Error('Not listening on a port')
    const folder = await mkdtemp(join(tmpdir(), 'limpet-port-'))
    const { code, stderr } = await runServer([], {
      PORT: String(address.port),
      HOST: '127.0.0.1',
      DATABASE_URL: `file:${join(folder, 'limpet.db')}`,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
    })
    taken.close()
    await rm(folder, { recursive: true })
    expect(code).toBe(1)
    expect(stderr).toContain(`Port ${address.port} is taken`)
  })

  it('says nothing of a file of settings that nobody made', async () => {
    // What `npm start` runs, with a program that only tells its version.
    const { start } = z
      .object({ scripts: z.object({ start: z.string() }) })
      .parse(JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))).scripts
    const bin = fileURLToPath(new URL('../../bin/limpet-server.js', import.meta.url))
    const folder = await mkdtemp(join(tmpdir(), 'limpet-start-'))
    const line = `PATH=${dirname(process.execPath)}:$PATH; ${start.replace('bin/limpet-server.js', bin)} --version`
    const { stderr } = await promisify(execFile)('sh', ['-c', line], { cwd: folder })
    await rm(folder, { recursive: true })
    expect(stderr).toBe('')
  })
})

describe.each(engines)('limpet-server on %s', (engine) => {
  const running: ServerProcess[] = []
  let database: TestDatabase
  const start = async (port: number) => {
    const server = await startProcess({ port, databaseUrl: database.url })
    running.push(server)
    return server
  }
  afterEach(async () => {
    for (const server of running.splice(0)) await server.kill()
    await database.remove()
  })

  it('starts twice at the same time on an empty database', async () => {
    database = await createDatabaseWithoutTables(engine)
    const ports = [await freePort(), await freePort(), await freePort()]
    const servers = await Promise.all(ports.map(start))
    // A server may answer before its line has come through the pipe.
    const applied = () =>
      servers.map((server) => /"migrationsApplied":(\d+)/.exec(server.output())?.[1]).sort()
    await expect.poll(applied).toEqual(['0', '0', String(migrations)])
  })

  it('migrates alone, and again without an effect', async () => {
    database = await createDatabaseWithoutTables(engine)
    const settings = {
      DATABASE_URL: database.url,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
    }
    expect(await runServer(['migrate'], settings)).toMatchObject({
      code: 0,
      stdout: `{"migrationsApplied":${migrations}}\n`,
    })
    expect(await runServer(['migrate'], settings)).toMatchObject({
      code: 0,
      stdout: '{"migrationsApplied":0}\n',
    })
  })

  it('says that a newer version brought the database up to date, serves nothing and changes nothing', async () => {
    database = await createDatabase(engine)
    await (await start(await freePort())).terminate()
    await runStatement(database, "insert into limpet_migrations (hash, applied_at) values ('of tomorrow', 1)")
    const settings = {
      DATABASE_URL: database.url,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
    }
    const before = await readRows(database)
    for (const command of [[], ['migrate']]) {
      const { code, stderr } = await runServer(command, { ...settings, PORT: String(await freePort()) })
      expect(code).toBe(1)
      expect(stderr).toMatch(/^The database was brought up to date by a newer version of Limpet/)
      expect(stderr).not.toContain('    at ')
    }
    expect(await readRows(database)).toEqual(before)
  })

  it('finishes what runs when it is asked to stop, and ends with 0', async () => {
    database = await createDatabase(engine)
    const server = await start(await freePort())
    const registrations = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const email = `${randomUUID()}@example.com`
        const { body } = await prepareRegistration({ email, password: 'correct horse', kdf: minKdf })
        return { email, body: JSON.stringify(body) }
      }),
    )
    // Hashing takes long enough for all of them to be under way when the signal comes.
    const answers = registrations.map(({ body }) =>
      fetch(`${server.url}/api/v1/register`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      }),
    )
    await answers[0]
    expect(await server.terminate()).toBe(0)
    const statuses = await Promise.allSettled(answers)
    const answered = registrations.filter((_, index) => statuses[index]?.status === 'fulfilled')
    expect(answered).toHaveLength(registrations.length)
    expect(server.output()).toContain('"msg":"stopped"')

    const again = await start(await freePort())
    const limpet = client(again)
    for (const { email } of answered.slice(0, 2))
      await expect(limpet.login({ email, password: 'correct horse' })).resolves.toBeDefined()
  })
})

describe('limpet-server with SQLite', () => {
  it('ends with "npm start", which passes SIGTERM on', async () => {
    const database = await createDatabase('sqlite')
    const port = await freePort()
    const npm = spawn('npm', ['start'], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), DATABASE_URL: database.url },
    })
    let output = ''
    for (const stream of [npm.stdout, npm.stderr])
      stream.on('data', (chunk) => {
        output += chunk
      })
    const gone = once(npm, 'exit')
    try {
      await expect.poll(() => output, { timeout: 60_000 }).toContain('"msg":"listening"')
      npm.kill('SIGTERM')
      expect(await gone, output).toEqual([0, null])
      // The server said so itself, before npm ended.
      expect(output).toContain('"msg":"stopped"')
      await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
    } finally {
      await database.remove()
    }
  })

  it('makes its secrets and its files for the owner alone, and keeps sessions and logins over a restart', async () => {
    const database = await createDatabase('sqlite')
    const file = database.url.slice('file:'.length)
    const folder = `${dirname(file)}/data`
    const port = await freePort()
    const settings = { port, databaseUrl: `file:${folder}/limpet.db`, jwtSecret: '', opaqueSetup: '' }
    try {
      const first = await startProcess(settings)
      const limpet = client(first)
      await limpet.register({ email: 'ada@example.com', password: 'correct horse' })
      const account = await limpet.login({ email: 'ada@example.com', password: 'correct horse' })
      await first.terminate()
      const modes = await Promise.all(
        ['', '/jwt-secret', '/opaque-setup', '/limpet.db'].map(async (name) =>
          ((await stat(folder + name)).mode & 0o777).toString(8),
        ),
      )
      expect(modes).toEqual(['700', '600', '600', '600'])
      const second = await startProcess(settings)
      expect((await account.vaults()).map(({ name }) => name)).toEqual(['Personal'])
      await client(second).login({ email: 'ada@example.com', password: 'correct horse' })
      await second.kill()

      await writeFile(`${folder}/opaque-setup`, testOpaqueSetup)
      const { code, stderr } = await runServer([], { DATABASE_URL: settings.databaseUrl, PORT: String(port) })
      expect(code).toBe(1)
      expect(stderr).toMatch(/^OPAQUE_SERVER_SETUP is not the one .*Put it back/)
      expect(stderr).not.toContain('    at ')
    } finally {
      await database.remove()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
