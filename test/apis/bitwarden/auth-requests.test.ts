// Logging in with another device of the account.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../../src/clock.ts'
import { bitwardenAuthRequestPaths as paths } from '../../../src/contract/bitwarden-paths.ts'
import { pathTo } from '../../../src/contract/paths.ts'
import { askForToken, newAppDevice, passwordGrant, registeredApp } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

/** What clients require: Android some as strings, newer ones all of them. */
const AuthRequest = z.object({
  object: z.literal('auth-request'),
  id: z.uuid(),
  publicKey: z.string(),
  requestDeviceType: z.literal('Linux CLI'),
  requestDeviceTypeValue: z.literal(25),
  requestDeviceIdentifier: z.string(),
  requestIpAddress: z.string(),
  requestCountryName: z.null(),
  key: z.string().nullable(),
  masterPasswordHash: z.null(),
  creationDate: z.iso.datetime(),
  responseDate: z.iso.datetime().nullable(),
  requestApproved: z.boolean(),
  origin: z.string(),
})
const AuthRequests = z.object({
  object: z.literal('list'),
  data: z.array(AuthRequest),
  continuationToken: z.null(),
})

const publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ format: 'der', type: 'spki' })
  .toString('base64')
const key = `4.${randomBytes(256).toString('base64')}`
const accessCode = 'abcdefghijklmnopqrstuvwxy'

describe.each(engines)("logins of Bitwarden's apps that another device lets in on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  type App = Awaited<ReturnType<typeof registeredApp>>

  /** An account with two devices, of which the second one has logged out. */
  async function withDevices() {
    const app = await registeredApp(server)
    const device = newAppDevice()
    await askForToken(server, passwordGrant(app, device))
    return { app, device }
  }
  const ask = (email: string, deviceIdentifier: string, more: object = {}) =>
    send(server, {
      method: 'POST',
      path: `${paths.requests}/`,
      headers: { 'Device-Type': '25', 'Device-Identifier': deviceIdentifier },
      body: { email, publicKey, deviceIdentifier, accessCode, type: 0, ...more },
    })
  const get = (path: string, token?: string) => send(server, { path, token })
  const pending = async ({ token }: App) => bodyOf(AuthRequests, await get(paths.pending, token)).data
  const put = ({ token }: App, id: string, body: object) =>
    send(server, { method: 'PUT', path: pathTo(paths.request, { requestId: id }), token, body })
  const approve = (app: App, id: string) =>
    put(app, id, { key, masterPasswordHash: null, deviceIdentifier: randomUUID(), requestApproved: true })
  const responseOf = (id: string, code = accessCode) =>
    get(`${pathTo(paths.response, { requestId: id })}?code=${code}`)
  const logIn = (
    { email }: App,
    id: string,
    device: ReturnType<typeof newAppDevice>,
    password = accessCode,
  ) =>
    askForToken(server, {
      ...passwordGrant({ email, passwordHash: password }, device),
      authRequest: id,
    })

  it('take place once, with the key that the other device has given', async () => {
    const { app, device } = await withDevices()
    const { id, ...asked } = bodyOf(AuthRequest, await ask(app.email, device.deviceIdentifier))
    expect(asked).toMatchObject({ publicKey, key: null, responseDate: null, requestApproved: false })
    expect((await pending(app)).map((request) => request.id)).toEqual([id])
    const devices = (await get('/api/devices', app.token)).text
    expect(JSON.parse(devices).data).toContainEqual(
      expect.objectContaining({
        identifier: device.deviceIdentifier,
        devicePendingAuthRequest: { id, creationDate: asked.creationDate },
      }),
    )
    expect(bodyOf(AuthRequest, await get(pathTo(paths.request, { requestId: id }), app.token)).id).toBe(id)
    expect(bodyOf(AuthRequest, await responseOf(id)).responseDate).toBeNull()
    expect((await logIn(app, id, device)).status).toBe(400)

    expect(bodyOf(AuthRequest, await approve(app, id))).toMatchObject({ key, requestApproved: true })
    expect(await pending(app)).toEqual([])
    expect(bodyOf(AuthRequests, await get(paths.requests, app.token)).data).toHaveLength(1)
    expect(bodyOf(AuthRequest, await responseOf(id))).toMatchObject({ key, requestApproved: true })

    for (const answer of [
      await logIn(app, id, device, accessCode.toUpperCase()),
      await logIn(app, id, newAppDevice()),
      await logIn(await registeredApp(server), id, device),
      await logIn(app, randomUUID(), device),
    ])
      expect(JSON.parse(answer.text)).toMatchObject({ error_description: 'invalid_username_or_password' })
    const answers = await Promise.all([1, 2, 3].map(() => logIn(app, id, device)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
  })

  it('do not take place where the answer is no, or too late, and are answered once', async () => {
    const { app, device } = await withDevices()
    const { id } = bodyOf(AuthRequest, await ask(app.email, device.deviceIdentifier))
    expect((await put(app, id, { key: null, requestApproved: false })).status).toBe(200)
    expect((await approve(app, id)).status).toBe(400)
    expect((await logIn(app, id, device)).status).toBe(400)

    const late = bodyOf(AuthRequest, await ask(app.email, device.deviceIdentifier))
    await approve(app, late.id)
    clock.advance(minutes(16))
    expect((await logIn(app, late.id, device)).status).toBe(400)
    expect((await responseOf(late.id)).status).toBe(404)
    expect((await approve(app, late.id)).status).toBe(404)
  })

  it('are seen and answered by their owner alone', async () => {
    const { app, device } = await withDevices()
    const stranger = await registeredApp(server)
    const { id } = bodyOf(AuthRequest, await ask(app.email, device.deviceIdentifier))
    expect(await pending(stranger)).toEqual([])
    expect((await get(pathTo(paths.request, { requestId: id }), stranger.token)).status).toBe(404)
    expect((await approve(stranger, id)).status).toBe(404)
    expect((await responseOf(id, 'x'.repeat(25))).status).toBe(404)
    expect((await responseOf(randomUUID())).status).toBe(404)
  })

  it('are asked for by devices that the account knows; others learn nothing of it', async () => {
    const { app, device } = await withDevices()
    const answers = [
      await ask(app.email, randomUUID()),
      await ask(`${randomUUID()}@example.com`, device.deviceIdentifier),
      await ask(`${randomUUID()}@example.com`, randomUUID()),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await pending(app)).toEqual([])
  })

  it.each([
    ['a key that is none', { publicKey: 'AAAA' }],
    ['a code that can be guessed', { accessCode: 'abc' }],
    ['a question for an administrator', { type: 2 }],
  ])('are not asked for with %s', async (_, more) => {
    const { app, device } = await withDevices()
    expect((await ask(app.email, device.deviceIdentifier, more)).status).toBe(400)
  })

  it.each([
    ['no key', { key: null }],
    ['a key of another kind', { key: `2.${randomBytes(256).toString('base64')}` }],
  ])('are not let in with %s', async (_, more) => {
    const { app, device } = await withDevices()
    const { id } = bodyOf(AuthRequest, await ask(app.email, device.deviceIdentifier))
    expect((await put(app, id, { requestApproved: true, ...more })).status).toBe(400)
    expect((await pending(app)).map((request) => request.id)).toEqual([id])
  })

  it('wait in numbers that an owner can look at', async () => {
    const { app, device } = await withDevices()
    const answers = []
    for (let asked = 0; asked < 21; asked++) answers.push(await ask(app.email, device.deviceIdentifier))
    expect(answers.map(({ status }) => status).slice(-2)).toEqual([200, 429])
  })
})
