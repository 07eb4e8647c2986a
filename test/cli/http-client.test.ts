// How the command line asks a server: what `fetch` promises the SDK has to hold over Node's own HTTP as well.
import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchOverHttp } from '../../src/cli/http-client.ts'

let server: Server | undefined

/** Starts a server that answers in this way. @returns its URL */
async function serve(answer: RequestListener): Promise<string> {
  const started = createServer(answer)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  const address = started.address()
  if (address === null || typeof address === 'string') throw new Error('Not listening on a port')
  return `http://127.0.0.1:${address.port}`
}

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const constant = { redirect: 'error', credentials: 'omit', cache: 'no-store' } as const

const ask = (
  url: string,
  { method = 'GET', body, signal }: { method?: string; body?: string; signal?: AbortSignal } = {},
) =>
  fetchOverHttp(url, {
    ...constant,
    method,
    headers: { 'X-Asked': 'yes' },
    signal: signal ?? new AbortController().signal,
    ...(body !== undefined && { body }),
  })

/** All of a body, as text. */
async function textOf({ body }: Awaited<ReturnType<typeof ask>>): Promise<string> {
  const reader = body?.getReader()
  const pieces: Uint8Array[] = []
  for (;;) {
    const piece = await reader?.read()
    if (!piece || piece.done) return Buffer.concat(pieces).toString()
    pieces.push(piece.value)
  }
}

describe('fetch over HTTP', () => {
  it.each(['POST', 'PUT', 'DELETE'])('sends a %s with its body and the length of it', async (method) => {
    const url = await serve((req, res) => {
      const pieces: Buffer[] = []
      req.on('data', (piece) => pieces.push(piece))
      req.on('end', () => {
        const { 'content-length': length, 'x-asked': asked } = req.headers
        res.writeHead(201, { 'X-Told': 'once' })
        res.end(JSON.stringify([req.method, req.url, length, asked, Buffer.concat(pieces).toString()]))
      })
    })
    const answer = await ask(`${url}/path?a=b`, { method, body: 'größer' })
    expect([answer.ok, answer.status, answer.headers.get('x-TOLD'), answer.headers.get('absent')]).toEqual([
      true,
      201,
      'once',
      null,
    ])
    expect(JSON.parse(await textOf(answer))).toEqual([method, '/path?a=b', '8', 'yes', 'größer'])
  })

  it('uses a connection again', async () => {
    const ports = new Set<number | undefined>()
    const url = await serve((req, res) => {
      ports.add(req.socket.remotePort)
      res.end('answer')
    })
    for (let turn = 0; turn < 3; turn++) expect(await textOf(await ask(url))).toBe('answer')
    expect(ports.size).toBe(1)
  })

  it.each([301, 302, 303, 307, 308])('does not follow a redirect: %i', async (status) => {
    const asked: (string | undefined)[] = []
    const url = await serve((req, res) => {
      asked.push(req.url)
      res.writeHead(status, { Location: '/elsewhere' }).end()
    })
    await expect(ask(`${url}/here`)).rejects.toThrow('redirects')
    expect(asked).toEqual(['/here'])
  })

  it('tells what is no success as an answer, also without a body', async () => {
    const url = await serve((_req, res) => res.writeHead(304).end())
    const answer = await ask(url)
    expect([answer.ok, answer.status, await textOf(answer)]).toEqual([false, 304, ''])
  })

  it('rejects when nothing answers, and when the answer breaks off', async () => {
    const url = await serve((_req, res) => {
      res.writeHead(200, { 'Content-Length': 10 })
      res.write('half', () => res.destroy())
    })
    await expect(ask(url).then(textOf)).rejects.toThrow()
    await new Promise((resolve) => server?.close(resolve))
    await expect(ask(url)).rejects.toThrow()
  })

  it('gives up when it is told to, before an answer and in the middle of it', async () => {
    const url = await serve((req, res) => {
      if (req.url === '/half') res.write('half')
    })
    const before = new AbortController()
    const waiting = ask(url, { signal: before.signal })
    before.abort()
    await expect(waiting).rejects.toThrow()
    const during = new AbortController()
    const answer = await ask(`${url}/half`, { signal: during.signal })
    during.abort()
    await expect(textOf(answer)).rejects.toThrow()
  })

  it('ends the connection when the body is not wanted', async () => {
    let closed: (() => void) | undefined
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const url = await serve((_req, res) => {
      res.on('close', () => closed?.())
      res.write('the first of many')
    })
    const { body } = await ask(url)
    await body?.cancel()
    await gone
  })
})
