// The stream of events: what it tells, to whom, and when it ends.
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, hours, minutes } from '../../../src/clock.ts'
import { LiveEvents } from '../../../src/contract/live.ts'
import { Changes, Item, Vault } from '../../../src/contract/vaults.ts'
import { fakeEnvelope, logIn, newAccount, type RawAccount, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { type EventReader, openEvents } from '../../support/events.ts'
import { freePort } from '../../support/free-port.ts'
import { listening, loseListeners } from '../../support/listeners.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, type Server, send } from '../../support/requests.ts'
import { runStatement } from '../../support/rows.ts'
import { serversOn } from '../../support/servers.ts'
import { newToken } from '../../support/tokens.ts'

const Line = z.object({ status: z.int(), ms: z.int(), waitedMs: z.int().optional() })

const streams: EventReader[] = []
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
})

async function open(server: Server, token: string): Promise<EventReader> {
  const stream = await openEvents(server, token)
  streams.push(stream)
  return stream
}

const putItem = async (server: Server, { token, vaultId }: { token: string; vaultId: string }) =>
  bodyOf(
    Item,
    await send(server, {
      method: 'PUT',
      path: `/api/v1/vaults/${vaultId}/items/${randomUUID()}`,
      token,
      headers: { 'If-None-Match': '*' },
      body: { data: fakeEnvelope() },
    }),
  )

async function newVault(server: Server, { token }: { token: string }): Promise<string> {
  const id = randomUUID()
  const body = { id, key: fakeEnvelope(), data: fakeEnvelope() }
  bodyOf(Vault, await send(server, { method: 'POST', path: '/api/v1/vaults', token, body }))
  return id
}

const changesPath = ({ vaultId }: { vaultId: string }, query = '') =>
  `/api/v1/vaults/${vaultId}/changes${query}`

const changesOf = async (server: Server, { token, vaultId }: RawAccount, query = '') =>
  bodyOf(Changes, await send(server, { path: changesPath({ vaultId }, query), token }))

describe.each(engines)('the stream of events on %s', (engine) => {
  const { start } = serversOn(engine)

  /** With what its metrics say of open streams. */
  async function startCounted(environment: Record<string, string> = {}) {
    const port = await freePort()
    const started = await start({ environment: { METRICS_PORT: String(port), ...environment } })
    const text = async () => (await send({ url: `http://127.0.0.1:${port}` }, { path: '/metrics' })).text
    const watching = async () => {
      const metrics = await text()
      const number = (kind: string) =>
        Number(new RegExp(`limpet_streams{kind="${kind}"} (\\d+)`).exec(metrics)?.[1])
      return { events: number('events'), changes: number('changes') }
    }
    return { ...started, text, watching }
  }

  it('begins with the revisions of the vaults, and tells what comes, changes and goes', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const { token, vaultId, authKey } = account
    const stream = await open(server, token)
    expect(stream.incoming.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    })
    expect(await stream.next()).toEqual({
      event: 'state',
      data: {
        vaults: [{ id: vaultId, revision: 1 }],
        more: false,
        endsAt: new Date(clock.now() + days(30)).toISOString(),
      },
    })
    await putItem(server, account)
    expect(await stream.next()).toEqual({ event: 'vault', data: { id: vaultId, revision: 2 } })
    const second = await newVault(server, account)
    expect(await stream.next()).toEqual({ event: 'vault', data: { id: second, revision: 1 } })
    const path = `/api/v1/vaults/${second}`
    expect((await send(server, { method: 'DELETE', path, token, body: { authKey } })).status).toBe(204)
    expect(await stream.next()).toEqual({ event: 'vault-gone', data: { id: second } })
    // One event for a unit, however many items it writes.
    const operations = Array.from({ length: 30 }, () => ({
      op: 'put',
      id: randomUUID(),
      data: fakeEnvelope(),
      revision: null,
    }))
    await send(server, {
      method: 'POST',
      path: `/api/v1/vaults/${vaultId}/batch`,
      token,
      body: { operations },
    })
    expect(await stream.next()).toEqual({ event: 'vault', data: { id: vaultId, revision: 3 } })
    // What changes nothing tells nothing, and neither does what was refused.
    const item = await putItem(server, account)
    expect(await stream.next()).toEqual({ event: 'vault', data: { id: vaultId, revision: 4 } })
    const itemPath = `/api/v1/vaults/${vaultId}/items/${item.id}`
    const stale = { 'If-Match': '"1"' }
    const body = { data: fakeEnvelope() }
    expect((await send(server, { method: 'PUT', path: itemPath, token, headers: stale, body })).status).toBe(
      412,
    )
    expect((await send(server, { method: 'POST', path: `${itemPath}/restore`, token })).status).toBe(200)
    await putItem(server, account)
    expect(await stream.next()).toEqual({ event: 'vault', data: { id: vaultId, revision: 5 } })
  })

  it('tells of changes of the account, to sessions', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const { token, authKey } = account
    const { token: personal } = await newToken(server, account)
    const [session, bearer] = [await open(server, token), await open(server, personal)]
    await session.nextOf('state')
    await bearer.nextOf('state')
    const { email } = registration()
    const body = { current: { authKey }, email }
    expect((await send(server, { method: 'POST', path: '/api/v1/account/email', token, body })).status).toBe(
      204,
    )
    expect(await session.next()).toEqual({ event: 'account', data: {} })
    await putItem(server, account)
    expect((await bearer.next()).event).toBe('vault')
  })

  it('tells nobody of the vaults of others, and a token for one vault of no other', async () => {
    const { server } = await start()
    const [own, stranger] = [await newAccount(server), await newAccount(server)]
    const second = await newVault(server, own)
    const { token } = await newToken(server, own, { vaultId: second })
    const [session, bearer] = [await open(server, own.token), await open(server, token)]
    await session.nextOf('state')
    expect(await bearer.next()).toMatchObject({
      event: 'state',
      data: { vaults: [{ id: second, revision: 1 }], endsAt: null },
    })
    await putItem(server, stranger)
    await putItem(server, own)
    expect(await session.next()).toEqual({ event: 'vault', data: { id: own.vaultId, revision: 2 } })
    await putItem(server, { token: own.token, vaultId: second })
    expect(await bearer.next()).toEqual({ event: 'vault', data: { id: second, revision: 2 } })
    expect(await session.next()).toEqual({ event: 'vault', data: { id: second, revision: 2 } })
    expect(outcomeOf(await send(server, { path: '/api/v1/events', token: 'x.y.z' }))).toBe(
      '401 not-authenticated',
    )
  })

  it('tells of many writes at the same time in a few events, the last of them with the last revision', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const stream = await open(server, account.token)
    await stream.nextOf('state')
    await Promise.all(Array.from({ length: 40 }, () => putItem(server, account)))
    while (true) {
      const { data } = await stream.next()
      if (Object(data).revision === 41) break
    }
    expect(stream.events.length).toBeLessThan(20)
  })

  it('ends when its session is ended, and only then', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const other = await logIn(server, account)
    const [stays, ends] = [await open(server, account.token), await open(server, other.token)]
    for (const stream of [stays, ends]) await stream.nextOf('state')
    // An access token lives for minutes, its session for longer.
    clock.advance(minutes(20))
    expect((await send(server, { path: '/api/v1/account', token: other.token })).status).toBe(401)
    clock.advance(-minutes(20))
    expect((await send(server, { method: 'POST', path: '/api/v1/logout', token: other.token })).status).toBe(
      204,
    )
    expect(await ends.nextOf('end')).toEqual({ reason: 'session-ended' })
    await ends.closed
    const told = ends.events.length
    await putItem(server, account)
    await stays.nextOf('vault')
    expect(ends.events).toHaveLength(told)
  })

  it('ends when its session or its token runs out', async () => {
    const { server, clock } = await start({ environment: { SESSION_TTL: '2h' } })
    const account = await newAccount(server)
    const expiresAt = new Date(clock.now() + hours(1)).toISOString()
    const { token } = await newToken(server, account, { expiresAt })
    const [session, bearer] = [await open(server, account.token), await open(server, token)]
    await session.nextOf('state')
    expect(await bearer.next()).toMatchObject({ event: 'state', data: { endsAt: expiresAt } })
    clock.advance(hours(1))
    expect(await bearer.next()).toEqual({ event: 'end', data: { reason: 'session-ended' } })
    // A session that is used meanwhile ends later.
    const { refreshToken } = account
    const refreshed = await send(server, {
      method: 'POST',
      path: '/api/v1/token/refresh',
      body: { refreshToken },
    })
    expect(refreshed.status).toBe(200)
    clock.advance(hours(1))
    const later = new Date(clock.now() + hours(1)).toISOString()
    while (Object(await session.nextOf('state')).endsAt !== later);
    clock.advance(hours(1))
    expect(await session.nextOf('end')).toEqual({ reason: 'session-ended' })
    await session.closed
  })

  it('ends cleanly when the server stops, and a waiting request is answered', async () => {
    const { server, watching } = await startCounted()
    const account = await newAccount(server)
    const stream = await open(server, account.token)
    await stream.nextOf('state')
    const { cursor } = await changesOf(server, account)
    const waiting = changesOf(server, account, `?since=${cursor}&wait=60`)
    await expect.poll(watching).toEqual({ events: 1, changes: 1 })
    await server.stop()
    expect(await stream.next()).toEqual({ event: 'end', data: { reason: 'server-stopping' } })
    await stream.closed
    expect(await waiting).toEqual({ items: [], cursor, more: false })
  })
  it('is logged and measured as a request that took what it took to begin', async () => {
    const { server, text } = await startCounted()
    const account = await newAccount(server)
    const stream = await open(server, account.token)
    await stream.nextOf('state')
    const { cursor } = await changesOf(server, account)
    await changesOf(server, account, `?since=${cursor}&wait=1`)
    stream.close()
    const lines = () =>
      server
        .log()
        .split('\n')
        .filter((line) => /"route":"[^"]*\/(events|changes)"/.test(line))
        .map((line) => Line.parse(JSON.parse(line)))
    await expect.poll(lines).toHaveLength(3)
    const [plain, ...long] = lines()
    expect(plain?.waitedMs).toBeUndefined()
    for (const { ms, status, waitedMs } of long) {
      expect([status, typeof waitedMs]).toEqual([200, 'number'])
      // The second that the request for changes waited is not in it, and the stream was open for longer.
      expect(waitedMs).toBeGreaterThanOrEqual(990)
      expect(ms).toBeLessThan(waitedMs ?? 0)
    }
    expect(server.log()).not.toContain(account.vaultId)
    const metrics = await text()
    const sum = (route: string) =>
      Number(
        new RegExp(`duration_seconds_sum{method="GET",route="${route}"} (\\S+)`).exec(
          metrics.replaceAll(/[{}]vaultId[{}]/g, ''),
        )?.[1],
      )
    expect(sum('/api/v1/events') + sum('/api/v1/vaults//changes')).toBeLessThan(1)
  })

  it('has bounds for an account, an address and the process, which waiting requests count against too', async () => {
    const bounds = { MAX_STREAMS: '5', MAX_STREAMS_PER_ACCOUNT: '3', MAX_STREAMS_PER_ADDRESS: '4' }
    const { server, watching } = await startCounted({ ...bounds, TRUST_PROXY: '127.0.0.1' })
    const [one, two] = [await newAccount(server), await newAccount(server)]
    const from = (address: string, { token }: RawAccount, method = 'GET') =>
      send(server, { method, path: '/api/v1/events', token, headers: { 'X-Forwarded-For': address } })
    const { cursor } = await changesOf(server, one)
    const wait = changesPath(one, `?since=${cursor}&wait=60`)
    const waiting = send(server, { path: wait, token: one.token })
    const first = await open(server, one.token)
    await open(server, one.token)
    await expect.poll(watching).toEqual({ events: 2, changes: 1 })
    const ofAccount = await from('192.0.2.1', one)
    expect([outcomeOf(ofAccount), ofAccount.headers['retry-after']]).toEqual(['429 too-many-requests', '30'])
    expect(ofAccount.text).toContain('The account has 3 streams')
    expect(outcomeOf(await send(server, { path: wait, token: one.token }))).toBe('429 too-many-requests')
    // HEAD asks the same and takes no place.
    expect((await from('192.0.2.1', one, 'HEAD')).status).toBe(429)
    expect((await from('192.0.2.1', two, 'HEAD')).status).toBe(200)
    await open(server, two.token)
    expect((await from('127.0.0.1', two)).text).toContain('The address has 4 streams')
    // What is over makes room.
    first.close()
    await expect.poll(watching).toEqual({ events: 2, changes: 1 })
    await putItem(server, one)
    expect(bodyOf(Changes, await waiting).items).toHaveLength(1)
    await expect.poll(watching).toEqual({ events: 2, changes: 0 })
  })

  it('leaves room for requests: its process has a bound of its own', async () => {
    const { server } = await start({ environment: { MAX_CONNECTIONS: '10' } })
    const accounts = [await newAccount(server), await newAccount(server)]
    const [account] = accounts
    for (let time = 0; time < 5; time++) await open(server, accounts[time % 2]?.token ?? '')
    const full = await send(server, { path: '/api/v1/events', token: account?.token })
    expect([outcomeOf(full), full.headers['retry-after']]).toEqual(['503 unavailable', '30'])
    expect((await send(server, { path: '/api/v1/account', token: account?.token })).status).toBe(200)
  })
})

describe.each(engines)('a request for changes that waits on %s', (engine) => {
  const { start } = serversOn(engine)

  it('is answered as soon as there is something, and at once if there is already', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const beginning = await changesOf(server, account, '?wait=60')
    expect(beginning.items).toEqual([])
    const waiting = changesOf(server, account, `?since=${beginning.cursor}&wait=60`)
    const item = await putItem(server, account)
    const { items, cursor } = await waiting
    expect(items).toEqual([item])
    expect((await changesOf(server, account, `?since=${beginning.cursor}&wait=60`)).items).toEqual([item])
    // The data of the vault is no item, but its cursor moves.
    const next = changesOf(server, account, `?since=${cursor}&wait=60`)
    const path = `/api/v1/vaults/${account.vaultId}`
    const body = { data: fakeEnvelope() }
    expect((await send(server, { method: 'PUT', path, token: account.token, body })).status).toBe(200)
    const moved = await next
    expect(moved.items).toEqual([])
    expect(moved.cursor).not.toBe(cursor)
  })

  it('is answered with nothing after its time', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const { cursor } = await changesOf(server, account)
    expect(await changesOf(server, account, `?since=${cursor}&wait=1`)).toEqual({
      items: [],
      cursor,
      more: false,
    })
    for (const wait of ['61', '-1', '1.5', '', '007'])
      expect(
        outcomeOf(
          await send(server, {
            path: changesPath(account, `?since=${cursor}&wait=${wait}`),
            token: account.token,
          }),
        ),
      ).toBe('400 malformed-request')
  })

  it('is refused when its session ends, or its vault is deleted meanwhile', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const other = await logIn(server, account)
    const { cursor } = await changesOf(server, account)
    const wait = changesPath(account, `?since=${cursor}&wait=60`)
    const [ended, gone] = [other.token, account.token].map((token) => send(server, { path: wait, token }))
    // One after the other, so that both wait by then.
    await changesOf(server, account)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: other.token })
    expect(ended && outcomeOf(await ended)).toBe('401 not-authenticated')
    const path = `/api/v1/vaults/${account.vaultId}`
    const body = { authKey: account.authKey }
    expect((await send(server, { method: 'DELETE', path, token: account.token, body })).status).toBe(204)
    expect(gone && outcomeOf(await gone)).toBe('404 not-found')
  })
})

describe.each(engines)('what another process writes to the database of a server on %s', (engine) => {
  const { start } = serversOn(engine)

  it('ends the streams of an account that the operator disables', async () => {
    const { server } = await start()
    const [account, other] = [await newAccount(server), await newAccount(server)]
    const { token } = await newToken(server, account)
    const [session, bearer, stays] = await Promise.all(
      [account.token, token, other.token].map((each) => open(server, each)),
    )
    for (const stream of [session, bearer, stays]) await stream?.nextOf('state')
    await operatorOf(server.database).json('users', 'disable', account.email)
    for (const stream of [session, bearer]) {
      expect(await stream?.nextOf('end')).toEqual({ reason: 'session-ended' })
      await stream?.closed
    }
    await putItem(server, other)
    expect(await stays?.nextOf('vault')).toEqual({ id: other.vaultId, revision: 2 })
  })

  it('is told within a minute, also if nothing was announced', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const stream = await open(server, account.token)
    await stream.nextOf('state')
    const until = async (revision: number) => {
      for (;;) {
        const state = LiveEvents.state.parse(await stream.nextOf('state'))
        if (state.vaults.some((vault) => vault.revision === revision)) return
      }
    }
    clock.advance(minutes(1))
    await until(1)
    await runStatement(server.database, `update vaults set revision = 7 where id = '${account.vaultId}'`)
    clock.advance(minutes(1))
    await until(7)
  })
})

describe('two processes on Postgres', () => {
  const { start, startBeside } = serversOn('postgres')

  async function pair() {
    const { server, clock } = await start()
    const beside = await startBeside(server, clock)
    await listening(server.database, 2)
    const account = await newAccount(server)
    const stream = await open(beside, account.token)
    await stream.nextOf('state')
    return { server, beside, account, stream }
  }

  it('tell the streams of the other one what is written, and its waiting requests', async () => {
    const { server, beside, account, stream } = await pair()
    const { cursor } = await changesOf(beside, account)
    const waiting = changesOf(beside, account, `?since=${cursor}&wait=60`)
    const item = await putItem(server, account)
    expect(await stream.next()).toEqual({ event: 'vault', data: { id: account.vaultId, revision: 2 } })
    expect((await waiting).items).toEqual([item])
    const { token, authKey, vaultId } = account
    const path = `/api/v1/vaults/${vaultId}`
    await send(server, { method: 'DELETE', path, token, body: { authKey } })
    expect(await stream.next()).toEqual({ event: 'vault-gone', data: { id: vaultId } })
  })

  it('end the streams of a session that the other one has ended', async () => {
    const { server, account, stream } = await pair()
    await send(server, { method: 'POST', path: '/api/v1/logout', token: account.token })
    expect(await stream.nextOf('end')).toEqual({ reason: 'session-ended' })
    await stream.closed
  })

  it('make up for what they have not heard, once they listen again', async () => {
    const { server, beside, account, stream } = await pair()
    const other = await logIn(server, account)
    const ends = await open(beside, other.token)
    await ends.nextOf('state')
    expect(await loseListeners(server.database)).toBe(2)
    await putItem(server, account)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: other.token })
    expect(await ends.nextOf('end')).toEqual({ reason: 'session-ended' })
    const revisions = async () => {
      const { event, data } = await stream.next()
      if (event === 'state') return LiveEvents.state.parse(data).vaults
      return event === 'vault' ? [LiveEvents.vault.parse(data)] : []
    }
    while (!(await revisions()).some(({ revision }) => revision === 2));
    // And they hear each other again.
    await listening(server.database, 2)
    await putItem(server, account)
    while (!(await revisions()).some(({ revision }) => revision === 3));
  })
})
