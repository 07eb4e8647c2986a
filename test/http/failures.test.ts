// What clients and logs are told when the database, or the server itself, fails.
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/contract/problems.ts'
import { type Store, StoreError } from '../../src/store/store.ts'
import { registration } from '../support/accounts.ts'
import { appOver } from '../support/app.ts'

const marker = 'marker-of-a-secret'

/** A store of which every call fails in the same way. */
const failing = (error: unknown): Store => ({
  read: () => Promise.reject(error),
  write: () => Promise.reject(error),
  rowsAtOnce: 1,
  truncateWal: () => Promise.reject(error),
  isReady: () => Promise.reject(error),
  close: async () => {},
  listen: () => () => {},
  load: () => ({ connections: 0, idle: 0, waiting: 0 }),
})

/** A store that is ready or not, and never asked for more. */
const readiness = (ready: boolean): Store => ({
  ...failing(new Error('nobody asks for rows')),
  isReady: async () => ready,
})

const { email, authKey } = registration()
const device = { id: '8d5b1c9e-0c64-4b2e-8f3d-1a2b3c4d5e01', name: 'test', type: 'other' }

/** One request for each way to the store that needs no session. */
const requests: [string, object][] = [
  ['/api/v1/prelogin', { email }],
  ['/api/v1/login', { email, authKey, device }],
  ['/api/v1/register', registration()],
  ['/api/v1/token/refresh', { refreshToken: authKey }],
]

describe('a database that is away', () => {
  it.each(requests)('is a 503 to come back after: %s', async (path, body) => {
    const { app, log } = await appOver(failing(new StoreError('57P01', `select '${path}'`, true)))
    const answer = await request(app).post(path).send(body)
    expect(answer.status).toBe(503)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(answer.headers['cache-control']).toBe('no-store')
    const problem = Problem.parse(answer.body)
    expect(problem).toMatchObject({ status: 503, code: 'unavailable' })
    expect(problem.requestId).toBe(answer.headers['x-request-id'])
    expect(answer.text).not.toContain('57P01')
    expect(answer.text).not.toContain('select')
    expect(log()).toContain('57P01')
    expect(log()).toContain(problem.requestId)
    expect(log()).not.toContain(email)
  })
})

describe('counts that are away', () => {
  const away = new StoreError('no connection', undefined, true)
  const app = (error: unknown) => {
    const counts = { table: 'rate_limits', client: { query: () => Promise.reject(error) } }
    return appOver({ ...failing(new Error('nobody comes as far as the rows')), counts }, { rateLimits: 'on' })
  }

  it.each([...requests.slice(0, 3), ['/api/v1/shares', {}]])(
    'are a 503 to come back after: %s',
    async (path, body) => {
      const { app: counting, log } = await app(away)
      const answer = await request(counting).post(path).send(body)
      expect(answer.status).toBe(503)
      expect(Problem.parse(answer.body).code).toBe('unavailable')
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect(log()).toContain('no connection')
    },
  )

  it('are not asked for what each process counts by itself', async () => {
    const { app: counting } = await app(away)
    expect((await request(counting).get('/api/v1/server')).status).toBe(200)
  })
})

describe('a failure that nobody thought of', () => {
  const failures: [string, unknown][] = [
    ['an Error', new Error(marker)],
    ['an Error because of another', new Error(marker, { cause: new Error(marker) })],
    ['a TypeError of many lines', new TypeError(`first\n${marker}\n    last`)],
    ['a text', marker],
    ['an object', { message: marker, status: 500, detail: marker }],
    [
      'a StoreError that waiting does not help',
      new StoreError('23505', 'insert into "x" values ($1)', false),
    ],
  ]
  for (const [name, error] of failures)
    it.each(requests)(`is a 500 that says nothing of it: ${name}, %s`, async (path, body) => {
      const { app, log } = await appOver(failing(error))
      const answer = await request(app).post(path).send(body)
      expect(answer.status).toBe(500)
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
      const problem = Problem.parse(answer.body)
      expect(problem).toMatchObject({ status: 500, code: 'internal-error' })
      for (const text of [answer.text, JSON.stringify(answer.headers), log()]) {
        expect(text).not.toContain(marker)
        expect(text).not.toContain(email)
        expect(text).not.toContain(authKey)
      }
      expect(answer.text).not.toMatch(/\.ts|node_modules|insert into/)
      expect(log()).toContain(problem.requestId)
      expect(log()).toContain('internal-error')
    })
})

describe('readiness', () => {
  it.each([
    ['is 200 where the database answers', true, true, 200],
    ['is 503 where the database does not', false, true, 503],
    ['is 503 while the server stops', true, false, 503],
    ['is 503 where both are so', false, false, 503],
  ])('%s', async (_name, ready, accepting, status) => {
    const { app } = await appOver(readiness(ready), { accepting })
    const answer = await request(app).get('/readyz')
    expect(answer.status).toBe(status)
    if (status === 200) return expect(answer.body).toEqual({ status: 'ok' })
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    return expect(Problem.parse(answer.body).code).toBe('unavailable')
  })

  it('is no error in the log while the server stops', async () => {
    const { app, log } = await appOver(readiness(true), { accepting: false })
    expect((await request(app).get('/readyz')).status).toBe(503)
    expect(log()).toContain('"status":503')
    expect(log()).not.toContain('"level":50')
  })

  it('is a problem, and not an open connection, where asking for it fails', async () => {
    const { app } = await appOver(failing(new Error(marker)))
    const answer = await request(app).get('/readyz')
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(answer.text).not.toContain(marker)
  })

  it('is another thing than life', async () => {
    const { app } = await appOver(readiness(false), { accepting: false })
    expect((await request(app).get('/healthz')).status).toBe(200)
  })
})
