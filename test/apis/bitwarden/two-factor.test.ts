// The settings of second factors, as web vaults of both generations ask for them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../../src/clock.ts'
import { bitwardenFactorPaths as paths } from '../../../src/contract/bitwarden-paths.ts'
import { type BitwardenTestAccount, newBitwardenAccount } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { codeAt, SoftwareAuthenticator } from '../../support/second-factors.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const Totp = z.object({ enabled: z.boolean(), key: z.string().regex(/^[A-Z2-7]{32}$/) })
const TotpAnswer = Totp.extend({ authenticator: Totp, userVerificationToken: z.string() })
const Keys = z.object({
  enabled: z.boolean(),
  keys: z.array(z.object({ id: z.int(), name: z.string(), migrated: z.literal(false) })),
})
const KeysAnswer = Keys.extend({ webAuthn: Keys, userVerificationToken: z.string() })
const CreationOptions = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string() }),
  pubKeyCredParams: z.array(z.object({ alg: z.int(), type: z.string() })).min(1),
  excludeCredentials: z.array(z.object({ id: z.string(), type: z.string() })),
  authenticatorSelection: z.object({}),
  timeout: z.int(),
  attestation: z.string(),
})
const Refusal = z.object({ object: z.literal('error'), message: z.string() })

describe.each(engines)("settings of second factors of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, {
      clock,
      environment: { BITWARDEN_API: 'on', PUBLIC_URL: 'https://vault.example' },
    })
  })
  afterAll(() => server.close())

  const publicServer = { url: 'https://vault.example' }
  const newAccount = () => newBitwardenAccount({ ...server, url: publicServer.url }, clock.now())
  const ask = (
    { token }: BitwardenTestAccount,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
  ) => send(server, { method, path, token, ...(body && { body }) })
  const enabledOf = async (account: BitwardenTestAccount) =>
    z
      .object({
        data: z.array(z.object({ enabled: z.literal(true), type: z.int(), object: z.string() })),
      })
      .parse(JSON.parse((await ask(account, 'GET', paths.list)).text))
      .data.map(({ type }) => type)
  const secretOf = ({ passwordHash }: BitwardenTestAccount) => ({ masterPasswordHash: passwordHash })
  const readTotp = async (account: BitwardenTestAccount) =>
    bodyOf(TotpAnswer, await ask(account, 'POST', paths.readTotp, secretOf(account)))

  async function enableTotp(account: BitwardenTestAccount) {
    const { key, userVerificationToken } = await readTotp(account)
    const body = { token: codeAt(key, clock.now()), key, userVerificationToken }
    return { key, answer: await ask(account, 'PUT', paths.totp, body) }
  }

  async function addKey(account: BitwardenTestAccount, id: number, grant: object) {
    const begun = await ask(account, 'POST', paths.beginKey, grant)
    const { options, ...flat } = CreationOptions.extend({ options: CreationOptions }).parse(
      JSON.parse(begun.text),
    )
    expect(flat).toEqual(options)
    const authenticator = new SoftwareAuthenticator(publicServer)
    const { response, ...credential } = authenticator.create(options)
    const { clientDataJSON, attestationObject } = z
      .object({ clientDataJSON: z.string(), attestationObject: z.string() })
      .parse(response)
    const deviceResponse = {
      ...credential,
      extensions: {},
      response: { AttestationObject: attestationObject, clientDataJson: clientDataJSON },
    }
    const answer = await ask(account, 'PUT', paths.keys, { ...grant, id, name: `Key ${id}`, deviceResponse })
    return { answer, authenticator }
  }

  it('show an app its secret, take its code, and show it again', async () => {
    const account = await newAccount()
    const shown = await readTotp(account)
    expect([shown.enabled, shown.authenticator]).toEqual([false, { enabled: false, key: shown.key }])
    expect(await enabledOf(account)).toEqual([])
    const { key, answer } = await enableTotp(account)
    expect([answer.status, bodyOf(Totp, answer)]).toEqual([200, { enabled: true, key }])
    expect(await enabledOf(account)).toEqual([0])
    expect(await readTotp(account)).toMatchObject({ enabled: true, key })
    const repeated = await enableTotp(account)
    expect([repeated.answer.status, repeated.key]).toEqual([200, key])
  })

  it('refuse a wrong code, another secret, and a token of another session, kind or time', async () => {
    const account = await newAccount()
    const { key, userVerificationToken } = await readTotp(account)
    const token = codeAt(key, clock.now())
    const wrong = await ask(account, 'PUT', paths.totp, {
      token: codeAt(key, clock.now() + minutes(10)),
      key,
      userVerificationToken,
    })
    expect([wrong.status, bodyOf(Refusal, wrong).message]).toEqual([400, expect.stringContaining('code')])
    const other = { token, key: key.replace(/^./, key.startsWith('A') ? 'B' : 'A'), userVerificationToken }
    expect((await ask(account, 'PUT', paths.totp, other)).status).toBe(404)
    const stranger = await newAccount()
    const { userVerificationToken: strangers } = await readTotp(stranger)
    const { userVerificationToken: ofKeys } = bodyOf(
      KeysAnswer,
      await ask(account, 'POST', paths.readKeys, secretOf(account)),
    )
    for (const given of [strangers, ofKeys, 'x', '']) {
      const body = { token, key, userVerificationToken: given }
      expect((await ask(account, 'PUT', paths.totp, body)).status).toBe(400)
    }
    clock.advance(minutes(31))
    const late = { token: codeAt(key, clock.now()), key, userVerificationToken }
    expect((await ask(account, 'PUT', paths.totp, late)).status).toBe(400)
    expect(await enabledOf(account)).toEqual([])
  })

  it('switch an app off in both ways', async () => {
    const account = await newAccount()
    const { key } = await enableTotp(account)
    const { userVerificationToken } = await readTotp(account)
    expect((await ask(account, 'DELETE', paths.totp, { type: 0, key, userVerificationToken })).status).toBe(
      200,
    )
    expect(await enabledOf(account)).toEqual([])
    clock.advance(minutes(1))
    await enableTotp(account)
    const off = await ask(account, 'PUT', paths.disable, { type: 0, ...secretOf(account) })
    expect([off.status, JSON.parse(off.text)]).toEqual([
      200,
      { enabled: false, type: 0, object: 'twoFactorProvider' },
    ])
    expect(await enabledOf(account)).toEqual([])
  })

  it('add and remove security keys in their slots', async () => {
    const account = await newAccount()
    const { userVerificationToken } = bodyOf(
      KeysAnswer,
      await ask(account, 'POST', paths.readKeys, secretOf(account)),
    )
    const first = await addKey(account, 1, { userVerificationToken })
    expect(bodyOf(Keys, first.answer)).toEqual({
      enabled: true,
      keys: [{ id: 1, name: 'Key 1', migrated: false }],
    })
    const second = await addKey(account, 2, secretOf(account))
    expect(bodyOf(Keys, second.answer).keys).toHaveLength(2)
    expect((await addKey(account, 2, { userVerificationToken })).answer.status).toBe(400)
    expect(await enabledOf(account)).toEqual([7])
    const removed = await ask(account, 'DELETE', paths.keys, { id: 1, userVerificationToken })
    expect(bodyOf(Keys, removed).keys.map(({ id }) => id)).toEqual([2])
    expect((await ask(account, 'DELETE', paths.keys, { id: 1, userVerificationToken })).status).toBe(404)
    const none = await ask(account, 'DELETE', paths.allKeys, { userVerificationToken })
    expect(bodyOf(Keys, none)).toEqual({ enabled: false, keys: [] })
    expect(await enabledOf(account)).toEqual([])
  })

  it('refuse an answer that no authenticator gave to the options', async () => {
    const account = await newAccount()
    await ask(account, 'POST', paths.beginKey, secretOf(account))
    const authenticator = new SoftwareAuthenticator(publicServer)
    const deviceResponse = authenticator.create({ challenge: 'AAAA' })
    const body = { ...secretOf(account), id: 1, name: 'Key', deviceResponse }
    expect((await ask(account, 'PUT', paths.keys, body)).status).toBe(400)
    expect(await enabledOf(account)).toEqual([])
  })

  it('show one recovery code, again and again', async () => {
    const account = await newAccount()
    const read = async () =>
      bodyOf(
        z.object({ code: z.string().regex(/^[A-Z2-7]{32}$/), object: z.literal('twoFactorRecover') }),
        await ask(account, 'POST', paths.readRecoveryCode, secretOf(account)),
      ).code
    const code = await read()
    expect(await read()).toBe(code)
    const wrong = { masterPasswordHash: (await newAccount()).passwordHash }
    expect((await ask(account, 'POST', paths.readRecoveryCode, wrong)).status).toBe(400)
  })

  it('answer for what this server does not offer', async () => {
    const account = await newAccount()
    const duo = await ask(account, 'POST', paths.readDuo, secretOf(account))
    expect(JSON.parse(duo.text)).toMatchObject({ enabled: false, host: null, duo: { clientSecret: null } })
    const yubiKey = await ask(account, 'POST', paths.readYubiKey, secretOf(account))
    expect(JSON.parse(yubiKey.text)).toMatchObject({ enabled: false, nfc: false, yubiKey: { key5: null } })
    for (const path of [paths.duo, paths.yubiKey])
      expect((await ask(account, 'PUT', path, {})).status).toBe(400)
    expect((await ask(account, 'PUT', paths.disable, { type: 2, ...secretOf(account) })).status).toBe(400)
  })

  it('raise the revision with each change', async () => {
    const account = await newAccount()
    const revision = async () => Number((await ask(account, 'GET', '/api/accounts/revision-date')).text)
    const before = await revision()
    await enableTotp(account)
    expect(await revision()).toBeGreaterThan(before)
  })
})
