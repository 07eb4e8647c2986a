// SnapPass mode: what a script for SnapPass can observe, route by route, and what of it leaves no trace.

import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { seconds } from '../../../src/clock.ts'
import { largestSecretBytes } from '../../../src/contract/sizes.ts'
import { ReceivedShare, sharesOf } from '../../../src/sdk/shares.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, outcomeOf, type RawAnswer, type RawRequest, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const base = 'https://s.example/snap'
const on = { SNAPPASS_API: 'on', HOST_OVERRIDE: 's.example', URL_PREFIX: '/snap/' }
const most = 1_209_600

const tokenForm = /^snappass[\da-f]{32}~[\w-]{43}=$/
const Made = z.strictObject({
  token: z.string().regex(tokenForm),
  links: z.tuple([
    z.strictObject({ rel: z.literal('self'), href: z.string() }),
    z.strictObject({ rel: z.literal('web-view'), href: z.string() }),
  ]),
  ttl: z.number(),
})
const Link = z.strictObject({ link: z.string(), ttl: z.number() })
const Errors = z.looseObject({ code: z.string(), errors: z.array(z.looseObject({ path: z.string() })) })

const quoted = (token: string) => token.replaceAll('=', '%3D')
const typeOf = ({ headers }: RawAnswer) => headers['content-type']
const json = ({ text }: RawAnswer): unknown => JSON.parse(text)

const invalid = (...params: { name: string; reason: string }[]) => ({
  type: `${base}/set-password-validation-error`,
  title: 'The password and/or the TTL are invalid.',
  'invalid-params': params,
})
const noPassword = {
  name: 'password',
  reason: 'The password is required and should not be null or empty.',
}
const tooLong = { name: 'ttl', reason: 'The specified TTL is longer than the maximum supported.' }
const missing = {
  type: `${base}/get-password-error`,
  title: "The password doesn't exist.",
  'invalid-params': [{ name: 'token' }],
}

/** Secrets that a careless server, or HTML, would change. */
const secrets = [
  'correct horse',
  ' spaces around ',
  '\nfirst line empty\n\nlast too\n',
  'a\r\nb\rc\n',
  '😀 grüße 漢字 \u202e e\u0301',
  '\ufeffmarked',
  '</textarea><script>alert(1)</script> & " \' &amp;',
  '100% + 1 = %41;a=b&ttl=hour',
  '{"password":"x"}',
]

/** The text of an element as a parser of HTML gives it. */
function elementText({ text }: RawAnswer, form: RegExp): string {
  const raw = form.exec(text)?.[1]
  if (raw === undefined) throw new Error('The page has no such element')
  const names: Record<string, string> = { '#13': '\r', '#39': "'", quot: '"', lt: '<', gt: '>', amp: '&' }
  return raw.replaceAll(/\r\n?/g, '\n').replaceAll(/&([#\w]+);/g, (whole, name) => names[name] ?? whole)
}
// The line feed after the tag is no part of the text.
const secretOf = (page: RawAnswer) =>
  elementText(page, /<textarea id="password-text"[^>]*>\n?([^<]*)<\/textarea>/)
const linkOf = (page: RawAnswer) => elementText(page, /<input id="password-link" value="([^"]*)"/)

const form = (fields: Record<string, string>): Omit<RawRequest, 'path'> => ({
  method: 'POST',
  raw: new URLSearchParams(fields).toString(),
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
})

/** A script's view of a server. */
function scripts(server: { url: string }) {
  const post = (path: string, body: unknown) => send(server, { method: 'POST', path, body })
  return {
    post,
    async make(password = 'correct horse', ttl?: unknown) {
      const answer = await post('/api/v2/passwords', { password, ttl })
      expect(answer.status, answer.text).toBe(200)
      return bodyOf(Made, answer).token
    },
    submit: (fields: Record<string, string>, headers: Record<string, string> = {}) => {
      const request = form(fields)
      return send(server, { ...request, path: '/', headers: { ...request.headers, ...headers } })
    },
    get: (token: string) => send(server, { path: `/api/v2/passwords/${quoted(token)}` }),
    head: (token: string) => send(server, { method: 'HEAD', path: `/api/v2/passwords/${quoted(token)}` }),
    view: (method: string, token: string) => send(server, { method, path: `/${quoted(token)}` }),
  }
}

/** The path of a link that was handed out, as the proxy in front passes it on. */
const pathOf = (link: string) => {
  expect(link.startsWith(`${base}/`)).toBe(true)
  return link.slice(base.length)
}

const running: TestServer[] = []
async function start(...[engine, options]: Parameters<typeof startServer>) {
  const server = await startServer(engine, options)
  running.push(server)
  return server
}
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})

describe.each(engines)('SnapPass mode on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let script: ReturnType<typeof scripts>
  beforeAll(async () => {
    server = await startServer(engine, { environment: on, clock })
    script = scripts(server)
  })
  afterAll(() => server.close())

  it.each<[string, (answer: RawAnswer) => { token: string; ttl: number }]>([
    [
      '/api/set_password/',
      (answer) => {
        const { link, ttl } = bodyOf(Link, answer)
        return { token: pathOf(link).slice(1), ttl }
      },
    ],
    [
      '/api/v2/passwords',
      (answer) => {
        const { token, ttl } = bodyOf(Made, answer)
        return { token: quoted(token), ttl }
      },
    ],
  ])('makes a password by POST %s', async (path, madeOf) => {
    for (const [given, ttl] of [
      [undefined, most],
      [1, 1],
      [most, most],
      [60.9, 60],
      [1_209_600.5, most],
      ['60', 60],
      [' 60\n', 60],
      ['+60', 60],
    ]) {
      const answer = await script.post(path, { password: 'x', ttl: given, unknown: true })
      expect([answer.status, typeOf(answer)], String(given)).toEqual([200, 'application/json'])
      expect(answer.headers['cache-control']).toBe('no-store')
      const { token, ttl: echoed } = madeOf(answer)
      expect(echoed).toBe(ttl)
      expect(token).toMatch(/^snappass[\da-f]{32}~[\w-]{43}%3D$/)
      const read = await send(server, { path: `/api/v2/passwords/${token}` })
      expect([read.status, json(read)]).toEqual([200, { password: 'x' }])
    }
  })

  it('names both links of a password under the prefix, and both lead to it', async () => {
    const answer = await script.post('/api/v2/passwords', { password: 'x' })
    const { token, links } = bodyOf(Made, answer)
    expect(links).toEqual([
      { rel: 'self', href: `${base}/api/v2/passwords/${quoted(token)}` },
      { rel: 'web-view', href: `${base}/${quoted(token)}` },
    ])
    const [self, view] = links.map(({ href }) => pathOf(href))
    expect((await send(server, { path: view ?? '' })).status).toBe(200)
    expect((await send(server, { path: self ?? '' })).status).toBe(200)
  })

  it.each([
    [{}, [noPassword]],
    [{ password: '' }, [noPassword]],
    [{ password: null }, [noPassword]],
    [{ password: '', ttl: most + 1 }, [noPassword, tooLong]],
    [{ password: 'x', ttl: most + 1 }, [tooLong]],
    [{ password: 'x', ttl: '1209601' }, [tooLong]],
    [{ password: 'x', ttl: '99999999999999999999999' }, [tooLong]],
    [[], [noPassword]],
    ['x', [noPassword]],
    [null, [noPassword]],
  ])('refuses %j as SnapPass does', async (body, params) => {
    const answer = await script.post('/api/v2/passwords', body)
    expect([answer.status, typeOf(answer)]).toEqual([400, 'application/problem+json'])
    expect(json(answer)).toEqual(invalid(...params))
    const first = await script.post('/api/set_password/', body)
    expect(outcomeOf(first)).toBe('400 malformed-request')
    expect(bodyOf(Errors, first).errors.map(({ path }) => path)).toEqual(params.map(({ name }) => name))
  })

  it.each([
    [{ password: 'x', ttl: 0 }, 'ttl'],
    [{ password: 'x', ttl: 0.9 }, 'ttl'],
    [{ password: 'x', ttl: -1 }, 'ttl'],
    [{ password: 'x', ttl: '0' }, 'ttl'],
    [{ password: 'x', ttl: '60.5' }, 'ttl'],
    [{ password: 'x', ttl: 'hour' }, 'ttl'],
    [{ password: 'x', ttl: '' }, 'ttl'],
    [{ password: 'x', ttl: null }, 'ttl'],
    [{ password: 'x', ttl: [60] }, 'ttl'],
    [{ password: 'x', ttl: true }, 'ttl'],
    [{ password: 7 }, 'password'],
    [{ password: ['x'] }, 'password'],
    [{ password: 'half \ud83d' }, 'password'],
  ])('answers 400 where SnapPass fails: %j', async (body, name) => {
    const answer = await script.post('/api/v2/passwords', body)
    expect([answer.status, typeOf(answer)]).toEqual([400, 'application/problem+json'])
    expect(json(answer)).toEqual(invalid({ name, reason: expect.stringMatching(/^The .{10,}\.$/) }))
    expect(outcomeOf(await script.post('/api/set_password/', body))).toBe('400 malformed-request')
  })

  it.each(['/api/set_password/', '/api/v2/passwords'])('takes JSON in UTF-8 alone at %s', async (path) => {
    const post = async (raw: string | Uint8Array, headers = {}) =>
      outcomeOf(await send(server, { method: 'POST', path, raw, headers }))
    expect(await post('{"password":"x"}', { 'Content-Type': 'text/plain' })).toBe('415 not-json')
    expect(await post('password=x', form({}).headers)).toBe('415 not-json')
    expect(await post('{"password":')).toBe('400 malformed-request')
    expect(await post('')).toBe('400 malformed-request')
    expect(await post(Buffer.from('{"password":"\xe9"}', 'latin1'))).toBe('400 malformed-request')
  })

  it('takes what fits a share, to the byte, and answers 413 beyond', async () => {
    const largest = `${'é'.repeat(Math.floor(largestSecretBytes / 2))}x`
    expect(Buffer.byteLength(largest)).toBe(largestSecretBytes)
    expect(json(await script.get(await script.make(largest)))).toEqual({ password: largest })
    // Every character escaped is the longest that a body can be.
    const escaped = `{"password":"${'\\u0041'.repeat(largestSecretBytes)}"}`
    for (const path of ['/api/v2/passwords', '/api/set_password/']) {
      expect((await send(server, { method: 'POST', path, raw: escaped })).status).toBe(200)
      expect(outcomeOf(await script.post(path, { password: `${largest}x` }))).toBe('413 too-large')
      expect(outcomeOf(await script.post(path, { password: 'x'.repeat(600_000) }))).toBe('413 too-large')
    }
    const formed = await script.submit({ password: largest, ttl: 'day' })
    expect(formed.status).toBe(200)
    for (const password of [`${largest}x`, 'x'.repeat(600_000)])
      expect(outcomeOf(await script.submit({ password, ttl: 'day' }))).toBe('413 too-large')
  })

  it.each(secrets)('gives back exactly, by API, form and page: %j', async (secret) => {
    expect(json(await script.get(await script.make(secret)))).toEqual({ password: secret })
    const submitted = await script.submit({ password: secret, ttl: 'day' }, { Accept: 'application/json' })
    const shown = await send(server, { method: 'POST', path: pathOf(bodyOf(Link, submitted).link) })
    expect(shown.status).toBe(200)
    expect(secretOf(shown)).toBe(secret)
    expect(shown.text).not.toContain('<script')
  })

  it('redirects POST /api/set_password to where the slash is, with its query', async () => {
    for (const query of ['', '?a=b&c=%20', '?'])
      for (const prefix of ['', '/snap']) {
        const path = `/api/set_password${query}`
        const answer = await send(server, { method: 'POST', path, body: { password: 'x' } })
        const target = new URL(answer.headers.location ?? '', `http://h${prefix}${path}`)
        expect([answer.status, target.href]).toEqual([308, `http://h${prefix}/api/set_password/${query}`])
      }
  })

  it.each([
    ['GET', '/api/set_password', 'POST, OPTIONS'],
    ['GET', '/api/set_password/', 'POST, OPTIONS'],
    ['PUT', '/api/set_password/', 'POST, OPTIONS'],
    ['GET', '/api/v2/passwords', 'POST, OPTIONS'],
    ['HEAD', '/api/v2/passwords', 'POST, OPTIONS'],
    ['POST', '/api/v2/passwords/{token}', 'HEAD, GET, OPTIONS'],
    ['DELETE', '/api/v2/passwords/{token}', 'HEAD, GET, OPTIONS'],
    ['DELETE', '/{token}', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/_/_/health', 'GET, HEAD, OPTIONS'],
  ])('answers 405 to %s %s, and OPTIONS with what is allowed', async (method, pattern, allow) => {
    const token = await script.make()
    const path = pattern.replace('{token}', quoted(token))
    const refused = await send(server, { method, path })
    expect([refused.status, refused.headers.allow]).toEqual([405, allow])
    const options = await send(server, { method: 'OPTIONS', path })
    expect([options.status, options.headers.allow, options.text]).toEqual([200, allow, ''])
    expect((await script.get(token)).status).toBe(200)
  })

  it.each([
    '/api/v2/passwords/',
    '/api/v2/passwords/a/b',
    '/api/v2/passwordsx',
    '/API/v2/passwords',
    '/_/_/health/',
    '/api/set_passwords/',
  ])('has nothing at %s', async (path) => {
    for (const method of ['GET', 'POST', 'HEAD'])
      expect((await send(server, { method, path })).status, method).toBe(404)
  })

  it('answers health', async () => {
    const answer = await send(server, { path: '/_/_/health' })
    expect([answer.status, typeOf(answer), answer.text]).toEqual([200, 'application/json', '{}'])
    const head = await send(server, { method: 'HEAD', path: '/_/_/health' })
    expect([head.status, head.text]).toEqual([200, ''])
  })

  it('gives a password to one of twenty', async () => {
    const token = await script.make()
    const answers = await Promise.all(Array.from({ length: 20 }, () => script.get(token)))
    expect(answers.filter(({ status }) => status === 200).map(json)).toEqual([{ password: 'correct horse' }])
    const others = answers.filter(({ status }) => status !== 200)
    expect(others).toHaveLength(19)
    for (const answer of others) {
      expect([answer.status, typeOf(answer)]).toEqual([404, 'application/problem+json'])
      expect(json(answer)).toEqual(missing)
    }
  })

  it('loses nothing to a wrong, damaged or missing key', async () => {
    const token = await script.make()
    const [id = '', key = ''] = token.split('~')
    const wrong = [
      `${id}~${randomBytes(32).toString('base64url')}=`,
      `${id}~${key.slice(1)}`,
      `${id}~${key.slice(0, -2)}`,
      `${id}~`,
      id,
      `${id}~${key}=`,
      `${id.toUpperCase()}~${key}`,
      `x${token}`,
      token.slice('snappass'.length),
    ]
    for (const other of wrong) {
      const answer = await script.get(other)
      expect([answer.status, json(answer)], other).toEqual([404, missing])
      expect((await script.view('POST', other)).status, other).toBe(404)
    }
    expect(json(await script.get(token))).toEqual({ password: 'correct horse' })
  })

  it.each([
    ['as it is', (token: string) => token],
    ['escaped', quoted],
    ['escaped twice', (token: string) => quoted(token).replaceAll('%', '%25')],
    ['with the tilde escaped', (token: string) => encodeURIComponent(token).replace('~', '%7E')],
    ['with the tilde escaped twice', (token: string) => token.replace('~', '%257e')],
    ['without padding', (token: string) => token.slice(0, -1)],
  ])('takes a token %s', async (_how, spell) => {
    const [first, second] = [await script.make(), await script.make()]
    for (const token of [first, second])
      for (const path of [`/api/v2/passwords/${spell(token)}`, `/${spell(token)}`])
        expect((await send(server, { method: 'HEAD', path })).status).toBe(200)
    expect(json(await send(server, { path: `/api/v2/passwords/${spell(first)}` }))).toEqual({
      password: 'correct horse',
    })
    expect(secretOf(await send(server, { method: 'POST', path: `/${spell(second)}` }))).toBe('correct horse')
  })

  it('tells of what cannot be decoded that it does not exist', async () => {
    for (const path of ['%', '%zz', '%ff', '%00', '%2F', 'x', '~', 'snappass'])
      expect(json(await send(server, { path: `/api/v2/passwords/${path}` })), path).toEqual(missing)
  })

  it('looks at a password as often as one likes', async () => {
    const token = await script.make()
    const [id = ''] = token.split('~')
    for (let turn = 0; turn < 3; turn++) {
      for (const spelling of [token, id, `${id}~`, `${id}~${'x'.repeat(44)}`]) {
        const answer = await script.head(spelling)
        expect([answer.status, answer.text]).toEqual([200, ''])
        for (const method of ['GET', 'HEAD'])
          expect((await script.view(method, spelling)).status, spelling).toBe(200)
      }
      const path = `/api/v2/passwords/${quoted(token)}`
      expect((await send(server, { method: 'OPTIONS', path })).status).toBe(200)
      expect((await script.view('OPTIONS', token)).status).toBe(200)
    }
    expect((await script.get(token)).status).toBe(200)
    for (const answer of [await script.head(token), await script.head('x'), await script.head(`${id}0`)])
      expect([answer.status, answer.text]).toEqual([404, ''])
  })

  it.each([1, most])('lets a password live for exactly %i seconds', async (ttl) => {
    const tokens = [await script.make('x', ttl), await script.make('x', ttl)]
    const [first = '', second = ''] = tokens
    clock.advance(seconds(ttl) - 1)
    for (const token of tokens) expect((await script.head(token)).status).toBe(200)
    expect(json(await script.get(first))).toEqual({ password: 'x' })
    clock.advance(1)
    expect((await script.head(second)).status).toBe(404)
    expect((await script.view('GET', second)).status).toBe(404)
    expect((await script.view('POST', second)).status).toBe(404)
    expect(json(await script.get(second))).toEqual(missing)
  })

  it.each([
    ['hour', 3600],
    ['day', 86_400],
    ['week', 604_800],
    ['two weeks', most],
    ['Two Weeks', most],
    ['HOUR', 3600],
  ])('takes the form for a %s', async (period, ttl) => {
    const answer = await script.submit({ password: 'x', ttl: period }, { Accept: 'application/json' })
    expect([answer.status, typeOf(answer), bodyOf(Link, answer).ttl]).toEqual([200, 'application/json', ttl])
  })

  it.each([
    {},
    { password: 'x' },
    { ttl: 'hour' },
    { password: '', ttl: 'hour' },
    { password: 'x', ttl: '' },
    { password: 'x', ttl: 'month' },
    { password: 'x', ttl: '3600' },
    { password: 'x', ttl: ' hour' },
  ])('refuses the form %j', async (fields: Record<string, string>) => {
    expect(outcomeOf(await script.submit(fields))).toBe('400 malformed-request')
  })

  it('takes forms in both encodings, and nothing that is none', async () => {
    const boundary = 'b0undary'
    const part = (name: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const post = (type: string, raw: string | Uint8Array, headers = {}) =>
      send(server, {
        method: 'POST',
        path: '/',
        raw,
        headers: { 'Content-Type': type, Accept: 'application/json', ...headers },
      })
    const password = '\r\n😀 ü%41+\n'
    const parts = await post(
      `multipart/form-data; boundary=${boundary}`,
      `${part('password', password)}${part('ttl', 'day')}--${boundary}--\r\n`,
    )
    const path = `/api/v2/passwords${pathOf(bodyOf(Link, parts).link)}`
    expect(json(await send(server, { path }))).toEqual({ password })
    const urlencoded = 'application/x-www-form-urlencoded'
    for (const [type, raw] of [
      ['application/json', '{"password":"x","ttl":"day"}'],
      ['text/plain', 'password=x&ttl=day'],
      ['', ''],
      ['multipart/form-data', 'x'],
      [`multipart/form-data; boundary=${boundary}`, part('password', 'x')],
      [urlencoded, 'password=%e9&ttl=day'],
      [urlencoded, Buffer.from('password=\xe9&ttl=day', 'latin1')],
    ] as const)
      expect(outcomeOf(await post(type, raw)), `${type} ${raw}`).toBe('400 malformed-request')
    const compressed = await post(urlencoded, 'password=x&ttl=day', { 'Content-Encoding': 'gzip' })
    expect(outcomeOf(compressed)).toBe('415 not-json')
  })

  it.each([
    [undefined, 'html'],
    ['', 'html'],
    ['*/*', 'html'],
    ['text/html', 'html'],
    ['application/json', 'json'],
    ['Application/JSON', 'json'],
    ['application/json;q=0.5', 'json'],
    ['application/json, text/plain', 'json'],
    ['application/json, text/html', 'html'],
    ['text/html;q=0.1, application/json', 'html'],
    ['application/json, */*', 'html'],
    ['application/json, text/*', 'html'],
    ['application/json, application/xhtml+xml', 'html'],
    ['application/*', 'html'],
    ['application/json; charset=utf-8', 'html'],
    ['text/plain', 'html'],
  ])('answers the form sent with Accept %j in %s', async (accept, expected) => {
    const headers = accept === undefined ? undefined : { Accept: accept }
    const answer = await script.submit({ password: 'x', ttl: 'hour' }, headers)
    expect(answer.status).toBe(200)
    expect(typeOf(answer)).toBe(expected === 'json' ? 'application/json' : 'text/html; charset=utf-8')
    const link = expected === 'json' ? bodyOf(Link, answer).link : linkOf(answer)
    expect((await send(server, { method: 'HEAD', path: pathOf(link) })).status).toBe(200)
  })

  it('shows pages that load nothing, tell nothing and post to themselves', async () => {
    const token = await script.make()
    const pages: [RawAnswer, number, boolean][] = [
      [await script.submit({ password: 'x', ttl: 'day' }), 200, false],
      [await script.view('GET', token), 200, true],
      [await script.view('POST', token), 200, false],
      [await script.view('GET', token), 404, false],
      [await script.view('POST', token), 404, false],
    ]
    for (const [page, status, posts] of pages) {
      expect([page.status, typeOf(page)]).toEqual([status, 'text/html; charset=utf-8'])
      expect(page.headers['content-security-policy']).toBe(
        "default-src 'none'; base-uri 'none'; " +
          `form-action ${posts ? "'self'" : "'none'"}; frame-ancestors 'none'; style-src 'self'`,
      )
      expect(page.headers).toMatchObject({
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex',
        'referrer-policy': 'no-referrer',
      })
      expect(page.text).toContain('<meta name="robots" content="noindex">')
      expect(page.text).toContain('<meta name="referrer" content="no-referrer">')
      expect(page.text.match(/<form[^>]*>/g) ?? []).toEqual(posts ? ['<form method="post">'] : [])
      expect(page.text).not.toMatch(/<script| on\w+=|(?:href|src)="(?:\/|http)/)
    }
    const style = await send(server, { path: new URL('docs/style.css', `http://h/${token}`).pathname })
    expect([style.status, typeOf(style)]).toEqual([200, 'text/css; charset=utf-8'])
  })

  it('leaves every other path to Limpet', async () => {
    const id = `snappass${'0'.repeat(32)}`
    expect(typeOf(await send(server, { path: `/${id}` }))).toBe('text/html; charset=utf-8')
    for (const path of ['/x', `/${id}0`, `/x${id}`, `/${id.toUpperCase()}`, `/${id}~/x`, `/${id}/`, '/%7E'])
      expect(outcomeOf(await send(server, { path })), path).toBe('404 not-found')
    for (const path of ['/docs', '/healthz', '/api/v1/server'])
      expect((await send(server, { path })).status, path).toBe(200)
    expect((await send(server, { path: '/' })).status).toBeLessThan(400)
  })

  it('reads what Limpet’s own clients share, and the other way round', async () => {
    const made = await sharesOf(server.url).create({ secret: 'from Limpet 😀' })
    const [, id = '', key = ''] = /\/s\/(.*)#(.*)$/.exec(made.link) ?? []
    const token = `snappass${Buffer.from(id, 'base64url').toString('hex')}~${key}=`
    expect(json(await script.get(token))).toEqual({ password: 'from Limpet 😀' })

    const [hex = '', linkKey = ''] = (await script.make('from SnapPass 😀'))
      .slice('snappass'.length)
      .split('~')
    const link = `${server.url}/s/${Buffer.from(hex, 'hex').toString('base64url')}#${linkKey.slice(0, -1)}`
    const { secret } = await new ReceivedShare(link).open()
    expect(Buffer.from(secret).toString()).toBe('from SnapPass 😀')
  })

  it('leaves a share with a passphrase to those who know it', async () => {
    const made = await sharesOf(server.url).create({ secret: 'x', passphrase: 'y' })
    const [, id = '', key = ''] = /\/s\/(.*)#(.*)$/.exec(made.link) ?? []
    const token = `snappass${Buffer.from(id, 'base64url').toString('hex')}~${key}=`
    for (const answer of [await script.head(token), await script.view('GET', token), await script.get(token)])
      expect(answer.status).toBe(404)
    const { secret } = await new ReceivedShare(made.link).open('y')
    expect(Buffer.from(secret).toString()).toBe('x')
  })

  it('keeps neither password nor key nor token, in the database or in the log', async () => {
    const marker = () => `trace${randomBytes(12).toString('hex')}`
    const passwords = Array.from({ length: 4 }, marker)
    const [first = '', second = '', third = '', fourth = ''] = passwords
    const tokens = [await script.make(first), await script.make(second)]
    const [read = '', kept = ''] = tokens
    for (const request of [
      await script.post('/api/set_password/', { password: third }),
      await script.submit({ password: fourth, ttl: 'day' }, { Accept: 'application/json' }),
    ])
      tokens.push(decodeURIComponent(pathOf(bodyOf(Link, request).link).slice(1)))
    await script.get(read)
    await script.view('GET', kept)
    await script.head(kept)
    await script.view('PUT', kept)
    await script.view('POST', `${kept.slice(0, -3)}AA=`)
    await script.get(`${kept}x`)
    await send(server, { path: `/api/v2/passwords/a/${kept}` })
    await script.post('/api/v2/passwords', { password: marker(), ttl: kept })

    const rows = JSON.stringify(await readRows(server.database))
    expect(rows).toContain('shares')
    const keys = tokens.map((token) => token.split('~')[1]?.slice(0, -1) ?? '')
    const ids = tokens.map((token) => token.slice('snappass'.length).split('~')[0] ?? '')
    for (const hidden of [...passwords, ...keys]) {
      const bytes = [Buffer.from(hidden), Buffer.from(hidden, 'base64url')].map((form) =>
        form.toString('hex'),
      )
      for (const spelling of [hidden, ...bytes]) {
        expect(rows).not.toContain(spelling)
        expect(server.log()).not.toContain(spelling)
      }
    }
    for (const hidden of [...tokens, ...ids, 'snappass']) expect(rows).not.toContain(hidden)
    const stored = ids.map((id) => Buffer.from(id, 'hex').toString('base64url'))
    for (const hidden of [...tokens, ...ids, ...stored]) expect(server.log()).not.toContain(hidden)
    expect(server.log()).toContain('"route":"/api/v2/passwords/{token}"')
    expect(server.log()).toContain('"route":"/{token}"')
  })
})

describe('SnapPass mode', () => {
  it.each(engines)('is off unless it is switched on, and then nothing is there, on %s', async (engine) => {
    const server = await start(engine)
    const script = scripts(server)
    const before = JSON.stringify(await readRows(server.database))
    const made = await sharesOf(server.url).create({ secret: 'x' })
    const [, id = '', key = ''] = /\/s\/(.*)#(.*)$/.exec(made.link) ?? []
    const token = `snappass${Buffer.from(id, 'base64url').toString('hex')}~${key}=`
    const after = JSON.stringify(await readRows(server.database))
    expect(after).not.toBe(before)
    // The page that makes links is there, and takes no form.
    expect((await script.submit({ password: 'x', ttl: 'day' })).status).toBe(405)
    for (const answer of [
      await script.post('/api/set_password', { password: 'x' }),
      await script.post('/api/set_password/', { password: 'x' }),
      await script.post('/api/v2/passwords', { password: 'x' }),
      // Not even read: it would be refused.
      await script.post('/api/v2/passwords', { password: 'x'.repeat(600_000) }),
      await send(server, { method: 'POST', path: '/api/v2/passwords', raw: '{' }),
      await script.head(token),
      await script.get(token),
      await script.view('GET', token),
      await script.view('HEAD', token),
      await script.view('POST', token),
      await script.view('DELETE', token),
      await send(server, { path: '/_/_/health' }),
    ])
      expect(answer.status).toBe(404)
    expect(JSON.stringify(await readRows(server.database))).toBe(after)
  })

  it.each([
    [{ HOST_OVERRIDE: 's.example' }, 'https://s.example'],
    [{ HOST_OVERRIDE: 's.example:8443', NO_SSL: 'False' }, 'https://s.example:8443'],
    [{ HOST_OVERRIDE: 's.example', NO_SSL: 'True' }, 'http://s.example'],
    [{ HOST_OVERRIDE: 's.example', URL_PREFIX: '/a/b/' }, 'https://s.example/a/b'],
    [{ HOST_OVERRIDE: 's.example', URL_PREFIX: 'a', NO_SSL: '1' }, 'http://s.example/a'],
    [{}, 'https://v.example/limpet'],
    [{ NO_SSL: 'yes' }, 'https://v.example/limpet'],
    [{ URL_PREFIX: 'a' }, 'https://v.example/limpet/a'],
  ])('hands out links as %j says', async (environment, expected) => {
    const PUBLIC_URL = 'https://v.example/limpet'
    const server = await start('sqlite', { environment: { PUBLIC_URL, SNAPPASS_API: 'on', ...environment } })
    const script = scripts(server)
    // Whoever asks may call the server what they like.
    const headers = { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example' }
    const request = { method: 'POST', body: { password: 'x' }, headers }
    const made = bodyOf(Made, await send(server, { ...request, path: '/api/v2/passwords' }))
    expect(made.links.map(({ href }) => href)).toEqual([
      `${expected}/api/v2/passwords/${quoted(made.token)}`,
      `${expected}/${quoted(made.token)}`,
    ])
    const old = bodyOf(Link, await send(server, { ...request, path: '/api/set_password/' }))
    expect(old.link.startsWith(`${expected}/snappass`)).toBe(true)
    expect(old.link.endsWith('%3D')).toBe(true)
    const page = await script.submit({ password: 'x', ttl: 'day' }, headers)
    expect(linkOf(page).startsWith(`${expected}/snappass`)).toBe(true)
    const problems = [await script.get('x'), await script.post('/api/v2/passwords', {})]
    expect(problems.map((answer) => bodyOf(z.looseObject({ type: z.string() }), answer).type)).toEqual([
      `${expected}/get-password-error`,
      `${expected}/set-password-validation-error`,
    ])
  })

  it('counts what is made by address, and wrong keys as Limpet counts wrong proofs', async () => {
    const server = await start('sqlite', { environment: { ...on, RATE_LIMITS: 'on' } })
    const script = scripts(server)
    const token = await script.make()
    const [id = ''] = token.split('~')
    const outcomes = []
    for (let attempt = 0; attempt < 31; attempt++)
      outcomes.push((await script.get(`${id}~${randomBytes(32).toString('base64url')}=`)).status)
    expect(outcomes).toEqual([...Array.from({ length: 30 }, () => 404), 429])
    // The right key is never kept out.
    expect((await script.get(token)).status).toBe(200)

    const made = []
    for (let attempt = 0; attempt < 120; attempt++) {
      const [path, body] = attempt % 2 ? ['/api/set_password/', {}] : ['/api/v2/passwords', { password: 'x' }]
      made.push((await script.post(path, body)).status)
    }
    // One was made above.
    expect(made.lastIndexOf(200)).toBe(118)
    expect(made.at(-1)).toBe(429)
    const refused = [
      await script.post('/api/v2/passwords', { password: 'x' }),
      await script.submit({ password: 'x', ttl: 'day' }),
      await send(server, { method: 'POST', path: '/api/set_password/', raw: '{' }),
    ]
    for (const answer of refused) {
      expect(outcomeOf(answer)).toBe('429 too-many-requests')
      expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    }
  })
})
