// Every kind of body and answer that a route can declare, by an API that exists here alone.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Api, createApi, type ErrorForm } from '../../src/http/api.ts'
import { Asset } from '../../src/http/asset.ts'
import { ByteAnswer } from '../../src/http/byte-answer.ts'
import { bytes } from '../../src/http/byte-body.ts'
import { type EventSink, EventStream } from '../../src/http/event-stream.ts'
import { form } from '../../src/http/form-body.ts'
import { html } from '../../src/http/html.ts'
import { multipart } from '../../src/http/multipart-body.ts'
import { Page } from '../../src/http/page.ts'
import { anyQuery, routeFor } from '../../src/http/route.ts'
import { type RawAnswer, type RawRequest, send } from '../support/requests.ts'
import { plainForm, serveApis } from '../support/router.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const maxBytes = 3 * mebibyte

/** What the handlers of the API have met, and what they hand out. */
class Probe {
  /** Bytes of the last body that was read as it arrived. */
  size = 0
  /** Why reading it ended early. */
  failure: unknown
  /** Resolves when the next bytes may be read. */
  mayRead = Promise.resolve()
  /** What is answered as bytes. */
  source = () => Readable.from([Buffer.from('content')])
  length = 7
  sink: EventSink | undefined
  stopped = 0
}

const route = routeFor<Probe, { public: undefined }, 'few'>([])
const common = { auth: 'public', limit: 'none' } as const
const Echo = z.looseObject({})

async function readAll(stream: Readable, probe: Probe): Promise<void> {
  try {
    for await (const chunk of stream) {
      probe.size += Buffer.byteLength(chunk)
      await probe.mayRead
    }
  } catch (error) {
    probe.failure = error
    throw error
  }
}

const routes = [
  route({
    ...common,
    method: 'post',
    path: '/form',
    request: {
      body: form(z.strictObject({ grant_type: z.literal('password'), password: z.string() })),
    },
    success: { 200: Echo },
    handler: async ({ body }) => ({ status: 200, body }),
  }),
  route({
    ...common,
    method: 'put',
    path: '/bytes',
    request: { body: bytes({ maxBytes, mediaTypes: ['application/octet-stream', 'text/csv'] }) },
    success: { 200: Echo },
    async handler({ body }, probe) {
      await readAll(body.stream, probe)
      return { status: 200, body: { size: probe.size, length: body.length, mediaType: body.mediaType } }
    },
  }),
  route({
    ...common,
    method: 'post',
    path: '/unread',
    request: { body: bytes({ maxBytes }) },
    success: { 204: null },
    handler: async () => ({ status: 204 }),
  }),
  route({
    ...common,
    method: 'post',
    path: '/parts',
    request: { body: multipart({ maxBytes, maxParts: 3, maxPartBytes: 2 * mebibyte }) },
    success: { 200: Echo },
    async handler({ body }, probe) {
      const parts: object[] = []
      for await (const { name, fileName, mediaType, stream } of body) {
        // Skipped, to see the next one all the same.
        if (name === 'skip') continue
        probe.size = 0
        await readAll(stream, probe)
        parts.push({ name, fileName, mediaType, size: probe.size })
      }
      return { status: 200, body: { parts } }
    },
  }),
  route({
    ...common,
    method: 'get',
    path: '/bytes',
    request: {},
    success: { 200: z.instanceof(ByteAnswer) },
    headers: { 200: ['ETag'] },
    handler: async (_request, { source, length }) => ({
      status: 200,
      body: new ByteAnswer(source(), { length, type: 'text/csv' }),
      etag: 7,
    }),
  }),
  route({
    ...common,
    method: 'get',
    path: '/events',
    request: { headers: z.object({ 'last-event-id': z.string().optional() }) },
    success: { 200: z.instanceof(EventStream) },
    handler: async ({ headers }, probe) => ({
      status: 200,
      body: new EventStream({
        start(sink) {
          probe.sink = sink
          const seen = headers['last-event-id']
          if (seen !== undefined) sink.send({ id: seen, event: 'again', data: 'one\ntwo' })
        },
        stop() {
          probe.stopped += 1
        },
      }),
    }),
  }),
  route({
    ...common,
    method: 'get',
    path: '/page/{name}',
    request: { query: anyQuery, params: z.object({ name: z.string().max(20) }) },
    success: { 200: z.instanceof(Page) },
    handler: async ({ params: { name } }) => ({
      status: 200,
      body: new Page(html`<p>${name}</p>`, { 'img-src': "'self'" }, 'private, max-age=60'),
    }),
  }),
  route({
    ...common,
    method: 'get',
    path: '/asset',
    request: {},
    success: { 200: z.instanceof(Asset) },
    handler: async () => ({
      status: 200,
      body: new Asset({
        type: 'text/css',
        content: Buffer.from('plain'),
        gzipped: Buffer.from('gzipped'),
        isImmutable: true,
      }),
    }),
  }),
  route({
    ...common,
    method: 'get',
    path: '/redirect',
    request: {},
    success: { 303: null },
    headers: { 303: ['Location'] },
    handler: async () => ({ status: 303, location: '/page/one' }),
  }),
  route({
    ...common,
    method: 'get',
    path: '/json',
    request: {},
    success: { 200: z.object({ a: z.number() }) },
    handler: async () => ({ status: 200, body: { a: 1 } }),
  }),
]

const apiOf = (probe: Probe, api: Partial<Pick<Api, 'errorForm' | 'optionsStatus'>> = {}): Api =>
  createApi({
    routes,
    services: probe,
    errorForm: plainForm,
    ...api,
    door: {
      authenticate: { public: async ({ address }) => ({ caller: undefined, rateLimitKey: address }) },
      count: async () => {},
    },
  })

const probe = new Probe()
let server: Awaited<ReturnType<typeof serveApis>>
beforeAll(async () => {
  server = await serveApis([apiOf(probe)], { bodyMs: 1000, heartbeatMs: 20 })
})
afterAll(() => server.close())
beforeEach(() => void Object.assign(probe, new Probe()))

const post = (path: string, type: string, raw: string | Uint8Array, more: Partial<RawRequest> = {}) =>
  send(server, { method: 'POST', path, raw, ...more, headers: { 'Content-Type': type, ...more.headers } })
const json = ({ text }: RawAnswer): unknown => JSON.parse(text)
/** The status of an answer, and the code that the form of the API has written. */
const refusal = ({ status, text }: RawAnswer) => `${status} ${text}`

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** What a connection has received when the other side ends it. */
async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

const logged = (path: string) => server.observed.findLast(({ route }) => route === path)

describe('a form', () => {
  const urlencoded = 'application/x-www-form-urlencoded'

  it.each([
    ['grant_type=password&password=a+b%2B%26%3D%C3%BC=c', 'a b+&=ü=c'],
    ['password=%EF%BB%BFx&grant_type=password&', '\ufeffx'],
    ['grant_type=password&password=', ''],
    ['grant_type=password&password=100%&', '100%'],
    ['grant_type=password&password=%EF%BF%BD', '\ufffd'],
  ])('is read as texts: %s', async (raw, password) => {
    for (const type of [urlencoded, `${urlencoded}; charset=UTF-8`]) {
      const answer = await post('/form', type, raw)
      expect([answer.status, json(answer)]).toEqual([200, { grant_type: 'password', password }])
    }
  })

  it('is read from parts as well', async () => {
    const body = new FormData()
    body.append('grant_type', 'password')
    body.append('password', '\ufeffü\r\n x')
    const answer = await fetch(`${server.url}/form`, { method: 'POST', body })
    expect(await answer.json()).toEqual({ grant_type: 'password', password: '\ufeffü\r\n x' })
  })

  it('is refused if it can be understood in two ways, or is none', async () => {
    const fields = 'grant_type=password&password=x'
    expect(refusal(await post('/form', urlencoded, `${fields}&password=y`))).toBe('400 malformed-request')
    expect(refusal(await post('/form', urlencoded, `${fields}&more=y`))).toBe('400 malformed-request')
    expect(refusal(await post('/form', urlencoded, `${fields}%ff`))).toBe('400 malformed-request')
    expect(refusal(await post('/form', urlencoded, ''))).toBe('400 malformed-request')
    const many = Array.from({ length: 101 }, (_, index) => `a${index}=`).join('&')
    expect(refusal(await post('/form', urlencoded, many))).toBe('400 malformed-request')
    for (const type of ['application/json', 'text/plain', ''])
      expect(refusal(await post('/form', type, fields))).toBe('415 not-json')
    const headers = { 'Content-Encoding': 'gzip' }
    expect(refusal(await post('/form', urlencoded, fields, { headers }))).toBe('415 not-json')
    const withFile = new FormData()
    withFile.append('password', new Blob(['x']), 'x.txt')
    const answer = await fetch(`${server.url}/form`, { method: 'POST', body: withFile })
    expect([answer.status, await answer.text()]).toEqual([400, 'malformed-request'])
  })

  it('is refused beyond its bound', async () => {
    const raw = `grant_type=password&password=${'x'.repeat(600 * kibibyte)}`
    expect(refusal(await post('/form', urlencoded, raw))).toBe('413 too-large')
  })
})

describe('bytes', () => {
  const put = (raw: string | Uint8Array, headers: Record<string, string> = {}) =>
    send(server, {
      method: 'PUT',
      path: '/bytes',
      raw,
      headers: { 'Content-Type': 'application/octet-stream', ...headers },
    })

  it('are read as they arrive, with what was announced of them', async () => {
    const raw = new Uint8Array(maxBytes)
    const mediaType = 'text/csv'
    const answer = await put(raw, { 'Content-Type': 'Text/CSV; header=present' })
    expect(json(answer)).toEqual({ size: maxBytes, length: maxBytes, mediaType })
    expect(answer.headers.connection).toBe('keep-alive')
    expect(json(await put(''))).toMatchObject({ size: maxBytes, length: 0 })
    const chunked = json(await put('xy', { 'Transfer-Encoding': 'chunked' }))
    expect(chunked).toEqual({ size: maxBytes + 2, mediaType: 'application/octet-stream' })
  })

  it('are refused beyond their bound, announced or not, and of another type', async () => {
    const raw = new Uint8Array(maxBytes + 1)
    expect(refusal(await put(raw))).toBe('413 too-large')
    expect(probe.size).toBe(0)
    expect(refusal(await put(raw, { 'Transfer-Encoding': 'chunked' }))).toBe('413 too-large')
    expect(probe.size).toBeLessThanOrEqual(maxBytes)
    expect(refusal(await put('x', { 'Content-Type': 'application/json' }))).toBe('415 not-json')
  })

  it('are taken from the connection no faster than they are read', async () => {
    let goOn = () => {}
    probe.mayRead = new Promise((resolve) => {
      goOn = resolve
    })
    const socket = await open()
    socket.write(
      `PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: ${maxBytes}\r\n\r\n`,
    )
    socket.write(new Uint8Array(maxBytes))
    await expect.poll(() => probe.size).toBeGreaterThan(0)
    // Longer than the time that a body has: the client is not the one that is slow.
    const [size] = [probe.size]
    await expect.poll(() => socket.writableLength, { timeout: 300 }).toBeLessThanOrEqual(maxBytes)
    expect(probe.size).toBe(size)
    expect(size).toBeLessThan(mebibyte)
    goOn()
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
  })

  it('that stop coming are a problem', async () => {
    const socket = await open()
    socket.write('PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n\r\nabc')
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 [\s\S]*request-timeout$/)
    expect(probe.failure).toMatchObject({ code: 'request-timeout' })
  })

  it('of a client that goes away fail where they are read', async () => {
    const socket = await open()
    socket.write('PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n\r\nabc')
    await expect.poll(() => probe.size).toBe(3)
    socket.destroy()
    await expect.poll(() => probe.failure).toMatchObject({ name: 'ClientGone' })
    await expect.poll(() => logged('/bytes')).toMatchObject({ method: 'PUT', status: 499 })
  })

  it('that no handler reads cost the client neither its answer nor the server its connection', async () => {
    const answer = await post('/unread', 'application/octet-stream', new Uint8Array(mebibyte))
    expect(answer.status).toBe(204)
    expect(answer.headers.connection).toBe('close')
  })
})

describe('parts', () => {
  const upload = async (body: FormData) => fetch(`${server.url}/parts`, { method: 'POST', body })

  it('are read one after the other, fields as files, and can be skipped', async () => {
    const body = new FormData()
    body.append('field', 'x')
    body.append('skip', new Blob([new Uint8Array(mebibyte)]), 'skipped')
    body.append('file', new Blob([new Uint8Array(mebibyte)], { type: 'image/png' }), '../../ü.png')
    expect(await (await upload(body)).json()).toEqual({
      parts: [
        { name: 'field', mediaType: 'text/plain', size: 1 },
        { name: 'file', fileName: 'ü.png', mediaType: 'image/png', size: mebibyte },
      ],
    })
  })

  const textOf = async (answer: Response) => `${answer.status} ${await answer.text()}`

  it('are bounded in number and size, each and together', async () => {
    const many = new FormData()
    for (const name of ['a', 'b', 'c', 'd']) many.append(name, 'x')
    expect(await textOf(await upload(many))).toBe('400 malformed-request')
    const large = new FormData()
    large.append('a', new Blob([new Uint8Array(2 * mebibyte + 1)]))
    expect(await textOf(await upload(large))).toBe('413 too-large')
    const together = new FormData()
    for (const name of ['a', 'b']) together.append(name, new Blob([new Uint8Array(1.6 * mebibyte)]))
    expect(await textOf(await upload(together))).toBe('413 too-large')
  })

  const boundary = 'b0undary'
  const type = `multipart/form-data; boundary=${boundary}`
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n`

  it.each([
    ['nothing', type, ''],
    ['no part', type, 'x'],
    ['a part without an end', type, `${head}abc`],
    ['a part without a name', type, `${head.replace('name="file"; ', '')}abc\r\n--${boundary}--\r\n`],
    ['headers without an end', type, head.trimEnd()],
    ['another boundary', type, `${head}abc\r\n--other--\r\n`],
    ['no boundary', 'multipart/form-data', `${head}abc\r\n--${boundary}--\r\n`],
  ])('are refused if they cannot be told apart: %s', async (_name, contentType, raw) => {
    expect(refusal(await post('/parts', contentType, raw))).toBe('400 malformed-request')
  })

  it('of another type are refused', async () => {
    expect(refusal(await post('/parts', 'application/json', '{}'))).toBe('415 not-json')
  })

  it('of an upload that is cut off fail where they are read, and nothing is left of them', async () => {
    const socket = await open()
    socket.write(
      `POST /parts HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 1000\r\n\r\n${head}abc`,
    )
    await expect.poll(() => probe.size).toBeGreaterThan(0)
    socket.destroy()
    await expect.poll(() => probe.failure).toMatchObject({ name: 'ClientGone' })
    await expect.poll(() => logged('/parts')).toMatchObject({ status: 499 })
  })
})

describe('an answer of bytes', () => {
  it('is sent with its length and type, and not again to those who have it', async () => {
    const answer = await send(server, { path: '/bytes' })
    expect([answer.status, answer.text]).toEqual([200, 'content'])
    expect(answer.headers).toMatchObject({ 'content-type': 'text/csv', 'content-length': '7', etag: '"7"' })
    let source: Readable | undefined
    probe.source = () => {
      source = Readable.from([Buffer.from('content')])
      return source
    }
    const known = await send(server, { path: '/bytes', headers: { 'If-None-Match': '"7"' } })
    expect([known.status, known.text]).toEqual([304, ''])
    expect(source?.destroyed).toBe(true)
  })

  it.each([
    ['shorter', 8],
    ['longer', 6],
  ])('ends in a closed connection if the stream is %s than it was to be', async (_name, length) => {
    probe.length = length
    await expect(send(server, { path: '/bytes' })).rejects.toThrow(/aborted|hang up|reset/)
    await expect.poll(() => server.log()).toContain('internal-error')
  })

  it('ends in a closed connection if the stream fails', async () => {
    probe.source = () =>
      new Readable({
        read() {
          this.destroy(new Error('marker-of-a-path'))
        },
      })
    await expect(send(server, { path: '/bytes' })).rejects.toThrow(/aborted|hang up|reset/)
    expect(server.log()).not.toContain('marker-of-a-path')
  })

  /** A source that counts what is read of it. */
  const endless = () => {
    const source = { read: 0, stream: new Readable() }
    probe.length = 1e9
    probe.source = () => {
      source.stream = new Readable({
        read() {
          source.read += 64 * kibibyte
          this.push(new Uint8Array(64 * kibibyte))
        },
      })
      return source.stream
    }
    return source
  }

  it('is read no faster than the client takes it, and no further when the client goes', async () => {
    const source = endless()
    const socket = await open()
    socket.pause()
    socket.write('GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(() => source.read).toBeGreaterThan(0)
    let before = -1
    // Until nothing moves any more: the buffers of the system are full.
    await expect
      .poll(() => {
        const isStill = source.read === before
        before = source.read
        return isStill
      })
      .toBe(true)
    expect(source.read).toBeLessThan(100 * mebibyte)
    socket.destroy()
    await expect.poll(() => source.stream.destroyed).toBe(true)
  })
})

describe('a stream of events', () => {
  const listen = async (...lines: string[]) => {
    const socket = await open()
    socket.write(['GET /events HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n'))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    await expect.poll(() => probe.sink).toBeDefined()
    return { socket, text: () => text }
  }

  it('sends events and heartbeats until the feed ends it', async () => {
    const { socket, text } = await listen('Last-Event-ID: 41')
    probe.sink?.send({ id: '42', data: '{"a":1}' })
    await expect.poll(text).toContain('id: 42\ndata: {"a":1}\n\n')
    expect(text()).toContain('id: 41\nevent: again\ndata: one\ndata: two\n\n')
    expect(text()).toMatch(/^HTTP\/1\.1 200 [\s\S]*content-type: text\/event-stream; charset=utf-8\r\n/i)
    expect(text()).toMatch(/x-accel-buffering: no\r\n/i)
    expect(text()).toMatch(/cache-control: no-store\r\n/i)
    await expect.poll(text).toContain('\n:\n\n')
    expect(probe.stopped).toBe(0)
    probe.sink?.end()
    await expect.poll(text).toMatch(/0\r\n\r\n$/)
    await expect.poll(() => probe.stopped).toBe(1)
    probe.sink?.send({ data: 'late' })
    probe.sink?.end()
    socket.destroy()
    expect(text()).not.toContain('late')
  })

  it('is over when the client goes, once', async () => {
    const { socket } = await listen()
    socket.destroy()
    await expect.poll(() => probe.stopped).toBe(1)
    probe.sink?.send({ data: 'late' })
    probe.sink?.end()
    expect(probe.stopped).toBe(1)
    expect(logged('/events')).toMatchObject({ status: 200 })
  })

  it('drops a client that reads more slowly than events come', async () => {
    const { socket } = await listen()
    socket.pause()
    const data = 'x'.repeat(64 * kibibyte)
    let sent = 0
    while (probe.stopped === 0 && sent < 2000) {
      probe.sink?.send({ data })
      sent += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(probe.stopped).toBe(1)
    socket.destroy()
  })

  it('ends as an answer does when the server is about to close', async () => {
    const own = new Probe()
    const stopping = await serveApis([apiOf(own)])
    const answer = fetch(`${stopping.url}/events`)
    await expect.poll(() => own.sink).toBeDefined()
    own.sink?.send({ data: 'last' })
    stopping.end()
    expect(await (await answer).text()).toBe('data: last\n\n')
    expect(own.stopped).toBe(1)
    // One that is asked for now ends at once.
    expect(await (await fetch(`${stopping.url}/events`)).text()).toBe('')
    await expect.poll(() => own.stopped).toBe(2)
    await stopping.close()
  })
})

describe('a page', () => {
  it('has its policy and its time, whatever stands in its query', async () => {
    const answer = await send(server, { path: '/page/%3Cb%3E?utm=x' })
    expect([answer.status, answer.text]).toEqual([200, '<p>&lt;b&gt;</p>'])
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'private, max-age=60',
      'content-security-policy':
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src 'self'",
      'x-robots-tag': 'noindex',
    })
  })
})

describe('an asset', () => {
  it('is compressed for those who take that', async () => {
    const asked = (encoding: string) =>
      send(server, { path: '/asset', headers: { 'Accept-Encoding': encoding } })
    const gzipped = await asked('br, gzip')
    expect(gzipped.text).toBe('gzipped')
    expect(gzipped.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/css',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    })
    for (const encoding of ['identity', 'gzip;q=0']) {
      const plain = await asked(encoding)
      expect([plain.text, plain.headers['content-encoding'], plain.headers.vary]).toEqual([
        'plain',
        undefined,
        'Accept-Encoding',
      ])
    }
  })
})

describe('every path', () => {
  it.each(['/bytes', '/events', '/page/x', '/asset', '/redirect', '/json'])(
    'answers HEAD as it answers GET, without the body: %s',
    async (path) => {
      const get = path === '/events' ? undefined : await send(server, { path })
      const head = await send(server, { method: 'HEAD', path })
      expect(head.text).toBe('')
      const { date: _, 'x-request-id': __, ...headers } = head.headers
      if (get) {
        expect(head.status).toBe(get.status)
        expect(get.headers).toMatchObject(headers)
        // An answer without content says nothing of its length to HEAD (RFC 9110, section 9.3.2).
        const of = get.text === '' ? undefined : String(Buffer.byteLength(get.text))
        expect(head.headers['content-length']).toBe(of)
      } else expect([head.status, probe.sink]).toEqual([200, undefined])
      expect(logged(path.replace('/page/x', '/page/{name}'))).toMatchObject({ method: 'HEAD' })
    },
  )

  it('answers 405 with what it knows, and OPTIONS so too unless its API says otherwise', async () => {
    for (const [method, path, allow] of [
      ['POST', '/bytes', 'PUT, GET, HEAD'],
      ['GET', '/form', 'POST'],
      ['HEAD', '/form', 'POST'],
      ['OPTIONS', '/events', 'GET, HEAD'],
    ] as const) {
      const answer = await send(server, { method, path })
      expect([answer.status, answer.headers.allow]).toEqual([405, allow])
      if (method !== 'HEAD') expect(answer.text).toBe('method-not-allowed')
    }
    const open = await serveApis([apiOf(new Probe(), { optionsStatus: 204 })])
    const options = await send(open, { method: 'OPTIONS', path: '/bytes' })
    expect([options.status, options.headers.allow, options.text]).toEqual([
      204,
      'PUT, GET, HEAD, OPTIONS',
      '',
    ])
    await open.close()
  })
})

describe('several APIs', () => {
  it('each fail in their own form, and what is of none in that of the router', async () => {
    const named =
      (name: string): ErrorForm =>
      ({ code }, { method, path }) => ({
        status: 418,
        headers: {},
        body: `${name} ${code} ${method} ${path}`,
      })
    const other = createApi({
      routes: [
        route({
          ...common,
          method: 'get',
          path: '/other',
          request: {},
          success: { 204: null },
          handler: async () => ({ status: 204 }),
        }),
        // The same path as the first API has, with another method.
        route({
          ...common,
          method: 'delete',
          path: '/json',
          request: {},
          success: { 204: null },
          handler: async () => ({ status: 204 }),
        }),
      ],
      services: new Probe(),
      errorForm: named('second'),
      door: {
        authenticate: { public: async () => ({ caller: undefined, rateLimitKey: '' }) },
        count: async () => {},
      },
    })
    const both = await serveApis([apiOf(new Probe(), { errorForm: named('first') }), other], {
      errorForm: named('none'),
    })
    const ask = async (method: string, path: string) => {
      const { status, text } = await send(both, { method, path })
      return status === 418 ? text : String(status)
    }
    expect(await ask('GET', '/json?x=1')).toBe('first malformed-request GET /json')
    expect(await ask('PUT', '/json')).toBe('first method-not-allowed PUT /json')
    expect(await ask('DELETE', '/json')).toBe('204')
    expect(await ask('DELETE', '/json?x=1')).toBe('second malformed-request DELETE /json')
    expect(await ask('GET', '/other?x=1')).toBe('second malformed-request GET /other')
    expect(await ask('POST', '/other')).toBe('second method-not-allowed POST /other')
    expect(await ask('GET', '/nowhere')).toBe('none not-found GET /nowhere')
    expect((await send(both, { method: 'PUT', path: '/json' })).headers.allow).toBe('GET, HEAD, DELETE')
    await both.close()
  })
})
