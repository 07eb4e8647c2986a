// What is for people: each page by GET and HEAD alone, and a page for a browser that asks for what does not exist.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcomeOf, send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'

/** What a browser sends for an address that somebody opens. */
const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

describe('pages', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it.each([
    '/',
    '/s/any',
    '/confirm',
    '/docs',
    '/docs/style.css',
    '/problems/not-found',
    '/assets/style.css',
  ])('answer 405 with Allow to what they do not know: %s', async (path) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await send(server, { method, path })
      expect(outcomeOf(answer)).toBe('405 method-not-allowed')
      expect(answer.headers.allow).toBe('GET, HEAD')
    }
  })

  it.each(['/nowhere', '/nowhere/at/all', '/problems/nothing', '/assets/nothing.js', '/favicon.ico'])(
    'are there for a browser where nothing is: %s',
    async (path) => {
      const answer = await send(server, { path, headers: browser })
      expect(answer.status).toBe(404)
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(answer.text).toContain('There is nothing here')
      expect(answer.text).not.toContain('nowhere')
      for (const Accept of ['*/*', 'application/json'])
        expect(outcomeOf(await send(server, { path, headers: { Accept } }))).toBe('404 not-found')
    },
  )

  it('say to a browser what else is wrong, and leave the contract alone', async () => {
    const broken = await send(server, { path: '/problems/%ZZ', headers: browser })
    expect(broken.status).toBe(400)
    expect(broken.text).toContain('The request is malformed')
    for (const path of ['/api/v1/nowhere', '/api/v1/vaults'])
      expect((await send(server, { path, headers: browser })).headers['content-type']).toMatch(/problem/)
  })

  it('are no larger for a longer address', async () => {
    const usual = await send(server, { path: '/s/any' })
    const long = await send(server, { path: `/s/${'a/'.repeat(7000)}` })
    expect(long.text.length).toBeLessThan(usual.text.length)
  })

  it('are logged by their names', async () => {
    await send(server, { path: '/s/a-key-that-nobody-may-see' })
    expect(server.log()).toContain('"route":"/s/{id}"')
    expect(server.log()).not.toContain('nobody-may-see')
  })
})

describe('the contract', () => {
  it('is made once, and is the same bytes each time', async () => {
    const server = await startServer('sqlite')
    const [first, second] = [
      await send(server, { path: '/api/v1/openapi.json' }),
      await send(server, { path: '/api/v1/openapi.json' }),
    ]
    expect(first.text).toBe(second.text)
    expect(JSON.parse(first.text)).toMatchObject({ openapi: '3.1.0', servers: [{ url: server.url }] })
    await server.close()
  })
})
