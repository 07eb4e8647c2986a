// What `watch` does with streams that a test writes: silence, ends, refusals, proxies, and a hostile server. The vaults are a
// real server's. test/apis/limpet/watch.test.ts has the streams of a real one.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  Limpet,
  LoggedOutError,
  memorySessionStorage,
  OpenError,
  ProblemError,
  RefusedError,
  TokenClient,
  type WatchEvent,
  type WatchOptions,
} from '../../src/sdk/index.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../support/server.ts'
import { TestTiming } from '../support/timing.ts'

const password = 'kelp forest lantern dune'
const note = (name: string) => ({ kind: 'note' as const, name })

/** One request for a stream, and what the test answers to it. */
class Stream {
  readonly headers: Headers
  readonly signal: AbortSignal | null | undefined
  #answer: (response: Response) => void = () => {}
  #fail: (error: Error) => void = () => {}
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  readonly answered: Promise<Response>

  constructor({ headers, signal }: RequestInit) {
    this.headers = new Headers(headers)
    this.signal = signal
    this.answered = new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#fail = reject
    })
    signal?.addEventListener('abort', () => this.#fail(new DOMException('aborted', 'AbortError')))
  }

  get isAborted() {
    return this.signal?.aborted === true
  }

  /** Begins to answer. */
  open() {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
    })
    this.#answer(new Response(body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } }))
    return this
  }

  refuse(status: number, code: string, headers: Record<string, string> = {}) {
    const problem = { type: 'https://example.com/x', title: 'x', status, detail: 'x', code, requestId: 'x' }
    this.#answer(Response.json(problem, { status, headers }))
  }

  answer(response: Response) {
    this.#answer(response)
  }

  lose() {
    this.#fail(new TypeError('fetch failed'))
  }

  write(text: string) {
    this.#controller?.enqueue(new TextEncoder().encode(text))
  }

  send(name: string, data: unknown) {
    this.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  state(...vaults: { id: string; revision: number }[]) {
    this.send('state', { vaults, more: false, endsAt: null })
  }

  breakOff() {
    this.#controller?.error(new TypeError('terminated'))
  }

  close() {
    this.#controller?.close()
  }
}

/** A network in which the test answers for the streams; everything else reaches the server, unless the test says otherwise. */
class Network {
  readonly streams: Stream[] = []
  /** Of what reached the server, such as `GET /api/v1/vaults`. */
  readonly sent: string[] = []
  /** Answers in the server's place where it returns something. */
  tamper: (what: string, perform: () => Promise<Response>) => Promise<Response> | undefined = () => undefined

  readonly fetch: typeof globalThis.fetch = (input, init = {}) => {
    const { pathname, search } = new URL(String(input))
    if (pathname === '/api/v1/events') {
      const stream = new Stream(init)
      this.streams.push(stream)
      return stream.answered
    }
    const what = `${init.method} ${pathname}${search}`
    this.sent.push(what)
    const perform = () => fetch(input, init)
    const aborted = new Promise<Response>((_resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
    })
    return Promise.race([this.tamper(what, perform) ?? perform(), aborted])
  }

  get looks() {
    return this.sent.filter((what) => what === 'GET /api/v1/vaults').length
  }

  get waits() {
    return this.sent.filter((what) => what.includes('wait=')).length
  }

  /** Lets time pass until the next stream is asked for. */
  async next(timing: TestTiming): Promise<Stream> {
    const count = this.streams.length
    await timing.advanceUntil(() => this.streams.length > count)
    return this.stream(count)
  }

  /** The stream that was asked for as number `index`, once it is. */
  async stream(index: number): Promise<Stream> {
    await vi.waitFor(() => expect(this.streams.length).toBeGreaterThan(index), { timeout: 10_000 })
    const stream = this.streams[index]
    if (!stream) throw new Error('unreachable')
    return stream
  }
}

let server: TestServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(() => server.close())

/** What a watch has said so far, in words that are quick to compare. */
class Watched {
  readonly events: WatchEvent[] = []
  readonly stop = new AbortController()
  readonly timing = new TestTiming()
  ended: Promise<unknown> = Promise.resolve()

  run(watch: (options: WatchOptions) => AsyncIterable<WatchEvent>, options: WatchOptions = {}) {
    const loop = async () => {
      for await (const event of watch({ signal: this.stop.signal, timing: this.timing, ...options }))
        this.events.push(event)
    }
    this.ended = loop().then(
      () => 'ended',
      (error: unknown) => error,
    )
    onTestFinished(async () => {
      this.stop.abort()
      await this.ended
    })
    return this
  }

  get kinds() {
    const told = this.events.filter(({ kind }) => kind !== 'ready')
    return told.map((event) => {
      if (event.kind === 'online') return event.live ? 'live' : 'asking'
      return event.kind === 'vault' ? `vault+${event.changed.length}` : event.kind
    })
  }

  /** Waits until it has said exactly this. */
  async said(...kinds: string[]) {
    await vi.waitFor(() => expect(this.kinds).toEqual(kinds), { timeout: 10_000 })
  }
}

/** An account that is watched over a network of its own, and the same one on another device. */
async function watching(options: WatchOptions & { isOpen?: boolean } = {}) {
  const elsewhere = await registeredClient(server, { password })
  const network = new Network()
  const storage = memorySessionStorage()
  const device = { id: randomUUID(), name: 'test', type: 'other' as const }
  const limpet = new Limpet({
    server: server.url,
    device,
    storage,
    acceptAuthKey: () => true,
    fetch: network.fetch,
  })
  const account = await limpet.login({ email: elsewhere.email, password })
  network.sent.length = 0
  const { isOpen = true, ...watchOptions } = options
  const watched = new Watched().run((given) => account.watch(given), watchOptions)
  const stream = await network.stream(0)
  const { vault } = elsewhere
  if (isOpen) {
    await watched.said('vault+0')
    stream.open().state({ id: vault.id, revision: vault.sealed.revision })
    await watched.said('vault+0', 'live')
    // Behind the pause that follows a look.
    await watched.timing.advance(1000)
  }
  return { elsewhere, limpet, account, vault, network, storage, watched, stream, timing: watched.timing }
}

describe('watch', () => {
  it('begins with what there is, and pulls when an event names a newer revision', async () => {
    const { vault, watched, stream, network } = await watching()
    const item = await vault.create(note('Mail'))
    stream.send('vault', { id: vault.id, revision: item.revision })
    await watched.said('vault+0', 'live', 'vault+1')
    const last = watched.events.at(-1)
    if (last?.kind !== 'vault') throw new Error('unreachable')
    expect(last.changed).toEqual([item.id])
    const held = last.replica.items.get(item.id)
    expect(held && (await last.vault.openItem(held)).content).toEqual(note('Mail'))
    expect(network.sent).toHaveLength(4)
  })

  it('says once when every vault has come', async () => {
    const { account, network, vault, elsewhere } = await watching()
    await elsewhere.account.createVault('Team')
    const watched = new Watched().run((options) => account.watch(options))
    await vi.waitFor(() =>
      expect(watched.events.map(({ kind }) => kind)).toEqual(['vault', 'vault', 'ready']),
    )
    const stream = await network.stream(1)
    await watched.timing.advance(1000)
    stream.open().state({ id: vault.id, revision: 100 })
    await watched.said('vault+0', 'vault+0', 'live')
    await vi.waitFor(() => expect(network.looks).toBe(3))
    expect(watched.events.filter(({ kind }) => kind === 'ready')).toHaveLength(1)
  })

  it('asks for nothing when an event names what is here, or an older revision', async () => {
    const { vault, watched, stream, network } = await watching()
    const { revision } = await vault.create(note('Mail'))
    stream.send('vault', { id: vault.id, revision })
    await watched.said('vault+0', 'live', 'vault+1')
    const asked = network.sent.length
    stream.send('vault', { id: vault.id, revision })
    stream.send('vault', { id: vault.id, revision: revision - 1 })
    stream.state({ id: vault.id, revision })
    stream.send('vault-gone', { id: randomUUID() })
    stream.send('news', { of: 'a newer server' })
    stream.send('account', {})
    await watched.said('vault+0', 'live', 'vault+1', 'account')
    expect(network.sent).toHaveLength(asked)
  })

  it('takes many changes in a row together', async () => {
    const { vault, watched, stream, network } = await watching()
    for (let count = 0; count < 20; count++) {
      const { revision } = await vault.create(note(`note ${count}`))
      stream.send('vault', { id: vault.id, revision })
    }
    await vi.waitFor(async () => {
      await watched.timing.advance(500)
      const last = watched.events.findLast((event) => event.kind === 'vault')
      expect(last?.replica.items.size).toBe(20)
    })
    expect(network.looks).toBeLessThan(15)
  })

  it('notices vaults that come and go', async () => {
    const { elsewhere, watched, stream, timing } = await watching()
    const team = await elsewhere.account.createVault('Team')
    stream.send('vault', { id: team.id, revision: team.sealed.revision })
    await watched.said('vault+0', 'live', 'vault+0')
    await timing.advance(1000)
    await elsewhere.account.deleteVault(team.id, password)
    stream.send('vault-gone', { id: team.id })
    await watched.said('vault+0', 'live', 'vault+0', 'vault-gone')
    expect(watched.events.at(-1)).toMatchObject({ vaultId: team.id })
  })

  it('learns from the first state of a new stream what it has missed', async () => {
    const { vault, watched, stream, network, timing } = await watching()
    const { revision } = await vault.create(note('while it was away'))
    stream.breakOff()
    await watched.said('vault+0', 'live', 'offline', 'vault+1')
    const second = await network.next(timing)
    await vault.create(note('and again'))
    second.open().state({ id: vault.id, revision: revision + 1 })
    await watched.said('vault+0', 'live', 'offline', 'vault+1', 'live', 'vault+1')
  })

  it('goes on from a replica that was stored', async () => {
    const first = await watching()
    await first.vault.create(note('one'))
    await first.vault.create(note('two'))
    const { Replica } = await import('../../src/sdk/index.ts')
    const stored = new Replica()
    await stored.pull(first.vault)
    await first.vault.create(note('three'))
    const watched = new Watched().run((options) => first.account.watch(options), {
      replicaOf: async (id) => (id === first.vault.id ? stored : undefined),
    })
    await watched.said('vault+1')
    expect(stored.items.size).toBe(3)
  })

  it('ends by its signal in the middle of everything, and by the end of the loop, and leaves nothing behind', async () => {
    const { watched, stream, account, network, timing } = await watching()
    watched.stop.abort()
    expect(await watched.ended).toBe('ended')
    expect(stream.isAborted).toBe(true)
    expect(timing.waits).toEqual([])
    network.tamper = () => new Promise(() => {})
    const frozen = new Watched().run((options) => account.watch(options))
    await network.stream(1)
    frozen.stop.abort()
    expect(await frozen.ended).toBe('ended')
    expect(frozen.timing.waits).toEqual([])
    network.tamper = () => undefined
    const once = new TestTiming()
    for await (const event of account.watch({ timing: once })) if (event.kind === 'vault') break
    expect((await network.stream(2)).isAborted).toBe(true)
    expect(once.waits).toEqual([])
    const aborted = account.watch({ signal: AbortSignal.abort(), timing: once })
    expect(await aborted.next()).toEqual({ done: true, value: undefined })
  })

  it('works for the bearer of a token, and ends when the token has', async () => {
    const { account, vault } = await registeredClient(server, { password })
    const made = await account.tokens.create({ name: 'job', scopes: ['read'], vault, password })
    const network = new Network()
    const client = new TokenClient({
      server: server.url,
      bearerToken: made.bearerToken,
      fetch: network.fetch,
    })
    const access = await client.open()
    const watched = new Watched().run((options) => access.watch(options))
    await watched.said('vault+0')
    const stream = await network.stream(0)
    expect(stream.headers.get('Authorization')).toBe(`Bearer ${made.bearerToken.split('.')[0]}`)
    stream.open().state({ id: vault.id, revision: vault.sealed.revision })
    await watched.timing.advance(1000)
    const item = await vault.create(note('Mail'))
    stream.send('vault', { id: vault.id, revision: item.revision })
    await watched.said('vault+0', 'live', 'vault+1')
    await account.tokens.revoke(made.id)
    stream.send('end', { reason: 'session-ended' })
    stream.close()
    await watched.timing.advance(1000)
    ;(await network.stream(1)).refuse(401, 'not-authenticated')
    const error = await watched.ended
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({ code: 'not-authenticated' })
  })
})

describe('a stream that stops', () => {
  it('by silence is opened anew after a minute', async () => {
    const { watched, stream, timing, network } = await watching()
    await timing.advance(50_000)
    stream.write(':\n\n')
    await timing.advance(54_000)
    expect(stream.isAborted).toBe(false)
    await timing.advance(11_000)
    expect(stream.isAborted).toBe(true)
    await watched.said('vault+0', 'live', 'offline')
    await timing.advance(1000)
    await network.stream(1)
  })

  it.each([
    ['sleep', 3_600_000],
    ['a clock that is set back', -3_600_000],
  ])('by %s: seconds later it is opened anew', async (_name, ms) => {
    const { stream, timing, network } = await watching()
    timing.sleep(ms)
    if (ms < 0) await timing.advance(60_000)
    else await timing.advance(5000)
    expect(stream.isAborted).toBe(true)
    await timing.advance(1000)
    await network.stream(1)
  })

  it('again and again is asked for less and less often, each time after a random part of a time that doubles', async () => {
    const { timing, network, stream } = await watching()
    timing.chance = 0.999
    stream.breakOff()
    const waits: number[] = []
    for (let index = 1; index < 10; index++) {
      await vi.waitFor(() => expect(timing.waits.length).toBeGreaterThan(0))
      const asked = network.streams.length
      let waited = 0
      for (; network.streams.length === asked; waited += 100) await timing.advance(100)
      waits.push(waited)
      const next = await network.stream(index)
      // With a state: a server that takes streams and drops them is no better than none.
      next.open().state()
      await timing.advance(0)
      next.close()
      await timing.advance(0)
    }
    expect(waits.map((ms) => Math.round(ms / 1000))).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('after it was a good one is opened anew at once', async () => {
    const { timing, network, stream } = await watching()
    stream.breakOff()
    for (let count = 0; count < 6; count++) (await network.next(timing)).lose()
    const good = await network.next(timing)
    good.open().state()
    for (let count = 0; count < 3; count++) {
      await timing.advance(25_000)
      good.write(':\n\n')
    }
    await timing.advance(0)
    good.breakOff()
    await timing.advance(1000)
    expect(network.streams).toHaveLength(9)
  })

  it('because the server stops is opened anew within ten seconds, each client at another moment, and without a word', async () => {
    const { watched, timing, network, stream } = await watching()
    await timing.advance(55_000)
    stream.write(':\n\n')
    await timing.advance(20_000)
    timing.chance = 0.7
    stream.send('end', { reason: 'server-stopping' })
    stream.close()
    await timing.advance(6900)
    expect(network.streams).toHaveLength(1)
    await timing.advance(200)
    await network.stream(1)
    expect(watched.kinds).toEqual(['vault+0', 'live'])
  })

  it('because the session has ended ends the watch', async () => {
    const { watched, timing, network, stream, limpet, elsewhere } = await watching()
    await elsewhere.account.endOtherSessions()
    stream.send('end', { reason: 'session-ended' })
    stream.close()
    ;(await network.next(timing)).refuse(401, 'not-authenticated')
    expect(await watched.ended).toBeInstanceOf(LoggedOutError)
    await expect(limpet.account()).rejects.toThrow(LoggedOutError)
  })

  it('because the server only says so is opened anew, less and less often', async () => {
    const { watched, timing, network, stream } = await watching()
    let last = stream
    for (let index = 1; index < 9; index++) {
      last.send('end', { reason: 'session-ended' })
      const wait = Math.min(30_000, 2 ** (index - 1) * 500)
      await timing.advance(wait - 100)
      expect(network.streams).toHaveLength(index)
      last = await network.next(timing)
      last.open()
    }
    expect(watched.kinds).toEqual(['vault+0', 'live'])
  })
})

describe('a stream that is refused', () => {
  it('for its access token is asked for once more with another one', async () => {
    const { watched, network, stream, vault } = await watching({ isOpen: false })
    stream.refuse(401, 'not-authenticated')
    const second = await network.stream(1)
    expect(second.headers.get('Authorization')).not.toBe(stream.headers.get('Authorization'))
    expect(network.sent.filter((what) => what.includes('refresh'))).toHaveLength(1)
    second.open().state({ id: vault.id, revision: vault.sealed.revision })
    await watched.said('vault+0', 'live')
  })

  it('twice for its token ends the watch', async () => {
    const { watched, network, stream } = await watching({ isOpen: false })
    stream.refuse(401, 'not-authenticated')
    ;(await network.stream(1)).refuse(401, 'not-authenticated')
    expect(await watched.ended).toMatchObject({ code: 'not-authenticated' })
  })

  it.each([
    [429, 'too-many-requests', '40', 40_000],
    [503, 'unavailable', '40', 40_000],
    [503, 'unavailable', '31536000', 600_000],
    [503, 'unavailable', 'Sun, 22 Nov 2026 00:00:00 GMT', 0],
  ])(
    'with %i %s and Retry-After: %s is asked for after that, and a random time',
    async (status, code, retryAfter, ms) => {
      const { watched, network, stream, timing, vault } = await watching({ isOpen: false })
      await watched.said('vault+0')
      const { revision } = await vault.create(note('meanwhile'))
      stream.refuse(status, code, { 'Retry-After': retryAfter })
      await watched.said('vault+0', 'offline')
      await timing.advance(ms)
      expect(network.streams).toHaveLength(1)
      await timing.advance(500)
      const second = await network.stream(1)
      // Where only streams are refused, changes come all the same.
      await watched.said('vault+0', 'offline', 'vault+1')
      second.open().state({ id: vault.id, revision })
      await watched.said('vault+0', 'offline', 'vault+1', 'live')
    },
  )

  it.each([
    ['is no stream', () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } })],
    ["is a proxy's error", () => new Response('<html>', { status: 502 })],
  ])('because the answer %s is asked for again', async (_name, response) => {
    const { watched, network, stream, timing } = await watching({ isOpen: false })
    await watched.said('vault+0')
    stream.answer(response())
    await watched.said('vault+0', 'offline')
    await network.next(timing)
  })

  it('while the server is away is said once', async () => {
    const { watched, network, timing, stream, vault } = await watching()
    network.tamper = () => Promise.reject(new TypeError('fetch failed'))
    stream.breakOff()
    for (let count = 0; count < 5; count++) (await network.next(timing)).lose()
    expect(watched.kinds).toEqual(['vault+0', 'live', 'offline'])
    network.tamper = () => undefined
    ;(await network.next(timing)).open().state({ id: vault.id, revision: vault.sealed.revision })
    await vi.waitFor(async () => {
      await timing.advance(1000)
      expect(watched.kinds).toEqual(['vault+0', 'live', 'offline', 'live'])
    })
  })
})

describe('a proxy that holds streams back', () => {
  const empty = (cursor: string) => Response.json({ items: [], cursor, more: false })

  it.each(['before its first byte', 'after some bytes'])('%s: changes are asked for', async (when) => {
    const { watched, network, stream, timing, vault } = await watching({ isOpen: false })
    await watched.said('vault+0')
    let answer: (response: Response) => void = () => {}
    network.tamper = (what) =>
      what.includes('wait=')
        ? new Promise((resolve) => {
            answer = resolve
          })
        : undefined
    if (when === 'after some bytes') stream.open().write(': proxy\n\n')
    await timing.advance(10_000)
    expect(stream.isAborted).toBe(true)
    await vi.waitFor(async () => {
      await timing.advance(100)
      expect(network.waits).toBe(1)
    })
    await watched.said('vault+0', 'asking')
    const item = await vault.create(note('Mail'))
    answer(
      Response.json({
        items: [{ id: item.id, revision: item.revision, purged: true }],
        cursor: 'c',
        more: true,
      }),
    )
    await vi.waitFor(async () => {
      await timing.advance(1000)
      expect(watched.kinds).toEqual(['vault+0', 'asking', 'vault+1'])
    })
  })

  it('for ever: a stream is tried again every ten minutes', async () => {
    const { watched, network, timing, vault } = await watching({ isOpen: false })
    await watched.said('vault+0')
    network.tamper = (what) => {
      if (what.includes('wait=')) return Promise.resolve(empty('c'))
      return Promise.resolve(Response.json({ vaults: [vault.sealed], nextCursor: null }))
    }
    await timing.advance(10_000)
    while (network.streams.length < 2) await timing.advance(1000)
    // Its waits come back at once, as those of a server that does not know them: that is no reason to ask more often.
    expect(network.waits).toBeLessThan(50)
    expect(network.waits).toBeGreaterThan(20)
  })

  it('is not what it was if the server itself was slow: a stream is tried again at once', async () => {
    const { watched, network, timing, vault } = await watching({ isOpen: false })
    await watched.said('vault+0')
    let thaw: (response: Response) => void = () => {}
    network.tamper = () =>
      new Promise((resolve) => {
        thaw = resolve
      })
    await timing.advance(11_000)
    await vi.waitFor(() => expect(network.looks).toBe(2))
    await timing.advance(11_000)
    expect(network.streams).toHaveLength(1)
    thaw(Response.json({ vaults: [vault.sealed], nextCursor: null }))
    ;(await network.next(timing)).open().state({ id: vault.id, revision: vault.sealed.revision })
    await watched.said('vault+0', 'live')
    expect(network.waits).toBe(0)
  })

  it('or a server that has none: the same', async () => {
    const { watched, network, stream, timing } = await watching({ isOpen: false })
    await watched.said('vault+0')
    network.tamper = (what) =>
      what.includes('wait=')
        ? Promise.resolve(
            Response.json(
              {
                type: 'x:y',
                title: 'x',
                status: 400,
                detail: 'x',
                code: 'malformed-request',
                requestId: 'x',
              },
              { status: 400 },
            ),
          )
        : undefined
    stream.refuse(404, 'not-found')
    await vi.waitFor(async () => {
      await timing.advance(1000)
      expect(watched.kinds).toEqual(['vault+0', 'asking'])
    })
  })
})

describe('a hostile server', () => {
  it('is refused for a line without end', async () => {
    const { watched, stream } = await watching()
    for (let count = 0; count < 20; count++) stream.write('x'.repeat(64 * 1024))
    expect(await watched.ended).toBeInstanceOf(RefusedError)
    expect(stream.isAborted).toBe(true)
  })

  it('is left for a while if its events never end', async () => {
    const { watched, stream, timing, network } = await watching()
    const events = `event: account\ndata: {}\n\n`.repeat(5000)
    for (let count = 0; count < 5; count++) stream.write(events)
    await vi.waitFor(() => expect(watched.kinds).toContain('offline'))
    expect(stream.isAborted).toBe(true)
    await timing.advance(1000)
    await network.stream(1)
  })

  it('is asked less and less often about vaults and revisions that there are not', async () => {
    const { watched, stream, timing, network, vault } = await watching()
    const before = network.looks
    const lie = async (minutes: number) => {
      for (let count = 0; count < minutes * 60; count++) {
        stream.send('vault', { id: randomUUID(), revision: count + 1 })
        stream.send('vault', { id: vault.id, revision: 1_000_000 + count })
        stream.state({ id: randomUUID(), revision: 1 })
        await timing.advance(1000)
      }
    }
    await lie(10)
    expect(network.looks - before).toBeLessThan(25)
    expect(watched.kinds).toEqual(['vault+0', 'live'])
    // And nothing is lost by that: a change is taken in with the next look.
    await vault.create(note('Mail'))
    await lie(1.1)
    await watched.said('vault+0', 'live', 'vault+1')
  })

  it('is refused if its list has a vault of somebody else', async () => {
    const { watched, stream, network } = await watching()
    const { vault: foreign } = await registeredClient(server, { password })
    network.tamper = (what) =>
      what === 'GET /api/v1/vaults'
        ? Promise.resolve(Response.json({ vaults: [foreign.sealed], nextCursor: null }))
        : undefined
    stream.send('vault', { id: foreign.id, revision: 1 })
    expect(await watched.ended).toBeInstanceOf(OpenError)
  })

  it('is refused if it goes back in its revisions', async () => {
    const { watched, stream, timing, network, vault, elsewhere } = await watching()
    const item = await vault.create(note('one'))
    const old = (await vault.changes(undefined)).items
    const { vault: other } = await secondDevice(server, elsewhere)
    const { revision } = await other.replace(item.id, item.revision, note('two'))
    stream.send('vault', { id: vault.id, revision })
    await watched.said('vault+0', 'live', 'vault+1')
    await timing.advance(1000)
    network.tamper = (what, perform) => {
      if (what === 'GET /api/v1/vaults')
        return perform().then(async (response) => {
          const { vaults } = JSON.parse(await response.text())
          return Response.json({ vaults: [{ ...vaults[0], revision: revision + 1 }], nextCursor: null })
        })
      if (what.includes('/changes'))
        return Promise.resolve(Response.json({ items: old, cursor: 'c', more: false }))
      return undefined
    }
    stream.send('vault', { id: vault.id, revision: revision + 1 })
    expect(await watched.ended).toBeInstanceOf(RefusedError)
  })

  it.each(['{"vaults":{}}', 'nothing', '{"vaults":[{"id":"x","revision":-1}],"more":false,"endsAt":null}'])(
    'is left for a while if an event is not as the contract says: %s',
    async (data) => {
      const { watched, stream } = await watching()
      stream.write(`event: state\ndata: ${data}\n\n`)
      await vi.waitFor(() => expect(watched.kinds).toContain('offline'))
    },
  )
})
