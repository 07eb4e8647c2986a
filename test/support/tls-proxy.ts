// TLS before a server under test, with a certificate made for the test; it also loses requests and answers, as bad connections do.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

/**
 * What becomes of a request. `lost request`: the server never gets it. `lost answer`: the server does what it says, and the client sees the
 * connection end. `half an answer`: the client gets the head and half of the body.
 */
type Fate = 'answered' | 'lost request' | 'lost answer' | 'half an answer'

interface SeenRequest {
  readonly method: string
  /** Without the query, which may hold a token. */
  readonly path: string
  /** Undefined while there is no answer, and for a request that was lost. */
  status: number | undefined
}

export interface TlsProxy {
  readonly url: string
  /** An HTTP proxy that leads here and nowhere else, for programs that would talk to their maker. */
  readonly gateway: string
  /** Of the certificate, in PEM: what `NODE_EXTRA_CA_CERTS` and the like are set to. */
  readonly certificate: string
  /** All requests so far. */
  readonly seen: readonly SeenRequest[]
  /** Where requests go from now on. */
  pointAt(url: string): void
  /** Decides about each request from now on. */
  decide(fate: (request: SeenRequest) => Fate): void
  close(): Promise<void>
}

async function newCertificate(folder: string) {
  const [keyFile, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '7'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', keyFile, '-out', certificate],
  ])
  return { certificate, key: await readFile(keyFile), cert: await readFile(certificate) }
}

/** Starts it without a server behind it: the server's settings need its address. */
export async function startTlsProxy(): Promise<TlsProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-tls-'))
  const { certificate, key, cert } = await newCertificate(folder)
  const seen: SeenRequest[] = []
  let target = ''
  let fateOf = (_request: SeenRequest): Fate => 'answered'

  const forward = (incoming: IncomingMessage) => {
    const { hostname, port } = new URL(target)
    const { method, url: path, headers } = incoming
    const forwarded = { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' }
    return request({ hostname, port, method, path, headers: forwarded, agent: false })
  }

  async function passOn(answer: IncomingMessage, outgoing: ServerResponse, fate: Fate) {
    if (fate === 'lost answer') {
      answer.resume()
      answer.once('end', () => outgoing.destroy())
      return
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    if (fate === 'answered') {
      await pipeline(answer, outgoing)
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(Buffer.from(chunk))
    const whole = Buffer.concat(chunks)
    outgoing.write(whole.subarray(0, whole.length / 2), () => outgoing.destroy())
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse) {
    const entry: SeenRequest = {
      method: incoming.method ?? '',
      path: (incoming.url ?? '').replace(/\?.*$/, ''),
      status: undefined,
    }
    seen.push(entry)
    const fate = fateOf(entry)
    if (fate === 'lost request') {
      outgoing.destroy()
      return
    }
    const onward = forward(incoming)
    onward.once('error', () => outgoing.destroy())
    onward.once('response', (answer) => {
      entry.status = answer.statusCode
      passOn(answer, outgoing, fate).catch(() => outgoing.destroy())
    })
    // An upload that its client gives up ends the request to the server, too.
    pipeline(incoming, onward).catch(() => onward.destroy())
  }

  const server = createServer({ key, cert }, handle)
  /** What the servers themselves do not close any more. */
  const open = new Set<Duplex>()
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => {})
    const onward = forward(incoming)
    onward.once('error', () => socket.destroy())
    onward.once('response', (answer) => {
      socket.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nConnection: close\r\n\r\n`)
    })
    onward.once('upgrade', (answer, behind, first) => {
      const lines = answer.rawHeaders.flatMap((name, at, all) =>
        at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : [],
      )
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
      if (first.length > 0) socket.write(first)
      if (head.length > 0) behind.write(head)
      behind.on('error', () => socket.destroy())
      socket.pipe(behind).pipe(socket)
    })
    onward.end()
  })
  const gateway = createHttpServer((_incoming, outgoing) => outgoing.writeHead(502).end())
  gateway.on('connect', ({ url: asked }: IncomingMessage, socket: Duplex) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => {})
    if (asked !== `localhost:${port}`) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      return
    }
    const behind = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      socket.pipe(behind).pipe(socket)
    })
    behind.on('error', () => socket.destroy())
    socket.once('close', () => behind.destroy())
  })
  const port = await freePort()
  const gatewayPort = await freePort()
  for (const [listener, at] of [
    [server, port],
    [gateway, gatewayPort],
  ] as const)
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(at, '127.0.0.1', resolve)
    })
  return {
    url: `https://localhost:${port}`,
    gateway: `http://127.0.0.1:${gatewayPort}`,
    certificate,
    seen,
    pointAt(url) {
      target = url
    },
    decide(fate) {
      fateOf = fate
    },
    async close() {
      for (const socket of open) socket.destroy()
      for (const listener of [server, gateway]) listener.closeAllConnections()
      await new Promise((resolve) => gateway.close(resolve))
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}
