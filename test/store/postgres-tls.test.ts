// TLS to Postgres, as DATABASE_URL says it: with a certificate and a name that are checked, or not at all.
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { connectBulk, openStore } from '../../src/store/open.ts'
import { startPostgres } from '../support/postgres.ts'
import { testOpaqueSetup, testSecret } from '../support/server.ts'

describe('TLS to Postgres', () => {
  let folder: string
  let postgres: Awaited<ReturnType<typeof startPostgres>>

  /** A self-signed certificate of localhost. @returns its files */
  function newCertificate(name: string) {
    const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
    const options =
      '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 -subj /CN=localhost'
    const files = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', ...options.split(' '), ...files], { stdio: 'ignore' })
    return { key, certificate }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpet-tls-'))
    const { key, certificate } = newCertificate('own')
    newCertificate('other')
    postgres = await startPostgres({
      tls: { key: await readFile(key, 'utf8'), certificate: await readFile(certificate, 'utf8') },
    })
  })
  afterAll(async () => {
    await postgres?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const configured = (url: string) =>
    readConfig({ DATABASE_URL: url, JWT_SECRET: testSecret, OPAQUE_SERVER_SETUP: testOpaqueSetup }).database

  const urlOf = (base: string, host: string, query: string) => {
    const url = new URL(base)
    url.hostname = host
    return `${url}${query}`
  }
  const withCa = (name: string) => `?sslmode=verify-full&sslrootcert=${join(folder, `${name}.crt`)}`

  /** Opens the store as a server does, and looks how many of its connections have TLS. */
  async function connect(url: string) {
    const { store } = await openStore(configured(url), { now: Date.now, onIdleError: () => {} })
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      const { rows } = await client.query(
        "select count(*) filter (where ssl)::int as tls, count(*)::int as all from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'limpet'",
      )
      return rows[0]
    } finally {
      await client.end()
      await store.close()
    }
  }

  it('is used for every connection where sslmode=verify-full says so, and not where nothing does', async () => {
    const { tls, all } = await connect(urlOf(postgres.url, 'localhost', withCa('own')))
    expect(tls).toBe(all)
    expect(all).toBeGreaterThan(0)
    expect(await connect(urlOf(postgres.url, 'localhost', ''))).toMatchObject({ tls: 0 })
    const bulk = await connectBulk(configured(urlOf(postgres.url, 'localhost', withCa('own'))))
    await bulk.close()
  })

  it.each([
    ['an unknown issuer', 'localhost', () => withCa('other')],
    ['an unknown issuer without a file of certificates', 'localhost', () => '?sslmode=verify-full'],
    ['another name than the certificate', '127.0.0.1', () => withCa('own')],
  ])('ends with %s', async (_name, host, query) => {
    await expect(connect(urlOf(postgres.url, host, query()))).rejects.toThrow()
    await expect(connectBulk(configured(urlOf(postgres.url, host, query())))).rejects.toThrow()
  })

  it('ends where the server has no TLS, instead of going on without', async () => {
    await expect(connect(urlOf(inject('postgresUrl'), 'localhost', withCa('own')))).rejects.toThrow()
  })

  it.each(['require', 'prefer', 'allow', 'verify-ca', 'no-verify', 'VERIFY-FULL', ''])(
    'is refused as sslmode=%s, which checks less or nothing',
    (mode) => {
      const refused = () => configured(`postgres://u:p@localhost/limpet?sslmode=${mode}`)
      expect(refused).toThrow('DATABASE_URL: expected sslmode=verify-full for TLS')
    },
  )

  it.each([
    ['?ssl=true', 'expected sslmode=verify-full for TLS'],
    ['?sslmode=verify-full&uselibpqcompat=true', 'expected sslmode=verify-full for TLS'],
    ['?sslrootcert=/etc/hosts', 'expected sslmode=verify-full beside sslrootcert'],
    ['?sslmode=verify-full&sslrootcert=/nowhere/ca.crt', 'a file with certificates that the server can read'],
  ])('is refused with %s', (query, sentence) => {
    expect(() => configured(`postgres://u:p@localhost/limpet${query}`)).toThrow(sentence)
  })
})
