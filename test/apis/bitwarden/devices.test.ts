// Devices, logins by an API key, and what apps ask of the server, as Bitwarden's apps do it.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, minutes } from '../../../src/clock.ts'
import { askForToken, newAppDevice, passwordGrant, registeredApp } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, type RawRequest, send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const Device = z.object({
  object: z.literal('device'),
  id: z.uuid(),
  name: z.string(),
  type: z.int(),
  identifier: z.string(),
  creationDate: z.iso.datetime(),
  lastActivityDate: z.iso.datetime(),
  isTrusted: z.boolean(),
  encryptedUserKey: z.null(),
  encryptedPublicKey: z.null(),
  devicePendingAuthRequest: z.null(),
})

const Devices = z.object({
  object: z.literal('list'),
  data: z.array(Device),
  continuationToken: z.null(),
})

const Token = z.object({ access_token: z.string(), expires_in: z.int(), token_type: z.literal('Bearer') })

describe.each(engines)("devices of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  const ask = (request: RawRequest) => send(server, request)
  const read = async <T>(shape: z.ZodType<T>, path: string, token: string) =>
    bodyOf(shape, await ask({ path, token }))

  it('lists them, knows them again, and ends one with its sessions', async () => {
    const { email, passwordHash, device, token, session } = await registeredApp(server)
    clock.advance(minutes(2))
    const other = { ...newAppDevice(), deviceType: '0', deviceName: 'phone' }
    const { access_token: phone } = bodyOf(
      Token,
      await askForToken(server, passwordGrant({ email, passwordHash }, other)),
    )
    await askForToken(server, passwordGrant({ email, passwordHash }, other))
    const { data } = await read(Devices, '/api/devices', token)
    expect(data.map(({ name, type, identifier }) => ({ name, type, identifier }))).toEqual([
      { name: 'phone', type: 0, identifier: other.deviceIdentifier },
      { name: 'linux', type: 25, identifier: device.deviceIdentifier },
    ])
    const upper = other.deviceIdentifier.toUpperCase()
    const one = await read(Device, `/api/devices/identifier/${upper}`, token)
    expect(one).toEqual(data[0])
    const stranger = await registeredApp(server)
    const refused = await ask({ method: 'DELETE', path: `/api/devices/${one.id}`, token: stranger.token })
    expect(refused.status).toBe(404)
    expect((await ask({ method: 'DELETE', path: `/api/devices/${one.id}`, token })).status).toBe(200)
    expect((await ask({ path: '/api/devices', token: phone })).status).toBe(401)
    expect((await read(Devices, '/api/devices', token)).data).toHaveLength(1)
    const own = data[1]?.id ?? ''
    expect((await ask({ method: 'POST', path: `/api/devices/${own}/deactivate`, token })).status).toBe(200)
    const refreshed = await askForToken(server, {
      grant_type: 'refresh_token',
      refresh_token: session.refresh_token,
      client_id: 'cli',
    })
    expect([refreshed.status, refreshed.text]).toEqual([400, '{"error":"invalid_grant"}'])
  })

  it('tells whether a device is known to a client that knows its identifier', async () => {
    const { email, device } = await registeredApp(server)
    const asked = async (address: string, identifier: string, encoding: 'base64url' | 'base64') => {
      const answer = await ask({
        path: '/api/devices/knowndevice',
        headers: {
          'X-Request-Email': Buffer.from(address).toString(encoding),
          'X-Device-Identifier': identifier,
        },
      })
      return [answer.status, answer.text]
    }
    for (const encoding of ['base64url', 'base64'] as const)
      expect(await asked(email, device.deviceIdentifier, encoding)).toEqual([200, 'true'])
    expect(await asked(email, randomUUID(), 'base64url')).toEqual([200, 'false'])
    expect(await asked('nobody@example.com', device.deviceIdentifier, 'base64url')).toEqual([200, 'false'])
    const path = `/api/devices/knowndevice/${encodeURIComponent(email)}/${device.deviceIdentifier}`
    expect((await ask({ path })).text).toBe('true')
    expect((await ask({ path: '/api/devices/knowndevice' })).status).toBe(400)
  })

  it('takes what apps say of push services, and does nothing with it', async () => {
    const { device, token } = await registeredApp(server)
    const path = `/api/devices/identifier/${device.deviceIdentifier}`
    const body = { pushToken: 'x' }
    expect((await ask({ method: 'PUT', path: `${path}/token`, token, body })).status).toBe(200)
    expect((await ask({ method: 'PUT', path: `${path}/clear-token` })).status).toBe(200)
  })

  it('keeps five sessions of a device, so that scripts push out no other one', async () => {
    const { email, passwordHash, token } = await registeredApp(server)
    const device = newAppDevice()
    const logIn = async () => {
      clock.advance(1)
      const answer = await askForToken(server, passwordGrant({ email, passwordHash }, device))
      return bodyOf(Token, answer).access_token
    }
    const tokens: string[] = []
    for (let round = 0; round < 7; round++) tokens.push(await logIn())
    const statuses = await Promise.all(
      [token, ...tokens].map(async (one) => (await ask({ path: '/api/devices', token: one })).status),
    )
    expect(statuses).toEqual([200, 401, 401, 200, 200, 200, 200, 200])
  })

  it('logs scripts in by the API key, one session for each device, without a refresh token', async () => {
    const { passwordHash, token } = await registeredApp(server)
    const key = bodyOf(
      z.object({ apiKey: z.string() }),
      await ask({
        method: 'POST',
        path: '/api/accounts/api-key',
        token,
        body: { masterPasswordHash: passwordHash },
      }),
    ).apiKey
    const [, claims = ''] = token.split('.')
    const { sub } = z
      .object({ sub: z.string() })
      .parse(JSON.parse(Buffer.from(claims, 'base64url').toString()))
    const grant = {
      grant_type: 'client_credentials',
      client_id: `user.${sub}`,
      client_secret: key,
      scope: 'api',
      ...newAppDevice(),
    }
    const answers = [await askForToken(server, grant), await askForToken(server, grant)]
    const bodies = answers.map((answer) =>
      bodyOf(z.looseObject({ access_token: z.string(), Key: z.string(), PrivateKey: z.string() }), answer),
    )
    for (const body of bodies) {
      expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'api', Kdf: 0 })
      expect(body).not.toHaveProperty('refresh_token')
      expect((await ask({ path: '/api/devices', token: body.access_token })).status).toBe(200)
    }
    const sessions = bodies.map(({ access_token }) =>
      z
        .object({ sid: z.string() })
        .parse(JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())),
    )
    expect(sessions[0]).toEqual(sessions[1])
    for (const wrong of [
      { client_secret: 'wrong' },
      { client_id: `user.${randomUUID()}` },
      { client_id: 'cli' },
    ]) {
      const answer = await askForToken(server, { ...grant, ...wrong })
      expect([answer.status, answer.text]).toEqual([400, '{"error":"invalid_client"}'])
    }
    expect((await read(Devices, '/api/devices', token)).data).toHaveLength(2)
    clock.advance(days(1))
    expect((await ask({ path: '/api/devices', token: bodies[0]?.access_token })).status).toBe(401)
  })

  it('tells apps what they ask of the server', async () => {
    const answer = await ask({ path: '/api/config' })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      200,
      {
        object: 'config',
        version: '2026.8.0',
        server: { name: 'Limpet' },
        environment: { api: `${server.url}/api`, identity: `${server.url}/identity` },
        featureStates: { 'pm-19148-innovation-archive': true },
        push: { pushTechnology: 0 },
        settings: { disableUserRegistration: false },
        communication: null,
      },
    ])
  })

  it('says that it sends no hints where it sends no mail', async () => {
    const body = { email: 'nobody@example.com' }
    const answer = await ask({ method: 'POST', path: '/api/accounts/password-hint', body })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([400, { object: 'error' }])
  })
})
