// Configuration: every mistake at once, each with its name and what is expected, and no secret in any of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/clock.ts'
import { sealedFileBytes } from '../../src/contract/file-sizes.ts'
import { ConfigError, readConfig } from '../../src/server/config.ts'
import { exampleSecrets } from '../../src/server/setting-forms.ts'

const secret = 'of-thirty-two-bytes-or-more-and-random'
/** In form, which is all that the configuration looks at. */
const setup = 'A'.repeat(171)
const both = ['JWT_SECRET', 'OPAQUE_SERVER_SETUP']

/** What is said about a configuration, line by line. */
function mistakesOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
  return []
}

const named = (environment: Record<string, string>) =>
  mistakesOf(environment).map((line) => line.split(':')[0])

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config = readConfig({})
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 8080,
      publicUrl: 'http://localhost:8080',
      database: { engine: 'sqlite', file: resolve('data/limpet.db') },
      jwtSecret: undefined,
      opaqueSetup: undefined,
      accessTokenTtl: minutes(15),
      sessionTtl: days(30),
      sessionMaxAge: undefined,
      quotas: {
        vaults: 100,
        items: 20_000,
        deletedItems: 100_000,
        bytes: 256 * 2 ** 20,
        attachmentBytes: 2 ** 30,
        tokens: 100,
        sessions: 100,
        secondFactors: 20,
      },
      attachmentBytes: sealedFileBytes(25 * 2 ** 20),
      registration: 'open',
      shares: 'public',
      snappass: undefined,
      bitwarden: false,
      bitwardenOrigins: [],
      bitwardenIcons: undefined,
      bitwardenWebVault: undefined,
      smtp: undefined,
      emailVerification: 'off',
      accountDeletion: { wait: 7 * 24 * 60 * 60 * 1000 },
      webauthnOrigins: [],
      metrics: undefined,
      trustProxy: [],
      rateLimits: true,
      maxConnections: 1000,
      watches: { total: 500, ofAccount: 20, ofAddress: 200 },
      shutdownGrace: 0,
      logLevel: 'info',
      production: false,
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('counts what is empty as missing, and ignores what is not its own', () => {
    const empty = [
      'HOST',
      'PORT',
      'PUBLIC_URL',
      'DATABASE_URL',
      'JWT_SECRET',
      'JWT_SECRET_FILE',
      'OPAQUE_SERVER_SETUP',
      'OPAQUE_SERVER_SETUP_FILE',
      'SHARES',
      'SNAPPASS_API',
      'BITWARDEN_API',
      'BITWARDEN_ORIGINS',
      'BITWARDEN_ICONS',
      'BITWARDEN_WEB_VAULT',
      'URL_PREFIX',
      'HOST_OVERRIDE',
      'NO_SSL',
      'TRUST_PROXY',
    ]
    const environment = Object.fromEntries(empty.map((name) => [name, '']))
    expect(readConfig({ ...environment, PATH: '/usr/bin', LIMPET: 'x' })).toEqual(readConfig({}))
    expect(named({ NODE_ENV: 'production', JWT_SECRET: '', OPAQUE_SERVER_SETUP: '' })).toEqual(both)
  })

  const bounds = { connections: 10, statementMs: 30_000, waitMs: 5000 }

  it('listens beside a pooler where it is told to, and on Postgres only', () => {
    const given = { DATABASE_URL: 'postgres://pooler/limpet', JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup }
    const DATABASE_LISTEN_URL = 'postgres://database/limpet'
    const url = given.DATABASE_URL
    expect(readConfig({ ...given, DATABASE_LISTEN_URL }).database).toEqual({
      engine: 'postgres',
      url,
      listenUrl: DATABASE_LISTEN_URL,
      bounds,
    })
    expect(readConfig(given).database).toEqual({ engine: 'postgres', url, bounds })
    expect(readConfig({ DATABASE_LISTEN_URL })).toEqual(readConfig({}))
    expect(named({ ...given, DATABASE_LISTEN_URL: 'file:./data/limpet.db' })).toEqual(['DATABASE_LISTEN_URL'])
  })

  it('takes as much of Postgres as it is told to', () => {
    const given = { DATABASE_URL: 'postgres://h/limpet', JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup }
    const set = { DATABASE_CONNECTIONS: '25', DATABASE_STATEMENT_TIMEOUT: '2m', DATABASE_WAIT: '10s' }
    expect(readConfig({ ...given, ...set }).database).toMatchObject({
      bounds: { connections: 25, statementMs: 120_000, waitMs: 10_000 },
    })
    expect(readConfig(set)).toEqual(readConfig({}))
  })

  it('needs a sender for mail, and a mail server where addresses are to be confirmed', () => {
    const smtp = { SMTP_URL: 'smtps://u:p@mail.example.com', MAIL_FROM: 'vault@example.com' }
    expect(readConfig({ ...smtp, EMAIL_VERIFICATION: 'required' })).toMatchObject({
      smtp: { url: smtp.SMTP_URL, from: smtp.MAIL_FROM, allowPlaintext: false },
      emailVerification: 'required',
    })
    expect(mistakesOf({ SMTP_URL: smtp.SMTP_URL })).toEqual([expect.stringContaining('MAIL_FROM: expected')])
    for (const parameter of ['ignoreTLS=true', 'requireTLS=false', 'secured=true', 'secure=false'])
      expect(mistakesOf({ ...smtp, SMTP_URL: `smtp://mail.example.com?${parameter}` })).toEqual([
        expect.stringContaining('SMTP_ALLOW_PLAINTEXT'),
      ])
    const [mistake] = mistakesOf({ EMAIL_VERIFICATION: 'required' })
    expect(mistake).toContain('SMTP_URL: expected')
  })

  it('reports every mistake at once, by name and with what is expected', () => {
    const mistakes = mistakesOf({
      PORT: '99999',
      PUBLIC_URL: 'vault.example.com',
      DATABASE_URL: 'mysql://x',
      JWT_SECRET: 'short',
      OPAQUE_SERVER_SETUP: 'short',
      ACCESS_TOKEN_TTL: '2h',
      SESSION_TTL: 'long',
      REGISTRATION: 'maybe',
      SHARES: 'some',
      SNAPPASS_API: 'yes',
      BITWARDEN_API: '1',
      URL_PREFIX: '/a?b',
      HOST_OVERRIDE: 'https://x',
      NO_SSL: 'maybe',
      SMTP_URL: 'mail.example.com',
      MAIL_FROM: 'Limpet',
      SMTP_ALLOW_PLAINTEXT: 'perhaps',
      EMAIL_VERIFICATION: 'yes',
      ACCOUNT_DELETION_BY_MAIL: 'maybe',
      ACCOUNT_DELETION_WAIT: '1h',
      WEBAUTHN_ORIGINS: 'vault.example.com',
      TRUST_PROXY: 'everyone',
      RATE_LIMITS: 'none',
      MAX_CONNECTIONS: 'many',
      MAX_STREAMS: 'few',
      SHUTDOWN_GRACE: 'long',
      LOG_LEVEL: 'loud',
    })
    expect(mistakes.map((line) => line.split(':')[0]).sort()).toEqual([
      'ACCESS_TOKEN_TTL',
      'ACCOUNT_DELETION_BY_MAIL',
      'ACCOUNT_DELETION_WAIT',
      'BITWARDEN_API',
      'DATABASE_URL',
      'EMAIL_VERIFICATION',
      'HOST_OVERRIDE',
      'JWT_SECRET',
      'LOG_LEVEL',
      'MAIL_FROM',
      'MAX_CONNECTIONS',
      'MAX_STREAMS',
      'NO_SSL',
      'OPAQUE_SERVER_SETUP',
      'PORT',
      'PUBLIC_URL',
      'RATE_LIMITS',
      'REGISTRATION',
      'SESSION_TTL',
      'SHARES',
      'SHUTDOWN_GRACE',
      'SMTP_ALLOW_PLAINTEXT',
      'SMTP_URL',
      'SNAPPASS_API',
      'TRUST_PROXY',
      'URL_PREFIX',
      'WEBAUTHN_ORIGINS',
    ])
    for (const line of mistakes) expect(line).toMatch(/^[A-Z_]+: expected .{6,}/)
  })

  it.each([
    ['PORT', ['-1', '65536', '80a', '0x50', '1e3', ' 80', '8.0']],
    [
      'PUBLIC_URL',
      ['x', 'ftp://x', 'https://', 'https://x?y', 'https://x#y', 'https://me@x', 'javascript:x'],
    ],
    ['DATABASE_URL', ['file:', 'x', '/data/limpet.db', 'postgres', 'postgres://[', 'http://x']],
    ['DATABASE_CONNECTIONS', ['0', '1', '1001', 'all']],
    ['DATABASE_STATEMENT_TIMEOUT', ['0s', '30', '61m', 'off']],
    ['DATABASE_WAIT', ['0s', '5', '61s']],
    ['ACCESS_TOKEN_TTL', ['0s', '59s', '61m', '2h', '15', '15 m', '-15m', '1.5m', '15M', 'm', '9999999s']],
    ['SESSION_TTL', ['59m', '367d', '1y', '1w', 'forever', '0d']],
    ['SESSION_MAX_AGE', ['59m', '367d', 'off', '0']],
    ['MAX_VAULTS', ['0', '-1', '1.5', 'many', '100001']],
    ['MAX_SESSIONS', ['0']],
    ['MAX_BYTES', ['0', '1023K', '256 M', '256MB', '1.5G', '-1G', '999999999999T']],
    ['MAX_ATTACHMENT_SIZE', ['0', '1023', '4097M', '25MB', '-1', 'none']],
    ['MAX_ATTACHMENT_BYTES', ['-1', '1GB', 'x']],
    [
      'S3_URL',
      [
        'x',
        'https://s3.example/files',
        'https://a:b@s3.example',
        'https://a:b@s3.example/files?x=1',
        's3://a:b@c/files',
      ],
    ],
    ['REGISTRATION', ['Open', 'OPEN', 'yes', 'invite ']],
    [
      'TRUST_PROXY',
      [
        'true',
        '1',
        '*',
        '10.0.0.0/33',
        '10.0.0',
        '::1/129',
        'proxy.example',
        '10.0.0.1,,::1',
        '10.0.0.1 ::1',
      ],
    ],
    ['SHARES', ['Public', 'on', 'everybody']],
    ['SNAPPASS_API', ['On', 'true', '1', 'yes']],
    [
      'BITWARDEN_ORIGINS',
      ['*', 'null', 'vault.example.com', 'https://v.example/', 'https://V.example', 'file://', 'https://a b'],
    ],
    [
      'BITWARDEN_ICONS',
      ['on', 'http://i.example/{}', 'https://i.example/', 'https://{}/icon.png', 'https://i.example/{}/{}'],
    ],
    ['URL_PREFIX', ['/a?b', '/a#b', '/a b', '/../a', '/a/./b', '/\u00e9', 'a\\b', '/%2e%2e/a', '/a"']],
    [
      'HOST_OVERRIDE',
      ['https://x', 'x/y', 'x:y', 'x:', 'x:65536', 'me@x', 'x?y', 'x#y', 'a b', '::1', '[::1', '1.2.3.4.5'],
    ],
    ['NO_SSL', ['2', 'yess', 'tru', 'wrong', 'enabled']],
    ['RATE_LIMITS', ['true', 'On', '0']],
    ['MAX_CONNECTIONS', ['9', '100000', '1e3', '-1', '0']],
    ['MAX_STREAMS', ['-1', '99999', 'half']],
    ['MAX_STREAMS_PER_ACCOUNT', ['0', '100000']],
    ['MAX_STREAMS_PER_ADDRESS', ['0', '100000']],
    ['SHUTDOWN_GRACE', ['6m', '301s', '5', '-1s', '1ms']],
    ['LOG_LEVEL', ['INFO', 'verbose']],
    ['OPAQUE_SERVER_SETUP', ['x', 'A'.repeat(170), 'A'.repeat(172), `${'A'.repeat(170)}=`]],
    ['JWT_SECRET', ['x', 'a'.repeat(31), '\u00e9'.repeat(15), ...exampleSecrets]],
  ])('refuses for %s: %j', (name, values) => {
    for (const value of values)
      expect(named({ JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup, [name]: value }), value).toEqual([name])
  })

  it('reads durations in seconds, minutes, hours and days, up to their bounds', () => {
    const ttl = (text: string) => readConfig({ ACCESS_TOKEN_TTL: text }).accessTokenTtl
    expect([ttl('60s'), ttl('90s'), ttl('1m'), ttl('1h'), ttl('3600s')]).toEqual([
      minutes(1),
      seconds(90),
      minutes(1),
      hours(1),
      hours(1),
    ])
    const session = (text: string) => readConfig({ SESSION_TTL: text }).sessionTtl
    expect([session('1h'), session('366d'), session('60m')]).toEqual([hours(1), days(366), hours(1)])
    const most = (text: string) => readConfig({ SESSION_MAX_AGE: text }).sessionMaxAge
    expect([most('1h'), most('366d'), most('')]).toEqual([hours(1), days(366), undefined])
    const bytes = (text: string) => readConfig({ MAX_BYTES: text }).quotas.bytes
    expect([bytes('1048576'), bytes('1M'), bytes('2G')]).toEqual([2 ** 20, 2 ** 20, 2 ** 31])
    const grace = (text: string) => readConfig({ SHUTDOWN_GRACE: text }).shutdownGrace
    expect([grace('0s'), grace('6s'), grace('5m')]).toEqual([0, seconds(6), minutes(5)])
  })

  it('reads the origins of apps and extensions', () => {
    const origins = (text: string) => readConfig({ WEBAUTHN_ORIGINS: text }).webauthnOrigins
    expect(origins('')).toEqual([])
    expect(origins('android:apk-key-hash:abc_-, chrome-extension://abc ')).toEqual([
      'android:apk-key-hash:abc_-',
      'chrome-extension://abc',
    ])
  })

  it('reads the origins of web vaults', () => {
    const origins = (text: string) => readConfig({ BITWARDEN_ORIGINS: text }).bitwardenOrigins
    expect(origins('')).toEqual([])
    expect(origins('https://vault.example.com, http://localhost:8081')).toEqual([
      'https://vault.example.com',
      'http://localhost:8081',
    ])
  })

  it('reads proxies one by one, in both families, as addresses and as ranges', () => {
    const trusted = (text: string) => readConfig({ TRUST_PROXY: text }).trustProxy
    expect(trusted('none')).toEqual([])
    expect(trusted(' none ')).toEqual([])
    expect(trusted('10.0.0.0/8, ::1,192.168.1.1 ,fd00::/8')).toEqual([
      '10.0.0.0/8',
      '::1',
      '192.168.1.1',
      'fd00::/8',
    ])
  })

  it('reads where the database is and how clients reach the server', () => {
    expect(readConfig({ DATABASE_URL: 'file:/var/lib/limpet/a b.db' }).database).toEqual({
      engine: 'sqlite',
      file: '/var/lib/limpet/a b.db',
    })
    for (const url of ['postgres://u:p@h:5432/d', 'postgresql://h/d'])
      expect(
        readConfig({ DATABASE_URL: url, JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup }).database,
      ).toEqual({
        engine: 'postgres',
        url,
        bounds,
      })
    expect(readConfig({ PORT: '9000' }).publicUrl).toBe('http://localhost:9000')
    expect(readConfig({ PORT: '9000', PUBLIC_URL: 'https://v.example/limpet//' }).publicUrl).toBe(
      'https://v.example/limpet',
    )
    expect(readConfig({ RATE_LIMITS: 'off' }).rateLimits).toBe(false)
    expect(readConfig({ PORT: '0' }).port).toBe(0)
  })

  it('gives the links of SnapPass mode their base, and none where the mode is off', () => {
    const base = (environment: Record<string, string>) =>
      readConfig({ PUBLIC_URL: 'https://v.example/limpet', SNAPPASS_API: 'on', ...environment }).snappass
        ?.baseUrl
    const HOST_OVERRIDE = 's.example:8443'
    for (const [environment, expected] of [
      [{}, 'https://v.example/limpet'],
      [{ NO_SSL: 'yes' }, 'https://v.example/limpet'],
      [{ URL_PREFIX: '/a/b-c/' }, 'https://v.example/limpet/a/b-c'],
      [{ URL_PREFIX: '//a' }, 'https://v.example/limpet/a'],
      [{ URL_PREFIX: '/' }, 'https://v.example/limpet'],
      [{ HOST_OVERRIDE }, 'https://s.example:8443'],
      [{ HOST_OVERRIDE: '[::1]:80' }, 'https://[::1]:80'],
      [{ HOST_OVERRIDE, URL_PREFIX: 'a' }, 'https://s.example:8443/a'],
      [{ HOST_OVERRIDE, URL_PREFIX: 'a', NO_SSL: '1' }, 'http://s.example:8443/a'],
      [{ HOST_OVERRIDE, SNAPPASS_API: 'off' }, undefined],
    ] as const)
      expect(base(environment), JSON.stringify(environment)).toBe(expected)
    const scheme = (NO_SSL: string) => base({ HOST_OVERRIDE, NO_SSL })?.split(':')[0]
    for (const yes of ['y', 'yes', 't', 'true', 'on', '1', 'Y', 'Yes', 'TRUE', 'oN'])
      expect(scheme(yes), yes).toBe('http')
    for (const no of ['n', 'no', 'f', 'false', 'off', '0', 'N', 'No', 'FALSE', 'oFF'])
      expect(scheme(no), no).toBe('https')
  })

  it('has SnapPass mode only where everybody may make shares', () => {
    for (const SHARES of ['accounts', 'off']) {
      expect(mistakesOf({ SHARES, SNAPPASS_API: 'on' })).toEqual([
        'SNAPPASS_API: expected off, or SHARES=public: it lets everybody make shares, for it has no login',
      ])
      expect(named({ SHARES, SNAPPASS_API: 'on', PORT: 'x' }).sort()).toEqual(['PORT', 'SNAPPASS_API'])
      expect(readConfig({ SHARES, SNAPPASS_API: 'off' })).toMatchObject({ shares: SHARES })
      expect(readConfig({ SHARES }).snappass).toBeUndefined()
    }
    expect(readConfig({ SHARES: 'public', SNAPPASS_API: 'on' }).snappass).toBeDefined()
    expect(named({ SHARES: 'some', SNAPPASS_API: 'on' })).toEqual(['SHARES'])
  })

  it('leaves connections to requests', () => {
    expect(named({ MAX_STREAMS: '1000' })).toEqual(['MAX_STREAMS'])
    expect(named({ MAX_STREAMS: '500', MAX_CONNECTIONS: '500' })).toEqual(['MAX_STREAMS'])
    expect(readConfig({ MAX_STREAMS: '0' }).watches.total).toBe(0)
    expect(readConfig({ MAX_CONNECTIONS: '6001', MAX_STREAMS: '6000' }).watches.total).toBe(6000)
    expect(readConfig({ MAX_CONNECTIONS: '6001' }).watches.total).toBe(3000)
  })

  it('needs its secrets in production, and with Postgres anywhere', () => {
    expect(named({ NODE_ENV: 'production' })).toEqual(both)
    expect(named({ DATABASE_URL: 'postgres://h/d' })).toEqual(both)
    expect(named({ NODE_ENV: 'production', DATABASE_URL: 'postgres://h/d' })).toEqual(both)
    expect(named({ NODE_ENV: 'production', JWT_SECRET: secret })).toEqual(['OPAQUE_SERVER_SETUP'])
    expect(
      readConfig({ NODE_ENV: 'production', JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup }),
    ).toMatchObject({ production: true, jwtSecret: secret, opaqueSetup: setup })
    expect(readConfig({ NODE_ENV: 'development' })).toMatchObject({
      jwtSecret: undefined,
      opaqueSetup: undefined,
    })
  })

  it('counts the bytes of a secret, not its characters', () => {
    expect(readConfig({ JWT_SECRET: '\u00e9'.repeat(16) }).jwtSecret).toHaveLength(16)
    expect(readConfig({ JWT_SECRET: 'a'.repeat(32) }).jwtSecret).toHaveLength(32)
  })
})

describe('a secret in a file', () => {
  let folder: string
  const file = (name: string, content: string) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'limpet-config-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is read without the line end that editors leave', () => {
    for (const end of ['', '\n', '\r\n'])
      expect(readConfig({ JWT_SECRET_FILE: file('secret', secret + end) }).jwtSecret).toBe(secret)
    expect(readConfig({ JWT_SECRET_FILE: file('secret', ` ${secret} \n\n`) }).jwtSecret).toBe(` ${secret} \n`)
    const url = 'postgres://u:p@h/d'
    const DATABASE_URL_FILE = file('url', `${url}\n`)
    expect(
      readConfig({ DATABASE_URL_FILE, JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup }).database,
    ).toMatchObject({
      engine: 'postgres',
      url,
    })
    // With Postgres a secret is needed, wherever the URL came from.
    expect(named({ DATABASE_URL_FILE })).toEqual(both)
  })

  it('is held to the same rules, under the name of the setting', () => {
    expect(named({ JWT_SECRET_FILE: file('short', 'short\n') })).toEqual(['JWT_SECRET'])
    expect(named({ JWT_SECRET_FILE: file('example', exampleSecrets.join('')) })).toEqual(['JWT_SECRET'])
    expect(named({ JWT_SECRET_FILE: file('empty', '\n'), NODE_ENV: 'production' })).toEqual(both)
    expect(named({ OPAQUE_SERVER_SETUP_FILE: file('short', 'short\n') })).toEqual(['OPAQUE_SERVER_SETUP'])
  })

  it('stands in place of the setting, not beside it', () => {
    const JWT_SECRET_FILE = file('secret', secret)
    expect(mistakesOf({ JWT_SECRET: secret, JWT_SECRET_FILE, PORT: 'x' })).toEqual([
      'JWT_SECRET: expected either JWT_SECRET or JWT_SECRET_FILE, not both',
      'PORT: expected a port from 0 to 65535',
    ])
    expect(readConfig({ JWT_SECRET: '', JWT_SECRET_FILE }).jwtSecret).toBe(secret)
    expect(readConfig({ JWT_SECRET: secret, JWT_SECRET_FILE: '' }).jwtSecret).toBe(secret)
  })

  it('is missed by name where the file cannot be read', () => {
    const missing = join(folder, 'missing')
    expect(mistakesOf({ JWT_SECRET_FILE: missing, NODE_ENV: 'production' })).toContain(
      'JWT_SECRET_FILE: expected a file that the server can read',
    )
    expect(named({ JWT_SECRET_FILE: folder })).toContain('JWT_SECRET_FILE')
    expect(named({ DATABASE_URL_FILE: missing })).toEqual(['DATABASE_URL_FILE'])
  })

  it('is in no message, whatever is wrong', () => {
    const hidden = 'hunter2-hunter2'
    const environments: Record<string, string>[] = [
      { JWT_SECRET: hidden },
      { OPAQUE_SERVER_SETUP: hidden },
      { JWT_SECRET_FILE: file('hidden', hidden) },
      { JWT_SECRET: hidden, JWT_SECRET_FILE: file('hidden', hidden) },
      { DATABASE_URL: `mysql://u:${hidden}@h/d` },
      { DATABASE_URL: `postgres://u:${hidden}@[h/d` },
      { DATABASE_URL_FILE: file('hidden', `x://${hidden}`) },
      { PUBLIC_URL: `https://u:${hidden}@h` },
      { JWT_SECRET_FILE: `/${hidden}/${hidden}` },
    ]
    for (const environment of environments) {
      const mistakes = mistakesOf(environment)
      expect(mistakes.length).toBeGreaterThan(0)
      expect(mistakes.join('\n')).not.toContain(hidden)
    }
  })
})
