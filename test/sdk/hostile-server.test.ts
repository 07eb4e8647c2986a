// A test for every known attack of a hostile server on the SDK: answers are tampered with on their way, and what is sent then is watched.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { problemCatalogue } from '../../src/contract/problems.ts'
import { limits } from '../../src/contract/sizes.ts'
import { VaultList } from '../../src/contract/vaults.ts'
import {
  type AcceptAuthKey,
  type AuthKeyOffer,
  ConflictError,
  decodeBase64url,
  encodeBase64url,
  type Item,
  itemAssociatedData,
  KdfRefusedError,
  Limpet,
  memorySessionStorage,
  minKdf,
  NetworkError,
  OpenError,
  type OpenVault,
  open,
  ProblemError,
  parseItemContent,
  RefusedError,
  Replica,
  ReplicaState,
  ResyncRequiredError,
  type SessionStorage,
  seal,
  UnconfirmedError,
  type UnlockedAccount,
  vaultKeyAssociatedData,
} from '../../src/sdk/index.ts'
import { ListLength } from '../../src/sdk/refusals.ts'
import { freePort } from '../support/free-port.ts'
import { send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'kelp forest lantern dune'
const marker = 'marker-of-a-secret'
const login = (name: string, secret = marker) => ({ kind: 'login' as const, name, password: secret })
/** Dearer than the least, so that the least is a downgrade. */
const dearer = { memoryKiB: 24_576, iterations: 3, parallelism: 1 }

// ---- The hostile server: an honest one, and somebody on the way who rewrites its answers

interface Sent {
  readonly method: string
  readonly origin: string
  readonly path: string
  readonly body: string
}

const nothing: Sent = { method: '', origin: '', path: '', body: '' }

/** What is answered instead; a Response as it is, everything else as JSON with status 200. */
type Tamper = (honest: unknown, sent: Sent) => unknown

class Hostile {
  readonly sent: Sent[] = []
  /** What was sent since the first tampered answer. */
  after: Sent[] = []
  #tampers: { where: string; tamper: Tamper }[] = []
  #tampered = false

  /** @param where the method and the end of the path, such as `POST /login` */
  tamper(where: string, tamper: Tamper) {
    this.#tampers.push({ where, tamper })
    this.#tampered = false
    this.after = []
  }

  beHonest() {
    this.#tampers = []
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input))
    const sent: Sent = {
      method: init?.method ?? 'GET',
      origin: url.origin,
      path: url.pathname,
      body: typeof init?.body === 'string' ? init.body : '',
    }
    this.sent.push(sent)
    if (this.#tampered) this.after.push(sent)
    const response = await fetch(input, init)
    const found = this.#tampers.find(({ where }) => `${sent.method} ${sent.path}`.match(pattern(where)))
    if (!found) return response
    const text = await response.text()
    const answer = found.tamper(text === '' ? undefined : JSON.parse(text), sent)
    this.#tampered = true
    return answer instanceof Response ? answer : Response.json(answer)
  }
}

const pattern = (where: string) => {
  const [method, path] = where.split(' ')
  return new RegExp(`^${method} .*${path}$`)
}

const Members = z.record(z.string(), z.unknown())

/** A copy with another value at a path; without the member where the value is undefined. */
function withMember(of: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const members = Members.parse(of)
  return { ...members, [name]: withMember(members[name], rest, value) }
}

/** Another value at a path such as `kdf.memoryKiB`. */
const put =
  (path: string, value: unknown): Tamper =>
  (honest) =>
    withMember(honest, path.split('.'), value)

const problemAnswer = (code: string, status: number, members: object = {}) =>
  Response.json(
    { type: 'https://example.com/x', title: 'x', status, detail: 'x', code, requestId: 'x', ...members },
    { status, headers: { 'Content-Type': 'application/problem+json' } },
  )

/** A change of single bytes of an envelope. */
function changeBytes(sealed: string, change: (bytes: Uint8Array) => Uint8Array): string {
  return encodeBase64url(change(decodeBase64url(sealed)))
}

const flipBit = (at: number) => (sealed: string) =>
  changeBytes(sealed, (bytes) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing was refused',
    (error: unknown) => error,
  )

const device = () => ({ id: randomUUID(), name: 'test', type: 'other' as const })

let server: TestServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(() => server.close())

/** A client on a new device, or on one that was here before, and who sits between it and the server. */
function clientOf(
  storage: SessionStorage = memorySessionStorage(),
  acceptAuthKey: AcceptAuthKey = ({ pinned }) => pinned === undefined,
) {
  const hostile = new Hostile()
  const limpet = new Limpet({
    server: server.url,
    device: device(),
    storage,
    acceptAuthKey,
    fetch: hostile.fetch,
  })
  return { hostile, limpet, storage }
}

interface Victim {
  readonly email: string
  readonly storage: SessionStorage
  readonly hostile: Hostile
  readonly limpet: Limpet
  readonly account: UnlockedAccount
  readonly vault: OpenVault
}

/** An account that was registered and logged in while the server was honest. */
async function newVictim(kdf: typeof dearer = minKdf): Promise<Victim> {
  const email = `${randomUUID()}@example.com`
  const { hostile, limpet, storage } = clientOf()
  await limpet.register({ email, password, method: 'authKey', kdf })
  const account = await limpet.login({ email, password })
  const [vault] = await account.vaults()
  if (!vault) throw new Error('A new account has no vault')
  return { email, storage, hostile, limpet, account, vault }
}

/**
 * Whether the client went silent: after the tampered answer nothing but the end of the session was sent.
 * @param before what it may ask before it opens anything, which tells nothing of what opened
 */
function expectSilence({ after, sent }: Hostile, before?: string) {
  expect(after.filter(({ path }) => path !== '/api/v1/logout' && path !== before)).toEqual([])
  for (const { body } of sent) {
    expect(body).not.toContain(password)
    expect(body).not.toContain(marker)
  }
}

describe('before anything is derived', () => {
  let victim: Victim
  beforeAll(async () => {
    victim = await newVictim()
  })

  const salt = (bytes: number) => encodeBase64url(new Uint8Array(bytes).fill(7))
  const refusedParameters: [string, unknown, new (...args: never[]) => Error][] = [
    ['kdf.memoryKiB', 19_455, KdfRefusedError],
    ['kdf.memoryKiB', 1, KdfRefusedError],
    ['kdf.memoryKiB', 0, NetworkError],
    ['kdf.memoryKiB', -65_536, NetworkError],
    ['kdf.memoryKiB', 19_456.5, NetworkError],
    ['kdf.memoryKiB', 1_048_577, NetworkError],
    ['kdf.memoryKiB', 2 ** 32 + 65_536, NetworkError],
    ['kdf.memoryKiB', Number.MAX_VALUE, NetworkError],
    ['kdf.memoryKiB', '65536', NetworkError],
    ['kdf.memoryKiB', undefined, NetworkError],
    ['kdf.iterations', 1, KdfRefusedError],
    ['kdf.iterations', 0, NetworkError],
    ['kdf.iterations', 17, NetworkError],
    ['kdf.iterations', null, NetworkError],
    ['kdf.parallelism', 0, NetworkError],
    ['kdf.parallelism', 9, NetworkError],
    ['kdf.salt', salt(15), NetworkError],
    ['kdf.salt', salt(17), NetworkError],
    ['kdf.salt', '', NetworkError],
    ['kdf.salt', `${salt(16).slice(0, -1)}h`, NetworkError],
    ['kdf.salt', undefined, NetworkError],
    ['kdf.algorithm', 'pbkdf2-sha256', NetworkError],
    ['kdf.algorithm', 'argon2i', NetworkError],
    ['kdf.algorithm', 'argon2d', NetworkError],
    ['kdf.algorithm', 'none', NetworkError],
    ['kdf.algorithm', '__proto__', NetworkError],
    ['kdf.algorithm', undefined, NetworkError],
    ['kdf.iterationsOfPbkdf2', 1, NetworkError],
    ['kdf', undefined, NetworkError],
    ['kdf', [], NetworkError],
    ['method', 'password', NetworkError],
    ['method', 'plain', NetworkError],
    // Its costs are not those of OPAQUE.
    ['method', 'opaque', KdfRefusedError],
    ['method', 'toString', NetworkError],
    ['method', '__proto__', NetworkError],
    ['method', ['authKey'], NetworkError],
    ['method', undefined, NetworkError],
  ]
  it.each(refusedParameters)('refuses %s = %j', async (path, value, refusal) => {
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /prelogin', put(path, value))
    expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(refusal)
    expect(hostile.sent.map(({ path }) => path)).toEqual(['/api/v1/prelogin'])
    expectSilence(hostile)
  })

  const foreign: [string, () => Response][] = [
    ['a page of a captive portal', () => new Response('<html>Welcome</html>')],
    ['nothing', () => new Response(null, { status: 204 })],
    ['an empty text', () => new Response('')],
    ['half of a JSON text', () => new Response('{"kdf":{"algorithm":"argon2id"')],
    ['null', () => new Response('null')],
    ['a list', () => new Response('[]')],
    ['a list that is 100,000 deep', () => new Response('['.repeat(100_000) + ']'.repeat(100_000))],
    ['20 MB of JSON', () => Response.json({ kdf: 'x'.repeat(20_000_000) })],
    ['bytes that are not UTF-8', () => new Response(new Uint8Array([0xff, 0xfe, 0xfd]))],
    ['not modified', () => new Response(null, { status: 304 })],
    [
      'only a prototype',
      () =>
        new Response(
          '{"__proto__":{"method":"authKey","kdf":{"algorithm":"argon2id","memoryKiB":19456,"iterations":2,"parallelism":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA"}}}',
        ),
    ],
    [
      'parameters in a prototype',
      () =>
        new Response(
          '{"method":"authKey","kdf":{"__proto__":{"algorithm":"argon2id","memoryKiB":19456,"iterations":2,"parallelism":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA"}}}',
        ),
    ],
  ]
  it.each(foreign)('takes %s for no answer', async (_name, answer) => {
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /prelogin', answer)
    expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(NetworkError)
    expectSilence(hostile)
    expect(Object.prototype).not.toHaveProperty('kdf')
  })

  it.each([
    [301, 'GET'],
    [302, 'GET'],
    [307, 'POST'],
    [308, 'POST'],
  ])('follows no redirect (%i) to another host', async (status) => {
    const seen: string[] = []
    const elsewhere = createServer((req, res) => {
      seen.push(req.url ?? '')
      res.end('{}')
    }).listen(await freePort(), '127.0.0.1')
    await once(elsewhere, 'listening')
    const address = elsewhere.address()
    const port = address && typeof address === 'object' ? address.port : 0
    const here = createServer((_req, res) =>
      res.writeHead(status, { Location: `http://localhost:${port}/api/v1/prelogin` }).end(),
    ).listen(await freePort(), '127.0.0.1')
    await once(here, 'listening')
    const own = here.address()
    const url = `http://127.0.0.1:${own && typeof own === 'object' ? own.port : 0}`
    try {
      const limpet = new Limpet({ server: url, device: device() })
      expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(NetworkError)
      expect(seen).toEqual([])
    } finally {
      here.close()
      elsewhere.close()
    }
  })

  it.each([
    ...Object.keys(problemCatalogue),
    '__proto__',
    'constructor',
    'toString',
    '',
    'of-a-newer-server',
  ])('takes the problem %j for a problem, wherever it comes', async (code) => {
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /prelogin', () => problemAnswer(code, 418))
    const error = await failure(limpet.login({ email: victim.email, password }))
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({ code, status: 418, current: undefined, conflicts: [], errors: [] })
    expectSilence(hostile)
  })
})

describe('on a device that knows the account', () => {
  /** What the server may do at a later login, in the hope of a cheaper key to guess from. */
  const downgrades: [string, Tamper][] = [
    ['less memory', put('kdf.memoryKiB', minKdf.memoryKiB)],
    ['fewer passes', put('kdf.iterations', minKdf.iterations)],
    [
      'the least of all, with a salt of its own',
      put('kdf', { algorithm: 'argon2id', ...minKdf, salt: encodeBase64url(new Uint8Array(16)) }),
    ],
    [
      'more memory and fewer passes',
      (honest) => put('kdf.iterations', 2)(put('kdf.memoryKiB', 65_536)(honest, nothing), nothing),
    ],
  ]
  it.each(downgrades)('refuses %s at the second login', async (_name, tamper) => {
    const { email, storage } = await newVictim(dearer)
    const { hostile, limpet } = clientOf(storage)
    hostile.tamper('POST /prelogin', tamper)
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    hostile.beHonest()
    await limpet.login({ email, password })
  })

  it.each(downgrades)('refuses %s as the proof for a password change', async (_name, tamper) => {
    const { account, hostile } = await newVictim(dearer)
    hostile.tamper('GET /account', tamper)
    const change = account.changePassword({
      current: password,
      next: 'another password',
      method: 'authKey',
      kdf: minKdf,
    })
    expect(await failure(change)).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
  })

  it.each(downgrades)('refuses %s as the proof for a deletion', async (_name, tamper) => {
    const { account, hostile } = await newVictim(dearer)
    hostile.tamper('GET /account', tamper)
    expect(await failure(account.delete(password))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
  })

  it.each(['kdf.memoryKiB', 'kdf.iterations'])('refuses %s below the floor there too', async (path) => {
    const { account, hostile } = await newVictim()
    hostile.tamper('GET /account', put(path, 1))
    expect(await failure(account.delete(password))).toBeInstanceOf(Error)
    expectSilence(hostile)
  })

  it('refuses cheaper parameters after the server had called the account by another address', async () => {
    const { email, storage, limpet: first } = await newVictim(dearer)
    await first.logout()
    const { hostile, limpet } = clientOf(storage)
    hostile.tamper('POST /login', put('account.email', 'somebody.else@example.com'))
    await failure(limpet.login({ email, password }))
    hostile.beHonest()
    hostile.tamper('POST /prelogin', put('kdf.memoryKiB', minKdf.memoryKiB))
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
  })

  const forgotten: [string, (victim: Victim) => Promise<unknown>][] = [
    [
      'ended the session',
      ({ hostile, account }) => {
        hostile.tamper('GET /account', () => problemAnswer('not-authenticated', 401))
        hostile.tamper('POST /token/refresh', () => problemAnswer('invalid-refresh-token', 401))
        return account.details()
      },
    ],
    [
      'given out an account key that does not open',
      ({ hostile, limpet, vault, email }) => {
        hostile.tamper('POST /login', put('account.accountKey', vault.sealed.key))
        return limpet.login({ email, password })
      },
    ],
  ]
  it.each(forgotten)('refuses cheaper parameters after the server had %s', async (_name, attack) => {
    const victim = await newVictim(dearer)
    expect(await failure(attack(victim))).toBeInstanceOf(Error)
    const { hostile, limpet } = clientOf(victim.storage)
    hostile.tamper('POST /prelogin', put('kdf.memoryKiB', minKdf.memoryKiB))
    const { email } = victim
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    // Who did choose it says so by logging out.
    hostile.beHonest()
    await limpet.logout()
    expect(await victim.storage.load()).toBeUndefined()
    await limpet.login({ email, password })
  })

  it('refuses another account under the same address', async () => {
    const { email, storage } = await newVictim()
    const { hostile, limpet } = clientOf(storage)
    hostile.tamper('POST /login', put('account.id', randomUUID()))
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    expect((await storage.load())?.email).toBe(email)
  })
})

describe('how an account logs in, after the owner logged out', () => {
  const weaker: [string, Tamper][] = [
    ['less memory', put('kdf.memoryKiB', minKdf.memoryKiB)],
    ['fewer passes', put('kdf.iterations', minKdf.iterations)],
    [
      'more memory and fewer passes',
      (honest) => put('kdf.iterations', 2)(put('kdf.memoryKiB', 65_536)(honest, nothing), nothing),
    ],
  ]
  it.each(weaker)('is known: %s is not taken unasked', async (_name, tamper) => {
    const { email, storage, limpet: first } = await newVictim(dearer)
    await first.logout()
    expect(await storage.load()).toBeUndefined()
    const offers: AuthKeyOffer[] = []
    const { hostile, limpet } = clientOf(storage, (offer) => {
      offers.push(offer)
      return false
    })
    hostile.tamper('POST /prelogin', tamper)
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expect(offers).toMatchObject([{ email, pinned: dearer }])
    expect(hostile.sent.map(({ path }) => path)).toEqual(['/api/v1/prelogin'])
    hostile.beHonest()
    await limpet.login({ email, password })
    expect(offers).toHaveLength(1)
  })

  it.each(['logged out', 'did not log in yet'])(
    'is known to be OPAQUE where the owner %s: authKey is refused whatever is accepted',
    async (when) => {
      const email = `${randomUUID()}@example.com`
      const { hostile, limpet, storage } = clientOf()
      await limpet.register({ email, password })
      if (when === 'logged out') {
        await limpet.login({ email, password })
        await limpet.logout()
      }
      expect(await storage.load()).toBeUndefined()
      hostile.tamper('POST /prelogin', (honest) =>
        put('method', 'authKey')(put('kdf.memoryKiB', 1_048_576)(honest, nothing), nothing),
      )
      expect(await failure(limpet.login({ email: ` ${email.toUpperCase()}`, password }))).toBeInstanceOf(
        RefusedError,
      )
      expectSilence(hostile)
      // Only the owner can say that it is so now.
      await limpet.forgetPin(email)
      hostile.beHonest()
      hostile.tamper('POST /prelogin', put('method', 'authKey'))
      expect(await failure(limpet.login({ email, password }))).toMatchObject({ code: 'invalid-credentials' })
    },
  )

  it('is asked on a device that has never seen it, and refused where nobody answers', async () => {
    const { email } = await newVictim()
    for (const accept of [undefined, () => false, async () => false]) {
      const hostile = new Hostile()
      const limpet = new Limpet({
        server: server.url,
        device: device(),
        fetch: hostile.fetch,
        ...(accept && { acceptAuthKey: accept }),
      })
      expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
      expect(hostile.sent.map(({ path }) => path)).toEqual(['/api/v1/prelogin'])
    }
    const offers: AuthKeyOffer[] = []
    const storage = memorySessionStorage()
    const { limpet } = clientOf(storage, (offer) => offers.push(offer) > 0)
    await limpet.login({ email, password })
    await limpet.logout()
    await limpet.login({ email, password })
    expect(offers).toMatchObject([{ email, pinned: undefined }])
  })

  it('may have become stronger on another device, and is then known as that', async () => {
    const { email, storage, account, limpet: first } = await newVictim(minKdf)
    await first.logout()
    const elsewhere = await clientOf().limpet.login({ email, password })
    await elsewhere.changePassword({ current: password, next: password, method: 'authKey', kdf: dearer })
    const refusing = () => clientOf(storage, () => false)
    await refusing().limpet.login({ email, password })
    const { hostile, limpet } = refusing()
    hostile.tamper('POST /prelogin', put('kdf.memoryKiB', minKdf.memoryKiB))
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    const last = await clientOf().limpet.login({ email, password })
    await last.changePassword({ current: password, next: password, method: 'opaque' })
    await refusing().limpet.login({ email, password })
    expect(await storage.pins.load(server.url, email)).toMatchObject({ method: 'opaque' })
    expect(account.accountId).toBe(last.accountId)
  })

  it('is refused of an account that waits for its confirmation in words of its own, until the first login', async () => {
    const email = `${randomUUID()}@example.com`
    const storage = memorySessionStorage()
    const { limpet, hostile } = clientOf(storage, () => false)
    await limpet.register({ email, password })
    hostile.tamper('POST /prelogin', put('method', 'authKey'))
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(UnconfirmedError)
    expectSilence(hostile)
    hostile.beHonest()
    await limpet.login({ email, password })
    await limpet.logout()
    hostile.tamper('POST /prelogin', put('method', 'authKey'))
    const later = await failure(limpet.login({ email, password }))
    expect(later).toBeInstanceOf(RefusedError)
    expect(later).not.toBeInstanceOf(UnconfirmedError)
    expectSilence(hostile)
  })

  it('is known from the session of a version that kept no pins', async () => {
    const { email, storage, account, hostile } = await newVictim(dearer)
    await storage.pins.remove(server.url, email)
    hostile.tamper('GET /account', put('kdf.iterations', minKdf.iterations))
    expect(await failure(account.delete(password))).toBeInstanceOf(RefusedError)
    const { limpet, ...later } = clientOf(storage, () => false)
    later.hostile.tamper('POST /prelogin', put('kdf.iterations', minKdf.iterations))
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(later.hostile)
  })

  it('is forgotten with the account, and holds nothing that is secret', async () => {
    const { email, storage, account } = await newVictim(dearer)
    expect(await storage.pins.load(server.url, email)).toEqual({
      server: server.url,
      email,
      method: 'authKey',
      costs: dearer,
    })
    await account.delete(password)
    expect(await storage.pins.load(server.url, email)).toBeUndefined()
  })
})

describe('with OPAQUE', () => {
  const loggedIn = ({ sent }: Hostile) => sent.filter(({ path }) => path === '/api/v1/login')

  async function newOpaqueVictim(): Promise<Victim> {
    const email = `${randomUUID()}@example.com`
    const { hostile, limpet, storage } = clientOf()
    await limpet.register({ email, password })
    const account = await limpet.login({ email, password })
    const [vault] = await account.vaults()
    if (!vault) throw new Error('A new account has no vault')
    return { email, storage, hostile, limpet, account, vault }
  }
  let victim: Victim
  let other: Victim
  beforeAll(async () => {
    victim = await newOpaqueVictim()
    other = await newOpaqueVictim()
  })

  it('refuses to go back to authKey, at a login and as a proof', async () => {
    const { email, storage } = victim
    const { hostile, limpet } = clientOf(storage)
    hostile.tamper('POST /prelogin', put('method', 'authKey'))
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    hostile.beHonest()
    const account = await limpet.login({ email, password })
    hostile.tamper('GET /account', put('method', 'authKey'))
    for (const proof of [
      () => account.changePassword({ current: password, next: 'another password' }),
      () => account.delete(password),
    ]) {
      expect(await failure(proof())).toBeInstanceOf(RefusedError)
      expect(hostile.after.filter(({ path }) => path !== '/api/v1/account')).toEqual([])
    }
  })

  it('refuses to go back after a change from authKey on this device', async () => {
    const { email, account, limpet, hostile } = await newVictim(dearer)
    await account.changePassword({ current: password, next: password, method: 'opaque' })
    // Cheaper than what stood there before, which counts for authKey alone.
    await limpet.login({ email, password })
    hostile.tamper('POST /prelogin', (honest) =>
      put('method', 'authKey')(put('kdf.memoryKiB', 1_048_576)(honest, nothing), nothing),
    )
    expect(await failure(limpet.login({ email, password }))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
  })

  it.each(['memoryKiB', 'iterations', 'parallelism'] as const)(
    'takes no other %s than its own',
    async (cost) => {
      const { hostile, limpet } = clientOf()
      hostile.tamper('POST /prelogin', put(`kdf.${cost}`, mostOf[cost]))
      expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(KdfRefusedError)
      expectSilence(hostile)
    },
  )
  const mostOf = { memoryKiB: 1_048_576, iterations: 16, parallelism: 8 }

  const flip = (at: number) => (honest: unknown) =>
    withMember(
      honest,
      ['response'],
      changeBytes(String(Members.parse(honest).response), (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 1
        return bytes
      }),
    )
  it.each([0, 31, 32, 64, 100, 200, 256, 288, 319])(
    'sends no finish for an answer that was changed at byte %i',
    async (at) => {
      const { hostile, limpet } = clientOf()
      hostile.tamper('POST /opaque/login', flip(at))
      const error = await failure(limpet.login({ email: victim.email, password }))
      if (!(error instanceof RefusedError)) expect(error).toMatchObject({ code: 'invalid-credentials' })
      expectSilence(hostile)
      expect(loggedIn(hostile)).toEqual([])
    },
  )

  it("sends no finish for another account's answer, nor for an earlier one", async () => {
    const answers: unknown[] = []
    for (const { email } of [other, victim]) {
      const { hostile, limpet } = clientOf()
      hostile.tamper('POST /opaque/login', (honest) => {
        answers.push(honest)
        return honest
      })
      await limpet.login({ email, password })
    }
    expect(answers).toHaveLength(2)
    for (const answer of answers) {
      const { hostile, limpet } = clientOf()
      hostile.tamper('POST /opaque/login', () => answer)
      const error = await failure(limpet.login({ email: victim.email, password }))
      expect(error).toMatchObject({ code: 'invalid-credentials' })
      expectSilence(hostile)
      expect(loggedIn(hostile)).toEqual([])
    }
  })

  it.each([
    undefined,
    '',
    'AAAA',
    7,
    encodeBase64url(new Uint8Array(319)),
    encodeBase64url(new Uint8Array(320)),
  ])('takes %j for no message, at a login and at a registration', async (response) => {
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /opaque/login', put('response', response))
    hostile.tamper(
      'POST /opaque/register',
      put('response', typeof response === 'string' ? response.slice(0, 86) : response),
    )
    for (const attempt of [
      () => limpet.login({ email: victim.email, password }),
      () => limpet.register({ email: `${randomUUID()}@example.com`, password }),
    ]) {
      const error = await failure(attempt())
      expect(error instanceof NetworkError || error instanceof RefusedError).toBe(true)
    }
    const halves = ['/api/v1/prelogin', '/api/v1/opaque/login', '/api/v1/opaque/register']
    expect(hostile.sent.filter(({ path }) => !halves.includes(path))).toEqual([])
  })

  it('opens no account key of another account', async () => {
    const state = await other.storage.load()
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /v1/login', put('account.accountKey', state?.accountKey))
    expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(OpenError)
  })

  it('proves the password again where a handshake was used up, and once only', async () => {
    const { hostile, limpet } = clientOf()
    let refusals = 1
    hostile.tamper('POST /v1/login', (honest) =>
      refusals-- > 0 ? problemAnswer('invalid-credentials', 401) : honest,
    )
    await limpet.login({ email: victim.email, password })
    refusals = 9
    const error = await failure(limpet.login({ email: victim.email, password }))
    expect(error).toMatchObject({ code: 'invalid-credentials' })
    const finishes = loggedIn(hostile).map(({ body }) => body)
    expect(finishes).toHaveLength(4)
    expect(new Set(finishes).size).toBe(4)
  })
})

describe('the account key', () => {
  let victim: Victim
  let other: Victim
  beforeAll(async () => {
    victim = await newVictim()
    other = await newVictim()
  })

  const accountKeyOf = async ({ storage }: Victim) => (await storage.load())?.accountKey ?? ''

  const replacements: [string, new () => Error, (own: string) => string | Promise<string>][] = [
    ["another account's with the same password", OpenError, () => accountKeyOf(other)],
    ['a vault key of the account', OpenError, () => victim.vault.sealed.key],
    ['the data of a vault', OpenError, () => victim.vault.sealed.data],
    ['itself with another salt', OpenError, flipBit(1)],
    ['itself with another commitment', OpenError, flipBit(33)],
    ['itself with another body', OpenError, flipBit(65)],
    ['itself with another tag', OpenError, flipBit(116)],
    ['itself without its last byte', OpenError, (own) => changeBytes(own, (bytes) => bytes.slice(0, -1))],
    [
      'itself with a byte behind it',
      OpenError,
      (own) => changeBytes(own, (bytes) => new Uint8Array([...bytes, 0])),
    ],
    ['itself cut to 81 bytes', NetworkError, (own) => changeBytes(own, (bytes) => bytes.slice(0, 81))],
    [
      'itself as version 0',
      NetworkError,
      (own) => changeBytes(own, (bytes) => new Uint8Array([0, ...bytes.slice(1)])),
    ],
    [
      'itself as version 2',
      NetworkError,
      (own) => changeBytes(own, (bytes) => new Uint8Array([2, ...bytes.slice(1)])),
    ],
    ['itself with padding of base64', NetworkError, (own) => `${own}=`],
    ['nothing', NetworkError, () => ''],
  ]
  it.each(replacements)('refuses %s', async (_name, refusal, replace) => {
    const replacement = await replace(await accountKeyOf(victim))
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /login', put('account.accountKey', replacement))
    expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(refusal)
    expectSilence(hostile)
  })

  it('refuses the whole of another account', async () => {
    const id = other.account.accountId
    const accountKey = await accountKeyOf(other)
    const { hostile, limpet } = clientOf()
    hostile.tamper('POST /login', (honest) =>
      put('account', { id, email: other.email, accountKey })(honest, nothing),
    )
    expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(OpenError)
    expectSilence(hostile)
  })

  const otherParameters: [string, unknown][] = [
    ['kdf.salt', encodeBase64url(new Uint8Array(16))],
    ['kdf.memoryKiB', 24_576],
    ['kdf.iterations', 3],
    ['kdf.parallelism', 2],
  ]
  it.each(otherParameters)(
    'refuses a server that gives another %s and lets in whoever comes',
    async (path, value) => {
      const honest = clientOf()
      let session: unknown
      honest.hostile.tamper('POST /login', (answer) => {
        session = answer
        return answer
      })
      await honest.limpet.login({ email: victim.email, password })
      const { hostile, limpet } = clientOf()
      hostile.tamper('POST /prelogin', put(path, value))
      hostile.tamper('POST /login', () => session)
      expect(await failure(limpet.login({ email: victim.email, password }))).toBeInstanceOf(OpenError)
      const sent = hostile.after.map(({ path }) => path)
      expect(sent.filter((path) => !/\/(login|logout)$/.test(path))).toEqual([])
    },
  )

  it('does not unlock another account with what is stored', async () => {
    const state = await other.storage.load()
    const own = await victim.storage.load()
    if (!state || !own) throw new Error('There is no session')
    const storage = memorySessionStorage()
    await storage.save({ ...own, accountKey: state.accountKey, kdf: state.kdf })
    expect(await failure(clientOf(storage).limpet.unlock(password))).toBeInstanceOf(OpenError)
  })
})

describe('vaults', () => {
  let victim: Victim
  let second: OpenVault
  let foreign: Victim
  beforeAll(async () => {
    victim = await newVictim()
    second = await victim.account.createVault('Second')
    foreign = await newVictim()
  })

  /** The first vault with another value; the second vault is left out. */
  const first =
    (change: (own: OpenVault['sealed']) => object): Tamper =>
    (honest) => ({
      nextCursor: null,
      vaults: VaultList.parse(honest)
        .vaults.filter(({ id }) => id === victim.vault.id)
        .map((own) => ({ ...own, ...change(own) })),
    })

  const attacks: [string, () => Tamper, new () => Error][] = [
    ['the key of another vault', () => first(() => ({ key: second.sealed.key })), OpenError],
    ['the data of another vault', () => first(() => ({ data: second.sealed.data })), OpenError],
    [
      'key and data of another vault',
      () => first(() => ({ key: second.sealed.key, data: second.sealed.data })),
      OpenError,
    ],
    ['the id of another vault', () => first(() => ({ id: second.id })), OpenError],
    ['a vault of another account', () => first(() => foreign.vault.sealed), OpenError],
    ['the key of another account’s vault', () => first(() => ({ key: foreign.vault.sealed.key })), OpenError],
    ['its key as its data', () => first(({ key }) => ({ data: key })), OpenError],
    ['its data as its key', () => first(({ data }) => ({ key: data })), OpenError],
    ['a key with a flipped bit', () => first(({ key }) => ({ key: flipBit(70)(key) })), OpenError],
    ['data with a flipped bit', () => first(({ data }) => ({ data: flipBit(70)(data) })), OpenError],
    [
      'a key that is not sealed',
      () => first(() => ({ key: encodeBase64url(new Uint8Array(32)) })),
      NetworkError,
    ],
    ['an id that is a path', () => first(() => ({ id: '../account' })), NetworkError],
    ['a vault without a key', () => first(() => ({ key: undefined })), NetworkError],
  ]
  it.each(attacks)('refuses %s', async (_name, tamper, refusal) => {
    const { hostile, account } = victim
    hostile.tamper('GET /vaults', tamper())
    expect(await failure(account.vaults())).toBeInstanceOf(refusal)
    // Whether the account key is the newest one is asked for each key that is new, whatever it opens.
    expectSilence(hostile, '/api/v1/account')
    hostile.beHonest()
  })

  it('refuses another vault as the one that it made', async () => {
    const { hostile, account } = victim
    hostile.tamper('POST /vaults', () => second.sealed)
    expect(await failure(account.createVault('New'))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    hostile.beHonest()
  })

  it('refuses another vault, or other data, as the one that it renamed', async () => {
    const { hostile, account } = victim
    const vault = await account.createVault('Old')
    const before = vault.sealed
    for (const tamper of [() => second.sealed, put('data', before.data), put('key', second.sealed.key)]) {
      hostile.tamper('PUT /vaults/[^/]+', tamper)
      expect(await failure(vault.rename('New'))).toBeInstanceOf(Error)
      expectSilence(hostile)
      hostile.beHonest()
      expect(vault.sealed).toEqual(before)
      const [own] = (await account.vaults()).filter(({ id }) => id === vault.id)
      await own?.rename('Old')
      expect(await failure(vault.rename('New'))).toMatchObject({ code: 'revision-conflict' })
    }
  })
})

describe('items', () => {
  let victim: Victim
  let second: OpenVault
  /** As the server has them: two items of a vault, the first one's older version, and one of another vault. */
  let one: Item
  let older: Item
  let two: Item
  let elsewhere: Item

  const sealed = async (vault: OpenVault, id: string): Promise<Item> => {
    const replica = new Replica()
    await replica.pull(vault)
    const item = replica.items.get(id)
    if (!item) throw new Error('The item is not there')
    return item
  }

  beforeAll(async () => {
    victim = await newVictim()
    second = await victim.account.createVault('Second')
    const { vault } = victim
    const created = await vault.create(login('one', 'older'))
    older = await sealed(vault, created.id)
    await vault.replace(created.id, created.revision, login('one'))
    one = await sealed(vault, created.id)
    two = await sealed(vault, (await vault.create(login('two', 'of two'))).id)
    elsewhere = await sealed(second, (await second.create(login('elsewhere'), one.id)).id)
  })

  /** The vault as on a device that has seen nothing of it yet, or whose state of the first item is known. */
  const fresh = () => victim.account.openVault(victim.vault.sealed)

  const itemAttacks: [string, () => object, new () => Error][] = [
    ['the data of another item', () => ({ data: two.data }), OpenError],
    ['the data of the same id in another vault', () => ({ data: elsewhere.data }), OpenError],
    ['the item of the same id in another vault', () => elsewhere, RefusedError],
    ['that item under this vault’s name', () => ({ ...elsewhere, vaultId: one.vaultId }), OpenError],
    ['the vault’s own data', () => ({ data: victim.vault.sealed.data }), OpenError],
    ['the vault’s key', () => ({ data: victim.vault.sealed.key }), OpenError],
    ['the data with another salt', () => ({ data: flipBit(1)(one.data) }), OpenError],
    ['the data with another commitment', () => ({ data: flipBit(40)(one.data) }), OpenError],
    ['the data with another bit', () => ({ data: flipBit(70)(one.data) }), OpenError],
    [
      'the salt and commitment of one and the body of another envelope',
      () => ({
        data: changeBytes(
          one.data,
          (bytes) => new Uint8Array([...bytes.slice(0, 65), ...decodeBase64url(older.data).slice(65)]),
        ),
      }),
      OpenError,
    ],
    [
      'an envelope of an older version of the protocol',
      () => ({ data: changeBytes(one.data, (bytes) => new Uint8Array([0, ...bytes.slice(1)])) }),
      NetworkError,
    ],
    [
      'content in clear',
      () => ({ data: encodeBase64url(new TextEncoder().encode('{"kind":"note","name":"x"}'.repeat(9))) }),
      NetworkError,
    ],
    ['a revision of zero', () => ({ revision: 0 }), NetworkError],
    ['a revision that is no whole number', () => ({ revision: 1.5 }), NetworkError],
    ['a revision beyond 2^53', () => ({ revision: 2 ** 60 }), NetworkError],
    ['no data', () => ({ data: undefined }), NetworkError],
    ['an id that is a path', () => ({ id: '../../account' }), NetworkError],
  ]

  it.each([
    ...itemAttacks,
    ['another item', () => two, RefusedError] as const,
    ['another id on the same data', () => ({ id: two.id }), RefusedError] as const,
  ])('refuses, in place of an item, %s', async (_name, change, refusal) => {
    const { hostile } = victim
    const vault = await fresh()
    hostile.tamper('GET /items/[^/]+', (honest) => ({ ...Members.parse(honest), ...change() }))
    expect(await failure(vault.get(one.id))).toBeInstanceOf(refusal)
    expectSilence(hostile)
    hostile.beHonest()
  })

  it.each([
    ...itemAttacks,
    ['another id on the same data', () => ({ id: randomUUID() }), OpenError] as const,
  ])('refuses, among the changes, %s', async (_name, change, refusal) => {
    const { hostile } = victim
    const vault = await fresh()
    hostile.tamper('GET /changes', (honest) => ({
      ...Members.parse(honest),
      items: [{ ...one, ...change() }],
    }))
    const replica = new Replica()
    const reading = replica
      .pull(vault)
      .then(() => Promise.all([...replica.items.values()].map((item) => vault.openItem(item))))
    expect(await failure(reading)).toBeInstanceOf(refusal)
    expectSilence(hostile)
    hostile.beHonest()
  })

  const rollbacks: [string, () => object][] = [
    ['the older version under the same revision', () => ({ data: older.data })],
    ['the older version as it was', () => older],
    ['the same data under a lower revision', () => ({ revision: one.revision - 1 })],
  ]

  it.each(rollbacks)('refuses, once an item was seen, %s', async (_name, change) => {
    const { hostile } = victim
    const vault = await fresh()
    await vault.get(one.id)
    hostile.tamper('GET /items/[^/]+', () => ({ ...one, ...change() }))
    expect(await failure(vault.get(one.id))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    hostile.beHonest()
    expect((await vault.get(one.id)).content).toMatchObject({ password: marker })
  })

  const rollbacksOfReplicas: [string, () => object][] = [
    ...rollbacks,
    [
      'a tombstone of a lower revision',
      () => ({ purged: true, revision: one.revision - 1, data: undefined }),
    ],
    ['a tombstone of the same revision', () => ({ purged: true, data: undefined })],
  ]
  it.each(rollbacksOfReplicas)('refuses, once a replica has an item, %s', async (_name, change) => {
    const { hostile } = victim
    const vault = await fresh()
    const replica = new Replica()
    await replica.pull(vault)
    const before = replica.export()
    hostile.tamper('GET /changes', (honest) => ({
      ...Members.parse(honest),
      items: [{ ...one, ...change() }],
    }))
    expect(await failure(replica.pull(vault))).toBeInstanceOf(RefusedError)
    expectSilence(hostile)
    hostile.beHonest()
    expect(replica.export()).toEqual(before)
    // And so does the same replica after the program was started again.
    const again = new Replica(before)
    hostile.tamper('GET /changes', (honest) => ({
      ...Members.parse(honest),
      items: [{ ...one, ...change() }],
    }))
    expect(await failure(again.pull(vault))).toBeInstanceOf(RefusedError)
    hostile.beHonest()
  })

  it('refuses changes that show an older state than get has shown', async () => {
    const { hostile } = victim
    const vault = await fresh()
    await vault.get(one.id)
    hostile.tamper('GET /changes', (honest) => ({ ...Members.parse(honest), items: [older] }))
    expect(await failure(new Replica().pull(vault))).toBeInstanceOf(RefusedError)
    hostile.beHonest()
  })

  it('opens a copy from before, which is no word of the server', async () => {
    const vault = await fresh()
    await vault.get(one.id)
    await expect(vault.openItem(older)).resolves.toMatchObject({ revision: older.revision })
  })

  const lies: [string, Tamper][] = [
    ['another item', () => two],
    ['other data under the same id', (honest) => put('data', one.data)(honest, nothing)],
  ]
  it.each(lies)('refuses %s as what was created or replaced', async (_name, lie) => {
    const { hostile } = victim
    const vault = await fresh()
    const item = await vault.create(login('three'))
    hostile.tamper('PUT /items/[^/]+', lie)
    expect(await failure(vault.create(login('four')))).toBeInstanceOf(RefusedError)
    expect(await failure(vault.replace(item.id, item.revision, login('five')))).toBeInstanceOf(RefusedError)
    hostile.beHonest()
  })

  it('refuses another item as what went to the trash or out of it', async () => {
    const { hostile } = victim
    const vault = await fresh()
    const { id } = await vault.create(login('three'))
    hostile.tamper('DELETE /items/[^/]+', () => two)
    expect(await failure(vault.trash(id))).toBeInstanceOf(RefusedError)
    hostile.tamper('POST /restore', () => two)
    expect(await failure(vault.restore(id))).toBeInstanceOf(RefusedError)
    hostile.beHonest()
  })

  it('refuses another item as what an edit is to be merged with', async () => {
    const { hostile } = victim
    const vault = await fresh()
    const { id, revision } = await vault.create(login('three'))
    const currents: [object, new (...args: never[]) => Error][] = [
      [two, RefusedError],
      [{ id: two.id, revision: 99, purged: true }, RefusedError],
      [elsewhere, RefusedError],
      [victim.vault.sealed, RefusedError],
      [{ ...two, id, revision: 9999 }, OpenError],
    ]
    for (const [current, refusal] of currents) {
      hostile.tamper('PUT /items/[^/]+', () => problemAnswer('revision-conflict', 412, { current }))
      expect(await failure(vault.replace(id, revision, login('four')))).toBeInstanceOf(refusal)
      expectSilence(hostile)
      hostile.beHonest()
    }
    const { id: honest } = await vault.create(login('five'))
    expect(await failure(vault.replace(honest, 1, login('six')))).toBeInstanceOf(ConflictError)
  })

  it('refuses versions that are of another item, of another role or no envelopes', async () => {
    const { hostile } = victim
    const vault = await fresh()
    for (const data of [two.data, elsewhere.data, victim.vault.sealed.data, flipBit(80)(older.data)]) {
      hostile.tamper('GET /versions', (honest) => ({
        nextCursor: null,
        versions: z
          .object({ versions: z.array(Members) })
          .parse(honest)
          .versions.map((version) => ({ ...version, data })),
      }))
      expect(await failure(vault.versions(one.id))).toBeInstanceOf(OpenError)
      expectSilence(hostile)
    }
    hostile.beHonest()
  })

  it('takes no members from a prototype', async () => {
    const { hostile } = victim
    const vault = await fresh()
    hostile.tamper(
      'GET /items/[^/]+',
      (honest) =>
        new Response(
          JSON.stringify(honest).replace(/^\{/, `{"__proto__":${JSON.stringify(two)},"polluted":true,`),
        ),
    )
    const item = await vault.get(one.id)
    expect(item).toMatchObject({ id: one.id, content: { name: 'one' } })
    expect(item).not.toHaveProperty('polluted')
    expect(Object.getPrototypeOf(item)).toBe(Object.prototype)
    hostile.beHonest()
  })

  it('keeps a prototype inside an item what it is: a member that it does not know', async () => {
    const text = '{"kind":"login","name":"x","__proto__":{"password":"polluted","isAdmin":true}}'
    const content = parseItemContent(new TextEncoder().encode(text))
    expect(content).not.toHaveProperty('isAdmin')
    expect(content).not.toHaveProperty('password')
    expect({}).not.toHaveProperty('isAdmin')
  })
})

describe('states that no client of the owner can have made', () => {
  /** A device that has pulled an item, which was edited twice, and its earlier states. */
  async function withHistory() {
    const victim = await newVictim()
    const { vault } = victim
    const created = await vault.create(login('one', 'first'))
    const states: Item[] = []
    const take = async () => {
      const copy = new Replica()
      await copy.pull(vault)
      const item = copy.items.get(created.id)
      if (item) states.push(item)
    }
    await take()
    const second = await vault.replace(created.id, created.revision, login('one', 'second'))
    await take()
    await vault.replace(created.id, second.revision, login('one', 'third'))
    const replica = new Replica()
    await replica.pull(vault)
    const newest = replica.items.get(created.id)
    const [oldest, older] = states
    if (!oldest || !older || !newest) throw new Error('The states are not there')
    return { ...victim, replica, id: created.id, oldest, older, newest }
  }
  const page = (...items: unknown[]) => ({ items, cursor: 'AAAA', more: false })
  const passwordOf = async (vault: OpenVault, item: Item | undefined) =>
    item && (await vault.openItem(item)).content

  const lies: [string, (victim: Awaited<ReturnType<typeof withHistory>>) => object][] = [
    ['an older state under a new revision', ({ older }) => ({ ...older, revision: 99 })],
    ['the oldest state under a new revision', ({ oldest }) => ({ ...oldest, revision: 99 })],
    ['an older state in the trash', ({ older }) => ({ ...older, revision: 99, deletedAt: older.createdAt })],
    [
      'data that does not open',
      ({ newest }) => ({ ...newest, revision: 99, data: flipBit(80)(newest.data) }),
    ],
    ['a deletion that nobody asked for', ({ id }) => ({ id, revision: 99, purged: true })],
    [
      'a deletion with an item’s envelope as its marker',
      ({ id, newest }) => ({ id, revision: 99, purged: true, marker: newest.data }),
    ],
  ]
  it.each(lies)('%s does not take the place of the copy, and is told', async (_name, lie) => {
    const victim = await withHistory()
    const { hostile, account, vault, replica, id, newest } = victim
    hostile.tamper('GET /changes', () => page(lie(victim)))
    expect(await replica.pull(vault)).toEqual({ changed: [id], refused: [id] })
    expect(replica.items.get(id)).toEqual(newest)
    expect([...replica.refused.keys()]).toEqual([id])
    // Also after the program was started again, where nothing is new; and the rest of the vault goes on.
    const fresh = await account.openVault(vault.sealed)
    const again = new Replica(ReplicaState.parse(JSON.parse(JSON.stringify(replica.export()))))
    hostile.beHonest()
    hostile.tamper('GET /changes', () => page())
    expect((await again.pull(fresh)).refused).toEqual([id])
    expect(await passwordOf(fresh, again.items.get(id))).toMatchObject({ password: 'third' })
    expectSilence(hostile)
  })

  it('an older state is refused by get, as an answer to the trash, and as what an edit is merged with', async () => {
    const { hostile, vault, id, older, newest } = await withHistory()
    await vault.get(id)
    const lie = { ...older, revision: 99 }
    hostile.tamper('GET /items/[^/]+', () => lie)
    hostile.tamper('DELETE /items/[^/]+', () => lie)
    hostile.tamper('PUT /items/[^/]+', () => problemAnswer('revision-conflict', 412, { current: lie }))
    for (const attempt of [
      () => vault.get(id),
      () => vault.trash(id),
      () => vault.replace(id, newest.revision, login('one', 'mine')),
    ])
      expect(await failure(attempt())).toBeInstanceOf(RefusedError)
  })

  it('an edit that was suppressed for another device is missed', async () => {
    const { hostile, email, vault, replica, id, older } = await withHistory()
    // The other device is shown the older state, and edits that: as many edits as here, and another content.
    const other = clientOf()
    const [elsewhere] = await (await other.limpet.login({ email, password })).vaults()
    other.hostile.tamper('GET /items/[^/]+', () => older)
    await elsewhere?.get(id)
    const forked = await elsewhere?.sealItem(id, login('one', 'elsewhere'))
    hostile.tamper('GET /changes', () => page({ ...older, revision: 99, ...forked }))
    expect((await replica.pull(vault)).refused).toEqual([id])
  })

  it.each(['accepts', 'puts back'])('the person %s, and other devices follow', async (decision) => {
    const { vault, replica, id, email, older, newest } = await withHistory()
    // Somebody who can write to the server, and has no key.
    const lie = await vault
      .putSealed(id, { data: older.data }, { 'If-Match': `"${newest.revision}"` })
      .catch((e) => e)
    expect(lie).toBeInstanceOf(RefusedError)
    expect((await replica.pull(vault)).refused).toEqual([id])
    const [elsewhere] = await (await clientOf().limpet.login({ email, password })).vaults()
    if (!elsewhere) throw new Error('There is no vault')
    const other = new Replica()
    expect((await other.pull(elsewhere)).refused).toEqual([])
    if (decision === 'accepts') replica.accept(vault, id)
    else await replica.putBack(vault, id)
    expect((await replica.pull(vault)).refused).toEqual([])
    expect((await other.pull(elsewhere)).refused).toEqual([])
    for (const [at, copy] of [[vault, replica] as const, [elsewhere, other] as const])
      expect(await passwordOf(at, copy.items.get(id))).toMatchObject({
        password: decision === 'accepts' ? 'second' : 'third',
      })
    // And whoever goes on from there is followed too.
    const now = replica.items.get(id)
    await elsewhere.replace(id, now?.revision ?? 0, login('one', 'fourth'))
    expect((await replica.pull(vault)).refused).toEqual([])
    expect((await vault.get(id)).content).toMatchObject({ password: 'fourth' })
  })

  it('a deletion by another device of the owner is taken over, and its marker is good for nothing else', async () => {
    const { hostile, email, vault, replica, id, newest } = await withHistory()
    const other = clientOf()
    const [elsewhere] = await (await other.limpet.login({ email, password })).vaults()
    await elsewhere?.purge(id)
    let deletion: unknown
    hostile.tamper('GET /changes', (honest) => {
      deletion = z.object({ items: z.array(Members) }).parse(honest).items[0]
      return honest
    })
    expect(await replica.pull(vault)).toEqual({ changed: [id], refused: [] })
    expect(replica.items.has(id)).toBe(false)
    expect(deletion).toMatchObject({ id, purged: true, marker: expect.any(String) })
    hostile.beHonest()
    // What stood there before does not come back by itself.
    hostile.tamper('GET /changes', () => page({ ...newest, revision: 99 }))
    expect((await new Replica(replica.export()).pull(vault)).refused).toEqual([id])
    hostile.beHonest()
    // It came back: the old marker does not delete it again, nor another item.
    const { revision: deleted } = z.object({ revision: z.int() }).parse(deletion)
    const back = await vault.replace(id, deleted, login('one', 'back'))
    const two = await vault.create(login('two'))
    await replica.pull(vault)
    expect(replica.items.get(id)?.revision).toBe(back.revision)
    hostile.tamper('GET /changes', () =>
      page(
        { ...Members.parse(deletion), revision: 98 },
        { ...Members.parse(deletion), id: two.id, revision: 99 },
      ),
    )
    expect((await replica.pull(vault)).refused).toEqual([id, two.id])
    hostile.beHonest()
    await elsewhere?.purge(id)
  })

  it.each(['accepts', 'puts back'])(
    'a deletion without a marker, as a script makes it, is told, and the person %s',
    async (decision) => {
      const { storage, vault, replica, id } = await withHistory()
      const path = `/api/v1/vaults/${vault.id}/items/${id}?permanent=true`
      const token = (await storage.load())?.accessToken ?? ''
      expect((await send(server, { method: 'DELETE', path, token })).status).toBe(204)
      expect((await replica.pull(vault)).refused).toEqual([id])
      if (decision === 'accepts') {
        replica.accept(vault, id)
        expect(replica.items.has(id)).toBe(false)
      } else {
        await replica.putBack(vault, id)
        expect((await vault.get(id)).content).toMatchObject({ password: 'third' })
      }
      expect((await replica.pull(vault)).refused).toEqual([])
    },
  )

  it('what was written before there were counters is edited, deleted and followed as ever', async () => {
    const { vault, account } = await newVictim()
    const id = randomUUID()
    const key = await open(
      account.exportKey(),
      vaultKeyAssociatedData(account.accountId, vault.id),
      vault.sealed.key,
    )
    const sealOld = async (secret: string) => ({
      data: await seal(
        key,
        itemAssociatedData(vault.id, id),
        new TextEncoder().encode(JSON.stringify(login('old', secret))),
      ),
    })
    const old = await vault.putSealed(id, await sealOld('one'), { 'If-None-Match': '*' })
    const replica = new Replica()
    await replica.pull(vault)
    const again = await vault.putSealed(id, await sealOld('two'), { 'If-Match': `"${old.revision}"` })
    expect((await replica.pull(vault)).refused).toEqual([])
    const edited = await vault.replace(id, again.revision, login('old', 'three'))
    expect((await replica.pull(vault)).refused).toEqual([])
    const back = await vault.replace(id, edited.revision, login('old', 'one'))
    expect((await replica.pull(vault)).refused).toEqual([])
    await vault.purge(id, back.revision)
    expect((await replica.pull(vault)).refused).toEqual([])
    expect(replica.items.size).toBe(0)
  })
})

describe('the data of a vault', () => {
  it('does not go back unnoticed, whatever its revision', async () => {
    const { vault, account, hostile } = await newVictim()
    const before = vault.sealed
    const replica = new Replica()
    await replica.pull(vault)
    await vault.rename('Renamed')
    await replica.pull(vault)
    const state = replica.export()
    hostile.tamper('GET /vaults', () => ({ vaults: [{ ...before, revision: 99 }], nextCursor: null }))
    const [shown] = await account.vaults()
    if (!shown) throw new Error('There is no vault')
    const again = new Replica(state)
    expect(await failure(again.pull(shown))).toBeInstanceOf(RefusedError)
    expect(again.export()).toEqual(state)
    const accepting = new Replica(state)
    accepting.acceptVault(shown)
    await accepting.pull(shown)
    expect(accepting.export().vault?.data).toBe(before.data)
    hostile.beHonest()
    const [honest] = await account.vaults()
    if (!honest) throw new Error('There is no vault')
    await honest.rename('Again')
    await again.pull(honest)
    // What did not go back is not written again.
    await again.putVaultBack(honest)
    expect(honest.sealed.data).toBe(again.export().vault?.data)
  })
})

describe('answers without an end', () => {
  const someItem = (vaultId: string, revision: number) => ({
    id: randomUUID(),
    vaultId,
    data: encodeBase64url(new Uint8Array([1, ...new Uint8Array(99)])),
    revision,
    createdAt: '2026-01-31T12:00:00.000Z',
    updatedAt: '2026-01-31T12:00:00.000Z',
    deletedAt: null,
  })
  const lists: [string, (vaultId: string, page: number) => object][] = [
    ['pages without changes', (_vaultId, page) => ({ items: [], cursor: `AAA${page % 2}`, more: true })],
    [
      'the same cursor again and again',
      (vaultId, page) => ({ items: [someItem(vaultId, page + 1)], cursor: 'AAAA', more: true }),
    ],
    [
      'revisions that begin anew',
      (vaultId, page) => ({
        items: [someItem(vaultId, 5), someItem(vaultId, (page % 2) + 3)],
        cursor: `AAA${page}`,
        more: true,
      }),
    ],
    [
      'items of another vault',
      (_vaultId, page) => ({ items: [someItem(randomUUID(), page + 1)], cursor: `AAA${page}`, more: true }),
    ],
    [
      'more on a page than a page may hold',
      (vaultId) => ({
        items: Array.from({ length: 1001 }, (_, at) => someItem(vaultId, at + 1)),
        cursor: 'AAAA',
        more: false,
      }),
    ],
  ]
  it.each(lists)('are refused: %s', async (_name, list) => {
    const { vault, hostile } = await newVictim()
    let pages = 0
    hostile.tamper('GET /changes', () => list(vault.id, pages++))
    expect(await failure(new Replica().pull(vault))).toBeInstanceOf(RefusedError)
    expect(pages).toBeLessThan(30)
  })

  it('are refused: more items than any vault has, and more bytes', () => {
    const rows = new ListLength()
    for (let page = 0; page < 1000; page++) rows.add(1000, 0)
    expect(() => rows.add(1, 0)).toThrow(RefusedError)
    const bytes = new ListLength()
    for (let page = 0; page < 256; page++) bytes.add(1, 8 * 1024 * 1024)
    expect(() => bytes.add(1, 1)).toThrow(RefusedError)
  })

  it('are read no further than an answer may be long, whether or not they tell their length', async () => {
    const chunk = new TextEncoder().encode(' '.repeat(1024 * 1024))
    for (const headers of [{}, { 'Content-Length': '30000000000' }]) {
      const { limpet, hostile } = clientOf()
      let given = 0
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          given += chunk.length
          controller.enqueue(chunk)
        },
      })
      hostile.tamper('POST /prelogin', () => new Response(endless, { headers }))
      expect(await failure(limpet.login({ email: 'x@example.com', password }))).toBeInstanceOf(RefusedError)
      expect(given).toBeLessThan(limits.answerBytes + 4 * chunk.length)
      expect(hostile.sent).toHaveLength(1)
    }
  })
})

describe('a history that goes back', () => {
  it('is never taken over in silence: what the server lost comes back from resync', async () => {
    const { vault, hostile } = await newVictim()
    const kept = await vault.create(login('kept'))
    const edited = await vault.create(login('edited', 'first'))
    const before = new Replica()
    await before.pull(vault)
    const [state] = [before.export()]
    const newer = await vault.replace(edited.id, edited.revision, login('edited', 'second'))
    const added = await vault.create(login('added'))
    const replica = new Replica()
    await replica.pull(vault)
    expect(replica.items.get(newer.id)?.revision).toBe(newer.revision)

    hostile.tamper('GET /changes', (_honest, { path }) =>
      path.includes('changes') && resyncs-- > 0
        ? problemAnswer('resync-required', 410)
        : { items: state.items, cursor: 'AAAA', more: false },
    )
    let resyncs = 1
    hostile.tamper('GET /versions', () => ({ versions: [], nextCursor: null }))
    expect(await failure(replica.pull(vault))).toBeInstanceOf(ResyncRequiredError)
    expect(replica.items.get(newer.id)?.revision).toBe(newer.revision)
    const lost = await replica.resync(vault)
    expect(lost.map(({ id }) => id).sort()).toEqual([added.id, edited.id].sort())
    const contents = await Promise.all(lost.map((item) => vault.openItem(item)))
    expect(contents.map(({ content }) => content)).toEqual(
      expect.arrayContaining([login('added'), login('edited', 'second')]),
    )
    expect(replica.items.get(kept.id)?.revision).toBe(kept.revision)
  })

  const lossesPassedOff: [string, (item: Item, older: Item) => object][] = [
    ['a deletion', ({ id }) => ({ id, revision: 99, purged: true })],
    ['an edit, with what was lost among the versions', (_item, older) => ({ ...older, revision: 99 })],
  ]
  it.each(lossesPassedOff)('does not pass a loss off as %s', async (_name, lie) => {
    const { vault, hostile } = await newVictim()
    const created = await vault.create(login('edited', 'first'))
    const before = new Replica()
    await before.pull(vault)
    const older = before.items.get(created.id)
    await vault.replace(created.id, created.revision, login('edited', 'second'))
    const replica = new Replica()
    await replica.pull(vault)
    const newest = replica.items.get(created.id)
    if (!older || !newest) throw new Error('The states are not there')
    hostile.tamper('GET /changes', () => ({ items: [lie(newest, older)], cursor: 'AAAA', more: false }))
    const { data, createdAt } = newest
    const version = { data, revision: 98, createdAt, replacedAt: createdAt }
    hostile.tamper('GET /versions', () => ({ versions: [version], nextCursor: null }))
    expect(await replica.resync(vault)).toEqual([newest])
  })

  it('loses nothing where the resync itself fails half-way', async () => {
    const { vault, hostile } = await newVictim()
    await vault.create(login('kept'))
    const replica = new Replica()
    await replica.pull(vault)
    const before = replica.export()
    hostile.tamper('GET /changes', () => ({ items: [], cursor: 'AAAA' }))
    expect(await failure(replica.resync(vault))).toBeInstanceOf(NetworkError)
    expect(replica.export()).toEqual(before)
  })

  it('takes an emptied vault for a loss', async () => {
    const { vault, hostile } = await newVictim()
    const item = await vault.create(login('kept'))
    const replica = new Replica()
    await replica.pull(vault)
    hostile.tamper('GET /changes', () => ({ items: [], cursor: 'AAAA', more: false }))
    expect((await replica.resync(vault)).map(({ id }) => id)).toEqual([item.id])
  })

  it('is told from a server that only withholds: a pull without changes removes nothing', async () => {
    const { vault, hostile } = await newVictim()
    const item = await vault.create(login('kept'))
    const replica = new Replica()
    await replica.pull(vault)
    hostile.tamper('GET /changes', () => ({ items: [], cursor: 'AAAA', more: false }))
    await replica.pull(vault)
    expect([...replica.items.keys()]).toEqual([item.id])
  })
})

describe('what is sent', () => {
  it('goes to the server alone, and holds nothing of what was sealed', async () => {
    const { email, hostile, limpet, account, vault } = await newVictim()
    const content = {
      ...login('Mail of marker-of-a-secret'),
      urls: ['https://marker-of-a-secret.example/login', 'http://127.0.0.1:9/favicon.ico'],
      notes: '![](https://marker-of-a-secret.example/pixel.png)',
      tags: [marker],
      folder: marker,
    }
    const item = await vault.create(content)
    await vault.replace(item.id, item.revision, { ...content, name: `${marker} again` })
    await vault.versions(item.id)
    const [seen] = await account.vaults()
    await seen?.rename(marker)
    await new Replica().pull(vault)
    await account.changePassword({
      current: password,
      next: `${marker} as a password`,
      method: 'authKey',
      kdf: minKdf,
    })
    await limpet.logout()
    await limpet.login({ email, password: `${marker} as a password` })
    expect(new Set(hostile.sent.map(({ origin }) => origin))).toEqual(new Set([server.url]))
    const key = encodeBase64url(account.exportKey())
    for (const { body, path } of hostile.sent)
      for (const secret of [marker, password, key, btoa(marker), 'favicon'])
        expect(`${path} ${body}`).not.toContain(secret)
  })
})
