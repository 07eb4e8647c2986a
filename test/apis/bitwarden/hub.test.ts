// The hubs of Bitwarden's apps: what they tell, to whom, and when they end.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { eq } from 'drizzle-orm'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { days } from '../../../src/clock.ts'
import { noteBitwardenChange } from '../../../src/domain/identity/bitwarden-accounts.ts'
import { announceToHubs, type BitwardenChange } from '../../../src/domain/live/announcements.ts'
import { openStore } from '../../../src/store/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { type BitwardenTestAccount, encString, newBitwardenAccount } from '../../support/bitwarden.ts'
import { loginCipher } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { type HubListener, listenAt } from '../../support/hubs.ts'
import { listening, loseListeners } from '../../support/listeners.ts'
import { operatorOf } from '../../support/operator.ts'
import { send } from '../../support/requests.ts'
import { textSend } from '../../support/sends.ts'
import type { TestServer } from '../../support/server.ts'
import { serversOn } from '../../support/servers.ts'

const on = { BITWARDEN_API: 'on' }

const listeners: HubListener[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close()
})

async function listen(server: { url: string }, { token }: { token: string }): Promise<HubListener> {
  const listener = await listenAt(`${server.url}/notifications/hub`, { token })
  listeners.push(listener)
  return listener
}

type What = Pick<BitwardenChange, 'what' | 'id' | 'reason'>

const stores: Store[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

/** What writes to the database of a server as another process does, and tells of it. */
async function processBeside({ database }: TestServer) {
  const { store } = await openStore(databaseOf(database), { now: () => 0, onIdleError: () => {} })
  stores.push(store)
  // Connects to tell the others.
  store.listen({ heard: () => {}, missed: () => {} })
  return {
    store,
    /** @returns the revision that the account has then */
    change: (
      { accountId }: BitwardenTestAccount,
      { by = null, now, ...what }: What & { by?: string | null; now: number },
    ): Promise<number> =>
      store.write((tx) => noteBitwardenChange(tx, { accountId, deviceIdentifier: by }, { now, ...what })),
  }
}

/** What the server answers to a request to upgrade, if it is no upgrade. */
async function refusal(url: string, headers: Record<string, string> = {}): Promise<[number, string]> {
  const asked = request(url, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Version': '13',
      ...headers,
    },
  }).end()
  const [response] = await once(asked, 'response')
  expect(response.headers.connection).toBe('close')
  let text = ''
  for await (const chunk of response) text += chunk
  return [response.statusCode, text]
}

describe.each(engines)("the hub of Bitwarden's apps on %s", (engine) => {
  const { start } = serversOn(engine)

  async function startCounted(environment: Record<string, string> = {}) {
    const port = await freePort()
    const started = await start({ environment: { ...on, METRICS_PORT: String(port), ...environment } })
    const counted = async (kind: string) => {
      const { text } = await send({ url: `http://127.0.0.1:${port}` }, { path: '/metrics' })
      return Number(new RegExp(`limpet_streams{kind="${kind}"} (\\d+)`).exec(text)?.[1])
    }
    return { ...started, counted }
  }

  it('tells of what it may have missed once, and of nothing that it has told', async () => {
    const { server, clock } = await start({ environment: on })
    const beside = await processBeside(server)
    // Before a server listens it has missed things, and tells so.
    if (engine === 'postgres') await listening(server.database, 2)
    const account = await newBitwardenAccount(server, clock.now())
    const [hub, stranger] = [
      await listen(server, account),
      await listen(server, await newBitwardenAccount(server, clock.now())),
    ]
    const { accountId } = account
    const changeSilently = (revisionAt: number) =>
      beside.store.write((tx) =>
        tx.db
          .update(tx.tables.bitwardenAccounts)
          .set({ revisionAt })
          .where(eq(tx.tables.bitwardenAccounts.accountId, accountId)),
      )
    if (engine === 'postgres') {
      await beside.change(account, { what: 'item-made', id: randomUUID(), now: clock.now() })
      expect(await hub.next()).toMatchObject({ Type: 1 })
    }
    // On SQLite a server sees that another process has written, and not what.
    const at = clock.now() + 5
    await changeSilently(at)
    if (engine === 'postgres') await loseListeners(server.database)
    expect(await hub.next()).toMatchObject({ Type: 5, ContextId: null, Payload: { Date: new Date(at) } })
    expect([hub.waiting(), stranger.waiting()]).toEqual([[], []])
  })

  it('logs out and closes when the session ends or runs out, and says at a stop that it may come back', async () => {
    const { server, clock, counted } = await startCounted()
    const [ended, expired, stays] = [
      await newBitwardenAccount(server, clock.now()),
      await newBitwardenAccount(server, clock.now()),
      await newBitwardenAccount(server, clock.now() + days(2)),
    ]
    const hubs = [await listen(server, ended), await listen(server, expired)]
    expect(await counted('hubs')).toBe(2)
    await operatorOf(server.database).json('users', 'disable', ended.email)
    expect(await hubs[0]?.next()).toMatchObject({ Type: 11, ContextId: null })
    expect(await hubs[0]?.closed).toBeUndefined()
    clock.advance(days(2))
    expect(await hubs[1]?.next()).toMatchObject({ Type: 11 })
    await hubs[1]?.closed
    await expect.poll(() => counted('hubs')).toBe(0)
    const last = await listen(server, stays)
    await server.stop()
    await last.closed
    expect(last.waiting()).toEqual([])
  })

  it('takes the token from the header or the query, logs neither, and refuses others in the form of the API', async () => {
    const { server, clock } = await start({ environment: on })
    const { token } = await newBitwardenAccount(server, clock.now())
    const path = `${server.url}/notifications/hub`
    const socket = new WebSocket(`${path.replace('http', 'ws')}?access_token=${token}`)
    await once(socket, 'open')
    socket.send('{"protocol":"messagepack","version":1}\u001e')
    const [agreed] = await once(socket, 'message')
    expect(Buffer.from(agreed).toString('hex')).toBe('7b7d1e')
    socket.close()
    await once(socket, 'close')
    for (const wrong of ['', 'a.b.c', `${token}x`]) {
      const [status, text] = await refusal(`${path}?access_token=${wrong}`)
      expect([status, JSON.parse(text)]).toMatchObject([401, { object: 'error' }])
    }
    // Without an upgrade, or with a broken one.
    expect((await send(server, { path: '/notifications/hub', token })).status).toBe(400)
    const [status, text] = await refusal(path, {
      Authorization: `Bearer ${token}`,
      'Sec-WebSocket-Version': '7',
    })
    expect([status, JSON.parse(text)]).toMatchObject([400, { object: 'error' }])
    await expect.poll(() => server.log()).toMatch(/"route":"\/notifications\/hub","status":101/)
    expect(server.log()).not.toContain(token.slice(-20))
    expect(server.log()).not.toContain('access_token')
  })

  it('closes on another protocol, on too much, and on more than it may hold', async () => {
    const { server, clock, counted } = await startCounted({ MAX_STREAMS_PER_ACCOUNT: '2' })
    const account = await newBitwardenAccount(server, clock.now())
    const url = `${server.url}/notifications/hub`
    const headers = { Authorization: `Bearer ${account.token}` }
    const openSocket = async () => {
      const socket = new WebSocket(url.replace('http', 'ws'), { headers })
      await once(socket, 'open')
      return socket
    }
    const json = await openSocket()
    json.send('{"protocol":"json","version":1}\u001e')
    expect(JSON.parse(String((await once(json, 'message'))[0]).slice(0, -1))).toHaveProperty('error')
    expect((await once(json, 'close'))[0]).toBe(1002)
    const large = await openSocket()
    large.send(Buffer.alloc(5000))
    expect((await once(large, 'close'))[0]).toBe(1009)
    const many = await openSocket()
    many.send('{"protocol":"messagepack","version":1}\u001e')
    for (let sent = 0; sent < 200; sent++) many.send(Buffer.from([2, 0x91, 6]))
    expect((await once(many, 'close'))[0]).toBe(1008)
    await expect.poll(() => counted('hubs')).toBe(0)
    await listen(server, account)
    await listen(server, account)
    const [status, text] = await refusal(url, headers)
    expect([status, JSON.parse(text)]).toMatchObject([429, { object: 'error' }])
  })

  it('tells a device without login of the answer to its request', async () => {
    const { server, clock, counted } = await startCounted()
    const account = await newBitwardenAccount(server, clock.now())
    const [id, other] = [randomUUID(), randomUUID()]
    const url = `${server.url}/notifications/anonymous-hub`
    const target = 'AuthRequestResponseRecieved'
    const waits = await listenAt(`${url}?Token=${id}`, { target })
    const alsoWaits = await listenAt(`${url}?Token=${other}`, { target })
    listeners.push(waits, alsoWaits)
    expect(await counted('anonymous-hubs')).toBe(2)
    if (engine === 'postgres') {
      const hub = await listen(server, account)
      const { accountId } = account
      const { store } = await processBeside(server)
      await store.write(async (tx) =>
        announceToHubs(tx, { accountId, what: 'login-answered', id, at: clock.now(), by: null }),
      )
      expect(await waits.next()).toEqual({
        Type: 16,
        Payload: { Id: id, UserId: accountId },
        UserId: accountId,
      })
      expect([alsoWaits.waiting(), hub.waiting()]).toEqual([[], []])
    }
    expect((await refusal(`${url}?Token=x`))[0]).toBe(400)
    // Strangers leave room for those who are logged in.
    for (let held = 2; held < 10; held++)
      listeners.push(await listenAt(`${url}?Token=${randomUUID()}`, { target }))
    expect((await refusal(`${url}?Token=${id}`))[0]).toBe(429)
    listeners.push(await listenAt(`${server.url}/notifications/hub`, account))
  })

  it('tells the other devices of an account each thing that one of them does', async () => {
    const { server, clock } = await start({ environment: on })
    if (engine === 'postgres') await listening(server.database, 1)
    const account = await newBitwardenAccount(server, clock.now())
    const { accountId, deviceIdentifier, token } = account
    const hub = await listen(server, account)
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await send(server, { method, path, token, ...(body !== undefined && { body }) })
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBe(200)
      return z
        .looseObject({ id: z.string().optional() })
        .parse(answer.text === '' ? {} : JSON.parse(answer.text))
    }
    /** Does it, and expects to be told of it and of nothing else. */
    const tells = async (type: number, ...asked: Parameters<typeof ask>) => {
      const { id } = await ask(...asked)
      const message = await hub.next()
      expect(message, asked.join(' ')).toMatchObject({ Type: type, ContextId: deviceIdentifier })
      expect(message.Payload.UserId).toBe(accountId)
      if (id !== undefined) expect(message.Payload.Id).toBe(id)
      expect(hub.waiting()).toEqual([])
      return id ?? ''
    }
    const item = await tells(1, 'POST', '/api/ciphers', loginCipher())
    await tells(0, 'PUT', `/api/ciphers/${item}`, loginCipher())
    await tells(0, 'PUT', `/api/ciphers/${item}/partial`, { folderId: null, favorite: true })
    await tells(0, 'PUT', `/api/ciphers/${item}/delete`)
    await tells(2, 'DELETE', `/api/ciphers/${item}`)
    const folder = await tells(7, 'POST', '/api/folders', { name: encString() })
    await tells(8, 'PUT', `/api/folders/${folder}`, { name: encString() })
    const secret = await tells(12, 'POST', '/api/sends', textSend(clock.now()))
    await tells(13, 'PUT', `/api/sends/${secret}/remove-password`)
    await tells(14, 'DELETE', `/api/sends/${secret}`)
    await tells(10, 'PUT', '/api/settings/domains', { equivalentDomains: [] })
    const asked = await send(server, {
      method: 'POST',
      path: '/api/auth-requests',
      body: {
        email: account.email,
        publicKey: generateKeyPairSync('rsa', { modulusLength: 2048 })
          .publicKey.export({ format: 'der', type: 'spki' })
          .toString('base64'),
        deviceIdentifier,
        accessCode: 'abcdefghijklmnopqrstuvwxy',
        type: 0,
      },
    })
    expect(asked.status).toBe(200)
    expect(await hub.next()).toMatchObject({ Type: 15, Payload: { Id: JSON.parse(asked.text).id } })
    await send(server, {
      method: 'POST',
      path: '/api/accounts/security-stamp',
      token,
      body: { masterPasswordHash: account.passwordHash },
    })
    expect(await hub.next()).toMatchObject({ Type: 11 })
    expect(await hub.closed).toBeUndefined()
  })

  it('is not there unless it is switched on', async () => {
    const { server } = await start()
    expect((await refusal(`${server.url}/notifications/hub?access_token=a.b.c`))[0]).toBe(404)
  })
})

// Only through Postgres does a process learn what another one has done.
describe("the hubs of Bitwarden's apps on two processes", () => {
  const { start, startBeside } = serversOn('postgres')

  it('tells every kind of change as the apps read it, also when another process made it', async () => {
    const { server, clock } = await start({ environment: on })
    const beside = await processBeside(server)
    await listening(server.database, 2)
    const [account, stranger] = [
      await newBitwardenAccount(server, clock.now()),
      await newBitwardenAccount(server, clock.now()),
    ]
    const { accountId } = account
    const [hub, other] = [await listen(server, account), await listen(server, stranger)]
    const [id, by] = [randomUUID(), randomUUID()]
    const item = { Id: id, UserId: accountId, OrganizationId: null, CollectionIds: null }
    const kinds = [
      ['item-changed', 0, item],
      ['item-made', 1, item],
      ['item-deleted', 2, item],
      ['folder-made', 7, { Id: id, UserId: accountId }],
      ['folder-changed', 8, { Id: id, UserId: accountId }],
      ['send-made', 12, { Id: id, UserId: accountId }],
      ['send-changed', 13, { Id: id, UserId: accountId }],
      ['send-deleted', 14, { Id: id, UserId: accountId }],
    ] as const
    for (const [what, type, payload] of kinds) {
      const at = await beside.change(account, { what, id, by, now: clock.now() })
      expect(await hub.next()).toEqual({
        ContextId: by,
        Type: type,
        Payload: { ...payload, RevisionDate: new Date(at) },
      })
    }
    const wholes = [
      ['settings', 10, {}],
      ['log-out', 11, { Reason: 0 }],
    ] as const
    for (const [what, type, payload] of wholes) {
      const at = await beside.change(account, { what, now: clock.now(), reason: 'kdf-changed' })
      expect(await hub.next()).toEqual({
        ContextId: null,
        Type: type,
        Payload: { UserId: accountId, Date: new Date(at), ...payload },
      })
    }
    await beside.change(account, { what: 'login-asked', id, now: clock.now() })
    expect(await hub.next()).toEqual({ ContextId: null, Type: 15, Payload: { Id: id, UserId: accountId } })
    // The items of a deleted folder are elsewhere now.
    const at = await beside.change(account, { what: 'folder-deleted', id, now: clock.now() })
    expect(await hub.next()).toMatchObject({ Type: 3, Payload: { Id: id, RevisionDate: new Date(at) } })
    expect(await hub.next()).toMatchObject({ Type: 5, Payload: { UserId: accountId, Date: new Date(at) } })
    expect(other.waiting()).toEqual([])
  })

  it('reaches the hubs of every process, and tells a burst in one message', async () => {
    const { server, clock } = await start({ environment: on })
    const account = await newBitwardenAccount(server, clock.now())
    const [second, beside] = [await startBeside(server, clock, on), await processBeside(server)]
    await listening(server.database, 3)
    const hubs = [await listen(server, account), await listen(second, account)]
    const caller = { accountId: account.accountId, deviceIdentifier: null }
    // In one unit, so that all are told at the same moment, however slow the machine is.
    const last = await beside.store.write(async (tx) => {
      let at = 0
      for (let written = 0; written < 60; written++)
        at = await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'item-made', id: randomUUID() })
      return at
    })
    for (const hub of hubs) {
      const types: number[] = []
      let message = await hub.next()
      for (; message.Type === 1; message = await hub.next()) types.push(message.Type)
      expect(types.length).toBeGreaterThanOrEqual(20)
      expect(types.length).toBeLessThan(60)
      expect(message).toMatchObject({ Type: 5, Payload: { Date: new Date(last) } })
      expect(hub.waiting()).toEqual([])
    }
  })
})
