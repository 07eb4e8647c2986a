// What the SDK does where answers are lost, late, refused, or from somewhere else.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../src/clock.ts'
import {
  ConflictError,
  Limpet,
  type LimpetOptions,
  LoggedOutError,
  memorySessionStorage,
  minKdf,
  NetworkError,
  ProblemError,
  type SessionStorage,
} from '../../src/sdk/index.ts'
import { registeredClient, startServer, TestClock, type TestServer } from '../support/server.ts'

const password = 'kelp forest lantern dune'
const note = (name: string) => ({ kind: 'note' as const, name })

interface Sent {
  /** As in `POST /api/v1/login`. */
  readonly what: string
  readonly body: string
  readonly init: RequestInit
}

/** A network on which single requests get lost, after they arrived or before. */
class Network {
  readonly sent: Sent[] = []
  #faults: { what: RegExp; fault: Fault }[] = []

  /** Lets the next request whose method and path match have a fault; each call is for one request. */
  fault(what: RegExp, fault: Fault) {
    this.#faults.push({ what, fault })
  }

  of(what: RegExp): Sent[] {
    return this.sent.filter((sent) => what.test(sent.what))
  }

  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const what = `${init.method} ${new URL(String(input)).pathname}`
    this.sent.push({ what, body: typeof init.body === 'string' ? init.body : '', init })
    const index = this.#faults.findIndex((fault) => fault.what.test(what))
    const [found] = index < 0 ? [] : this.#faults.splice(index, 1)
    return found ? found.fault(() => fetch(input, init)) : fetch(input, init)
  }
}

type Fault = (perform: () => Promise<Response>) => Promise<Response>

/** The request happens and its answer does not arrive. */
const lostAnswer: Fault = async (perform) => {
  await (await perform()).text()
  throw new TypeError('fetch failed')
}

/** The request happens, and its answer breaks off in the middle. */
const brokenAnswer: Fault = async (perform) => {
  const { status, headers, body } = await perform()
  await body?.cancel()
  const broken = new ReadableStream({
    pull: (controller) => controller.error(new TypeError('terminated')),
  })
  return new Response(broken, { status, headers })
}

/** The request does not even arrive. */
const lostRequest: Fault = () => Promise.reject(new TypeError('fetch failed'))

/** The server answers with a problem instead. */
const refusal =
  (status: number, code: string, retryAfter?: string): Fault =>
  async () =>
    Response.json(
      { type: 'https://example.com/x', title: 'x', status, detail: 'x', code, requestId: 'x' },
      { status, ...(retryAfter !== undefined && { headers: { 'Retry-After': retryAfter } }) },
    )

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  )

let server: TestServer
const clock = new TestClock()
beforeAll(async () => {
  server = await startServer('sqlite', { clock, environment: { ACCESS_TOKEN_TTL: '15m' } })
})
afterAll(() => server.close())

function clientOn(network: Network, storage?: SessionStorage) {
  const device = { id: randomUUID(), name: 'test', type: 'other' as const }
  const options: LimpetOptions = {
    server: server.url,
    device,
    acceptAuthKey: () => true,
    fetch: network.fetch,
  }
  return new Limpet(storage ? { ...options, storage } : options)
}

/** A logged-in account whose requests go over a network of its own. */
async function onNetwork() {
  const { email, account, vault: first } = await registeredClient(server, { password })
  const network = new Network()
  const storage = memorySessionStorage()
  const limpet = clientOn(network, storage)
  const opened = await limpet.login({ email, password })
  const vault = await opened.openVault(first.sealed)
  network.sent.length = 0
  return { email, limpet, account: opened, vault, network, storage, elsewhere: account }
}

describe.each([
  ['lost', lostAnswer],
  ['broken off', brokenAnswer],
])('an answer that is %s', (_name, fault) => {
  it('of a creation: the same envelope again, and one item', async () => {
    const { vault, network } = await onNetwork()
    network.fault(/^PUT .*items/, fault)
    const item = await vault.create(note('once'))
    const puts = network.of(/^PUT .*items/)
    expect(puts).toHaveLength(2)
    expect(puts[1]?.body).toBe(puts[0]?.body)
    expect(await vault.get(item.id)).toEqual(item)
    expect((await vault.changes(undefined)).items).toHaveLength(1)
  })

  it('of a replacement: the same envelope again, and one new version', async () => {
    const { vault, network } = await onNetwork()
    const item = await vault.create(note('first'))
    network.fault(/^PUT .*items/, fault)
    const replaced = await vault.replace(item.id, item.revision, note('second'))
    const [, ...puts] = network.of(/^PUT .*items/)
    expect(puts).toHaveLength(2)
    expect(puts[1]?.body).toBe(puts[0]?.body)
    expect(replaced).toMatchObject({ revision: item.revision + 1, content: note('second') })
    expect(await vault.versions(item.id)).toHaveLength(1)
  })

  it('of a replacement that did not happen: the conflict, and nothing written', async () => {
    const { vault, network } = await onNetwork()
    const item = await vault.create(note('first'))
    await vault.replace(item.id, item.revision, note('second'))
    network.fault(/^PUT .*items/, fault)
    const conflict = await failure(vault.replace(item.id, item.revision, note('third')))
    expect(conflict).toBeInstanceOf(ConflictError)
    expect((await vault.get(item.id)).content).toEqual(note('second'))
  })

  it('of moves to the trash and back, and of deletions: once more, without harm', async () => {
    const { vault, network } = await onNetwork()
    const item = await vault.create(note('first'))
    network.fault(/^DELETE/, fault)
    expect((await vault.trash(item.id)).deletedAt).not.toBeNull()
    network.fault(/restore$/, fault)
    expect((await vault.restore(item.id)).deletedAt).toBeNull()
    network.fault(/^POST .*batch$/, fault)
    await vault.purge(item.id)
    expect(network.of(/^DELETE/)).toHaveLength(2)
    const purges = network.of(/^POST .*batch$/)
    expect(purges).toHaveLength(2)
    expect(purges[1]?.body).toBe(purges[0]?.body)
    // Again, as it is gone: no harm either.
    await vault.purge(item.id)
  })

  it('of a new vault: one vault', async () => {
    const { account, network } = await onNetwork()
    network.fault(/^POST .*vaults$/, fault)
    await account.createVault('Second')
    expect(network.of(/^POST .*vaults$/)).toHaveLength(2)
    expect((await account.vaults()).map(({ name }) => name).sort()).toEqual(['Personal', 'Second'])
  })

  it('of a refresh: the same successor, and the session lives', async () => {
    const { account, network, storage } = await onNetwork()
    const before = await storage.load()
    clock.advance(minutes(16))
    network.fault(/refresh$/, fault)
    await account.details()
    const refreshes = network.of(/refresh$/)
    expect(refreshes).toHaveLength(2)
    expect(refreshes[1]?.body).toBe(refreshes[0]?.body)
    const after = await storage.load()
    expect(after?.refreshToken).not.toBe(before?.refreshToken)
    expect(after?.sessionId).toBe(before?.sessionId)
    clock.advance(minutes(16))
    await account.details()
  })

  it('of a login: once more, which leaves a session too many and nothing else', async () => {
    const { email, limpet, account, network } = await onNetwork()
    network.fault(/\/login$/, fault)
    await limpet.login({ email, password })
    expect(network.of(/\/login$/)).toHaveLength(2)
    expect((await account.sessions()).filter(({ current }) => current)).toHaveLength(1)
  })

  it('of a registration, a batch or a password change: the caller is told, and nothing is repeated', async () => {
    const { account, vault, network } = await onNetwork()
    const limpet = clientOn(network)
    const email = `${randomUUID()}@example.com`
    network.fault(/register$/, fault)
    expect(
      await failure(limpet.register({ email, password, method: 'authKey', kdf: minKdf })),
    ).toBeInstanceOf(NetworkError)
    expect(network.of(/register$/)).toHaveLength(1)
    await limpet.login({ email, password })

    const id = randomUUID()
    const sealed = await vault.sealItem(id, note('batched'))
    network.fault(/batch$/, fault)
    const batch = vault.batch([{ op: 'put', id, ...sealed, revision: null }])
    expect(await failure(batch)).toBeInstanceOf(NetworkError)
    expect(network.of(/batch$/)).toHaveLength(1)
    expect((await vault.get(id)).content).toEqual(note('batched'))

    network.fault(/password$/, fault)
    const change = account.changePassword({
      current: password,
      next: 'another tidal pool',
      method: 'authKey',
      kdf: minKdf,
    })
    expect(await failure(change)).toBeInstanceOf(NetworkError)
    expect(network.of(/password$/)).toHaveLength(1)
  })
})

describe('a server that cannot be reached', () => {
  it('is asked three times, and then the caller is told', async () => {
    const { account, network } = await onNetwork()
    for (let times = 0; times < 4; times++) network.fault(/account$/, lostRequest)
    expect(await failure(account.details())).toBeInstanceOf(NetworkError)
    expect(network.of(/account$/)).toHaveLength(3)
  })

  it('that comes back in time is not noticed', async () => {
    const { account, network } = await onNetwork()
    network.fault(/account$/, lostRequest)
    network.fault(/account$/, lostRequest)
    await account.details()
    expect(network.of(/account$/)).toHaveLength(3)
  })

  it('ends no session: the next call refreshes', async () => {
    const { account, network, storage } = await onNetwork()
    clock.advance(minutes(16))
    for (let times = 0; times < 3; times++) network.fault(/refresh$/, lostRequest)
    const before = await storage.load()
    expect(await failure(account.details())).toBeInstanceOf(NetworkError)
    expect(await storage.load()).toEqual(before)
    await account.details()
  })
})

describe('a server that asks to come again', () => {
  it.each([
    [503, 'unavailable', '1'],
    [503, 'unavailable', undefined],
    [429, 'too-many-requests', '1'],
  ])('is asked again: %i %s, Retry-After %s', async (status, code, retryAfter) => {
    const { account, network } = await onNetwork()
    network.fault(/account$/, refusal(status, code, retryAfter))
    await account.details()
    expect(network.of(/account$/)).toHaveLength(2)
  })

  it('is asked again for what must not happen twice: it did not happen', async () => {
    const network = new Network()
    network.fault(/register$/, refusal(503, 'unavailable'))
    await clientOn(network).register({
      email: `${randomUUID()}@example.com`,
      password,
      method: 'authKey',
      kdf: minKdf,
    })
    expect(network.of(/register$/)).toHaveLength(2)
  })

  it.each([
    [429, 'too-many-requests', '60'],
    [503, 'unavailable', '3600'],
    [503, 'unavailable', 'Wed, 21 Oct 2099 07:28:00 GMT'],
    [500, 'internal-error', '1'],
    [404, 'not-found', '1'],
  ])('is not waited for: %i %s, Retry-After %s', async (status, code, retryAfter) => {
    const { account, network } = await onNetwork()
    network.fault(/account$/, refusal(status, code, retryAfter))
    const error = await failure(account.details())
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({ status, code })
    expect(network.of(/account$/)).toHaveLength(1)
  })
})

describe('an access token that has run out', () => {
  it('is renewed once for fifty calls at the same time', async () => {
    const { account, network } = await onNetwork()
    clock.advance(minutes(16))
    await Promise.all(Array.from({ length: 50 }, () => account.details()))
    expect(network.of(/refresh$/)).toHaveLength(1)
    expect(network.of(/account$/)).toHaveLength(100)
    await account.details()
    expect(network.of(/account$/)).toHaveLength(101)
  })

  it('is renewed by either of two clients with one storage, for both', async () => {
    const { network, storage } = await onNetwork()
    const clients = [clientOn(network, storage), clientOn(network, storage)]
    const accounts = await Promise.all(clients.map((limpet) => limpet.unlock(password)))
    for (let times = 0; times < 3; times++) {
      clock.advance(minutes(16))
      await Promise.all(accounts.flatMap((account) => [account.details(), account.details()]))
    }
    clock.advance(minutes(16))
    for (const account of accounts) await account.details()
    // One after the other, the second client finds what the first one stored.
    expect(network.of(/refresh$/).length).toBeLessThanOrEqual(7)
  })

  it('is told from a session that was ended elsewhere', async () => {
    const { limpet, account, elsewhere, network, storage } = await onNetwork()
    await elsewhere.endOtherSessions()
    expect(await failure(account.details())).toBeInstanceOf(LoggedOutError)
    const sent = network.sent.length
    expect(await failure(account.details())).toBeInstanceOf(LoggedOutError)
    expect(await failure(limpet.unlock(password))).toBeInstanceOf(LoggedOutError)
    expect(network.sent).toHaveLength(sent)
    expect(await storage.load()).toMatchObject({ accessToken: '', refreshToken: '' })
    await limpet.logout()
    expect(await storage.load()).toBeUndefined()
    expect(network.sent).toHaveLength(sent)
  })

  it('is told from a token that is refused for ever: no loop', async () => {
    const { account, network } = await onNetwork()
    for (let times = 0; times < 9; times++) network.fault(/account$/, refusal(401, 'not-authenticated'))
    expect(await failure(account.details())).toMatchObject({ code: 'not-authenticated' })
    expect(network.of(/refresh$/)).toHaveLength(1)
    expect(network.of(/account$/)).toHaveLength(2)
  })
})

describe('the address of a server', () => {
  const limpet = (url: string, allowInsecure = false) =>
    new Limpet({
      server: url,
      allowInsecure,
      device: { id: randomUUID(), name: 'test', type: 'other' as const },
      fetch: () => Promise.reject(new Error('nothing is to be sent')),
    })

  it.each([
    'http://vault.example.com',
    'http://192.168.0.2:8080',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://[::2]',
    'http://0.0.0.0',
    'HTTP://vault.example.com',
    'ftp://vault.example.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://ada:secret@vault.example.com',
    'https://vault.example.com/?a=b',
    'https://vault.example.com/#a',
    'vault.example.com',
    '',
  ])('is refused: %s', (url) => {
    expect(() => limpet(url)).toThrow(TypeError)
  })

  it.each([
    'https://vault.example.com',
    'https://vault.example.com/behind/a/path/',
    'http://localhost:8080',
    'http://limpet.localhost',
    'http://127.0.0.1',
    'http://127.8.9.10:1',
    'http://[::1]:8080',
  ])('is taken: %s', (url) => {
    limpet(url)
  })

  it('may be http elsewhere where somebody said so', () => {
    limpet('http://vault.example.com', true)
    expect(() => limpet('ftp://vault.example.com', true)).toThrow(TypeError)
  })
})

describe('requests', () => {
  it('follow no redirect, carry no cookies, and are not cached', async () => {
    const { vault, account, limpet, network } = await onNetwork()
    await vault.create(note('one'))
    await account.details()
    await limpet.logout()
    for (const { init } of network.sent)
      expect(init).toMatchObject({ redirect: 'error', credentials: 'omit', cache: 'no-store' })
  })

  it('carry the token to the server itself alone', async () => {
    const { storage, network } = await onNetwork()
    const reached: string[] = []
    const listen = async (answer: RequestListener) => {
      const http = createServer(answer).listen(0, '127.0.0.1')
      await once(http, 'listening')
      const { port } = z.object({ port: z.int() }).parse(http.address())
      return { url: `http://127.0.0.1:${port}`, close: () => http.close() }
    }
    const other = await listen((req, res) => {
      reached.push(String(req.headers.authorization))
      res.end('{}')
    })
    const redirecting = await listen((_req, res) =>
      res.writeHead(307, { Location: `${other.url}/api/v1/account` }).end(),
    )
    try {
      const state = await storage.load()
      if (!state) throw new Error('There is no session')
      const moved = memorySessionStorage()
      await moved.save({ ...state, server: redirecting.url })
      const device = { id: randomUUID(), name: 'test', type: 'other' as const }
      const limpet = new Limpet({ server: redirecting.url, device, storage: moved, fetch: network.fetch })
      const account = await limpet.unlock(password)
      expect(await failure(account.details())).toBeInstanceOf(NetworkError)
      expect(reached).toEqual([])
      // A session of another server is none here.
      await moved.save(state)
      expect(await failure(limpet.unlock(password))).toBeInstanceOf(LoggedOutError)
    } finally {
      redirecting.close()
      other.close()
    }
  })
})
