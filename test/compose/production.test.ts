// The production deployment by the README's lines, and what is done to it while it is used.
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { AttachmentPage } from '../../src/contract/attachments.ts'
import { Problem } from '../../src/contract/problems.ts'
import { Item } from '../../src/contract/vaults.ts'
import { fakeEnvelope, logIn, logInBody, type RawAccount } from '../support/accounts.ts'
import { fakeFile, filePath, newPlace } from '../support/attachments.ts'
import { measureAttack, quantile } from '../support/attack.ts'
import { answering, runInProject, walkThrough } from '../support/readme.ts'
import { bodyOf, outcomeOf, type Server, send } from '../support/requests.ts'
import { type Deployment, hasDocker, newDeployment } from './deployment.ts'
import { follow } from './followers.ts'
import { eventually, type Load, newWriters, startLoad, writers } from './load.ts'

const marker = `marker-${randomUUID()}`

/** Where certbot leaves what Let's Encrypt asks for. */
const challenges = 'acme/.well-known/acme-challenge'

const files = 'docker-compose.prod.yml:test/compose/mail/compose.yml'
const settings = 'COMPOSE_PROFILES=mail\nMAIL_HOST=mail.test\nMAIL_PORT=2525\n'

describe.runIf(hasDocker())('docker-compose.prod.yml', () => {
  let deployment: Deployment
  let firstAnswer: string
  let certificate: Buffer
  let server: Server
  let accounts: RawAccount[]
  const plain: Server = { url: 'http://localhost:80' }

  beforeAll(async () => {
    deployment = await newDeployment(files)
    await writeFile(join(deployment.folder, '.env'), settings)
    await deployment.run(`mkdir -p ${challenges} && echo works > ${challenges}/${marker}`)
    firstAnswer = await deployment.run(walkThrough('production').replace('docker-compose.prod.yml', files))
    certificate = await readFile(join(deployment.folder, 'secrets', 'tls.crt'))
    server = { url: 'https://localhost:443', agent: new Agent({ keepAlive: true, ca: certificate }) }
    accounts = await newWriters(server)
  })
  afterAll(() => deployment?.remove())

  const isReady = async () => (await send(server, { path: '/readyz' })).status === 200

  /** Does something under load. @returns the load, once it has gone well for a while again */
  async function underLoad(work: () => Promise<unknown>): Promise<Load> {
    const load = await startLoad(server, accounts)
    await eventually('the load has begun', async () => load.answered() > 500)
    await work()
    await eventually('it goes well again', async () => {
      const [answered, failed] = [load.answered(), load.failures().length]
      await pause(1000)
      return load.answered() > answered + 50 && load.failures().length === failed
    })
    expect(await load.stop(), 'writes that were answered and are not there').toEqual([])
    return load
  }

  it('runs after the lines of the README, and the walk-throughs go through it', async () => {
    expect(firstAnswer).toContain('{"status":"ok"')
    const { folder } = deployment
    const through = walkThrough('through nginx').replaceAll('$PWD', folder)
    const run = (lines: string) =>
      runInProject(through + lines.replaceAll(/\b(\w+\.(?:json|txt))\b/g, `${folder}/$1`), {
        LIMPET_STATE_DIR: join(folder, 'state'),
      })
    expect(await run(answering + walkThrough('command line'))).toContain('ada.lovelace')
    expect(await run(walkThrough('one-time links'))).toContain('ended with 5')
    expect(await run(answering + walkThrough('curl'))).toContain('"code": "revision-conflict"')
  })

  it('has an image under 250 MB, of which nobody can write', async () => {
    const size = Number(await deployment.run("docker image inspect --format '{{.Size}}' limpet"))
    process.stdout.write(`the image has ${Math.round(size / 1e6)} MB\n`)
    expect(size).toBeLessThan(250_000_000)
    for (const service of ['nginx', 'app-1', 'app-2', 'postgres']) {
      const seen = await deployment.compose(
        `exec --no-TTY ${service} sh -c 'id -u; cat /proc/1/status; touch /x || echo refused'`,
      )
      expect(seen, service).not.toMatch(/^0$/m)
      expect(seen, service).toMatch(/CapBnd:\s+0000000000000000/)
      expect(seen, service).toMatch(/NoNewPrivs:\s+1/)
      expect(seen, service).toContain('refused')
    }
  })

  it('leads pages to TLS, and refuses the API without it', async () => {
    const page = await send(plain, { path: '/s/abc?x=1' })
    expect({ status: page.status, location: page.headers.location }).toEqual({
      status: 301,
      location: 'https://localhost/s/abc?x=1',
    })
    for (const path of ['/api/v1/login', '/%61pi/v1/login', '//api/v1/login', '/api', '/'])
      expect(outcomeOf(await send(plain, { method: 'POST', path, body: { authKey: marker } })), path).toBe(
        '403 https-required',
      )
    expect(outcomeOf(await send(plain, { path: '/api/v1/server' }))).toBe('403 https-required')
    const challenge = await send(plain, { path: `/.well-known/acme-challenge/${marker}` })
    expect({ status: challenge.status, text: challenge.text }).toEqual({ status: 200, text: 'works\n' })
  })

  it('passes the headers of the servers as they are, each once, and adds its own to its own answers', async () => {
    for (const path of ['/', '/api/v1/server', '/api/v1/vaults', '/x']) {
      const { headers } = await send(server, { path })
      expect(headers['strict-transport-security'], path).toBe('max-age=63072000; includeSubDomains')
      expect(headers['x-content-type-options'], path).toBe('nosniff')
      expect(headers['cache-control'], path).toBe('no-store')
      expect(headers['referrer-policy'], path).toBe('no-referrer')
      // Joined by commas where there are two.
      expect(headers['content-security-policy'], path).toMatch(/^default-src 'none'(?!.*default-src)/)
      expect(headers['x-request-id'], path).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers['content-encoding'], path).toBeUndefined()
      expect(headers.server, path).toBe('nginx')
    }
    const tooLarge = await send(server, { method: 'POST', path: '/x', raw: Buffer.alloc(9 * 1024 * 1024) })
    expect(outcomeOf(tooLarge)).toBe('413 too-large')
    expect(bodyOf(Problem, tooLarge).requestId).toBe(tooLarge.headers['x-request-id'])
    expect(tooLarge.headers['x-content-type-options']).toBe('nosniff')
    expect(tooLarge.headers['strict-transport-security']).toMatch(/^max-age/)
  })

  it('believes nobody about the address that a request comes from', async () => {
    const [account] = accounts
    if (!account) throw new Error('There is no account')
    const told = '203.0.113.9'
    const headers = { 'X-Forwarded-For': told, Forwarded: `for=${told}`, 'X-Real-IP': told }
    const body = logInBody(account)
    expect((await send(server, { method: 'POST', path: '/api/v1/login', headers, body })).status).toBe(200)
    const Events = z.object({ events: z.array(z.object({ address: z.string() })) })
    const answer = await send(server, { path: '/api/v1/account/events', token: account.token })
    const [login] = bodyOf(Events, answer).events
    // What nginx saw: on the way through the published port that is the address of the network's gateway.
    expect(login?.address).toMatch(/^10\.231\.17\.17$/)
  })

  const query = async (sql: string) =>
    (
      await deployment.run(
        `docker compose exec --no-TTY postgres psql --username limpet --no-align --tuples-only --command "${sql}"`,
      )
    ).trim()

  it('connects as a role that owns its tables and is no superuser, also in a database from before', async () => {
    const role = `select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = 'limpet_server'`
    expect(await query(role)).toBe('f|f|f|f')
    const users = `select distinct usename from pg_stat_activity where application_name = 'limpet'`
    expect(await query(users)).toBe('limpet_server')
    const owners = `select distinct tableowner from pg_tables where schemaname = 'public'`
    expect(await query(owners)).toBe('limpet_server')
    // As a superuser made them, before there was the role.
    await query(
      `do 'declare t text; begin for t in select tablename from pg_tables where schemaname = ''public'' loop execute format(''alter table %I owner to limpet'', t); end loop; alter database limpet owner to limpet; end'`,
    )
    expect(await query(owners)).toBe('limpet')
    const documentation = await readFile(new URL('../../docs/deploying.md', import.meta.url), 'utf8')
    const line = 'docker compose exec --no-TTY postgres bash /docker-entrypoint-initdb.d/database-role.sh'
    expect(documentation).toContain(line)
    await deployment.run(line)
    expect(await query(owners)).toBe('limpet_server')
    await eventually('the servers are ready', isReady)
  })

  it('lets the servers reach nginx, the database and the mail server, and nothing else', async () => {
    const greeting = (service: string, host: string, port: number) =>
      deployment.compose(
        `exec --no-TTY ${service} node --eval "const s = require('node:net').connect(${port}, '${host}'); setTimeout(() => { console.log('no answer'); process.exit() }, 4000); s.on('error', (e) => { console.log('refused', e.code); process.exit() }); s.on('connect', () => console.log('connected')); s.on('data', (d) => { console.log(String(d)); process.exit() })"`,
      )
    expect(await greeting('app-1', 'mail.test', 2525)).toContain('220 mail.test')
    expect(await greeting('mail-server', 'mail.test', 2525)).toContain('220 mail.test')
    expect(await greeting('app-1', '10.231.17.2', 443)).toContain('connected')
    const inside = 'docker inspect --format "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"'
    const addresses = (await deployment.run(`${inside} limpet-test-mail-server-1 limpet-test-nginx-1`)).split(
      /\s+/,
    )
    const outside = addresses.filter((address) => /^10\.231\.17\.(1[6-9]|2\d|3\d|4\d)$/.test(address))
    expect(outside).toHaveLength(2)
    for (const address of outside)
      for (const port of [2525, 443])
        expect(await greeting('app-1', address, port), address).not.toMatch(/connected|220/)
  })

  it('offers TLS 1.2 and 1.3, and of 1.2 only what has forward secrecy and authenticates', async () => {
    const offered = (version: SecureVersion, ciphers: string) =>
      new Promise<boolean>((resolve) => {
        const socket = connect(
          {
            port: 443,
            host: 'localhost',
            ca: certificate,
            minVersion: version,
            maxVersion: version,
            ciphers,
          },
          () => {
            socket.destroy()
            resolve(true)
          },
        )
        socket.on('error', () => resolve(false))
      })
    expect(await offered('TLSv1.3', 'TLS_AES_128_GCM_SHA256')).toBe(true)
    expect(await offered('TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256')).toBe(true)
    expect(await offered('TLSv1.2', 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0')).toBe(false)
    expect(await offered('TLSv1.2', 'ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0')).toBe(false)
    expect(await offered('TLSv1.1', 'ALL:@SECLEVEL=0')).toBe(false)
  })

  it('loses no request while its servers are restarted and replaced one after the other', async () => {
    const load = await underLoad(async () => {
      for (const name of ['app-1', 'app-2']) {
        await deployment.compose(`restart ${name}`)
        await deployment.compose(`up --detach --wait ${name}`)
        // By itself, and not because its time was over.
        const log = await deployment.compose(`logs ${name}`)
        expect(log.includes('"msg":"stopped"'), `${name} has stopped by itself`).toBe(true)
      }
      for (const name of ['app-1', 'app-2']) {
        await deployment.compose(`rm --stop --force ${name}`)
        await deployment.compose(`up --detach --wait ${name}`)
      }
    })
    process.stdout.write(
      `${load.answered()} requests during a rolling restart, ${load.failures().length} failed\n`,
    )
    expect(load.failures()).toEqual([])
  })

  it('passes streams of events on at once, and ends each of them cleanly in a rolling restart, so that it comes back', async () => {
    const [account] = accounts
    if (!account) throw new Error('There is no account')
    const { vaultId } = account
    const { token } = await logIn(server, account)
    const write = async () => {
      const path = `/api/v1/vaults/${vaultId}/items/${randomUUID()}`
      const headers = { 'If-None-Match': '*' }
      const body = { data: fakeEnvelope() }
      return bodyOf(Item, await send(server, { method: 'PUT', path, headers, body, token })).revision
    }
    const followers = Array.from({ length: 12 }, () => follow(server, token))
    try {
      const reached = (revision: number) => async () =>
        followers.every((follower) => follower.revisionOf(vaultId) >= revision)
      await eventually('every stream has begun', reached(1))
      for (const name of ['app-1', 'app-2']) {
        await eventually('a write reaches every stream', reached(await write()))
        await deployment.compose(`restart ${name}`)
        await deployment.compose(`up --detach --wait ${name}`)
        await eventually('a write reaches every stream again', reached(await write()))
      }
      const ends = followers.flatMap((follower) => follower.ends)
      process.stdout.write(`streams that ended in a rolling restart: ${JSON.stringify(ends)}\n`)
      expect(ends.length).toBeGreaterThanOrEqual(followers.length)
      expect([...new Set(ends)]).toEqual(['server-stopping'])
    } finally {
      await Promise.all(followers.map((follower) => follower.stop()))
    }
  })

  it('passes files on as they arrive: an upload that is cut off goes on where it ended, and comes back as it was', async () => {
    const [account] = accounts
    if (!account) throw new Error('There is no account')
    const { token } = await logIn(server, account)
    const place = newPlace(account.vaultId, randomUUID())
    const file = fakeFile(5_000_000)
    await writeFile(join(deployment.folder, 'file.bin'), file)
    await writeFile(
      join(deployment.folder, 'headers'),
      `Authorization: Bearer ${token}\nContent-Type: application/octet-stream\n`,
    )
    const curl = (what: string) =>
      deployment.run(
        `curl --silent --show-error --cacert secrets/tls.crt --header @headers ${what} https://localhost${filePath(place)}`,
      )
    const received = async () => {
      const path = filePath(place).replace(/\/[^/]+$/, '')
      const { attachments } = bodyOf(AttachmentPage, await send(server, { path, token }))
      return attachments[0]?.receivedBytes ?? 0
    }
    await curl('--max-time 2 --limit-rate 1M --upload-file file.bin').catch(() => {})
    const before = await received()
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(file.length)
    // The server may still be storing the last piece of what was cut off.
    await eventually('the upload goes on', async () => {
      const from = await received()
      return curl(`--fail --continue-at ${from} --upload-file file.bin`).then(
        () => true,
        () => false,
      )
    })
    await curl('--fail --output back.bin')
    expect(file.equals(await readFile(join(deployment.folder, 'back.bin')))).toBe(true)
    await curl('--fail --range 4999990-4999999 --output end.bin')
    expect(file.subarray(-10).equals(await readFile(join(deployment.folder, 'end.bin')))).toBe(true)
  })

  it('loses at most the requests that ran on a server that is killed, and starts it again', async () => {
    const load = await underLoad(async () => {
      await deployment
        .compose(`exec --no-TTY app-1 node --eval "process.kill(-1, 'SIGKILL')"`)
        .catch(() => {})
      await deployment.compose('up --detach --wait app-1')
    })
    process.stdout.write(
      `${load.answered()} requests around a kill, failed: ${JSON.stringify(load.failures())}\n`,
    )
    expect(load.failures().length).toBeLessThanOrEqual(writers)
    const { restarted } = z
      .object({ restarted: z.int() })
      .parse(
        JSON.parse(
          await deployment.run(
            `docker inspect --format '{"restarted": {{.RestartCount}}}' limpet-test-app-1-1`,
          ),
        ),
      )
    expect(restarted).toBe(1)
  })

  /** While the database is away nothing is answered but 503 with the time to come back after. */
  const expectPatience = (load: Load) => {
    const outcomes = new Set(load.failures().map(({ outcome }) => outcome))
    process.stdout.write(`${load.answered()} requests, ${load.failures().length} to come back later\n`)
    expect([...outcomes]).toEqual(['503 unavailable'])
    for (const { retryAfter } of load.failures()) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1)
  }

  const starts = async () => {
    const containers = 'limpet-test-app-1-1 limpet-test-app-2-1'
    return deployment.run(`docker inspect --format '{{.State.StartedAt}}' ${containers}`)
  }

  it('goes on by itself after a restart of Postgres', async () => {
    const before = await starts()
    const load = await underLoad(async () => {
      await deployment.compose('restart postgres')
      await eventually('the servers are ready', isReady)
    })
    expectPatience(load)
    expect(await starts()).toBe(before)
  })

  it('says 503 for as long as Postgres is away, lives, and goes on by itself', async () => {
    const before = await starts()
    const load = await underLoad(async () => {
      await deployment.compose('stop postgres')
      expect(outcomeOf(await send(server, { path: '/readyz' }))).toBe('503 unavailable')
      expect((await send(server, { path: '/healthz' })).status).toBe(200)
      await pause(30_000)
      expect(outcomeOf(await send(server, { path: '/readyz' }))).toBe('503 unavailable')
      await deployment.compose('start postgres')
      await eventually('the servers are ready', isReady)
    })
    expectPatience(load)
    expect(await starts()).toBe(before)
  })

  it('outlives a minute of the worst that strangers and one account can send, and answers meanwhile', async () => {
    const [account] = accounts
    if (!account) throw new Error('There is no account')
    const processes = () =>
      deployment.run(
        "docker inspect --format '{{.Name}} {{.State.Pid}} {{.RestartCount}} {{.State.OOMKilled}} {{.HostConfig.Memory}}' limpet-test-app-1-1 limpet-test-app-2-1 limpet-test-nginx-1",
      )
    const before = await processes()
    expect(before).toMatch(/limpet-test-app-1-1 \d+ \d+ false 536870912/)
    const { token } = await logIn(server, account)
    const { outcomes, healthMs } = await measureAttack(server, {
      account: { ...account, token },
      ms: 60_000,
      ca: certificate.toString(),
    })
    const median = quantile(healthMs, 0.5)
    process.stdout.write(
      `${JSON.stringify(outcomes)}\n/healthz ${healthMs.length} times: median ${median.toFixed(0)} ms, 95 % ${quantile(healthMs, 0.95).toFixed(0)} ms\n`,
    )
    expect(await processes()).toBe(before)
    expect(median).toBeLessThan(200)
    expect(Object.keys(outcomes['nested brackets'] ?? {})).toContain('400 malformed-request')
    expect(Object.keys(outcomes['pages that nobody reads'] ?? {})).toEqual(['unread'])
    expect(Object.keys(outcomes['bodies that stop'] ?? {})).toEqual(['unfinished'])
    const all = Object.values(outcomes).flatMap(Object.keys)
    expect(all.filter((outcome) => outcome.startsWith('500'))).toEqual([])
  })

  it('stops a flood of logins before the servers', async () => {
    const login = { method: 'POST', path: '/api/v1/prelogin', body: { email: 'nobody@example.com' } }
    const answers = await Promise.all(Array.from({ length: 400 }, () => send(server, login)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) {
      expect(outcomeOf(answer)).toBe('429 too-many-requests')
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    }
    expect((await send(server, { path: '/api/v1/server' })).status).toBe(200)
  })

  it('logs no link, no query and no token, also when no server answers', async () => {
    const sendAll = async () => {
      for (const [method, path] of [
        ['GET', `/s/${marker}`],
        ['GET', `/s/x%23${marker}`],
        ['GET', `/confirm?token=${marker}`],
        ['GET', `/${marker}`],
        ['GET', `/api/v2/passwords/${marker}`],
        ['POST', `/api/v1/shares/${marker}/reveal?x=${marker}`],
      ] as const)
        await send(server, { method, path, headers: { Referer: `https://localhost/s/${marker}` } })
    }
    await sendAll()
    await deployment.compose('stop app-1 app-2')
    const unanswered = await send(server, {
      method: 'POST',
      path: `/api/v1/shares/${marker}/reveal`,
      body: {},
    })
    expect([502, 504]).toContain(unanswered.status)
    expect(unanswered.headers['content-type']).toBe('text/plain')
    await sendAll()
    const log = await deployment.compose('logs nginx app-1 app-2 postgres')
    expect(log).toContain('/api/v1/shares/-/reveal')
    expect(log).not.toContain(marker)
  })
})
