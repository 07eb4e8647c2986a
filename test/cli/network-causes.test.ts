// Why nothing answers, said before a password is asked for: each cause in its own sentence, with what to do about it.
import { once } from 'node:events'
import { createServer as createWebServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { networkSentence } from '../../src/cli/network-causes.ts'
import { NetworkError } from '../../src/sdk/index.ts'
import { startServer } from '../support/server.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'
import { newShell } from './program.ts'

const servers: Server[] = []
let tls: TlsProxy
beforeAll(async () => {
  tls = await startTlsProxy()
})
afterAll(() => tls.close())
afterEach(() => {
  vi.useRealTimers()
  for (const server of servers.splice(0)) server.close()
})

/** @returns the port that it listens on */
async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Not listening on a port')
  return address.port
}

const plain = () => createWebServer((_req, res) => void res.writeHead(301, { Location: '/' }).end())

it.each([
  ['a refused connection', async () => 'http://127.0.0.1:1', 'Nothing listens at http://127.0.0.1:1'],
  ['an unknown name', async () => 'https://nowhere.invalid', 'There is no machine of that name'],
  ['a certificate that is not trusted', async () => tls.url, 'NODE_EXTRA_CA_CERTS'],
  ['TLS to plain HTTP', async () => `https://127.0.0.1:${await listen(plain())}`, 'does not speak TLS'],
  ['plain HTTP to TLS', async () => tls.url.replace('https', 'http'), 'ended the connection without'],
  [
    'no HTTP at all',
    async () => `http://127.0.0.1:${await listen(createServer((socket) => socket.end('220 mail\r\n')))}`,
    'is no web server',
  ],
  ['a redirect', async () => `http://127.0.0.1:${await listen(plain())}`, 'redirects'],
])('%s', async (_cause, urlOf, sentence) => {
  const shell = await newShell({ url: await urlOf() })
  for (const args of [
    ['login', shell.email],
    ['register', shell.email],
  ]) {
    // Nothing is on standard input: a question would be a failure of another kind.
    const { stderr } = await shell.ended('unavailable', args)
    expect(stderr).toContain(sentence)
  }
})

it.each([
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'for another name'],
  ['CERT_HAS_EXPIRED', 'has expired'],
  ['CERT_NOT_YET_VALID', "this machine's clock"],
  ['EAI_AGAIN', 'no name server answers'],
  ['ENETUNREACH', 'There is no way to'],
  ['ESOMETHINGELSE', 'Check the address and the connection'],
])('%s', (code, sentence) => {
  const server = 'https://vault.example.com'
  // As a program over `fetch` would see it: the code is that of the cause of its error.
  const cause = new TypeError('fetch failed', { cause: Object.assign(new Error('low'), { code }) })
  expect(networkSentence(new NetworkError('Nothing came', { server, cause }))).toContain(sentence)
})

it('a server that takes the connection and keeps silent is given up after 15 seconds, and not asked again', async () => {
  const taken: Socket[] = []
  const server = createServer((socket) => taken.push(socket))
  const url = `http://127.0.0.1:${await listen(server)}`
  const shell = await newShell({ url })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const ended = shell.ended('unavailable', ['login', shell.email])
  await once(server, 'connection')
  await vi.advanceTimersByTimeAsync(15_000)
  expect((await ended).stderr).toContain('keeps silent')
  expect(taken).toHaveLength(1)
})

it('a server that makes no accounts says so before a password is asked for', async () => {
  const server = await startServer('sqlite', { environment: { REGISTRATION: 'closed' } })
  const shell = await newShell(server)
  expect((await shell.ended('unexpected', ['register', shell.email])).stderr).toContain('makes no accounts')
  await server.close()
})
