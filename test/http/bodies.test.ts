// Bodies that cost more than they are worth: refused before they are read, before they are parsed, and so that the client hears of it.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Problem } from '../../src/contract/problems.ts'
import { limits } from '../../src/contract/sizes.ts'
import { fakeEnvelope, newAccount, type RawAccount } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import { fillPath, isGuarded, operationsOf, readDocument } from '../support/openapi.ts'
import { bodyOf, outcomeOf, send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'

const mebibyte = 1024 * 1024

/** What a connection has received when the other side ends it. */
async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}

describe.each(engines)('bodies on %s', (engine) => {
  let server: TestServer
  let account: RawAccount
  beforeAll(async () => {
    server = await startServer(engine)
    account = await newAccount(server)
  })
  afterAll(() => server.close())

  const batchPath = () => `/api/v1/vaults/${account.vaultId}/batch`
  const batch = (raw: string | Uint8Array) =>
    send(server, { method: 'POST', path: batchPath(), token: account.token, raw })

  const open = async ({ url } = server) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return socket
  }

  /** The head of a batch, without what says how long its body is. */
  const batchHead = (...lines: string[]) =>
    [
      `POST ${batchPath()} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${account.token}`,
      'Content-Type: application/json',
      ...lines,
      '\r\n',
    ].join('\r\n')

  /** What the log says of the last request to a route. */
  const logged = (route: string, { log } = server) =>
    log()
      .trim()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line))
      .findLast((line) => line.route === route)
  const batchRoute = '/api/v1/vaults/{vaultId}/batch'

  it.each([
    ['nested brackets', () => '['.repeat(4_000_000) + ']'.repeat(4_000_000), /nesting/],
    ['nested objects', () => '{"a":'.repeat(1_000_000) + '}'.repeat(1_000_000), /nesting/],
    ['brackets that nobody closes', () => '['.repeat(8_000_000), /nesting/],
    ['empty lists', () => `[${'[],'.repeat(2_000_000)}[]]`, /values/],
    ['many members', () => `{${Array.from({ length: 600_000 }, (_, i) => `"${i}":0`)}}`, /values/],
    ['many numbers', () => `[${'0,'.repeat(4_000_000)}0]`, /values/],
    ['many texts', () => `[${'"",'.repeat(2_000_000)}""]`, /values/],
  ])('are refused by their structure, before they are parsed: %s', async (_name, raw, expected) => {
    const answer = await batch(raw())
    expect(outcomeOf(answer)).toBe('400 malformed-request')
    expect(bodyOf(Problem, answer).errors).toEqual([
      { path: 'body', message: expect.stringMatching(expected) },
    ])
  })

  it('are taken as large as the contract allows them', async () => {
    const data = fakeEnvelope(12_000)
    const operations = Array.from({ length: limits.batchOperations }, () => ({
      op: 'put',
      id: crypto.randomUUID(),
      data,
      revision: null,
    }))
    const answer = await batch(JSON.stringify({ operations }).padEnd(limits.batchBodyBytes))
    expect(answer.status).toBe(200)
    // One more is told by its name.
    const more = await batch(JSON.stringify({ operations: [...operations, operations[0]] }))
    expect(bodyOf(Problem, more).errors?.[0]?.path).toBe('body.operations')
  })

  it.each([
    ['{"email":"a@b.example","email":"c@d.example"}'],
    ['{"email":"a@b.example","\\u0065mail":"c@d.example"}'],
    ['{"email":"a@b.example","__proto__":1,"__proto__":2}'],
  ])('are refused with two members of one name: %s', async (raw) => {
    const answer = await send(server, { method: 'POST', path: '/api/v1/prelogin', raw })
    expect(bodyOf(Problem, answer).errors).toEqual([
      { path: 'body', message: 'Expected each member of an object once' },
    ])
  })

  it('of strangers are small on every route, but where the contract has room for more', async () => {
    const document = await readDocument(server)
    const ids = { shareId: 'A'.repeat(22) }
    const open = operationsOf(document).filter(
      (operation) => operation.body !== undefined && !isGuarded(operation),
    )
    const larger = new Set(['/api/v1/register', '/api/v1/shares'])
    expect(open.length).toBeGreaterThan(10)
    for (const { method, path, name } of open) {
      const raw = ' '.repeat(limits.strangersBodyBytes + 1)
      const answer = await send(server, { method, path: fillPath(path, ids), raw })
      expect(outcomeOf(answer), name).toBe(larger.has(path) ? '400 malformed-request' : '413 too-large')
    }
    const share = { method: 'POST', path: '/api/v1/shares', raw: ' '.repeat(2 * limits.shareBytes + 1) }
    expect(outcomeOf(await send(server, share))).toBe('413 too-large')
  })

  it('that are too large are refused by their length, and nothing of them is asked for', async () => {
    const socket = await open()
    const answer = received(socket)
    socket.write(batchHead(`Content-Length: ${300 * mebibyte}`, 'Expect: 100-continue'))
    const text = await answer
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text).toContain('Connection: close')
    expect(text).toContain('"code":"too-large"')
    socket.destroy()
  })

  it('are asked for once it is known who sends them', async () => {
    const raw = JSON.stringify({ operations: [{ op: 'trash', id: crypto.randomUUID(), revision: 1 }] })
    const socket = await open()
    socket.write(batchHead(`Content-Length: ${raw.length}`, 'Expect: 100-continue'))
    const [first] = await once(socket, 'data')
    expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(raw)
    const [second] = await once(socket, 'data')
    expect(String(second)).toMatch(/^HTTP\/1\.1 412 /)
    expect(String(second)).toContain('Connection: keep-alive')
    socket.destroy()

    const stranger = await open()
    const answer = received(stranger)
    stranger.write(
      batchHead(`Content-Length: ${raw.length}`, 'Expect: 100-continue').replace(/Bearer .*/, 'Bearer x'),
    )
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /)
    stranger.destroy()
  })

  it('without a length are cut off at the limit, and not swallowed to their end', async () => {
    const socket = await open()
    socket.on('error', () => {})
    const answer = received(socket)
    const chunk = `${mebibyte.toString(16)}\r\n${' '.repeat(mebibyte)}\r\n`
    socket.write(batchHead('Transfer-Encoding: chunked'))
    let isOver = false
    void answer.then(() => {
      isOver = true
    })
    // Until the other side takes no more; what fits into the buffers of the system may still leave.
    for (let sent = 0; sent < 300 && !isOver; sent += 1)
      if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), answer])
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(socket.bytesWritten).toBeLessThan(100 * mebibyte)
    socket.destroy()
  })

  it('that nobody reads get no further either', async () => {
    const socket = await open()
    const answer = received(socket)
    socket.write(`GET /docs HTTP/1.1\r\nHost: x\r\nContent-Length: ${300 * mebibyte}\r\n\r\n`)
    const text = await answer
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toContain('Connection: close')
    socket.destroy()
  })

  it('that are refused early do not cost the client its answer', async () => {
    const body = new Uint8Array(12 * mebibyte)
    for (let round = 0; round < 40; round += 1) {
      const answer = await fetch(`${server.url}${round % 2 ? batchPath() : '/api/v1/login'}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${account.token}` },
        body,
      })
      expect(answer.status).toBe(413)
      expect(Problem.parse(await answer.json()).code).toBe('too-large')
    }
  })

  it('that never come are logged as what they were, when the client goes', async () => {
    const socket = await open()
    socket.write(batchHead('Content-Length: 100', 'Expect: 100-continue'))
    await once(socket, 'data')
    socket.destroy()
    await expect.poll(() => logged(batchRoute)).toMatchObject({ status: 499, msg: 'request' })
  })

  it('that are too slow are a problem, and so are headers', async () => {
    const { database } = server
    const impatient = await startServer(engine, { database, patience: { headersMs: 300, bodyMs: 300 } })
    const slowBody = await open(impatient)
    const route = '/api/v1/prelogin'
    const head = [`POST ${route} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', 'Content-Length: 9']
    slowBody.write(`${head.join('\r\n')}\r\n\r\n{`)
    const answer = await received(slowBody)
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout/)
    expect(answer).toContain('"code":"request-timeout"')
    expect(answer).toContain('application/problem+json')
    await expect.poll(() => logged(route, impatient)).toMatchObject({ status: 408 })
    slowBody.destroy()

    const slowHeaders = await open(impatient)
    slowHeaders.write('GET / HTTP/1.1\r\nHost:')
    const refusal = await received(slowHeaders)
    expect(refusal).toMatch(/^HTTP\/1\.1 408 Request Timeout/)
    expect(refusal).toContain('application/problem+json')
    slowHeaders.destroy()
    await impatient.close()
  })

  it('with broken chunks are a 400, in the log as well', async () => {
    const socket = await open()
    const answer = received(socket)
    socket.write(`${batchHead('Transfer-Encoding: chunked')}5\r\nhello\r\nxyz\r\n`)
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /)
    await expect.poll(() => logged(batchRoute)).toMatchObject({ status: 400 })
    socket.destroy()
  })

  it.each([
    ['Host', ['Host: y']],
    ['Authorization', ['Authorization: Bearer x']],
    ['Content-Type', ['Content-Type: text/plain']],
    ['Transfer-Encoding', ['Transfer-Encoding: gzip, chunked']],
    ['Transfer-Encoding', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['Transfer-Encoding', ['Transfer-Encoding: identity']],
  ])('and headers that can be understood in two ways are a 400: %s as %s', async (_name, lines) => {
    const socket = await open()
    const answer = received(socket)
    socket.write(batchHead('Connection: close', ...lines))
    const text = await answer.then((all) => all, String)
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('"code":"malformed-request"')
    socket.destroy()
  })
})
