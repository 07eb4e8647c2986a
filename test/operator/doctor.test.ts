// The doctor: that each thing which can be wrong is found, with what to do, and that nothing secret is shown.

import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { operatorPaths } from '../../src/contract/paths.ts'
import { Reflection, reflectionHeader, reflectionToken } from '../../src/domain/reflection.ts'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { checkPublicUrl, judgeReflection } from '../../src/operator/doctor/public-url.ts'
import { looksTyped } from '../../src/operator/doctor/secrets.ts'
import { fillEmpty, withConnection } from '../../src/operator/whole-database.ts'
import { readConfig } from '../../src/server/config.ts'
import { migrate } from '../../src/store/migrate.ts'
import { setMark } from '../../src/store/move-mark.ts'
import {
  createDatabase,
  createDatabaseWithoutTables,
  type Engine,
  engines,
  type TestDatabase,
} from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { startMailServer } from '../support/mail.ts'
import { environmentOf, operatorOf, runOperator } from '../support/operator.ts'
import { runServer } from '../support/process.ts'
import { bodyOf, outcomeOf, send } from '../support/requests.ts'
import { runStatement } from '../support/rows.ts'
import { startServer, TestClock, testOpaqueSetup, testSecret } from '../support/server.ts'

const Report = z.strictObject({
  ok: z.boolean(),
  findings: z.array(
    z.strictObject({
      check: z.string(),
      status: z.enum(['ok', 'unseen', 'warning', 'error']),
      message: z.string().regex(/[.?]$/),
      remedy: z.string().nullable(),
    }),
  ),
})
type Report = z.infer<typeof Report>

const cleaning: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
})

async function newDatabase(engine: Engine, create = createDatabase): Promise<TestDatabase> {
  const database = await create(engine)
  cleaning.push(() => database.remove())
  return database
}

const randomSecret = 'b4kN1cE0xTqP7rZsW2vYhL9mGdJfU6aQoK3iX8eB5nA='

/** Runs the doctor; its exit code has to say whether there was an error. */
async function examine(database: TestDatabase, settings: Record<string, string> = {}): Promise<Report> {
  // Node reads when it starts whom it trusts.
  const run = 'NODE_EXTRA_CA_CERTS' in settings ? runServer : runOperator
  const ended = await run(['doctor', '--json'], environmentOf(database, settings))
  const report = Report.parse(JSON.parse(ended.stdout))
  const errors = report.findings.filter(({ status }) => status === 'error')
  expect(report.ok).toBe(errors.length === 0)
  expect(ended.code).toBe(report.ok ? 0 : 1)
  for (const { remedy, status } of report.findings) expect(remedy === null).toBe(status === 'ok')
  const told = ended.stdout + ended.stderr
  for (const secret of [testSecret, testOpaqueSetup, randomSecret, 'limpet:limpet', 'hunter2'])
    expect(told).not.toContain(secret)
  return report
}

const of = ({ findings }: Report, check: string) => findings.filter((finding) => finding.check === check)

interface ProxyOptions {
  /** What becomes of the headers on the way. */
  readonly forward?: (headers: IncomingHttpHeaders, peer: string) => IncomingHttpHeaders
  /** PEM. */
  readonly tls?: { key: string; cert: string }
}

/** A proxy in front of a server that is not there yet. */
async function startProxy(port: number, { forward = (headers) => headers, tls }: ProxyOptions) {
  const proxyPort = await freePort()
  const handle: Parameters<typeof createServer>[1] = (incoming, outgoing) => {
    const headers = forward(incoming.headers, incoming.socket.remoteAddress ?? '')
    const path = incoming.url ?? '/'
    const passed = request({ port, host: '127.0.0.1', path, method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  }
  const proxy = tls ? createTlsServer(tls, handle) : createServer(handle)
  await new Promise<void>((resolve) => proxy.listen(proxyPort, '127.0.0.1', resolve))
  cleaning.push(async () => void proxy.close().closeAllConnections())
  return `${tls ? 'https' : 'http'}://localhost:${proxyPort}`.replace('http://localhost', 'http://127.0.0.1')
}

/** A server behind a proxy, and what the doctor says of both. */
async function behind(proxy: ProxyOptions, settings: Record<string, string> = {}) {
  const port = await freePort()
  const publicUrl = await startProxy(port, proxy)
  const database = await newDatabase('sqlite')
  const environment = { ...settings, PORT: String(port), PUBLIC_URL: publicUrl }
  const server = await startServer('sqlite', { database, environment })
  cleaning.push(() => server.stop())
  return examine(database, environment)
}

describe.each(engines)('the doctor of a server on %s', (engine) => {
  it('finds nothing where nothing is wrong', async () => {
    const database = await newDatabase(engine)
    const environment = { JWT_SECRET: randomSecret, RATE_LIMITS: 'on' }
    const server = await startServer(engine, { database, environment })
    cleaning.push(() => server.stop())
    const settings = { ...environment, PUBLIC_URL: server.url }
    const report = await examine(database, settings)
    expect(report.findings.filter(({ status }) => status !== 'ok')).toEqual([])
    const names = [
      'configuration',
      'settings',
      'jwt-secret',
      'opaque-setup',
      'file-modes',
      'database',
      'migrations',
      'outbox',
      'tls',
      'server',
      'server-clock',
      'proxy',
      'mail',
      'files',
    ]
    const own =
      engine === 'sqlite'
        ? ['disk']
        : ['database-version', 'database-tls', 'database-clock', 'pooler', 'announcements']
    expect(report.findings.map(({ check }) => check).sort()).toEqual([...names, ...own].sort())
    const text = await operatorOf(database, settings).run('doctor')
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toContain('ok       migrations: The database has every migration')
  })

  it('tells what it cannot see from what is wrong', async () => {
    const database = await newDatabase(engine)
    const server = await startServer(engine, { database })
    const closed = `https://127.0.0.1:${await freePort()}`
    const port = new URL(server.url).port
    // Beside the unit of systemd: the secrets are the service's, and not in this environment.
    const beside = { PORT: port, PUBLIC_URL: server.url, OPAQUE_SERVER_SETUP: '' }
    // With Postgres, no configuration is complete without them.
    const setup = async () => of(await examine(database, beside), 'opaque-setup').map(({ status }) => status)
    expect(await setup()).toEqual(engine === 'sqlite' ? ['unseen'] : [])
    // In a container, from which the outer address leads nowhere.
    const inside = readConfig(environmentOf(database, { PORT: port, PUBLIC_URL: closed }))
    const { findings, serves } = await checkPublicUrl(inside, true)
    expect(findings.map(({ check, status }) => [check, status])).toEqual([
      ['server', 'ok'],
      ['tls', 'unseen'],
    ])
    expect(serves).toBe(true)
    const errors = async (isInside: boolean) =>
      (await checkPublicUrl(inside, isInside)).findings.map(({ status }) => status)
    // A proxy that is down looks the same from the machine itself, and there it is an error.
    expect(await errors(false)).toEqual(['error', 'error'])
    await server.stop()
    expect(await errors(true)).toEqual(['error', 'error'])
    expect(await setup()).toEqual(engine === 'sqlite' ? ['error'] : [])
  })

  it('says how the database stands to this version', async () => {
    const database = await newDatabase(engine, createDatabaseWithoutTables)
    await fillEmpty(databaseOf(database), (connection) => migrate(engine, connection, 0, { first: 3 }))
    expect(of(await examine(database), 'migrations')).toMatchObject([
      { status: 'warning', message: 'The database lacks migrations of this version.' },
    ])
    // It has not applied them.
    expect(of(await examine(database), 'migrations')).toMatchObject([{ status: 'warning' }])
    await operatorOf(database).run('migrate')
    await runStatement(database, "update instance set opaque_fingerprint = 'of another'")
    const other = await examine(database)
    expect(of(other, 'opaque-setup')).toMatchObject([{ status: 'error' }])
    await runStatement(
      database,
      "insert into limpet_migrations (hash, applied_at) values ('of the future', 1)",
    )
    expect(of(await examine(database), 'migrations')).toMatchObject([
      { status: 'error', message: expect.stringContaining('a newer version') },
    ])
    await withConnection(databaseOf(database), (connection) =>
      setMark(connection, { state: 'moved', destination: 'elsewhere' }),
    )
    expect(of(await examine(database), 'migrations')).toMatchObject([
      { status: 'error', message: expect.stringContaining('was moved to elsewhere') },
    ])
  })
})

describe('the doctor', () => {
  it('names every mistake of the configuration at once', async () => {
    const { code, stdout } = await runServer(['doctor', '--json'], { PORT: 'many', SHARES: 'maybe' })
    expect(code).toBe(1)
    const report = Report.parse(JSON.parse(stdout))
    expect(report.findings.map(({ message }) => message.split(':')[0]).sort()).toEqual(['PORT', 'SHARES'])
  })

  it('finds what is right in form and wrong in use', async () => {
    const database = await newDatabase('sqlite')
    const url = `http://vault.example.test:${await freePort()}`
    const report = await examine(database, { PUBLIC_URL: url, RATE_LIMITS: 'off', TRUST_PROXY: '0.0.0.0/0' })
    expect(of(report, 'settings').map(({ status }) => status)).toEqual(['warning', 'error', 'error'])
    expect(of(report, 'jwt-secret')).toMatchObject([{ status: 'warning' }])
    expect(of(report, 'tls')).toMatchObject([
      { status: 'error', message: expect.stringContaining('is http') },
    ])
    expect(of(report, 'server')).toMatchObject([{ status: 'error' }])
    expect(of(report, 'database')).toMatchObject([
      { status: 'warning', message: expect.stringContaining('no database at') },
    ])
  })

  it('finds files that others can read', async () => {
    const database = await newDatabase('sqlite')
    await operatorOf(database).run('migrate')
    const file = database.url.slice('file:'.length)
    expect(of(await examine(database), 'file-modes')).toMatchObject([{ status: 'ok' }])
    await chmod(file, 0o644)
    expect(of(await examine(database), 'file-modes')).toMatchObject([
      { status: 'error', message: expect.stringContaining('every user'), remedy: `chmod 600 ${file}` },
    ])
  })

  it.each([
    ['a typed secret of thirty-two bytes', true],
    ['abcabcabcabcabcabcabcabcabcabcabcabc', true],
    ['Passw0rd1Passw0rd1Passw0rd1Passw0rd1', true],
    ['00000000000000000000000000000000', true],
    [randomSecret, false],
    ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', false],
  ])('takes %j for typed: %s', (secret, expected) => {
    expect(looksTyped(secret)).toBe(expected)
  })

  it('finds a database that does not answer, and a pooler that refuses what the server says first', async () => {
    const port = await freePort()
    const away = { url: `postgres://limpet:hunter2@127.0.0.1:${port}/limpet`, remove: async () => {} }
    expect(of(await examine(away), 'database')).toMatchObject([
      {
        status: 'error',
        message: `The database postgres://127.0.0.1:${port}/limpet cannot be used (no connection).`,
      },
    ])
    // ErrorResponse: severity, code, message (PostgreSQL's protocol 3.0).
    const fields = 'SFATAL\0C08P01\0Munsupported startup parameter: statement_timeout\0\0'
    const answer = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), Buffer.from(fields)])
    answer.writeUInt32BE(answer.length - 1, 1)
    const pooler = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answer))
    })
    await new Promise<void>((resolve) => pooler.listen(port, '127.0.0.1', resolve))
    cleaning.push(async () => void pooler.close())
    expect(of(await examine(away), 'database')).toMatchObject([
      { status: 'error', remedy: expect.stringContaining('ignore_startup_parameters') },
    ])
  })

  it('says whether servers hear each other', async () => {
    const database = await newDatabase('postgres')
    expect(of(await examine(database), 'announcements')).toMatchObject([
      { status: 'ok', message: expect.stringContaining('streams of events') },
    ])
    const DATABASE_LISTEN_URL = `postgres://limpet:hunter2@127.0.0.1:${await freePort()}/limpet`
    expect(of(await examine(database, { DATABASE_LISTEN_URL }), 'announcements')).toMatchObject([
      {
        status: 'warning',
        message: expect.stringContaining('stream of events'),
        remedy: expect.stringContaining('DATABASE_LISTEN_URL'),
      },
    ])
  })

  it('asks the mail server', async () => {
    const database = await newDatabase('sqlite')
    const port = await freePort()
    const settings = { SMTP_URL: `smtp://ada:hunter2@127.0.0.1:${port}`, MAIL_FROM: 'vault@example.com' }
    expect(of(await examine(database, settings), 'mail')).toMatchObject([{ status: 'error' }])
    const mail = await startMailServer({ port })
    cleaning.push(() => mail.close())
    const strict = { ...mail.settings, SMTP_ALLOW_PLAINTEXT: 'off' }
    expect(of(await examine(database, strict), 'mail')).toMatchObject([
      { status: 'error', message: expect.stringContaining('ETLS') },
    ])
    expect(of(await examine(database, mail.settings), 'mail')).toMatchObject([{ status: 'warning' }])
    const withTls = await startMailServer({ tls: true })
    cleaning.push(() => withTls.close())
    expect(of(await examine(database, withTls.settings), 'mail')).toMatchObject([{ status: 'ok' }])
    expect([...mail.received, ...withTls.received]).toEqual([])
  })
})

describe('the doctor of a server behind a proxy', () => {
  const set = (headers: IncomingHttpHeaders, peer: string) => ({ ...headers, 'x-forwarded-for': peer })
  const add = (headers: IncomingHttpHeaders, peer: string) => ({
    ...headers,
    'x-forwarded-for': `${headers['x-forwarded-for']}, ${peer}`,
  })

  it('is content where the proxy says who is there, and the server believes it', async () => {
    // From outside, as it were: the proxy is on this machine, and so is the doctor.
    const outside = (headers: IncomingHttpHeaders) => set(headers, '198.51.100.7')
    const report = await behind({ forward: outside }, { TRUST_PROXY: '127.0.0.1' })
    expect(of(report, 'proxy')).toMatchObject([
      { status: 'ok', message: expect.stringContaining('198.51.100.7') },
    ])
    const adding = (headers: IncomingHttpHeaders) => add(headers, '198.51.100.7')
    expect(of(await behind({ forward: adding }, { TRUST_PROXY: '127.0.0.1' }), 'proxy')).toMatchObject([
      { status: 'ok', message: expect.stringContaining('198.51.100.7') },
    ])
  })

  it('finds a proxy that TRUST_PROXY does not name', async () => {
    expect(of(await behind({ forward: set }), 'proxy')).toMatchObject([
      { status: 'warning', remedy: expect.stringContaining('Add 127.0.0.1') },
    ])
  })

  it('finds a forged address that is believed', async () => {
    for (const forward of [add, (headers: IncomingHttpHeaders) => headers])
      expect(of(await behind({ forward }, { TRUST_PROXY: '127.0.0.1' }), 'proxy')).toMatchObject([
        { status: 'error', message: expect.stringContaining('can choose the address') },
      ])
  })

  it('finds another program in the place of the server', async () => {
    const port = await freePort()
    const stranger = createServer((_req, res) => res.end('<h1>It works!</h1>'))
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve))
    cleaning.push(async () => void stranger.close().closeAllConnections())
    const report = await examine(await newDatabase('sqlite'), { PUBLIC_URL: `http://127.0.0.1:${port}` })
    expect(of(report, 'server')).toMatchObject([
      { status: 'error', message: expect.stringContaining('not as Limpet does') },
    ])
  })

  /** A certificate of its own authority. */
  async function certificate(days: number) {
    const folder = await mkdtemp(join(tmpdir(), 'limpet-tls-'))
    cleaning.push(() => rm(folder, { recursive: true, force: true }))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        String(days),
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
      ],
      { stdio: 'ignore' },
    )
    return { tls: { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }, file: cert }
  }

  it('looks at the certificate', async () => {
    const long = await certificate(90)
    const good = await behind({ tls: long.tls }, { NODE_EXTRA_CA_CERTS: long.file })
    expect(of(good, 'tls')).toMatchObject([
      { status: 'ok', message: expect.stringMatching(/good for (89|90) days/) },
    ])
    expect(of(good, 'tls-protocol')).toMatchObject([{ status: 'ok', message: 'TLSv1.3.' }])
    expect(of(good, 'server')).toMatchObject([{ status: 'ok' }])
    const unknown = await behind({ tls: long.tls })
    expect(of(unknown, 'tls')).toMatchObject([
      { status: 'error', message: expect.stringContaining('not trusted') },
    ])
    const short = await certificate(5)
    const ending = await behind({ tls: short.tls }, { NODE_EXTRA_CA_CERTS: short.file })
    expect(of(ending, 'tls')).toMatchObject([
      { status: 'warning', message: expect.stringMatching(/ends in [45] days/) },
    ])
  })
})

describe('what the server tells of a request', () => {
  it('is told to who has its secrets, and to nobody else', async () => {
    const clock = new TestClock()
    const database = await newDatabase('sqlite')
    const server = await startServer('sqlite', { clock, database })
    cleaning.push(() => server.stop())
    const key = deriveServerKeys(testSecret, testOpaqueSetup).reflections
    const token = reflectionToken(key, clock.now())
    const ask = (given?: string) =>
      send(server, {
        path: operatorPaths.reflection,
        headers: given === undefined ? {} : { [reflectionHeader]: given },
      })
    expect(bodyOf(Reflection, await ask(token))).toMatchObject({
      peer: '127.0.0.1',
      address: '127.0.0.1',
      forwardedFor: null,
    })
    const otherKey = deriveServerKeys(randomSecret, testOpaqueSetup).reflections
    for (const wrong of [
      undefined,
      '',
      'x',
      'A'.repeat(token.length),
      token.slice(0, -1),
      reflectionToken(otherKey, clock.now()),
      token.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
      `${token}, ${token}`,
    ])
      expect(outcomeOf(await ask(wrong)), wrong).toBe('404 not-found')
    clock.jump(301_000)
    expect(outcomeOf(await ask(token))).toBe('404 not-found')
    clock.jump(-602_000)
    expect(outcomeOf(await ask(token))).toBe('404 not-found')
    expect(server.log()).not.toContain(token.slice(20))
  })

  it('is judged by what a forged header became', () => {
    const forged = '192.0.2.77'
    const judge = (address: string, peer: string, forwardedFor: string | null) =>
      judgeReflection({ address, peer, forwardedFor }).status
    expect(judge('203.0.113.9', '203.0.113.9', forged)).toBe('ok')
    expect(judge('203.0.113.9', '10.0.0.2', `${forged}, 203.0.113.9`)).toBe('ok')
    expect(judge('10.0.0.2', '10.0.0.2', '203.0.113.9')).toBe('warning')
    expect(judge('10.0.0.2', '10.0.0.2', null)).toBe('warning')
    expect(judge(forged, '10.0.0.2', forged)).toBe('error')
  })
})
