// The deployment's files as they stand there: whatever hardens it is asserted for every service, so that none is dropped unnoticed.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { leftOutRoutes } from '../../src/apis/bitwarden/left-out.ts'
import { seconds } from '../../src/clock.ts'
import * as bitwarden from '../../src/contract/bitwarden-paths.ts'
import * as paths from '../../src/contract/paths.ts'
import { limits } from '../../src/contract/sizes.ts'
import { addressKey, networkKey } from '../../src/domain/rate-limits/keys.ts'
import { readConfig, settingNames } from '../../src/server/config.ts'

const read = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8')

/** The lines of .dockerignore: all that is left out, then `!` and what an image is built from. */
const dockerignore = async () =>
  (await read('.dockerignore')).split('\n').filter((line) => /^[^#]/.test(line))

const Service = z.looseObject({
  image: z.string(),
  user: z.string().optional(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  init: z.boolean().optional(),
  restart: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  tmpfs: z.array(z.string()).optional(),
  mem_limit: z.string().optional(),
  ulimits: z.object({ nofile: z.int() }).optional(),
  pids_limit: z.int().optional(),
  stop_grace_period: z.string().optional(),
  logging: z.object({ driver: z.string(), options: z.record(z.string(), z.string()) }).optional(),
  healthcheck: z
    .looseObject({ test: z.array(z.string()).optional(), disable: z.boolean().optional() })
    .optional(),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.array(z.object({ path: z.string(), required: z.boolean() })).default([]),
  entrypoint: z.array(z.string()).optional(),
  secrets: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.looseObject({}))]).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
})
type Service = z.infer<typeof Service>

const Compose = z.looseObject({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() })).default({}),
  volumes: z.record(z.string(), z.null()).default({}),
  secrets: z.record(z.string(), z.object({ file: z.string() })).default({}),
})

const compose = async (name: string) => Compose.parse(parse(await read(name), { merge: true }))

const development = await compose('docker-compose.yml')
const production = await compose('docker-compose.prod.yml')
const dockerfile = await read('Dockerfile')
const nginx = await read('nginx.conf')

/** A service of docker-compose.prod.yml. */
function service(name: string): Service {
  const found = production.services[name]
  if (!found) throw new Error(`There is no service ${name}`)
  return found
}

const networksOf = ({ networks = {} }: Service) =>
  (Array.isArray(networks) ? networks : Object.keys(networks)).sort()

/** A task that runs once and ends has nothing to be restarted or asked for. */
const runsOnce = ({ command }: Service) => command?.[0] === 'migrate'

const durationOf = (text: string | undefined) => seconds(Number(/^(\d+)s$/.exec(text ?? '')?.[1]))

/** What would let somebody who has broken into a service get further, or a service that fails hurt the others. */
const demands: Record<string, (service: Service) => boolean> = {
  'a user that is not root, or our image, which has one': ({ user, image }) =>
    user === undefined ? image === 'limpet' : /^[1-9]\d*:[1-9]\d*$/.test(user),
  'an image with a version': ({ image }) => image === 'limpet' || /^[a-z]+:(?!latest$)\S+$/.test(image),
  'a file system that is read only': ({ read_only }) => read_only === true,
  'no capability': ({ cap_drop, ...others }) => cap_drop?.join() === 'ALL' && !('cap_add' in others),
  'no new privileges': ({ security_opt }) => security_opt?.join() === 'no-new-privileges:true',
  'nothing of the host': (service) =>
    !['privileged', 'network_mode', 'pid', 'ipc', 'userns_mode', 'devices', 'cgroup'].some(
      (key) => key in service,
    ),
  'only named volumes, and files of the host to read': ({ volumes }) =>
    volumes.every((volume) => /^[a-z]+:\/[^:]+$/.test(volume) || /^\.\/[^:]+:[^:]+:ro$/.test(volume)),
  'bounded tmpfs in which nothing can be run': ({ tmpfs = [] }) =>
    tmpfs.length > 0 &&
    tmpfs.every((mount) => /:size=\d+m,/.test(mount) && mount.endsWith(',noexec,nosuid,nodev')),
  'a bound for memory': ({ mem_limit }) => /^\d+[mg]$/.test(mem_limit ?? ''),
  'a bound for processes': ({ pids_limit }) => pids_limit !== undefined && pids_limit > 0,
  'logs that are rotated': ({ logging }) =>
    logging?.options['max-size'] !== undefined && logging.options['max-file'] !== undefined,
  'an init, which reaps processes and passes signals on': ({ init }) => init === true,
  'a restart when it ends': (service) => service.restart === (runsOnce(service) ? 'no' : 'unless-stopped'),
  'time to stop': ({ stop_grace_period }) => durationOf(stop_grace_period) >= seconds(15),
  'a health check': (service) =>
    runsOnce(service)
      ? service.healthcheck?.disable === true
      : service.healthcheck === undefined
        ? service.image === 'limpet'
        : service.healthcheck.disable === undefined && service.healthcheck.test?.[0] === 'CMD',
  'dependencies that are well, and not only started': ({ depends_on }) =>
    Object.values(depends_on).every(({ condition }) => condition !== 'service_started'),
  'secrets as files': ({ environment }) =>
    Object.entries(environment).every(([name, value]) => {
      if (/_FILE$/.test(name)) return value.startsWith('/run/secrets/')
      return (
        !/SECRET|PASSWORD|SETUP|KEY|TOKEN|_URL$/.test(name) ||
        /^(|https?:\S+|file:\S+|\$\{PUBLIC_URL:-\S+)$/.test(value)
      )
    }),
}

const unmet = (service: Service) =>
  Object.entries(demands).flatMap(([name, isMet]) => (isMet(service) ? [] : [name]))

const services = [development, production].flatMap(({ services }) => Object.entries(services))

describe('every service of the compose files', () => {
  it.each(services)('%s is hardened', (_name, service) => expect(unmet(service)).toEqual([]))

  const servers = services.filter(([, { image, entrypoint }]) => image === 'limpet' && !entrypoint)
  it.each(servers)('%s takes every setting of .env, and fixes none that there is not', (_name, server) => {
    expect(server.env_file).toEqual([{ path: '.env', required: false }])
    const names = Object.keys(server.environment).map((name) => name.replace(/_FILE$/, ''))
    expect(names.filter((name) => !settingNames.includes(name))).toEqual([])
  })

  const weaker: [string, Partial<Record<keyof Service, unknown>>][] = [
    ['a user that is not root, or our image, which has one', { user: '0:0' }],
    ['an image with a version', { image: 'nginx' }],
    ['a file system that is read only', { read_only: undefined }],
    ['no capability', { cap_drop: ['NET_RAW'] }],
    ['no capability', { cap_add: ['NET_BIND_SERVICE'] }],
    ['no new privileges', { security_opt: [] }],
    ['nothing of the host', { privileged: true }],
    [
      'only named volumes, and files of the host to read',
      { volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro'] },
    ],
    [
      'only named volumes, and files of the host to read',
      { volumes: ['./nginx.conf:/etc/nginx/nginx.conf'] },
    ],
    ['bounded tmpfs in which nothing can be run', { tmpfs: ['/tmp'] }],
    ['a bound for memory', { mem_limit: undefined }],
    ['a bound for processes', { pids_limit: -1 }],
    ['logs that are rotated', { logging: undefined }],
    ['an init, which reaps processes and passes signals on', { init: false }],
    ['a restart when it ends', { restart: 'no' }],
    ['time to stop', { stop_grace_period: undefined }],
    ['a health check', { healthcheck: { disable: true } }],
    [
      'dependencies that are well, and not only started',
      { depends_on: { x: { condition: 'service_started' } } },
    ],
    ['secrets as files', { environment: { JWT_SECRET: 'x' } }],
    ['secrets as files', { environment: { DATABASE_URL: 'postgres://limpet:x@postgres/limpet' } }],
  ]
  it.each(weaker)('would be noticed without %s: %j', (demand, change) => {
    expect(unmet(Service.parse({ ...service('nginx'), ...change }))).toContain(demand)
  })
})

describe('docker-compose.yml', () => {
  it('publishes one port, to this machine alone', () => {
    expect(Object.values(development.services).flatMap(({ ports }) => ports)).toEqual(['127.0.0.1:8080:8080'])
  })
})

describe('docker-compose.prod.yml', () => {
  it("publishes nothing but nginx's 80 and 443", () => {
    const published = Object.entries(production.services).flatMap(([name, { ports }]) =>
      ports.map((port) => `${name} ${port}`),
    )
    expect(published).toEqual(['nginx 80:80', 'nginx 443:443'])
  })

  it('keeps the servers and the database where nothing leads out, and the database where only the servers reach it', () => {
    const networks = Object.entries(production.services).map(([name, service]) => [name, networksOf(service)])
    expect(Object.fromEntries(networks)).toEqual({
      nginx: ['edge', 'web'],
      'app-1': ['database', 'web'],
      'app-2': ['database', 'web'],
      'mail-relay': ['mail', 'web'],
      migrate: ['database'],
      postgres: ['database'],
    })
    const internal = Object.entries(production.networks).filter(([, network]) => network.internal)
    expect(internal.map(([name]) => name).sort()).toEqual(['database', 'web'])
  })

  it('starts in the order in which things are needed', () => {
    const order = Object.entries(production.services).flatMap(([name, { depends_on }]) =>
      Object.entries(depends_on).map(([other, { condition }]) => `${name} after ${other}: ${condition}`),
    )
    expect(order.sort()).toEqual([
      'app-1 after migrate: service_completed_successfully',
      'app-1 after postgres: service_healthy',
      'app-2 after migrate: service_completed_successfully',
      'app-2 after postgres: service_healthy',
      'migrate after postgres: service_healthy',
      'nginx after app-1: service_healthy',
      'nginx after app-2: service_healthy',
    ])
  })

  it('gives each service the secrets that it needs, from a folder that neither git nor an image has', async () => {
    const secrets = Object.entries(production.services).map(([name, { secrets }]) => [name, secrets])
    const ofServers = ['database-url', 'jwt-secret', 'opaque-setup']
    expect(Object.fromEntries(secrets)).toEqual({
      nginx: ['tls.crt', 'tls.key'],
      'app-1': ofServers,
      'app-2': ofServers,
      'mail-relay': [],
      migrate: ofServers,
      postgres: ['postgres-password', 'database-password'],
    })
    for (const { file } of Object.values(production.secrets)) expect(file).toMatch(/^\.\/secrets\/[a-z.-]+$/)
    expect((await read('.gitignore')).split('\n')).toContain('secrets/')
    const [all, ...taken] = await dockerignore()
    expect(all).toBe('*')
    for (const line of taken)
      expect(line).toMatch(/^!(bin|migrations|scripts|src|LICENSE|(package|tsconfig)\S*\.json)$/)
  })

  it('builds the image from every file that the build needs', async () => {
    const { metafile } = await build({
      absWorkingDir: fileURLToPath(new URL('../..', import.meta.url)),
      entryPoints: ['scripts/build.ts'],
      bundle: true,
      metafile: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      write: false,
      logLevel: 'silent',
    })
    const allowed = new Set((await dockerignore()).map((line) => line.slice(1)))
    const needed = Object.keys(metafile.inputs)
    expect(needed).toContain('scripts/programs.ts')
    expect(
      needed.filter((file) => !allowed.has(file) && !allowed.has(file.slice(0, file.indexOf('/')))),
    ).toEqual([])
  })

  it('runs two servers that are the same', () => {
    const { networks: _one, ...first } = service('app-1')
    const { networks: _two, ...second } = service('app-2')
    expect(first).toEqual(second)
  })

  it('lets servers stop without a request being lost', () => {
    const grace = durationOf(service('app-1').environment.SHUTDOWN_GRACE)
    const [, upstream = ''] = /upstream servers \{(.*?)\n {4}\}/s.exec(nginx) ?? []
    const idle = durationOf(/keepalive_timeout (\d+s);/.exec(upstream)?.[1])
    expect(grace).toBeGreaterThan(idle)
    expect(durationOf(service('app-1').stop_grace_period)).toBeGreaterThanOrEqual(2 * grace + seconds(10))
  })
})

describe('nginx', () => {
  it('counts no failure of streams, whose success would come hours later, and knows the same servers for them', () => {
    const serversOf = (upstream: string) => {
      const [, block = ''] = new RegExp(`upstream ${upstream} \\{(.*?)\\n {4}\\}`, 's').exec(nginx) ?? []
      return [...block.matchAll(/server (\S+) max_fails=(\d)/g)].map(([, server, fails]) => [server, fails])
    }
    expect(serversOf('streams')).toEqual(serversOf('servers').map(([server]) => [server, '0']))
    expect(serversOf('streams')).toHaveLength(2)
  })

  it('has room in one process for 10,000 clients that wait and 1,000 that are answered', () => {
    const connections = Number(/worker_connections (\d+);/.exec(nginx)?.[1])
    // One to the client, and one to the server.
    expect(connections).toBeGreaterThanOrEqual(10_000 + 2 * 1000)
    const files = Number(/worker_rlimit_nofile (\d+);/.exec(nginx)?.[1])
    expect(files).toBeGreaterThan(connections)
    const { ulimits, mem_limit = '' } = service('nginx')
    expect(ulimits?.nofile).toBeGreaterThanOrEqual(files)
    // 16 KiB for an idle one with TLS, and the folder for bodies.
    expect(Number(/^(\d+)m$/.exec(mem_limit)?.[1])).toBeGreaterThanOrEqual((connections * 16) / 1024 + 128)
  })
})

describe('the image', () => {
  it('is of the published Node, from the lockfile, and runs as nobody special', () => {
    const bases = dockerfile.matchAll(/^FROM (\S+)/gm)
    expect(new Set([...bases].map(([, base]) => base))).toEqual(
      new Set(['node:24-bookworm-slim', 'build', 'node', 'scratch']),
    )
    expect(dockerfile).toContain('RUN npm ci --no-audit')
    expect(dockerfile).not.toMatch(/npm (install|i)\b/)
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
    expect(last).toMatch(/^USER 1000:1000$/m)
    expect(last).toContain('NODE_ENV=production')
  })

  it('carries the packages that the programs do not have built in, and those alone', async () => {
    const { external } = z
      .object({ external: z.string() })
      .parse(/external: \[(?<external>.*?)\]/.exec(await read('scripts/programs.ts'))?.groups)
    const native = [...external.matchAll(/'([^']+)'/g)].map(([, name]) => name)
    // The bundler is for checkouts, pg-native is for those who have it, and a container has no system keychain.
    const leftOut = ['@napi-rs/keyring', 'esbuild', 'pg-native']
    const needed = native.filter((name) => !leftOut.includes(name ?? ''))
    expect(needed).toEqual(['argon2', 'better-sqlite3'])
    const copied = [...dockerfile.matchAll(/node_modules\/([\w@/.-]+)/g)].map(([, name]) => name)
    expect(new Set(copied)).toEqual(new Set([...needed, 'node-gyp-build', '@phc/format']))
    expect(dockerfile).toContain('COPY --from=build /app/dist/programs ./dist/programs')
    expect(dockerfile).toContain('COPY bin ./bin')
  })

  it('is started and asked without a shell', () => {
    for (const instruction of ['HEALTHCHECK .*CMD', 'ENTRYPOINT', 'CMD'])
      expect(dockerfile).toMatch(new RegExp(`^${instruction} \\["`, 'm'))
  })
})

describe('what bounds the memory of a server', () => {
  const variables = (text: string) => ({
    tunables: /GLIBC_TUNABLES=(\S+)/.exec(text)?.[1],
    youngMiB: /--max-semi-space-size=(\d+)/.exec(text)?.[1],
  })

  it('is the same in the image, under systemd and for npm start', async () => {
    const image = variables(dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')))
    expect(image).toEqual({ tunables: expect.stringContaining('arena_max=1'), youngMiB: '16' })
    expect(variables(await read('docs/limpet.service'))).toEqual(image)
    expect(variables(await read('package.json'))).toEqual(image)
  })
})

describe('nginx.conf', () => {
  /** What a map of nginx.conf makes of a value; undefined for its default. */
  function mapped(from: string, to: string, value: string): string | undefined {
    const opening = `map $${from} $${to} {`
    const block = nginx.slice(nginx.indexOf(opening) + opening.length).split('\n    }')[0] ?? ''
    const entries = [...block.matchAll(/^ +"~(.+)" "?([^"\n]+?)"?;$/gm)]
    expect(entries.length).toBeGreaterThan(0)
    for (const [, pattern = '', template = ''] of entries) {
      const found = new RegExp(pattern).exec(value)
      if (found) return template.replaceAll(/\$(\w+)/g, (_, name: string) => found.groups?.[name] ?? '')
    }
    return undefined
  }

  const logged = (uri: string) => mapped('request_uri', 'known_path', uri) ?? 'other'

  const { operatorPaths: _operator, pagePaths, snapPassPaths, pathTo: _pathTo, ...api } = paths
  const apiPaths = Object.values(api).flatMap((group) => Object.values<string>(group))
  const everyPath = [...apiPaths, ...Object.values(pagePaths), ...Object.values(snapPassPaths)]
  const { isBitwardenPath: _isBitwardenPath, ...bitwardenGroups } = bitwarden
  const bitwardenPaths = Object.values(bitwardenGroups).flatMap((group) =>
    Object.values<string | readonly string[]>(group).flat(),
  )
  /** Monitors and clients ask for them, and are answered in a word. */
  const leftOut: readonly string[] = leftOutRoutes.map(({ path }) => path)
  const filled = (path: string, value: string) => path.replaceAll(/\{\w+\}/g, value)

  it('logs every route of the contract by its name, and no id', () => {
    expect(apiPaths.length).toBeGreaterThan(30)
    for (const path of apiPaths)
      for (const id of ['5f0c2a8e-0000-4000-8000-000000000001', 'kQ3-x_Zz9', 'secret', '..%2F'])
        for (const query of ['', '?since=secret'])
          expect(logged(filled(path, id) + query)).toBe(filled(path, '-'))
  })

  it("logs every route of Bitwarden's apps by its name, and no id, address or host", () => {
    expect(bitwardenPaths.length).toBeGreaterThan(50)
    for (const path of [...bitwardenPaths, ...leftOut])
      for (const id of ['5f0c2a8e-0000-4000-8000-000000000001', 'kQ3-x_Zz9', 'ada%40example.com'])
        for (const query of ['', '?access_token=secret'])
          expect(logged(filled(path, id) + query)).toBe(filled(path, '-'))
  })

  it("lets the hubs of Bitwarden's apps through, and no other protocol", () => {
    expect(nginx).toContain('proxy_set_header Upgrade $upgrade;')
    expect(nginx).toContain('proxy_set_header Connection $connection_to_server;')
    const block = /map "\$http_upgrade \$uri" \$upgrade \{(.*?)\n {4}\}/s.exec(nginx)?.[1] ?? ''
    const [, pattern = ''] = /"~\*(.+)" websocket;/.exec(block) ?? []
    const upgrades = (upgrade: string, path: string) => new RegExp(pattern, 'i').test(`${upgrade} ${path}`)
    const { hub, anonymousHub } = bitwarden.bitwardenHubPaths
    for (const path of [hub, anonymousHub]) expect(upgrades('WebSocket', path)).toBe(true)
    for (const [upgrade, path] of [
      ['h2c', hub],
      ['', hub],
      ['websocket', '/api/v1/events'],
    ] as const)
      expect(upgrades(upgrade, path)).toBe(false)
  })

  it('knows no path that there is not', () => {
    const known = [...everyPath, ...bitwardenPaths, ...leftOut]
    const segments = new Set(known.flatMap((path) => path.split('/')))
    const block = /map \$request_uri \$known_path \{(.*?)\n {4}\}/s.exec(nginx)?.[1] ?? ''
    const patterns = [...block.matchAll(/^ +"~(.+)" ".*";$/gm)].map(([, pattern = '']) => pattern)
    expect(patterns.length).toBeGreaterThan(10)
    for (const pattern of patterns) {
      const isTaken = (path: string) => new RegExp(pattern).test(filled(path, 'snappass-x'))
      expect(known.some(isTaken), pattern).toBe(true)
      const words = pattern
        .replaceAll(/\(\?<\w+>|\[[^\]]*\]|\(\?[:!]|\{[\d,]+\}/g, ' ')
        .replaceAll('\\.', '.')
      for (const word of words.match(/[a-z][\w.-]*/g) ?? [])
        expect(segments.has(word) || word === 'snappass', `${word} of ${pattern}`).toBe(true)
    }
  })

  it('bounds the requests that cost a hash, and lets a batch be larger', () => {
    const { accountPaths, opaquePaths, rotationPaths, sessionPaths, vaultPaths } = paths
    const [, logins = ''] = /map \$uri \$is_login \{[^}]*"~(.+)" yes;/.exec(nginx) ?? []
    expect(everyPath.filter((path) => new RegExp(logins).test(filled(path, 'x'))).sort()).toEqual(
      [
        accountPaths.register,
        sessionPaths.prelogin,
        sessionPaths.login,
        opaquePaths.register,
        opaquePaths.login,
      ].sort(),
    )
    const { prelogin, register, token, sendVerification, verificationClicked, finish } =
      bitwarden.bitwardenLoginPaths
    expect(bitwardenPaths.filter((path) => new RegExp(logins).test(filled(path, 'x'))).sort()).toEqual(
      [...prelogin, ...register, token, sendVerification, verificationClicked, finish].sort(),
    )
    const [, batch = ''] = /location ~ "(.+)" \{\s+client_max_body_size 8m;/.exec(nginx) ?? []
    expect(everyPath.filter((path) => new RegExp(batch).test(filled(path, 'x'))).sort()).toEqual(
      [accountPaths.key, rotationPaths.versions, vaultPaths.batch].sort(),
    )
  })

  it('counts streams and waiting requests apart, as many as the servers do, and waits longer than they do', () => {
    const isStream = (uri: string) => mapped('request_uri', 'is_stream', uri) === 'stream'
    const { livePaths, vaultPaths } = paths
    const plain = everyPath.map((path) => filled(path, 'x'))
    expect(plain.filter(isStream)).toEqual([livePaths.events])
    expect(isStream(`${livePaths.events}?x`)).toBe(true)
    const { hub, anonymousHub } = bitwarden.bitwardenHubPaths
    expect(bitwardenPaths.filter(isStream)).toEqual([hub, anonymousHub])
    expect(isStream(`${hub}?access_token=x`)).toBe(true)
    const waiting = plain.map((path) => `${path}?since=x&wait=30`).filter(isStream)
    expect(waiting.sort()).toEqual(
      [livePaths.events, filled(vaultPaths.changes, 'x')].map((path) => `${path}?since=x&wait=30`).sort(),
    )
    for (const query of ['?wait=0', '?since=x', '?xwait=30'])
      expect(isStream(`${filled(vaultPaths.changes, 'x')}${query}`)).toBe(false)
    const [, ofNetwork] = /limit_conn network_streams (\d+);/.exec(nginx) ?? []
    expect(Number(ofNetwork)).toBe(readConfig({}).watches.ofAddress)
    expect(durationOf(/proxy_read_timeout (\d+s);/.exec(nginx)?.[1])).toBeGreaterThan(
      seconds(limits.waitSeconds),
    )
    expect(nginx).toContain('proxy_buffering off;')
    // Before Docker would end nginx with all of its connections.
    expect(durationOf(/worker_shutdown_timeout (\d+s);/.exec(nginx)?.[1])).toBeLessThan(
      durationOf(service('nginx').stop_grace_period),
    )
  })

  it.each([
    '/s/5yVq1#kQ3',
    '/s/5yVq1%23kQ3-secret',
    '/S/secret',
    '//s/secret',
    '/x/s/secret',
    '/snappass0123456789abcdef0123456789abcdef~secret',
    '/api/v2/passwords/snappass0123~secret',
    '/api/v1/shares/secret/reveal/secret',
    '/api/v1/secret-or-not',
    '/api/v1/tokens/secret/secret',
    '/confirm?token=secret',
    '/?secret',
    '/secret',
    '/api/secret',
  ])('logs nothing of %s', (uri) => expect(logged(uri)).not.toMatch(/secret|0123|kQ3|5yVq1/))

  /** An address as nginx writes it. */
  function written(groups: readonly number[]): string {
    const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
    const [a = 0, b = 0] = groups.slice(6)
    if (isMapped) return `::ffff:${[a >> 8, a & 255, b >> 8, b & 255].join('.')}`
    return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1)
  }

  it('counts the networks that the servers count, however an address is written', () => {
    const group = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 0xffff }))
    const start = fc.constantFrom([], [0x2001, 0xdb8], [0x2002], [0x2001, 0], [0x64, 0xff9b, 0, 0, 0, 0])
    /** Of a customer: below ::/16 there is none, and nobody has an IPv4 address of 0.0.0.0/16 or 255.255.0.0/16. */
    const isAddress = ([a, b, c, , , , g]: number[]) =>
      a !== 0 && (a !== 0x2002 || b !== 0) && (a !== 0x2001 || b !== 0 || (c !== 0 && g !== 0))
    const address = fc
      .tuple(start, fc.array(group, { minLength: 8, maxLength: 8 }))
      .map(([first, rest]) => [...first, ...rest].slice(0, 8))
      .filter(isAddress)
    const countedBy = (one: number[]) => mapped('remote_addr', 'network', written(one)) ?? written(one)
    const near = fc
      .tuple(address, fc.nat(7), group)
      .map(([one, at, other]) => [one, one.with(at, other)] as const)
    fc.assert(
      fc.property(near, ([one, other]) => {
        fc.pre(isAddress(other))
        const [ours, theirs] = [one, other].map((each) => addressKey(written(each)))
        expect(countedBy(one) === countedBy(other)).toBe(ours === theirs)
        const site = mapped('network', 'site', countedBy(one))
        expect(site && `${site}::/48`).toBe(networkKey(ours ?? ''))
      }),
      { numRuns: 5000 },
    )
    expect(countedBy([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x201])).toBe('192.0.2.1')
    expect(mapped('remote_addr', 'network', '192.0.2.1')).toBeUndefined()
    expect(mapped('network', 'site', '192.0.2.1')).toBeUndefined()
  })

  it('writes nowhere but to its tmpfs', () => {
    expect(nginx).toContain('pid /tmp/nginx.pid;')
    for (const kind of ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'])
      expect(nginx).toContain(`${kind}_temp_path /tmp/`)
  })

  it('takes as large a body as the servers do', () => {
    const [, megabytes] = /client_max_body_size (\d+)m;/.exec(nginx) ?? []
    expect(Number(megabytes) * 1024 * 1024).toBe(limits.batchBodyBytes)
  })

  it('offers what Mozilla recommends and nothing else', () => {
    expect(nginx).toContain('ssl_protocols TLSv1.2 TLSv1.3;')
    expect(nginx).toContain('ssl_session_tickets off;')
    const [, ciphers = ''] = /ssl_ciphers (\S+);/.exec(nginx) ?? []
    for (const cipher of ciphers.split(':'))
      expect(cipher).toMatch(/^ECDHE-(ECDSA|RSA)-(AES\d+-GCM|CHACHA20)-/)
  })
})
