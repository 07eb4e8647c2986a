// Which pages of other origins may ask Bitwarden's API, and what of it they may read.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const elsewhere = 'https://web-vault.example'

describe("other origins at Bitwarden's API", () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite', {
      environment: { BITWARDEN_API: 'on', BITWARDEN_ORIGINS: elsewhere, SNAPPASS_API: 'on' },
    })
  })
  afterAll(() => server.close())

  const asked = async (path: string, origin: string, method = 'GET', headers = {}) => {
    const answer = await send(server, { method, path, headers: { Origin: origin, ...headers } })
    return { status: answer.status, headers: answer.headers }
  }

  it.each(['bw-desktop-file://bundle', 'file://', elsewhere])(
    'lets %s read every answer, errors too',
    async (origin) => {
      const readable = {
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        vary: 'Origin',
      }
      const cases = [
        ['/api/accounts/revision-date', 'GET', 401],
        ['/api/accounts/revision-date', 'DELETE', 405],
        ['/api/there-is-no-such-path', 'GET', 404],
        ['/api/ciphers/%ff', 'GET', 400],
        ['/api/alive', 'GET', 200],
      ] as const
      for (const [path, method, status] of cases)
        expect(await asked(path, origin, method), path).toMatchObject({ status, headers: readable })
    },
  )

  it('tells browsers beforehand that they may ask, whatever the method and the headers are', async () => {
    const answer = await asked('/api/ciphers/x', 'file://', 'OPTIONS', {
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'authorization,bitwarden-client-name,content-type',
    })
    expect(answer).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': 'file://',
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'PUT',
        'access-control-allow-headers': 'authorization,bitwarden-client-name,content-type',
        'access-control-max-age': '86400',
      },
    })
  })

  it.each(['null', 'https://hostile.example', `${elsewhere}.hostile.example`, 'file:///etc'])(
    'tells %s nothing',
    async (origin) => {
      const preflight = { 'Access-Control-Request-Method': 'GET' }
      for (const [method, headers] of [
        ['GET', {}],
        ['OPTIONS', preflight],
      ] as const) {
        const answer = await asked('/api/accounts/revision-date', origin, method, headers)
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
        expect(answer.status).toBe(method === 'GET' ? 401 : 405)
      }
    },
  )

  it("leaves Limpet's own API, SnapPass and the pages to their own origin", async () => {
    for (const path of [
      '/api/v1/server',
      '/api/v2/passwords',
      '/api/set_password',
      '/',
      '/healthz',
      '/nothing',
    ])
      expect((await asked(path, 'file://')).headers, path).not.toHaveProperty('access-control-allow-origin')
  })

  it('writes what is not there in the form of the apps', async () => {
    const { status, text } = await send(server, { path: '/identity/nothing' })
    expect([status, JSON.parse(text)]).toMatchObject([404, { object: 'error', validationErrors: null }])
    const own = await send(server, { path: '/api/v1/nothing' })
    expect(JSON.parse(own.text)).toMatchObject({ code: 'not-found' })
  })
})
