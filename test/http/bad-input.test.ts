// Everything that no honest client sends: always a problem of the catalogue, never a 5xx, nothing told, nothing changed.

import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Problem, problemCatalogue } from '../../src/contract/problems.ts'
import { limits } from '../../src/contract/sizes.ts'
import { Changes, Item } from '../../src/contract/vaults.ts'
import { fakeEnvelope, newAccount, type RawAccount } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import {
  type Document,
  exampleOf,
  fillPath,
  isGuarded,
  type Operation,
  operationsOf,
  readDocument,
  type Schema,
  schemaAt,
} from '../support/openapi.ts'
import { bodyOf, type RawAnswer, type RawRequest, send } from '../support/requests.ts'
import { readRows } from '../support/rows.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShare, type RawShare } from '../support/shares.ts'
import { newToken } from '../support/tokens.ts'

/**
 * Stands in every bad value, as a password mistyped into the wrong place would; no answer may repeat it. Names of members and
 * parameters are repeated on purpose: they are how `errors` says which one is not known.
 */
const marker = 'Correct-Horse-7f3a'

const leaks = /node_modules|\/src\/|\.ts\b|\.js\b|file:\/\/|^\s+at |\bSQLITE|\bpg_|stack/m

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Checks what an answer to HEAD can show of a refusal; `statuses` are those that fit what was wrong. */
function expectRefusalHead({ headers, status, text }: RawAnswer, statuses: readonly number[], what: string) {
  expect(statuses, `${what} was answered ${status} ${text}`).toContain(status)
  expect(headers['content-type'], what).toBe('application/problem+json; charset=utf-8')
  expect(headers['cache-control'], what).toBe('no-store')
}

/** Checks all that is promised of a refusal. */
function expectRefusal(answer: RawAnswer, statuses: readonly number[], what: string) {
  expectRefusalHead(answer, statuses, what)
  const { headers, status, text } = answer
  const problem = bodyOf(Problem, answer)
  const known = Object.entries(problemCatalogue).find(([code]) => code === problem.code)
  expect(known?.[1].status, what).toBe(status)
  expect(problem.status, what).toBe(status)
  expect(problem.requestId, what).toMatch(uuidForm)
  expect(problem.requestId, what).toBe(headers['x-request-id'])
  expect(text, what).not.toMatch(leaks)
  expect(text, what).not.toContain(marker)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Paths to every member, own and nested, of an example. */
function places(value: unknown, path: string[] = []): string[][] {
  const below = Array.isArray(value) || isObject(value) ? Object.entries(value) : []
  return [path, ...below.flatMap(([name, member]) => places(member, [...path, name]))]
}

/** The JSON of a value with the text of something else, JSON or not, in one place of it. */
function withRaw(value: unknown, [name, ...rest]: string[], raw: string): string {
  if (name === undefined) return raw
  const parts = (Array.isArray(value) || isObject(value) ? Object.entries(value) : []).map(
    ([key, member]) => {
      const text = key === name ? withRaw(member, rest, raw) : JSON.stringify(member)
      return Array.isArray(value) ? text : `${JSON.stringify(key)}:${text}`
    },
  )
  return Array.isArray(value) ? `[${parts}]` : `{${parts}}`
}

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const deepObject = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

/** Values that no member of any request has. */
const wrongValues = [
  'true',
  '-1',
  '0',
  '0.5',
  '1e400',
  '9007199254740992',
  '9007199254740993',
  '[]',
  '{}',
  '[[]]',
  '""',
  `"${marker}"`,
  `"${marker}\\u0000"`,
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"__proto__"',
  `{"$ne":"${marker}"}`,
  `{"toString":"${marker}"}`,
  deep(40_000),
  deepObject(40_000),
]

/** Members that no request has, as they stand in a JSON text. */
const extraMembers = [
  `"extra":"${marker}"`,
  `"__proto__":{"isAdmin":"${marker}"}`,
  `"__proto__":null`,
  `"constructor":{"prototype":{"isAdmin":"${marker}"}}`,
  `"toString":"${marker}"`,
  `"hasOwnProperty":"${marker}"`,
  `"":"${marker}"`,
  `"\\u0000":"${marker}"`,
  `"\\ud800":"${marker}"`,
]

interface Mutation {
  readonly what: string
  readonly request: Omit<RawRequest, 'method' | 'token'>
  readonly statuses: readonly number[]
}

/** An operation with everything in its place, to be spoiled. */
interface Base {
  readonly operation: Operation
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: unknown
  /** Of what stands at a place of the body. */
  readonly schemaOf: (place: string[]) => Schema
}

/** How many bytes a body may have. */
function mostOf(operation: Operation): number {
  if (/\/(batch|rotation\/versions|account\/key)$/.test(operation.path)) return limits.batchBodyBytes
  if (operation.name === 'post /api/v1/shares') return 2 * limits.shareBytes
  if (isGuarded(operation) || operation.path === '/api/v1/register') return limits.bodyBytes
  return limits.strangersBodyBytes
}

/** Wrong bodies; 404 and 412 are not among the answers, for the form is looked at before the rows. */
function bodyMutations({ operation, path, headers, body, schemaOf }: Base): fc.Arbitrary<Mutation> {
  const all = places(body)
  // What browsers make is taken with members that are not known yet; everything else is not.
  const isStrict = (place: string[]) => schemaOf(place).additionalProperties === false
  const objects = all.filter((place) => isObject(at(body, place)) && isStrict(place))
  const bad = (what: string, raw: string | Uint8Array, statuses = [400], extra = {}) => ({
    what: `${operation.name}: ${what}`,
    request: { path, headers: { ...headers, ...extra }, raw },
    statuses: Buffer.byteLength(raw) > mostOf(operation) ? [413] : statuses,
  })
  const json = JSON.stringify(body)
  const isRequired = (place: string[]) => {
    const { minItems, required } = schemaOf(place.slice(0, -1))
    // Examples have as many entries as there must be.
    return (minItems ?? 0) > 0 || (required ?? []).includes(place.at(-1) ?? '')
  }
  return fc.oneof(
    fc
      .tuple(fc.constantFrom(...all), fc.constantFrom(...wrongValues))
      .filter(([place, raw]) => !takes(schemaOf(place), raw))
      .map(([place, raw]) => bad(`${raw.slice(0, 40)} at ${place.join('.')}`, withRaw(body, place, raw))),
    fc.tuple(fc.constantFrom(...objects), fc.constantFrom(...extraMembers)).map(([place, member]) => {
      const inner = JSON.stringify(at(body, place))
      const raw = `${inner.slice(0, -1)}${inner === '{}' ? '' : ','}${member}}`
      return bad(`extra ${member} in ${place.join('.')}`, withRaw(body, place, raw))
    }),
    fc
      .constantFrom(...all.filter((place) => place.length > 0 && isRequired(place)))
      .map((place) => bad(`without ${place.join('.')}`, JSON.stringify(without(body, place)))),
    fc.nat(json.length - 1).map((length) => bad(`cut off after ${length}`, json.slice(0, length))),
    fc.json().map((text) => bad(`random JSON ${text.slice(0, 40)}`, text)),
    fc
      .uint8Array({ minLength: 1, maxLength: 50 })
      .map((bytes) => bad('random bytes', Buffer.concat([Buffer.from([0xff]), bytes]))),
    fc.constantFrom(
      bad('empty', ''),
      bad('white space', ' '),
      bad(
        'invalid UTF-8',
        Buffer.concat([Buffer.from(json.slice(0, -2)), Buffer.from([0xc3, 0x28, 0x22, 0x7d])]),
      ),
      bad('UTF-16', Buffer.from(json, 'utf16le')),
      bad('two documents', json + json),
      bad('a comment', `/**/${json}`),
      bad('null', 'null'),
      bad('a text', `"${marker}"`),
      bad('a list of it', `[${json}]`),
      ...[
        'text/plain',
        'application/json; charset=utf-16',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'x',
        '',
      ].map((type) => bad(`content type ${type}`, json, [415], { 'Content-Type': type })),
      ...['gzip', 'deflate', 'br', 'x'].map((encoding) =>
        bad(`encoding ${encoding}`, gzipSync(json), [415], { 'Content-Encoding': encoding }),
      ),
    ),
  )
}

const at = (value: unknown, path: string[]): unknown =>
  path.reduce<unknown>(
    (found, name) =>
      isObject(found) || Array.isArray(found)
        ? Object.entries(found).find(([key]) => key === name)?.[1]
        : undefined,
    value,
  )

/** A copy without one member, or without one entry of a list. */
function without(value: unknown, [name, ...rest]: string[]): unknown {
  const kept = (entries: [string, unknown][]) =>
    entries
      .filter(([key]) => key !== name || rest.length > 0)
      .map(([key, member]): [string, unknown] => [key, key === name ? without(member, rest) : member])
  if (Array.isArray(value)) return kept(Object.entries(value)).map(([, member]) => member)
  return isObject(value) ? Object.fromEntries(kept(Object.entries(value))) : value
}

const badIds = (id: string) => [
  'x',
  marker,
  id.slice(1),
  `${id}0`,
  id.toUpperCase().replace(/^./, 'A'),
  id.replaceAll('-', ''),
  `{${id}}`,
  `${id}%00`,
  `${id}%0A`,
  `%20${id}`,
  '%ZZ',
  '%00',
  '%',
  '%C3%28',
  '%E2%82%AC',
  `${id}%27%20or%201=1--`,
  '__proto__',
  '..%2f..%2fetc%2fpasswd',
  'a'.repeat(8000),
]

/** Wrong ids in the path. */
function pathMutations(
  { operation, headers, body }: Base,
  values: Record<string, string>,
): fc.Arbitrary<Mutation> | undefined {
  const parameters = operation.parameters.filter((parameter) => parameter.in === 'path')
  if (parameters.length === 0) return undefined
  return fc.constantFrom(...parameters).chain(({ name, schema }) =>
    fc.constantFrom(...badIds(values[name] ?? '').filter((id) => !fits(schema, id))).map((id) => ({
      what: `${operation.name}: ${name} ${id.slice(0, 60)}`,
      request: {
        path: fillPath(operation.path, { ...values, [name]: id }),
        headers,
        ...(body !== undefined && { body }),
      },
      statuses: [400],
    })),
  )
}

/** Wrong, unknown and repeated query parameters. */
function queryMutations({ operation, path, headers, body }: Base): fc.Arbitrary<Mutation> {
  const known: Record<string, string[]> = {
    limit: [
      '0',
      '1001',
      'abc',
      '-1',
      '1.5',
      '1e2',
      '',
      '%00',
      '%2B1',
      '%201',
      '99999999999999999999',
      'NaN',
      marker,
    ],
    state: ['ACTIVE', 'purged', '', '%00', marker],
    keyVersion: ['0', '-1', '1.5', '1e2', '', '%00', '99999999999999999999', marker],
    permanent: ['TRUE', '1', '', 'yes', marker],
    cursor: [
      '',
      '!',
      'AAAA',
      '%00',
      'a'.repeat(129),
      Buffer.from(`${marker}${randomUUID()}`).toString('base64url'),
    ],
    wait: ['61', '-1', '1.5', '1e1', '', '%00', '007', 'NaN', marker],
    since: ['', '!', '%00', 'a'.repeat(129), `${marker}!`],
  }
  const queries = operation.parameters.flatMap(({ in: place, name, schema }) => {
    if (place !== 'query') return []
    const bad = known[name]
    if (!bad) throw new Error(`No test knows wrong values for the query parameter ${name}`)
    const good = String(schema.enum?.[0] ?? 1)
    return [
      ...bad.map((value) => `${name}=${value}`),
      `${name}=${good}&${name}=${good}`,
      `${name}[]=${good}`,
      `${name}[a]=${good}`,
    ]
  })
  const unknown = [
    `unknown=${marker}`,
    'unknown',
    '__proto__=1',
    'constructor=1',
    '%00=1',
    'a'.repeat(2000),
    'access_token=x',
  ]
  return fc.constantFrom(...queries, ...unknown).map((query) => ({
    what: `${operation.name}: ?${query.slice(0, 60)}`,
    request: { path: `${path}?${query}`, headers, ...(body !== undefined && { body }) },
    statuses: [400],
  }))
}

const badTags = [
  '',
  '*',
  '1',
  '"0"',
  '"-1"',
  '"1.5"',
  '"01"',
  '"9007199254740993"',
  '"99999999999999999999"',
  '"1","2"',
  'W/',
  '"',
  `"${marker}"`,
  '"1"x',
]

/** Wrong preconditions, for operations that look at any. */
function preconditionMutations({ operation, path, body }: Base): fc.Arbitrary<Mutation> | undefined {
  const names = operation.parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name)
  if (!names.includes('If-Match')) return undefined
  const bad = (headers: Record<string, string>) => ({
    what: `${operation.name}: ${JSON.stringify(headers)}`,
    request: { path, headers, ...(body !== undefined && { body }) },
    statuses: [400],
  })
  return fc.constantFrom(
    ...badTags.map((tag) => bad({ 'If-Match': tag })),
    ...badTags.filter((tag) => tag !== '*').map((tag) => bad({ 'If-None-Match': tag })),
    ...(names.includes('If-None-Match')
      ? [bad({ 'If-Match': '"1"', 'If-None-Match': '*' })]
      : [bad({ 'If-None-Match': '*' })]),
  )
}

const fits = ({ pattern, minLength = 0, maxLength }: Schema, text: string): boolean =>
  text.length >= minLength &&
  text.length <= (maxLength ?? text.length) &&
  (pattern === undefined || new RegExp(pattern, 'u').test(text))

/** Whether a value is one that the schema takes: a marker is a good name for a device, and `true` a good flag. */
function takes(schema: Schema, raw: string): boolean {
  const { type, enum: choices, const: only, minItems = 0 } = schema
  if (choices || only !== undefined) return false
  if (type === 'array') return raw === '[]' && minItems === 0
  if (type === 'boolean') return raw === 'true'
  const types = Array.isArray(type) ? type : [type]
  if (raw === 'null') return types.includes('null')
  return types.includes('string') && raw.startsWith('"') && fits(schema, z.string().parse(JSON.parse(raw)))
}

// Thousands of requests, which a busy machine answers slowly.
describe.each(engines)('bad input on %s', { timeout: 300_000 }, (engine) => {
  let server: TestServer
  let document: Document
  let account: RawAccount
  let item: Item
  let share: RawShare
  let personalToken: string
  beforeAll(async () => {
    server = await startServer(engine)
    document = await readDocument(server)
    account = await newAccount(server)
    item = bodyOf(
      Item,
      await send(server, {
        method: 'POST',
        path: `/api/v1/vaults/${account.vaultId}/items`,
        token: account.token,
        body: { data: fakeEnvelope() },
      }),
    )
    share = await newShare(server)
    personalToken = (await newToken(server, account)).token
    // Its first use is noted.
    await send(server, { path: '/api/v1/tokens/current', token: personalToken })
  })
  afterAll(() => server.close())

  const values = () => ({
    vaultId: account.vaultId,
    itemId: item.id,
    sessionId: randomUUID(),
    tokenId: randomUUID(),
    factorId: randomUUID(),
    totpId: randomUUID(),
    webauthnId: randomUUID(),
    shareId: share.id,
    attachmentId: randomUUID(),
  })

  const tokenFor = ({ needsSession, needsManageToken, needsPersonalToken }: Operation) => {
    if (needsManageToken) return share.manageToken
    if (needsPersonalToken) return personalToken
    return needsSession ? account.token : undefined
  }

  const baseOf = (operation: Operation): Base => ({
    operation,
    path: fillPath(operation.path, values()),
    headers: {
      ...(operation.parameters.some(({ name }) => name === 'If-Match') && {
        'If-Match': `"${item.revision}"`,
      }),
      ...(operation.takesBytes && { 'Content-Type': 'application/octet-stream' }),
    },
    body: operation.body === undefined ? undefined : exampleOf(document, operation.body),
    schemaOf: (place) => schemaAt(document, operation.body, place),
  })

  it('is refused in every place of every operation', async () => {
    const before = await readRows(server.database)
    const mutations = operationsOf(document).flatMap((operation) => {
      const base = baseOf(operation)
      const kinds = [
        base.body === undefined ? undefined : bodyMutations(base),
        pathMutations(base, values()),
        queryMutations(base),
        preconditionMutations(base),
      ].filter((kind) => kind !== undefined)
      return [{ operation, mutation: fc.oneof(...kinds) }]
    })
    for (const { operation, mutation } of mutations)
      await fc.assert(
        fc.asyncProperty(mutation, async ({ what, request, statuses }) => {
          const { method } = operation
          const answer = await send(server, { ...request, method, token: tokenFor(operation) })
          const check = method === 'HEAD' ? expectRefusalHead : expectRefusal
          check(answer, statuses, what)
          expect(operation.statuses, what).toContain(answer.status)
        }),
        { numRuns: operation.body === undefined ? 40 : 150 },
      )
    expect(await readRows(server.database)).toEqual(before)
    expect((await send(server, { path: '/healthz' })).status).toBe(200)
  })

  it('is refused for its size, by the limit of the route, whether it is announced or not', async () => {
    const before = await readRows(server.database)
    for (const operation of operationsOf(document).filter(({ body }) => body !== undefined)) {
      const { path, headers, body } = baseOf(operation)
      const most = mostOf(operation)
      const token = tokenFor(operation)
      const json = JSON.stringify(body)
      const request = { method: operation.method, path, token }
      for (const framing of [{}, { 'Transfer-Encoding': 'chunked' }]) {
        const raw = json.padEnd(most + 1)
        const answer = await send(server, { ...request, headers: { ...headers, ...framing }, raw })
        expectRefusal(answer, [413], `${operation.name} with a body of ${raw.length} bytes`)
      }
      // Exactly the limit is read, and then found to be no JSON.
      const full = await send(server, { ...request, headers, raw: json.slice(0, -1).padEnd(most) })
      expectRefusal(full, [400], `${operation.name} with a body of ${most} bytes`)
    }
    expect(await readRows(server.database)).toEqual(before)
  })

  it('is refused as a text that fills the whole body, wherever there is a text', async () => {
    for (const operation of operationsOf(document).filter(({ body }) => body !== undefined)) {
      const { path, headers, body } = baseOf(operation)
      const json = JSON.stringify(body)
      const most = mostOf(operation)
      // Of an envelope's alphabet, so that patterns are matched for as long as they can be.
      const raw = (at: number) =>
        json.replaceAll(/(?<=:)"[^"]*"/g, (text, index: number) =>
          index === at ? `"${'AQ'.padEnd(most - json.length, 'A')}"` : text,
        )
      const request = { method: operation.method, path, token: tokenFor(operation), headers }
      for (const { index } of json.matchAll(/(?<=:)"[^"]*"/g)) {
        const answer = await send(server, { ...request, raw: raw(index) })
        expectRefusal(answer, [400], `${operation.name} with all of its body at ${index}`)
      }
    }
  })

  it('is refused as a cursor of another vault, of the future, and of another list', async () => {
    const { token, vaultId } = account
    const other = await newAccount(server)
    const vaults = '/api/v1/vaults'
    const changes = (path: string, bearer: string) => send(server, { path, token: bearer })
    const foreign = bodyOf(Changes, await changes(`${vaults}/${other.vaultId}/changes`, other.token)).cursor
    const own = bodyOf(Changes, await changes(`${vaults}/${vaultId}/changes`, token)).cursor
    const bytes = Buffer.from(own, 'base64url')
    const future = Buffer.from(bytes)
    future.writeBigUInt64BE(2n ** 40n, 1)
    const beyond = Buffer.from(bytes)
    beyond.writeBigUInt64BE(2n ** 63n, 1)
    const neverOne = [beyond.toString('base64url'), 'AAAA', 'A', own.slice(0, -1), `${own}AAAA`]
    for (const cursor of [foreign, future.toString('base64url'), ...neverOne])
      expectRefusal(
        await changes(`${vaults}/${vaultId}/changes?since=${cursor}`, token),
        [neverOne.includes(cursor) ? 400 : 410],
        `since ${cursor}`,
      )
    for (const cursor of [own, foreign])
      expectRefusal(
        await changes(`${vaults}/${vaultId}/items?cursor=${cursor}`, token),
        [400],
        `cursor ${cursor}`,
      )
  })

  it('is answered 405 with Allow for every other method', async () => {
    const methods = [
      'GET',
      'POST',
      'PUT',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      'LOCK',
      'SEARCH',
    ]
    for (const [path, operations] of Map.groupBy(operationsOf(document), (operation) => operation.path)) {
      const allowed = operations.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
      for (const method of methods.filter((name) => !allowed.includes(name))) {
        const what = `${method} ${path}`
        const answer = await send(server, { method, path: fillPath(path, values()), token: account.token })
        expectRefusal(answer, [405], what)
        expect(answer.headers.allow?.split(', ').sort(), what).toEqual(allowed.sort())
      }
    }
  })

  it('is answered as a problem where no route is', async () => {
    const long = 'a'.repeat(8000)
    for (const path of [
      '/nothing',
      `/${marker}`,
      '/%ZZ',
      '/%00',
      '//',
      '/api/v1',
      '/api/v1/',
      '/API/v1/server',
      '/api/v2/server',
      `/${long}`,
      '/problems/x',
      '/problems/%ZZ',
      '/problems/__proto__',
      '/problems/constructor',
      '/..%2f..%2fetc/passwd',
      '/*',
      '/?x=1%00',
    ])
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await send(server, { method, path })
        // The page at the root takes any query, and a slash more. Pages take GET alone.
        const isRoot = /^\/\/?(\?|$)/.test(path)
        if (method === 'GET' && isRoot) continue
        const isPage = method !== 'GET' && (isRoot || path.startsWith('/problems/'))
        expectRefusal(answer, isPage ? [400, 405] : [400, 404], `${method} ${path.slice(0, 40)}`)
      }
  })

  it('is survived with headers that nobody sends', async () => {
    const path = '/api/v1/vaults'
    for (const [name, value] of [
      ['Authorization', 'a'.repeat(8000)],
      ['Authorization', `Bearer ${'a'.repeat(4000)}.${'b'.repeat(2000)}.c`],
      ['Authorization', `Basic ${marker}`],
      ['Authorization', ''],
      ['Cookie', marker],
    ])
      expectRefusal(
        await send(server, { path, headers: { [name ?? '']: value ?? '' } }),
        [401],
        `${name}: ${value?.slice(0, 30)}`,
      )
  })

  /** Writes bytes to a new connection and reads until the server closes it. */
  const talk = (bytes: string | Uint8Array) =>
    new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(server.url)
      const socket = connect(Number(port), hostname, () => socket.write(bytes))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })

  it.each([
    ['what is not HTTP', `${marker}\r\n\r\n`, 400],
    ['a TLS hello', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0d, 0x0a, 0x0d, 0x0a]), 400],
    ['another version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
    ['an unknown method', 'SPOIL / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n', 400],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost x\r\n\r\n', 400],
    [
      'two lengths',
      'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a negative length', 'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: x\r\n${`X: ${'a'.repeat(8000)}\r\n`.repeat(4)}\r\n`,
      400,
    ],
    ['a path without end', `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 400],
  ])('answers %s with a problem', async (what, bytes, status) => {
    const [head = '', text = ''] = (await talk(bytes)).split('\r\n\r\n', 2)
    const [line, ...lines] = head.split('\r\n')
    expect(line, what).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    const headers = Object.fromEntries(lines.map((header) => header.toLowerCase().split(': ', 2)))
    expect(headers, what).toMatchObject({ 'cache-control': 'no-store', connection: 'close' })
    expect(headers['content-type'], what).toMatch(/^application\/problem\+json/)
    const problem = Problem.parse(JSON.parse(text))
    expect(problem, what).toMatchObject({
      status,
      code: 'malformed-request',
      requestId: headers['x-request-id'],
    })
    expect(text, what).not.toMatch(leaks)
    expect(text, what).not.toContain(marker)
  })
})
