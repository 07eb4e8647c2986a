// Changes of what opens an account of Bitwarden's apps, and its deletion.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { days, minutes } from '../../../src/clock.ts'
import { finishDeletions } from '../../../src/domain/identity/account-deletion.ts'
import { systemRandom } from '../../../src/random.ts'
import { openStore } from '../../../src/store/open.ts'
import { askForToken, codeIn, encString, passwordGrant, registeredApp } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { type MailServer, startMailServer, tokenIn } from '../../support/mail.ts'
import { send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const newHash = () => randomBytes(32).toString('base64')

const pbkdf2 = { kdfType: 0, iterations: 600_000, memory: null, parallelism: null }

describe.each(engines)("credentials of accounts of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    const environment = { ...mail.settings, BITWARDEN_API: 'on', ACCOUNT_DELETION: 'on' }
    server = await startServer(engine, { clock, environment })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  const ask = async (token: string, method: string, path: string, body?: unknown) => {
    const answer = await send(server, { method, path: `/api/${path}`, token, body })
    return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
  }
  const profile = (token: string) => ask(token, 'GET', 'accounts/profile')
  const post = (token: string, name: string, body: unknown) => ask(token, 'POST', `accounts/${name}`, body)

  /** The next mail to an address; registrations of other tests have mail as well. */
  async function mailTo(email: string, subject: string) {
    for (;;) {
      const sent = await mail.next()
      if (sent.to.includes(email) && sent.subject === subject) return sent
    }
  }

  /** An account with two devices. */
  async function newApp() {
    const app = await registeredApp(server)
    const answer = await logIn(app.email, app.passwordHash)
    return { ...app, other: JSON.parse(answer.text).access_token }
  }
  const logIn = (email: string, passwordHash: string) =>
    askForToken(server, passwordGrant({ email, passwordHash }))

  /** What newer and older apps say of a new password. */
  const newer = (email: string, hash: string, key: string, kdf: object = pbkdf2) => ({
    authenticationData: { kdf, masterPasswordAuthenticationHash: hash, salt: email },
    unlockData: { kdf, masterKeyWrappedUserKey: key, salt: email },
  })
  const older = (hash: string, key: string) => ({ newMasterPasswordHash: hash, key })

  it('changes the password in either way: other sessions and the API key end, the own one goes on', async () => {
    for (const way of ['older', 'newer', 'both'] as const) {
      const { email, token, other, passwordHash: masterPasswordHash } = await newApp()
      const [hash, key] = [newHash(), encString(80)]
      const { body: before } = await profile(token)
      const apiKey = (await post(token, 'api-key', { masterPasswordHash })).body.apiKey
      const chosen = {
        ...(way !== 'newer' && older(hash, key)),
        ...(way !== 'older' && newer(email, hash, key)),
      }
      const body = { masterPasswordHash, masterPasswordHint: 'another', ...chosen }
      expect(await post(token, 'password', body)).toEqual({ status: 200, body: null })
      expect((await profile(other)).status).toBe(401)
      const { body: after } = await profile(token)
      expect(after.key).toBe(key)
      expect(after.securityStamp).not.toBe(before.securityStamp)
      expect((await logIn(email, masterPasswordHash)).status).toBe(400)
      expect(JSON.parse((await logIn(email, hash)).text)).toMatchObject({ Key: key })
      const apiKeyAfter = await post(token, 'api-key', { masterPasswordHash: hash })
      expect(apiKeyAfter.body.apiKey).not.toBe(apiKey)
    }
  })

  it('refuses what would lock the owner out, and changes nothing then', async () => {
    const { email, token, other, passwordHash: masterPasswordHash } = await newApp()
    const [hash, key] = [newHash(), encString(80)]
    const bodies = [
      { masterPasswordHash: newHash(), ...older(hash, key) },
      { masterPasswordHash },
      { masterPasswordHash, newMasterPasswordHash: hash },
      { masterPasswordHash, ...older(hash, encString(32)) },
      { masterPasswordHash, ...newer(`x${email}`, hash, key) },
      { masterPasswordHash, ...newer(email, hash, key), ...older(newHash(), key) },
      { masterPasswordHash, ...newer(email, hash, key, { ...pbkdf2, iterations: 700_000 }) },
    ]
    for (const body of bodies)
      expect(await post(token, 'password', body)).toMatchObject({ status: 400, body: { object: 'error' } })
    expect((await profile(other)).status).toBe(200)
    expect((await logIn(email, masterPasswordHash)).status).toBe(200)
  })

  it('changes the KDF in either way, and not below what the apps take', async () => {
    const argon = { kdfType: 1, iterations: 6, memory: 32, parallelism: 4 }
    const { email, token, other, passwordHash: masterPasswordHash } = await newApp()
    const [hash, key] = [newHash(), encString(80)]
    const weak = { ...pbkdf2, iterations: 599_999 }
    const refused = await post(token, 'kdf', { masterPasswordHash, ...newer(email, hash, key, weak) })
    expect(refused.status).toBe(400)
    const body = { masterPasswordHash, ...newer(email, hash, key, argon), ...older(hash, key) }
    expect((await post(token, 'kdf', body)).status).toBe(200)
    expect((await profile(other)).status).toBe(401)
    expect(JSON.parse((await logIn(email, hash)).text)).toMatchObject({
      Key: key,
      Kdf: 1,
      KdfIterations: 6,
      KdfMemory: 32,
      KdfParallelism: 4,
    })
    const flat = { kdf: 0, kdfIterations: 650_000, ...older(newHash(), encString(80)) }
    expect((await post(token, 'kdf', { masterPasswordHash: hash, ...flat })).status).toBe(200)
    expect(JSON.parse((await logIn(email, flat.newMasterPasswordHash)).text)).toMatchObject({
      Kdf: 0,
      KdfIterations: 650_000,
      KdfMemory: null,
    })
  })

  it('changes the address with a code from its mailbox, and ends all sessions', async () => {
    const { email, token, other, passwordHash: masterPasswordHash } = await newApp()
    const newEmail = `${randomUUID()}@example.com`
    const [hash, key] = [newHash(), encString(80)]
    expect((await post(token, 'email-token', { newEmail, masterPasswordHash })).status).toBe(200)
    const sent = await mailTo(newEmail, 'Your code')
    const change = { newEmail, masterPasswordHash, ...older(hash, key) }
    const wrong = String((Number(codeIn(sent)) + 1) % 1_000_000).padStart(6, '0')
    expect((await post(token, 'email', { ...change, token: wrong })).status).toBe(400)
    const elsewhere = { ...change, newEmail: `x${newEmail}`, token: codeIn(sent) }
    expect((await post(token, 'email', elsewhere)).status).toBe(400)
    expect((await post(token, 'email', { ...change, token: codeIn(sent) })).status).toBe(200)
    for (const ended of [token, other]) expect((await profile(ended)).status).toBe(401)
    expect((await logIn(email, hash)).status).toBe(400)
    const answer = JSON.parse((await logIn(newEmail, hash)).text)
    expect(answer.UserDecryptionOptions.MasterPasswordUnlock.Salt).toBe(newEmail)
  })

  it('tells nobody but the mailbox that an address is taken', async () => {
    const [one, two] = [await newApp(), await newApp()]
    await runStatement(
      server.database,
      `update accounts set email_verified = true where email = '${two.email}'`,
    )
    const { token, passwordHash: masterPasswordHash } = one
    expect((await post(token, 'email-token', { newEmail: two.email, masterPasswordHash })).status).toBe(200)
    await mailTo(two.email, 'You have an account already')
    expect(
      mail.received.filter(({ subject }) => subject === 'Your code').flatMap(({ to }) => to),
    ).not.toContain(two.email)
  })

  it('ends every session by a new stamp, and forgets other devices', async () => {
    const { token, other, email, passwordHash: masterPasswordHash, device } = await newApp()
    expect((await post(token, 'security-stamp', { masterPasswordHash })).status).toBe(200)
    for (const ended of [token, other]) expect((await profile(ended)).status).toBe(401)
    expect((await logIn(email, masterPasswordHash)).status).toBe(200)
    const { devices = [] } = await readRows(server.database)
    expect(JSON.stringify(devices)).toContain(device.deviceIdentifier)
  })

  it('deletes the account in either way, with the password alone', async () => {
    for (const [method, path] of [
      ['DELETE', 'accounts'],
      ['POST', 'accounts/delete'],
    ] as const) {
      const { token, email, passwordHash: masterPasswordHash } = await newApp()
      expect((await ask(token, method, path, { masterPasswordHash: newHash() })).status).toBe(400)
      expect((await ask(token, method, path, { MasterPasswordHash: masterPasswordHash })).status).toBe(200)
      expect((await profile(token)).status).toBe(401)
      expect((await logIn(email, masterPasswordHash)).status).toBe(400)
      const rows = await readRows(server.database)
      expect(JSON.stringify(rows)).not.toContain(email)
    }
  })

  it('deletes the account by a link that is mailed, with everything in it, unless its owner logs in meanwhile', async () => {
    const [lost, found] = [await newApp(), await newApp()]
    for (const { email, token } of [lost, found]) {
      await runStatement(
        server.database,
        `update accounts set email_verified = true where email = '${email}'`,
      )
      const item = { type: 2, name: encString(), secureNote: { type: 0 } }
      expect((await ask(token, 'POST', 'ciphers', item)).status).toBe(200)
      const asked = await send(server, {
        method: 'POST',
        path: '/api/accounts/delete-recover',
        body: { email },
      })
      expect(asked.status).toBe(200)
      const link = tokenIn(await mailTo(email, 'Delete your account?'))
      const path = '/api/v1/email/delete/confirm'
      expect((await send(server, { method: 'POST', path, body: { token: link } })).status).toBe(200)
    }
    clock.advance(minutes(1))
    expect((await logIn(found.email, found.passwordHash)).status).toBe(200)
    clock.advance(days(8))
    const surroundings = { now: () => clock.now(), onIdleError() {} }
    const { store } = await openStore(databaseOf(server.database), surroundings)
    const config = { accountDeletion: { wait: days(7) }, smtp: undefined }
    try {
      await finishDeletions({ store, random: systemRandom, config }, clock.now())
    } finally {
      await store.close()
    }
    expect((await logIn(lost.email, lost.passwordHash)).status).toBe(400)
    const { bitwarden_accounts = [], ciphers = [] } = await readRows(server.database)
    const idOf = ({ token }: { token: string }) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub
    for (const rows of [bitwarden_accounts, ciphers]) {
      expect(JSON.stringify(rows)).toContain(idOf(found))
      expect(JSON.stringify(rows)).not.toContain(idOf(lost))
    }
  })
})
