// One-time shares through the SDK: made, looked at, opened, taken back; with lost answers, and with a hostile server.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  Limpet,
  LoggedOutError,
  largestSecretBytes,
  memorySessionStorage,
  NetworkError,
  newShareKey,
  OpenError,
  PasswordRefusedError,
  ProblemError,
  parseShareLink,
  ReceivedShare,
  RefusedError,
  SecretRefusedError,
  SessionState,
  ShareLinkError,
  sharesOf,
  shareTtl,
} from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import { registeredClient, startServer, TestClock, type TestServer } from '../support/server.ts'

const marker = 'marker-of-a-secret'
const bytes = (text: string) => new TextEncoder().encode(text)

type Fault = (perform: () => Promise<Response>) => Promise<Response>

/** A network that keeps what was sent, and on which a request can get another answer. */
class Network {
  readonly sent: { what: string; url: string; body: string; headers: Headers }[] = []
  #faults: { what: string; fault: Fault }[] = []

  /** Once, for the next request whose method and end of the path are these. */
  fault(what: string, fault: Fault) {
    this.#faults.push({ what, fault })
  }

  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const url = String(input)
    const what = `${init.method} ${new URL(url).pathname.split('/').at(-1)}`
    this.sent.push({ what, url, body: String(init.body ?? ''), headers: new Headers(init.headers) })
    const index = this.#faults.findIndex((fault) => fault.what === what)
    const [found] = index < 0 ? [] : this.#faults.splice(index, 1)
    return found ? found.fault(() => fetch(input, init)) : fetch(input, init)
  }
}

const lostAnswer: Fault = async (perform) => {
  await (await perform()).text()
  throw new TypeError('fetch failed')
}

const answered =
  (body: unknown): Fault =>
  async () =>
    Response.json(body)

/** The answer with another member. */
const withMember =
  (name: string, change: (honest: string) => unknown): Fault =>
  async (perform) => {
    const honest = z.record(z.string(), z.unknown()).parse(await (await perform()).json())
    return Response.json({ ...honest, [name]: change(String(honest[name])) })
  }

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  )

describe.each(engines)('one-time shares on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock })
  })
  afterAll(() => server.close())

  it('are read once, byte for byte, and the receipt says when', async () => {
    const shares = sharesOf(server.url)
    const secret = new Uint8Array(randomBytes(5000))
    const made = await shares.create({ secret })
    expect(await shares.receipt(made)).toMatchObject({ id: made.id, state: 'pending', readAt: null })
    const received = new ReceivedShare(made.link)
    expect(received.server).toBe(server.url)
    expect(await received.look()).toEqual({ readable: true, passphrase: false })
    const opened = await received.open()
    expect(opened.secret).toEqual(secret)
    await opened.acknowledge()
    expect(await received.look()).toEqual({ readable: false, passphrase: false })
    const { readAt } = await shares.receipt(made)
    expect(readAt).toBe(new Date(clock.now()).toISOString())
    for (const reader of [received, new ReceivedShare(made.link)])
      expect(await failure(reader.open())).toMatchObject({ code: 'share-consumed', readAt })
  })

  it('hold from one byte to the most, and a text as UTF-8', async () => {
    const shares = sharesOf(server.url)
    const most = new Uint8Array(largestSecretBytes).fill(0x80)
    for (const [given, expected] of [
      [new Uint8Array([0]), new Uint8Array([0])],
      [most, most],
      ['Grüße 🔑\n', bytes('Grüße 🔑\n')],
    ] as const) {
      const { link } = await shares.create({ secret: given })
      expect((await new ReceivedShare(link).open()).secret).toEqual(expected)
    }
  })

  it('never show the server the key, the passphrase or the secret', async () => {
    const network = new Network()
    const passphrase = `${marker} passphrase`
    const made = await sharesOf(server.url, network).create({ secret: marker, passphrase })
    const opened = await new ReceivedShare(made.link, network).open(passphrase)
    await opened.acknowledge()
    const { key } = parseShareLink(made.link)
    const everything = JSON.stringify(network.sent) + server.log()
    for (const secret of [key, passphrase, marker]) expect(everything).not.toContain(secret)
  })

  it('with a passphrase open with it alone, and lose nothing by a wrong one', async () => {
    const shares = sharesOf(server.url)
    const made = await shares.create({ secret: marker, passphrase: 'Ångström ①' })
    const received = new ReceivedShare(made.link)
    expect(await received.look()).toEqual({ readable: true, passphrase: true })
    for (const wrong of [undefined, 'angstrom', 'Ångström ② '])
      expect(await failure(received.open(wrong))).toMatchObject({ code: 'wrong-proof', passphrase: true })
    expect(await failure(received.open(''))).toBeInstanceOf(PasswordRefusedError)
    // The same text in another form of Unicode, as another keyboard makes it.
    expect((await received.open('A\u030angstro\u0308m 1')).secret).toEqual(bytes(marker))
  })

  it('are not used up by another key', async () => {
    const { link, id } = await sharesOf(server.url).create({ secret: marker })
    const other = new ReceivedShare(`${server.url}/s/${id}#${newShareKey()}`)
    expect(await failure(other.open())).toMatchObject({ code: 'wrong-proof', passphrase: false })
    expect((await new ReceivedShare(link).open()).secret).toEqual(bytes(marker))
  })

  it('expire, and say when', async () => {
    const { link, expiresAt } = await sharesOf(server.url).create({ secret: marker, ttl: shareTtl.min })
    expect(expiresAt).toBe(new Date(clock.now() + shareTtl.min * 1000).toISOString())
    clock.advance(shareTtl.min * 1000)
    const received = new ReceivedShare(link)
    expect(await received.look()).toEqual({ readable: false, passphrase: false })
    expect(await failure(received.open())).toMatchObject({ code: 'share-expired', expiresAt })
  })

  it('are taken back by whoever made them', async () => {
    const shares = sharesOf(server.url)
    const made = await shares.create({ secret: marker })
    const { manageToken } = await shares.create({ secret: marker })
    expect(await failure(shares.revoke({ id: made.id, manageToken }))).toMatchObject({ code: 'not-found' })
    await shares.revoke(made)
    await shares.revoke(made)
    const { revokedAt } = await shares.receipt(made)
    expect(await failure(new ReceivedShare(made.link).open())).toMatchObject({
      code: 'share-revoked',
      revokedAt,
    })
  })

  it('whose answer was lost are given to the same reader again, and to nobody else', async () => {
    const network = new Network()
    const { link } = await sharesOf(server.url).create({ secret: marker })
    const received = new ReceivedShare(link, network)
    network.fault('POST reveal', lostAnswer)
    const opened = await received.open()
    expect(opened.secret).toEqual(bytes(marker))
    const [first, second] = network.sent.filter(({ what }) => what === 'POST reveal')
    expect(second?.body).toBe(first?.body)
    expect(network.sent.some(({ what }) => what === 'POST ack')).toBe(false)
    expect(await failure(new ReceivedShare(link).open())).toMatchObject({ code: 'share-consumed' })
    expect((await received.open()).secret).toEqual(bytes(marker))
    await opened.acknowledge()
    await opened.acknowledge()
    expect(await failure(received.open())).toMatchObject({ code: 'share-consumed' })
  })
})

describe('what a client refuses before anything is sent', () => {
  const network = new Network()
  const server = 'https://vault.example.com'

  it('secrets that are empty or too large, and passphrases that are none', async () => {
    const shares = sharesOf(server, network)
    for (const secret of ['', new Uint8Array(), new Uint8Array(largestSecretBytes + 1)])
      expect(await failure(shares.create({ secret }))).toBeInstanceOf(SecretRefusedError)
    expect(await failure(shares.create({ secret: marker, passphrase: '' }))).toBeInstanceOf(
      PasswordRefusedError,
    )
  })

  it('links that are incomplete, or whose key others on the way could be given a page to steal with', () => {
    const share = `/s/${'A'.repeat(22)}`
    expect(() => new ReceivedShare(server + share, network)).toThrow(ShareLinkError)
    const link = (origin: string) => `${origin}${share}#${newShareKey()}`
    expect(() => new ReceivedShare(link('http://vault.example.com'), network)).toThrow(TypeError)
    expect(() => new ReceivedShare(link('https://ada:pass@vault.example.com'), network)).toThrow(
      ShareLinkError,
    )
  })

  it('and so nothing was', () => {
    expect(network.sent).toEqual([])
  })
})

describe('who may share', () => {
  it('is everybody where the server says so, and then it does not learn who does', async () => {
    const server = await startServer('sqlite')
    try {
      const storage = memorySessionStorage()
      const { limpet } = await registeredClient(server, { storage })
      const network = new Network()
      const device = { id: crypto.randomUUID(), name: 'test', type: 'other' as const }
      const again = new Limpet({ server: server.url, device, storage, fetch: network.fetch })
      await again.shares.create({ secret: marker })
      expect(network.sent.map(({ headers }) => headers.get('Authorization'))).toEqual([null])
      await limpet.shares.create({ secret: marker })
    } finally {
      await server.close()
    }
  })

  it('is who has an account where the server says so', async () => {
    const server = await startServer('sqlite', { environment: { SHARES: 'accounts' } })
    try {
      const { limpet } = await registeredClient(server)
      const { link } = await limpet.shares.create({ secret: marker })
      expect((await new ReceivedShare(link).open()).secret).toEqual(bytes(marker))
      expect(await failure(sharesOf(server.url).create({ secret: marker }))).toBeInstanceOf(LoggedOutError)
      await limpet.logout()
      expect(await failure(limpet.shares.create({ secret: marker }))).toBeInstanceOf(LoggedOutError)
    } finally {
      await server.close()
    }
  })

  it('is nobody where shares are off', async () => {
    const server = await startServer('sqlite', { environment: { SHARES: 'off' } })
    try {
      const { limpet } = await registeredClient(server)
      expect(await failure(limpet.shares.create({ secret: marker }))).toMatchObject({ code: 'shares-off' })
    } finally {
      await server.close()
    }
  })

  it('is not proved to a server with the session of another', async () => {
    const [mine, other] = [
      await startServer('sqlite'),
      await startServer('sqlite', { environment: { SHARES: 'accounts' } }),
    ]
    try {
      const storage = memorySessionStorage()
      await registeredClient(mine, { storage })
      const { accessToken, refreshToken } = SessionState.parse(await storage.load())
      const network = new Network()
      const device = { id: crypto.randomUUID(), name: 'test', type: 'other' as const }
      const limpet = new Limpet({ server: other.url, device, storage, fetch: network.fetch })
      expect(await failure(limpet.shares.create({ secret: marker }))).toBeInstanceOf(LoggedOutError)
      const sent = JSON.stringify(network.sent.map(({ body, headers }) => [body, ...headers]))
      expect(network.sent).toHaveLength(1)
      for (const token of [accessToken, refreshToken]) expect(sent).not.toContain(token)
    } finally {
      await mine.close()
      await other.close()
    }
  })
})

describe('a hostile server', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  /** A share whose reader gets another answer, and what that reader sent then. */
  async function opening(fault: Fault, passphrase?: string) {
    const network = new Network()
    const secret = { secret: marker, ...(passphrase !== undefined && { passphrase }) }
    const made = await sharesOf(server.url).create(secret)
    network.fault('POST reveal', fault)
    const error = await failure(new ReceivedShare(made.link, network).open(passphrase))
    const key = parseShareLink(made.link).key
    return { error, key, network }
  }

  const other = async () => {
    const { link } = await sharesOf(server.url).create({ secret: 'something else' })
    const { id, key } = parseShareLink(link)
    const network = new Network()
    let ciphertext = ''
    network.fault('POST reveal', async (perform) => {
      const answer = await perform()
      ciphertext = z.object({ ciphertext: z.string() }).parse(await answer.clone().json()).ciphertext
      return answer
    })
    await new ReceivedShare(`${server.url}/s/${id}#${key}`, network).open()
    return ciphertext
  }

  it.each<[string, () => Promise<Fault>, new (...args: never[]) => Error]>([
    ['another ciphertext', async () => answered({ ciphertext: await other() }), OpenError],
    [
      'a ciphertext that is cut off',
      async () => withMember('ciphertext', (token) => token.slice(0, -8)),
      NetworkError,
    ],
    [
      'a ciphertext with one bit flipped',
      async () =>
        withMember('ciphertext', (token) => token.replace(/.(?=.{20}$)/, (one) => (one === 'A' ? 'B' : 'A'))),
      OpenError,
    ],
    ['the secret in clear', async () => answered({ ciphertext: marker }), NetworkError],
    ['no ciphertext', async () => answered({}), NetworkError],
    [
      'a ciphertext above the limit',
      async () => answered({ ciphertext: `gAAA${'AAAA'.repeat(30_000)}` }),
      NetworkError,
    ],
    [
      'a huge ciphertext',
      async () => answered({ ciphertext: `gAAA${'AAAA'.repeat(4_000_000)}` }),
      NetworkError,
    ],
  ])('gives %s', async (_what, fault, expected) => {
    const { error, key, network } = await opening(await fault())
    expect(error).toBeInstanceOf(expected)
    expect(network.sent.map(({ what }) => what)).toEqual(['POST reveal'])
    expect(JSON.stringify(network.sent)).not.toContain(key)
  })

  it('asks for a passphrase that there is none of, and learns nothing of the key from what is typed', async () => {
    const problem = {
      type: 'https://example.com/x',
      title: 'x',
      status: 403,
      detail: 'x',
      code: 'wrong-proof',
      requestId: 'x',
      passphrase: true,
    }
    const { error, key, network } = await opening(async () => Response.json(problem, { status: 403 }), marker)
    expect(error).toBeInstanceOf(ProblemError)
    expect(JSON.stringify(network.sent)).not.toContain(marker)
    expect(JSON.stringify(network.sent)).not.toContain(key)
  })

  it('cannot lead readers, who bring the key, past the share or over http', async () => {
    /** What is made where the server answers with these links to a share. */
    const made = async (links: (id: string) => object[]) => {
      const network = new Network()
      network.fault('POST shares', async (perform) => {
        const honest = z.looseObject({ id: z.string() }).parse(await (await perform()).json())
        return Response.json({ ...honest, links: links(honest.id) })
      })
      return sharesOf(server.url, network).create({ secret: marker })
    }
    const view = (href: string) => ({ rel: 'web-view', href })
    const refused: ((id: string) => string)[] = [
      () => `${server.url}/s/${'A'.repeat(22)}`,
      () => `${server.url}/docs`,
      () => 'https://evil.example',
      (id) => `https://evil.example/?to=/s/${id}`,
      (id) => `https://evil.example/#/s/${id}`,
      (id) => `${server.url}/s/${id}#${newShareKey()}`,
      (id) => `javascript:alert(1)//s/${id}`,
      (id) => `http://vault.example.com/s/${id}`,
      (id) => `https://ada:pass@vault.example.com/s/${id}`,
    ]
    for (const href of refused)
      expect(await failure(made((id) => [view(href(id))]))).toBeInstanceOf(RefusedError)
    expect(await failure(made(() => []))).toBeInstanceOf(RefusedError)
    for (const address of [server.url, 'https://vault.example.com', 'http://localhost:8080'])
      expect((await made((id) => [view(`${address}/s/${id}`)])).link).toMatch(`${address}/s/`)
  })

  it('says by its status alone that it cannot be asked now', async () => {
    const { link } = await sharesOf(server.url).create({ secret: marker })
    const looking = async (status: number) => {
      const network = new Network()
      // As often as it is asked again.
      for (let tries = 0; tries < 3; tries++)
        network.fault(
          `HEAD ${parseShareLink(link).id}`,
          async () => new Response(null, { status, headers: { 'Retry-After': '600' } }),
        )
      return failure(new ReceivedShare(link, network).look())
    }
    expect(await looking(429)).toMatchObject({ code: 'too-many-requests' })
    expect(await looking(503)).toMatchObject({ code: 'unavailable' })
    expect(await looking(418)).toBeInstanceOf(NetworkError)
  })
})
