// The contract as the server publishes it: complete, resolvable, readable by people; and the headers that every answer has.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Problem, problemCatalogue } from '../../src/contract/problems.ts'
import { Item, Vault } from '../../src/contract/vaults.ts'
import { fakeEnvelope, newAccount } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import { type Document, exampleOf, operationOf, operationsOf, readDocument } from '../support/openapi.ts'
import { bodyOf, type RawAnswer, type RawRequest, send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** What the server promises, said once more by hand: what disappears from here disappears for clients. */
const promised: Record<string, string> = {
  'get /healthz': '200',
  'get /readyz': '200 503',
  'get /api/v1/server': '200',
  'get /api/v1/openapi.json': '200',

  'post /api/v1/register': '201 400 403 409',
  'post /api/v1/prelogin': '200 400',
  'post /api/v1/login': '200 401',
  'post /api/v1/opaque/register': '200 400',
  'post /api/v1/opaque/login': '200 400',
  'post /api/v1/token/refresh': '200 401',
  'post /api/v1/logout': '204 401',
  'get /api/v1/account': '200 401',
  'delete /api/v1/account': '204 401',
  'post /api/v1/account/password': '200 400 401',
  'get /api/v1/account/events': '200 401',
  'get /api/v1/account/second-factors': '200 401',
  'post /api/v1/account/second-factors/totp': '201 401 409',
  'post /api/v1/account/second-factors/totp/{totpId}/confirm': '200 400 401 404',
  'post /api/v1/account/second-factors/webauthn': '201 401 409',
  'post /api/v1/account/second-factors/webauthn/{webauthnId}/confirm': '200 400 401 404',
  'post /api/v1/account/second-factors/recovery-codes': '200 401 404',
  'delete /api/v1/account/second-factors/{factorId}': '204 401 404',
  'get /api/v1/sessions': '200 401',
  'delete /api/v1/sessions/{sessionId}': '204 401 404',
  'delete /api/v1/sessions': '204 401',

  'get /api/v1/vaults': '200 401 403',
  'post /api/v1/vaults': '200 201 401 409',
  'put /api/v1/vaults/{vaultId}': '200 401 404 412',
  'delete /api/v1/vaults/{vaultId}': '204 401 404 412',
  'get /api/v1/vaults/{vaultId}/items': '200 401 404',
  'post /api/v1/vaults/{vaultId}/items': '200 201 401 404 409',
  'get /api/v1/vaults/{vaultId}/items/{itemId}': '200 304 401 404',
  'put /api/v1/vaults/{vaultId}/items/{itemId}': '200 201 401 404 412 428',
  'delete /api/v1/vaults/{vaultId}/items/{itemId}': '200 204 401 404 412',
  'post /api/v1/vaults/{vaultId}/items/{itemId}/restore': '200 401 404 412',
  'get /api/v1/vaults/{vaultId}/items/{itemId}/versions': '200 401 404',
  'get /api/v1/vaults/{vaultId}/items/{itemId}/attachments': '200 401 404',
  'put /api/v1/vaults/{vaultId}/items/{itemId}/attachments/{attachmentId}': '200 201 401 403 404 409 413 415',
  'get /api/v1/vaults/{vaultId}/items/{itemId}/attachments/{attachmentId}': '200 206 401 404 416',
  'delete /api/v1/vaults/{vaultId}/items/{itemId}/attachments/{attachmentId}': '204 401 403 404 412',
  'get /api/v1/vaults/{vaultId}/changes': '200 401 404 410',
  'post /api/v1/vaults/{vaultId}/batch': '200 401 404 412 413',

  'get /api/v1/events': '200 401 403 429 503',

  'post /api/v1/email/confirm': '204 403 429',
  'post /api/v1/email/delete': '202 403 429',
  'post /api/v1/email/delete/confirm': '200 403 429',
  'post /api/v1/email/delete/cancel': '204 403 429',
  'post /api/v1/account/email': '202 204 401 403 409 429',
  'put /api/v1/account/hint': '204 401 403 429',
  'delete /api/v1/account/deletion': '204 401 403 429',
  'post /api/v1/email/resend': '202 403 429',
  'post /api/v1/email/hint': '202 403 429',
  'get /api/v1/tokens': '200 401 403',
  'post /api/v1/tokens': '201 400 401 403 404',
  'get /api/v1/tokens/current': '200 401',
  'delete /api/v1/tokens/{tokenId}': '204 401 403 404',

  'post /api/v1/shares': '201 400 401 403 429',
  'head /api/v1/shares/{shareId}': '200 404',
  'post /api/v1/shares/{shareId}/reveal': '200 403 404 410 429',
  'post /api/v1/shares/{shareId}/ack': '204 404',
  'get /api/v1/shares/{shareId}/receipt': '200 401 404',
  'delete /api/v1/shares/{shareId}': '204 401 404 410',
}

const publicOperations = [
  'get /healthz',
  'get /readyz',
  'get /api/v1/server',
  'get /api/v1/openapi.json',
  'post /api/v1/register',
  'post /api/v1/prelogin',
  'post /api/v1/login',
  'post /api/v1/opaque/register',
  'post /api/v1/opaque/login',
  'post /api/v1/token/refresh',
  'post /api/v1/email/confirm',
  'post /api/v1/email/resend',
  'post /api/v1/email/hint',
  'post /api/v1/email/delete',
  'post /api/v1/email/delete/confirm',
  'post /api/v1/email/delete/cancel',
  'head /api/v1/shares/{shareId}',
  'post /api/v1/shares/{shareId}/reveal',
  'post /api/v1/shares/{shareId}/ack',
]

/** What a personal access token with the scope read may do; those that write items it may with the scope write. */
const readOperations = [
  'get /api/v1/vaults',
  'get /api/v1/vaults/{vaultId}/items',
  'get /api/v1/vaults/{vaultId}/items/{itemId}',
  'get /api/v1/vaults/{vaultId}/items/{itemId}/versions',
  'get /api/v1/vaults/{vaultId}/items/{itemId}/attachments',
  'get /api/v1/vaults/{vaultId}/items/{itemId}/attachments/{attachmentId}',
  'get /api/v1/vaults/{vaultId}/changes',
  'get /api/v1/events',
]

/** Who may use an operation, in OpenAPI's words; an access token unless it is said otherwise here. */
const securityOf = (operation: string): object[] => {
  if (publicOperations.includes(operation)) return []
  if (operation === 'post /api/v1/shares') return [{}, { sharer: [] }]
  if (operation === 'get /api/v1/tokens/current') return [{ tokenHolder: [] }]
  if (operation.includes('/shares/')) return [{ shareManager: [] }]
  if (readOperations.includes(operation)) return [{ reader: [] }]
  return /\/items|\/batch/.test(operation) ? [{ writer: [] }] : [{ session: [] }]
}

/** Every `$ref` anywhere in a value. */
function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    name === '$ref' && typeof member === 'string' ? [member] : refsIn(member),
  )
}

const at = (value: unknown, pointer: string): unknown =>
  pointer
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((found, name) => z.record(z.string(), z.unknown()).safeParse(found).data?.[name], value)

describe('the contract', () => {
  let server: TestServer
  let document: Document
  beforeAll(async () => {
    server = await startServer('sqlite')
    document = await readDocument(server)
  })
  afterAll(() => server.close())

  it('is an OpenAPI 3.1 document about this server', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/)
    expect(document.servers).toEqual([{ url: server.url }])
    expect(document.info).toMatchObject({ title: 'Limpet', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
  })

  it('has every route that was promised, with its outcomes, and none that nobody promised', () => {
    const operations = operationsOf(document)
    expect(operations.map(({ name }) => name).sort()).toEqual(expect.arrayContaining(Object.keys(promised)))
    for (const { name, statuses } of operations)
      expect(statuses, name).toEqual(expect.arrayContaining((promised[name] ?? '200').split(' ').map(Number)))
  })

  it('says of every operation what it is, who may use it, and what it answers', () => {
    const summaries = new Set<string>()
    const ids = new Set<string>()
    const usedTags = new Set<string>()
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods)) {
        const { operationId, summary, description, tags } = operation
        const { security, responses, parameters, requestBody } = operation
        const what = `${method} ${path}`
        expect(summary, what).toMatch(/^[A-Z].{5,}[^.]$/)
        summaries.add(summary)
        expect(description, what).toMatch(/^[A-Z`].{5,}\.$/)
        expect(operationId, what).toMatch(/^[a-z]+([A-Z][a-z]+)*$/)
        ids.add(operationId)
        expect(tags, what).toHaveLength(1)
        for (const tag of tags) usedTags.add(tag)
        const isPublic = security.length === 0
        if (Object.hasOwn(promised, what)) expect(security, what).toEqual(securityOf(what))
        const statuses = Object.keys(responses)
        expect(
          statuses.some((status) => status.startsWith('2')),
          what,
        ).toBe(true)
        expect(statuses.includes('401') || isPublic, what).toBe(true)
        for (const [status, { description, content }] of Object.entries(responses)) {
          expect(description, what).not.toBe('')
          if (status >= '400')
            expect(content?.['application/problem+json']?.schema, `${what} ${status}`).toEqual({
              $ref: '#/components/schemas/Problem',
            })
        }
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        const declared = parameters.filter((parameter) => parameter.in === 'path')
        expect(declared.map(({ name }) => name).sort(), what).toEqual(inPath.sort())
        expect(
          declared.every(({ required }) => required),
          what,
        ).toBe(true)
        for (const status of ['413', '415'])
          expect(statuses.includes(status), what).toBe(requestBody !== undefined)
      }
    expect(summaries.size).toBe(operationsOf(document).length)
    expect(ids.size).toBe(summaries.size)
    expect(document.tags.map(({ name }) => name)).toEqual([...usedTags])
  })

  it('has examples that fit their own patterns', () => {
    const Shown = z.looseObject({ pattern: z.string(), example: z.string() })
    const Nested = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())])
    const shownIn = (value: unknown): z.infer<typeof Shown>[] => [
      ...(Shown.safeParse(value).success ? [Shown.parse(value)] : []),
      ...Object.values(Nested.safeParse(value).data ?? {}).flatMap(shownIn),
    ]
    const shown = shownIn(document)
    expect(shown.length).toBeGreaterThan(0)
    for (const { pattern, example } of shown) expect(example).toMatch(new RegExp(pattern, 'u'))
  })

  it('refers to nothing that is not there, and keeps nothing that nobody refers to', () => {
    const refs = new Set(refsIn(document))
    expect(refs.size).toBeGreaterThan(15)
    for (const ref of refs) expect(at(document, ref), ref).toBeDefined()
    for (const name of Object.keys(document.components.schemas))
      expect(refs, name).toContain(`#/components/schemas/${name}`)
    const schemes = z
      .looseObject({ securitySchemes: z.record(z.string(), z.unknown()) })
      .parse(document.components)
    for (const { security } of Object.values(document.paths).flatMap((methods) => Object.values(methods)))
      for (const needed of security.flatMap((choice) => Object.keys(z.looseObject({}).parse(choice))))
        expect(Object.keys(schemes.securitySchemes)).toContain(needed)
  })

  it('accepts no member that it does not name in any request, but in what browsers make', () => {
    const Shape = z.looseObject({
      type: z.unknown().optional(),
      properties: z.unknown().optional(),
      additionalProperties: z.unknown().optional(),
    })
    const platformsOwn = new Set(
      ['WebauthnRegistration', 'WebauthnAssertion'].map((shape) => `#/components/schemas/${shape}`),
    )
    const objectsIn = (value: unknown): z.infer<typeof Shape>[] => {
      if (typeof value !== 'object' || value === null) return []
      const shape = Shape.safeParse(value).data
      const below = Object.entries(value).flatMap(([name, member]) =>
        name === '$ref' && typeof member === 'string'
          ? platformsOwn.has(member)
            ? []
            : objectsIn(at(document, member))
          : objectsIn(member),
      )
      return shape?.properties !== undefined && shape.type === 'object' ? [shape, ...below] : below
    }
    for (const { name, body } of operationsOf(document))
      for (const shape of objectsIn(body)) expect(shape.additionalProperties, name).toBe(false)
  })

  it('describes requests that can be made from it', () => {
    const bodies = operationsOf(document).filter(({ body }) => body !== undefined)
    expect(bodies.length).toBeGreaterThan(8)
    for (const { name, body } of bodies) expect(exampleOf(document, body), name).toBeTypeOf('object')
  })

  it('is a page too, without script, that mentions every path and every shape', async () => {
    const { status, headers, text } = await send(server, { path: '/docs' })
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['content-security-policy']).not.toMatch(/unsafe|script|\*|https?:/)
    expect(text).not.toMatch(/<script|javascript:|\son\w+=|style="|https?:\/\/(?!127\.0\.0\.1)/i)
    for (const { method, path } of operationsOf(document)) expect(text).toContain(`${method} ${path}`)
    for (const name of Object.keys(document.components.schemas)) expect(text).toContain(`id="shape-${name}"`)
    for (const code of Object.keys(problemCatalogue)) expect(text).toContain(`/problems/${code}`)
    for (const [, anchor = ''] of text.matchAll(/href="#([^"]+)"/g)) expect(text).toContain(`id="${anchor}"`)
    const paths = [...text.matchAll(/href="(\/[^"]*)"/g)].map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(10)
    for (const path of new Set(paths)) expect((await send(server, { path })).status, path).toBe(200)
  })

  it.each(Object.entries(problemCatalogue))('has a page about %s', async (code, { status, title, help }) => {
    const page = await send(server, { path: `/problems/${code}` })
    expect(page.status).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const readable = page.text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>')
    for (const part of [code, String(status), title, help]) expect(readable).toContain(part)
    expect(page.text).not.toMatch(/<script/i)
    expect(JSON.stringify(document)).toContain(code)
  })
})

describe.each(engines)('answers on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('have the headers that keep them out of caches and frames, and a request id of their own', async () => {
    const { token, vaultId } = await newAccount(server)
    const vault = `/api/v1/vaults/${vaultId}`
    const create = { method: 'POST', path: `${vault}/items`, token, body: { data: fakeEnvelope() } }
    const { id } = bodyOf(Item, await send(server, create))
    const item = `${vault}/items/${id}`
    const big = 'x'.repeat(600 * 1024)
    const kinds: [number, RawRequest][] = [
      [200, { path: '/healthz' }],
      [200, { path: '/readyz' }],
      [200, { path: '/docs' }],
      [200, { path: '/docs/style.css' }],
      [200, { path: '/problems/not-found' }],
      [200, { path: '/api/v1/openapi.json' }],
      [200, { method: 'HEAD', path: item, token }],
      [200, { path: item, token }],
      [201, create],
      [204, { method: 'DELETE', path: '/api/v1/sessions', token }],
      [200, { path: '/' }],
      [200, { path: '/s/any%23key' }],
      [304, { path: item, token, headers: { 'If-None-Match': '"2"' } }],
      [400, { path: `${vault}/items?limit=0`, token }],
      [400, { path: '/problems/%ZZ' }],
      [401, { path: item }],
      [404, { path: `${vault}/items/${crypto.randomUUID()}`, token }],
      [404, { path: '/nowhere' }],
      [405, { method: 'PATCH', path: item, token }],
      [409, { ...create, body: { id, data: fakeEnvelope() } }],
      [
        410,
        {
          path: `${vault}/changes?since=${Buffer.from([1, ...Array(20).fill(0)]).toString('base64url')}`,
          token,
        },
      ],
      [412, { method: 'DELETE', path: item, token, headers: { 'If-Match': '"9"' } }],
      [413, { ...create, raw: big }],
      [415, { ...create, headers: { 'Content-Type': 'text/plain' } }],
      [428, { method: 'PUT', path: item, token, body: { data: fakeEnvelope() } }],
    ]
    const ids = new Set<string>()
    const operations = operationsOf(await readDocument(server))
    for (const [status, request] of kinds) {
      const { headers, ...answer }: RawAnswer = await send(server, request)
      const what = `${status} ${request.method ?? 'GET'} ${request.path}`
      expect(answer.status, what).toBe(status)
      expect(headers['cache-control'], what).toBe('no-store')
      expect(headers['x-request-id'], what).toMatch(/^[0-9a-f-]{36}$/)
      ids.add(String(headers['x-request-id']))
      expect(headers, what).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
        'cross-origin-resource-policy': 'same-origin',
      })
      for (const name of ['x-powered-by', 'server', 'set-cookie', 'access-control-allow-origin'])
        expect(headers, what).not.toHaveProperty(name)
      expect('www-authenticate' in headers, what).toBe(status === 401)
      const operation = operationOf(operations, request.method ?? 'GET', request.path)
      if (operation)
        expect(
          ['ETag', 'Location', 'Limpet-Passphrase', 'Retry-After', 'WWW-Authenticate', 'Allow'].filter(
            (name) => name.toLowerCase() in headers,
          ),
          what,
        ).toEqual(operation.headers[status])
      if (status < 400) continue
      const problem = bodyOf(Problem, { headers, ...answer })
      expect(problem.type, what).toBe(`${server.url}/problems/${problem.code}`)
      expect((await send(server, { path: new URL(problem.type).pathname })).status, what).toBe(200)
      expect(problem.requestId, what).toBe(headers['x-request-id'])
    }
    expect(ids.size).toBe(kinds.length)
  })

  it('take no request id from outside', async () => {
    const given = 'a request id of the client'
    const { headers } = await send(server, { path: '/healthz', headers: { 'X-Request-Id': given } })
    expect(headers['x-request-id']).not.toBe(given)
    expect(server.log()).not.toContain(given)
  })

  it('are logged under their request id, by the route and never by the path', async () => {
    const { token, vaultId } = await newAccount(server)
    const created = await send(server, {
      method: 'POST',
      path: '/api/v1/vaults',
      token,
      body: { id: crypto.randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() },
    })
    const { id } = bodyOf(Vault, created)
    const answer = await send(server, { path: `/api/v1/vaults/${id}/items?state=trash`, token })
    const Line = z.looseObject({ requestId: z.string().optional() })
    const lines = server
      .log()
      .trim()
      .split('\n')
      .map((line) => Line.parse(JSON.parse(line)))
    expect(lines.find(({ requestId }) => requestId === answer.headers['x-request-id'])).toMatchObject({
      method: 'GET',
      route: '/api/v1/vaults/{vaultId}/items',
      status: 200,
      ms: expect.any(Number),
    })
    for (const secret of [id, vaultId, 'state=trash']) expect(server.log()).not.toContain(secret)
  })
})
