// What a client is answered that sends a request a second time because the first answer was lost (docs/protocol.md, "Repeating a
// request"). The rows about vaults, items, sessions, shares and links of mails are tested beside what they are about.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seconds } from '../../../src/clock.ts'
import { logIn, logInBody, newAccount, randomKey, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { newOpaqueAccount, opaqueRegistration, post, startProof } from '../../support/opaque.ts'
import { outcomeOf, send } from '../../support/requests.ts'
import { addTotp, codeAt, startTotp } from '../../support/second-factors.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

describe.each(engines)('a request that is repeated on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock })
  })
  afterAll(() => server.close())

  const ask = async (method: string, path: string, body: unknown, token?: string) =>
    outcomeOf(await send(server, { method, path: `/api/v1/${path}`, token, body }))

  /** The outcomes of the same request, twice. */
  async function twice(method: string, path: string, body: unknown, token?: string): Promise<string[]> {
    return [await ask(method, path, body, token), await ask(method, path, body, token)]
  }

  it('registers once, and the account can be logged in to', async () => {
    const body = registration()
    expect(await twice('POST', 'register', body)).toEqual(['201', '409 email-taken'])
    const { token } = await logIn(server, body)
    const moved = { current: { authKey: body.authKey }, email: registration().email }
    expect(await ask('POST', 'account/email', moved, token)).toBe('204')
    expect(await ask('POST', 'register', body)).toBe('409 id-taken')
    // Of an account that was deleted nothing is left to know it by.
    expect(await ask('DELETE', 'account', { authKey: body.authKey }, token)).toBe('204')
    expect(await ask('DELETE', 'account', { authKey: body.authKey }, token)).toBe('401 not-authenticated')
    expect(await ask('POST', 'register', body)).toBe('201')
  })

  it('registers by OPAQUE once, and for ten minutes', async () => {
    const body = await opaqueRegistration(server, 'correct horse')
    expect(await twice('POST', 'register', body)).toEqual(['201', '409 email-taken'])
    clock.advance(seconds(601))
    expect(await ask('POST', 'register', body)).toBe('400 stale-opaque-registration')
  })

  it('changes the password once, and the session lives on', async () => {
    const account = await newAccount(server)
    const { kdf, accountKey } = registration()
    const authKey = randomKey()
    const body = { current: { authKey: account.authKey }, kdf, authKey, accountKey }
    expect(await twice('POST', 'account/password', body, account.token)).toEqual([
      '200',
      '401 invalid-credentials',
    ])
    expect(await ask('GET', 'account', undefined, account.token)).toBe('200')
    expect(await ask('POST', 'login', logInBody({ ...account, authKey }))).toBe('200')
  })

  it('makes a second token with authKey, and none with a handshake, which works once', async () => {
    const wanted = { name: 'x', scopes: ['read'] }
    const { token, authKey } = await newAccount(server)
    expect(await twice('POST', 'tokens', { ...wanted, authKey }, token)).toEqual(['201', '201'])
    const otto = await newOpaqueAccount(server)
    const opaque = await startProof(server, otto.email, otto.password)
    expect(await twice('POST', 'tokens', { ...wanted, opaque }, otto.token)).toEqual([
      '201',
      '401 invalid-credentials',
    ])
  })

  it('deletes a vault once, which is said before the proof is looked at', async () => {
    const { token, authKey, vaultId } = await newAccount(server)
    expect(await ask('DELETE', `vaults/${vaultId}`, { authKey }, token)).toBe('204')
    expect(await ask('DELETE', `vaults/${vaultId}`, { authKey: randomKey() }, token)).toBe('404 not-found')
  })

  it('changes the address and the hint to the same again', async () => {
    const { token, authKey } = await newAccount(server)
    const { email } = registration()
    const current = { authKey }
    expect(await twice('POST', 'account/email', { current, email }, token)).toEqual(['204', '204'])
    expect(await twice('PUT', 'account/hint', { current, hint: 'x' }, token)).toEqual(['204', '204'])
    expect(await twice('DELETE', 'account/deletion', undefined, token)).toEqual(['204', '204'])
  })

  it('begins a second factor anew, confirms and removes it once, and logs in with a code once', async () => {
    const owner = await newAccount(server)
    const { token, authKey } = owner
    const path = 'account/second-factors'
    const [lost, second] = [await startTotp(server, owner), await startTotp(server, owner)]
    const codeFor = ({ secret }: { secret: string }) => ({ code: codeAt(secret, clock.now()) })
    expect(await ask('POST', `${path}/totp/${lost.id}/confirm`, codeFor(lost), token)).toBe('404 not-found')
    const confirm = await twice('POST', `${path}/totp/${second.id}/confirm`, codeFor(second), token)
    expect(confirm).toEqual(['200', '404 not-found'])
    expect(await twice('POST', `${path}/recovery-codes`, { authKey }, token)).toEqual(['200', '200'])
    clock.advance(seconds(60))
    const secondFactor = { type: 'totp', ...codeFor(second) }
    const login = await twice('POST', 'login', { ...logInBody(owner), secondFactor })
    expect(login).toEqual(['200', '401 invalid-second-factor'])
    const removed = await twice('DELETE', `${path}/${second.id}`, { authKey }, token)
    expect(removed).toEqual(['204', '404 not-found'])
    expect(await ask('POST', `${path}/recovery-codes`, { authKey }, token)).toBe('404 not-found')
    expect((await addTotp(server, owner, clock.now())).recoveryCodes).toHaveLength(10)
  })

  it('logs in twice with authKey, and out once', async () => {
    const account = await newAccount(server)
    expect(await twice('POST', 'login', logInBody(account))).toEqual(['200', '200'])
    expect((await post(server, 'logout', undefined, account.token)).status).toBe(204)
    expect(await ask('POST', 'logout', undefined, account.token)).toBe('401 not-authenticated')
  })
})
