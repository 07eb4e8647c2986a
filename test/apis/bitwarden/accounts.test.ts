// What clients ask of their account.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newBitwardenAccount } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

describe.each(engines)("the account of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  it('tells its revision to its owner, and to nobody else', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const path = '/api/accounts/revision-date'
    const answer = await send(server, { method: 'GET', path, token })
    expect([answer.status, answer.text]).toEqual([200, String(clock.now())])
    const refused = await send(server, { method: 'GET', path })
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([401, { object: 'error' }])
    expect((await send(server, { method: 'GET', path: '/api/v1/account', token })).status).toBe(401)
  })
})
