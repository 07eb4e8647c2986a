// Proofs within a session: the password, and codes by mail.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { minutes } from '../../../src/clock.ts'
import { codeIn, newBitwardenAccount } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer } from '../../support/mail.ts'
import { send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

describe.each(engines)("proofs of owners of accounts of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer(engine, { clock, environment: { ...mail.settings, BITWARDEN_API: 'on' } })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  const ask = async (name: string, token: string, body?: unknown) => {
    const answer = await send(server, { method: 'POST', path: `/api/accounts/${name}`, token, body })
    return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
  }
  const verify = (token: string, otp: string) => ask('verify-otp', token, { OTP: otp })

  it('takes the hash of the password, whatever the case of its name', async () => {
    const { token, passwordHash } = await newBitwardenAccount(server, clock.now())
    for (const name of ['masterPasswordHash', 'MasterPasswordHash'])
      expect(await ask('verify-password', token, { [name]: passwordHash })).toEqual({
        status: 200,
        body: { object: 'masterPasswordPolicy' },
      })
  })

  it('answers 400 to a wrong one, to one that is none, and to nothing', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const wrong = randomBytes(32).toString('base64')
    const bodies = [{ masterPasswordHash: wrong }, { masterPasswordHash: 'x' }, { otp: '000000' }, {}]
    for (const body of bodies)
      expect(await ask('verify-password', token, body)).toMatchObject({
        status: 400,
        body: { object: 'error' },
      })
  })

  it('mails a code that can be looked at, and is used once', async () => {
    const { token, email } = await newBitwardenAccount(server, clock.now())
    expect(await ask('request-otp', token)).toEqual({ status: 200, body: null })
    const sent = await mail.next()
    expect(sent.to).toEqual([email])
    const otp = codeIn(sent)
    expect((await verify(token, otp)).status).toBe(200)
    expect((await verify(token, otp)).status).toBe(200)
    expect((await ask('verify-password', token, { otp })).status).toBe(200)
    expect((await ask('verify-password', token, { otp })).status).toBe(400)
  })

  it('sends the same code again while it has time left, and none of another account', async () => {
    const [one, two] = [
      await newBitwardenAccount(server, clock.now()),
      await newBitwardenAccount(server, clock.now()),
    ]
    await ask('request-otp', one.token)
    const first = codeIn(await mail.next())
    await ask('request-otp', one.token)
    expect(codeIn(await mail.next())).toBe(first)
    await ask('request-otp', two.token)
    await mail.next()
    expect((await verify(two.token, first)).status).toBe(400)
    clock.advance(minutes(15))
    expect((await verify(one.token, first)).status).toBe(400)
  })

  it('takes no code after five wrong ones, and gives no new one until it would have expired', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    await ask('request-otp', token)
    const code = codeIn(await mail.next())
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0')
    for (let times = 0; times < 5; times++) expect((await verify(token, wrong)).status).toBe(400)
    expect((await verify(token, code)).status).toBe(400)
    expect((await ask('request-otp', token)).status).toBe(429)
    clock.advance(minutes(15))
    expect((await ask('request-otp', token)).status).toBe(200)
    expect((await verify(token, codeIn(await mail.next()))).status).toBe(200)
  })
})
