// The headers of every answer, beside those of the library that they are taken from.
import { get } from 'node:http'
import express from 'express'
import helmet from 'helmet'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createApi } from '../../src/http/api.ts'
import { Asset } from '../../src/http/asset.ts'
import { commonHeaders } from '../../src/http/common-headers.ts'
import { html } from '../../src/http/html.ts'
import { Page } from '../../src/http/page.ts'
import { routeFor } from '../../src/http/route.ts'
import { plainForm, serveApis } from '../support/router.ts'

it('are those that helmet sets, so that an update of it that knows more is noticed', async () => {
  const app = express()
    .disable('x-powered-by')
    .use(
      helmet({
        contentSecurityPolicy: {
          useDefaults: false,
          directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
        },
        referrerPolicy: { policy: 'no-referrer' },
        strictTransportSecurity: false,
      }),
    )
    .use((_req, res) => void res.end())
  const { headers } = await supertest(app).get('/')
  const ofNode = ['connection', 'content-length', 'date', 'keep-alive']
  const ofHelmet = Object.entries(headers).filter(([name]) => !ofNode.includes(name))
  expect(ofHelmet.toSorted()).toEqual(
    commonHeaders.map(([name, value]) => [name.toLowerCase(), value]).toSorted(),
  )
})

const route = routeFor<undefined, { public: undefined }, 'few'>([])
const common = { method: 'get', auth: 'public', limit: 'none', request: {} } as const
const asset = new Asset({ type: 'text/css', content: Buffer.from('*{}'), isImmutable: true })
const api = createApi({
  routes: [
    route({
      ...common,
      path: '/json',
      success: { 200: z.object({}) },
      headers: { 200: ['ETag'] },
      handler: async () => ({ status: 200, body: {}, etag: 7 }),
    }),
    route({
      ...common,
      path: '/nothing',
      success: { 204: null },
      handler: async () => ({ status: 204 }),
    }),
    route({
      ...common,
      path: '/asset',
      success: { 200: z.instanceof(Asset) },
      handler: async () => ({ status: 200, body: asset }),
    }),
    route({
      ...common,
      path: '/page',
      success: { 200: z.instanceof(Page) },
      handler: async () => ({ status: 200, body: new Page(html`<p>`, { 'frame-ancestors': undefined }) }),
    }),
  ],
  services: undefined,
  door: {
    authenticate: { public: async () => ({ caller: undefined, rateLimitKey: '' }) },
    count: async () => {},
  },
  errorForm: plainForm,
})

describe.each([{ ofNode: false }, { ofNode: true }])('on answers, $ofNode', ({ ofNode }) => {
  it('stand once each on whatever is answered, unless it says otherwise', async () => {
    const server = await serveApis([api], { ofNode })
    const asked = async (path: string, method = 'GET', headers = {}) =>
      new Promise<[number | undefined, string[]]>((resolve, reject) => {
        get(`${server.url}${path}`, { method, headers }, (incoming) => {
          incoming.resume()
          resolve([incoming.statusCode, incoming.rawHeaders])
        }).on('error', reject)
      })
    const ofEach = [...commonHeaders.map(([name]) => name), 'Cache-Control', 'X-Request-Id', 'Date']
    try {
      for (const [status, path, method, sent, leftOut] of [
        [200, '/json'],
        [200, '/json', 'HEAD'],
        [304, '/json', 'GET', { 'If-None-Match': '"7"' }],
        [204, '/nothing'],
        [200, '/asset'],
        [200, '/page', 'GET', {}, 'X-Frame-Options'],
        [404, '/other'],
        [405, '/json', 'POST'],
        [400, '/json?query=1'],
      ] as const) {
        const [answered, raw] = await asked(path, method, sent)
        const what = `${status} ${method} ${path}`
        expect(answered, what).toBe(status)
        const names = raw.filter((_, index) => index % 2 === 0)
        for (const name of ofEach)
          expect(
            names.filter((one) => one.toLowerCase() === name.toLowerCase()).length,
            `${what} ${name}`,
          ).toBe(name === leftOut ? 0 : 1)
        expect(new Set(names).size, what).toBe(names.length)
        expect(raw[raw.indexOf('Cache-Control') + 1], what).toBe(
          path === '/asset' ? 'public, max-age=31536000, immutable' : 'no-store',
        )
        if (path === '/json' && status < 400) expect(raw[raw.indexOf('ETag') + 1], what).toBe('"7"')
      }
    } finally {
      await server.close()
    }
  })
})
