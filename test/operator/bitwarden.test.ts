// What the operator sees of accounts of Bitwarden's apps, and does with them; and what the doctor says of the settings for them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkSettings } from '../../src/operator/doctor/settings.ts'
import { readConfig } from '../../src/server/config.ts'
import { askForToken, passwordGrant, registeredApp } from '../support/bitwarden.ts'
import { engines } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { send } from '../support/requests.ts'
import {
  registeredClient,
  startServer,
  type TestServer,
  testOpaqueSetup,
  testSecret,
} from '../support/server.ts'

const Users = z.array(z.object({ email: z.string(), kind: z.string(), sessions: z.int() }))

describe.each(engines)("accounts of Bitwarden's apps on %s, for the operator,", (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  const statusOf = async (token: string) => (await send(server, { path: '/api/devices', token })).status
  const refresh = ({ refresh_token }: { refresh_token: string }) =>
    askForToken(server, { grant_type: 'refresh_token', client_id: 'cli', refresh_token })

  it('are listed with their kind, and their sessions end and they are shut out as all others', async () => {
    const operator = operatorOf(server.database)
    const app = await registeredApp(server)
    const native = await registeredClient(server)
    const users = Users.parse(await operator.json('users', 'list'))
    const kinds = new Map(users.map(({ email, kind, sessions }) => [email, [kind, sessions]]))
    expect(kinds.get(app.email)).toEqual(['bitwarden', 1])
    expect(kinds.get(native.email)).toEqual(['native', 1])
    await operator.json('sessions', 'end', '--account', app.email)
    await expect.poll(() => statusOf(app.token)).toBe(401)
    expect((await refresh(app.session)).text).toBe('{"error":"invalid_grant"}')
    expect((await askForToken(server, passwordGrant(app))).status).toBe(200)
    await operator.json('users', 'disable', app.email)
    const shutOut = await askForToken(server, passwordGrant(app))
    expect([shutOut.status, shutOut.text]).toEqual([
      400,
      expect.stringContaining('invalid_username_or_password'),
    ])
    await operator.json('users', 'enable', app.email)
    expect((await askForToken(server, passwordGrant(app))).status).toBe(200)
  })
})

describe('the doctor', () => {
  const findings = (settings: Record<string, string>) =>
    checkSettings(
      readConfig({
        DATABASE_URL: 'file:limpet.db',
        JWT_SECRET: testSecret,
        OPAQUE_SERVER_SETUP: testOpaqueSetup,
        ...settings,
      }),
    ).filter(({ check }) => check === 'bitwarden')

  it("says what Bitwarden's apps lack, and nothing of it where they are not served", () => {
    const http = { PUBLIC_URL: 'http://vault.example.com', REGISTRATION: 'invite' }
    expect(findings(http)).toEqual([])
    const found = findings({ ...http, BITWARDEN_API: 'on' })
    expect(found.map(({ status }) => status)).toEqual(['error', 'warning'])
    const https = { PUBLIC_URL: 'https://vault.example.com', BITWARDEN_API: 'on' }
    expect(findings(https).map(({ status }) => status)).toEqual(['ok'])
  })
})
