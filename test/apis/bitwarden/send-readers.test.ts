// Sends for certain people: who has the link proves by a mailed code that one of the addresses is theirs, and learns nothing of the others.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../../src/clock.ts'
import { type BitwardenTestAccount, codeIn, newBitwardenAccount } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer } from '../../support/mail.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { forgetCounts, readRows } from '../../support/rows.ts'
import { asOwner, fileSend, openOld, sendForm, textSend } from '../../support/sends.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const Made = z.looseObject({
  id: z.string(),
  accessId: z.string(),
  authType: z.number(),
  emails: z.string().nullable(),
  password: z.string().nullable(),
  accessCount: z.number(),
})
const Upload = z.looseObject({
  url: z.string(),
  sendResponse: Made.extend({ file: z.object({ id: z.string() }) }),
})
const Grant = z.object({ access_token: z.string() })
const Access = z.looseObject({ id: z.string(), authType: z.number(), text: z.unknown() })

const password = randomBytes(32).toString('base64')
let readers = 0
const newReader = () => `reader-${++readers}@example.com`

describe.each(engines)('sends for certain people on %s', (engine) => {
  const clock = new TestClock()
  let mail: MailServer
  let server: TestServer
  let owner: BitwardenTestAccount
  /** Where a test asks from. */
  let here = ''
  const environment = () => ({ BITWARDEN_API: 'on', RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' })
  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer(engine, { clock, environment: { ...mail.settings, ...environment() } })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })
  let tests = 0
  beforeEach(async () => {
    here = `192.0.2.${++tests}`
    owner = await newBitwardenAccount(server, clock.now())
  })

  const forReaders = (emails: string, more: object = {}) =>
    textSend(clock.now(), { emails, authType: 0, ...more })
  const create = async (emails: string, more: object = {}) =>
    bodyOf(Made, await asOwner(server, owner, 'POST', '/api/sends', forReaders(emails, more)))
  const get = async (id: string) => bodyOf(Made, await asOwner(server, owner, 'GET', `/api/sends/${id}`))
  const replace = (id: string, more: object) =>
    asOwner(server, owner, 'PUT', `/api/sends/${id}`, textSend(clock.now(), more))
  const ask = (accessId: string, more: Record<string, string> = {}, address = here) =>
    send(server, {
      method: 'POST',
      path: '/identity/connect/token',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Forwarded-For': address },
      raw: new URLSearchParams({
        grant_type: 'send_access',
        client_id: 'send',
        scope: 'api.send.access',
        send_id: accessId,
        ...more,
      }).toString(),
    })
  const Refusal = z.object({
    error: z.string(),
    error_description: z.string(),
    send_access_error_type: z.string(),
  })
  const refusal = async (asked: ReturnType<typeof ask>) => {
    const answer = await asked
    expect(answer.status, answer.text).toBe(400)
    return bodyOf(Refusal, answer).send_access_error_type
  }
  /** The code in the next mail to an address. */
  async function codeFor(email: string): Promise<string> {
    for (;;) {
      const next = await mail.next()
      if (next.to.includes(email) && codeIn(next) !== '') return codeIn(next)
    }
  }
  const wrongOf = (code: string) => (code === '000000' ? '000001' : '000000')
  const read = (token: string, path = '/api/sends/access') => send(server, { method: 'POST', path, token })

  it('are opened with a code that is mailed to a reader, once for each code, and counted when they are read', async () => {
    const [one, two] = [newReader(), newReader()]
    const made = await create(` ${one} , ${two.toUpperCase()},`, { maxAccessCount: 2 })
    expect(made).toMatchObject({ authType: 0, emails: `${one},${two}`, password: null })
    expect(await refusal(ask(made.accessId))).toBe('email_required')
    expect(await refusal(ask(made.accessId, { email: 'no address' }))).toBe('email_required')
    expect(await refusal(ask(made.accessId, { email: two.toUpperCase() }))).toBe('email_and_otp_required')
    const otp = await codeFor(two)
    for (const more of [
      { email: two, otp: wrongOf(otp) },
      { email: one, otp },
      { email: two, otp: '' },
      { otp },
    ])
      expect(await refusal(ask(made.accessId, more))).toMatch(/^email_/)
    const granted = bodyOf(Grant, await ask(made.accessId, { email: two, otp }))
    expect((await get(made.id)).accessCount).toBe(0)
    const seen = bodyOf(Access, await read(granted.access_token))
    expect(seen).toMatchObject({ id: made.accessId, authType: 0 })
    expect(JSON.stringify(seen)).not.toContain(one)
    expect(await refusal(ask(made.accessId, { email: two, otp }))).toBe('email_and_otp_required')
    expect((await read(granted.access_token)).status).toBe(200)
    expect((await read(granted.access_token)).status).toBe(404)
    expect((await get(made.id)).accessCount).toBe(2)
  })

  it('of files are opened alike', async () => {
    const reader = newReader()
    const announced = fileSend(clock.now(), 1000, { emails: reader, authType: 0, maxAccessCount: 1 })
    const { url, sendResponse: made } = bodyOf(
      Upload,
      await asOwner(server, owner, 'POST', '/api/sends/file/v2', announced),
    )
    expect((await sendForm(server, owner.token, new URL(url).pathname, randomBytes(1000))).status).toBe(200)
    await ask(made.accessId, { email: reader })
    const form = { email: reader, otp: await codeFor(reader) }
    const { access_token: token } = bodyOf(Grant, await ask(made.accessId, form))
    const path = `/api/sends/access/file/${made.file.id}`
    expect((await read(token, path)).status).toBe(200)
    expect((await read(token, path)).status).toBe(404)
  })

  it('say the same for every address, and mail to none that is not listed', async () => {
    const [listed, stranger] = [newReader(), newReader()]
    const { accessId } = await create(listed)
    const answers = await Promise.all(
      [listed, stranger].map(async (email) => {
        const [asked, guessed] = [
          await ask(accessId, { email }),
          await ask(accessId, { email, otp: 'nothing' }),
        ]
        return [asked.status, asked.text, guessed.status, guessed.text]
      }),
    )
    expect(answers[1]).toEqual(answers[0])
    await codeFor(listed)
    // What waited with it has been done as well.
    expect(mail.received.filter(({ to }) => to.includes(stranger))).toEqual([])
    const { mailed_codes: codes = [] } = await readRows(server.database)
    const kept = codes.filter(({ account_id: id }) => id === owner.accountId)
    expect(kept.map(({ attempts }) => Number(attempts))).toEqual([1, 1])
  })

  it('take few guesses at a code, from wherever they come, and mail no new one to go on with', async () => {
    const reader = newReader()
    const { accessId } = await create(reader)
    await ask(accessId, { email: reader })
    const otp = await codeFor(reader)
    for (let guess = 0; guess < 5; guess++)
      await ask(accessId, { email: reader, otp: wrongOf(otp) }, `198.51.100.${guess}`)
    expect(await refusal(ask(accessId, { email: reader, otp }))).toBe('email_and_otp_required')
    const mails = mail.received.length
    await ask(accessId, { email: reader })
    // Another reader's Send, whose mail comes after what waited before.
    const other = newReader()
    await ask((await create(other)).accessId, { email: other })
    await codeFor(other)
    expect(mail.received.slice(mails).filter(({ to }) => to.includes(reader))).toEqual([])
    clock.advance(minutes(16))
    await ask(accessId, { email: reader })
    expect((await ask(accessId, { email: reader, otp: await codeFor(reader) })).status).toBe(200)
  })

  it('mail few codes to a reader whom a stranger with the link asks for again and again', async () => {
    const reader = newReader()
    const { accessId } = await create(reader)
    const outcomes = new Set<number>()
    for (let turn = 0; turn < 40; turn++) outcomes.add((await ask(accessId, { email: reader })).status)
    expect([...outcomes]).toEqual([400, 429])
    const other = newReader()
    await ask((await create(other)).accessId, { email: other }, '198.51.100.1')
    await codeFor(other)
    const mailed = () => mail.received.filter(({ to }) => to.includes(reader)).length
    await expect.poll(mailed).toBe(5)
    await forgetCounts(server.database)
  })

  it('keep their readers until their owner says otherwise, and a grant ends with that', async () => {
    const [one, two] = [newReader(), newReader()]
    const { id, accessId } = await create(one)
    const grant = async (email: string) => {
      await ask(accessId, { email })
      return bodyOf(Grant, await ask(accessId, { email, otp: await codeFor(email) })).access_token
    }
    const token = await grant(one)
    // An older client, which knows of no addresses.
    const { emails: _emails, authType: _authType, ...older } = textSend(clock.now())
    expect(bodyOf(Made, await asOwner(server, owner, 'PUT', `/api/sends/${id}`, older)).emails).toBe(one)
    expect((await read(token)).status).toBe(200)
    await ask(accessId, { email: one })
    const late = await codeFor(one)
    expect(bodyOf(Made, await replace(id, { emails: two, authType: 0 })).emails).toBe(two)
    expect((await read(token)).status).toBe(404)
    expect(await refusal(ask(accessId, { email: one, otp: late }))).toBe('email_and_otp_required')
    await ask(accessId, { email: two })
    const otp = await codeFor(two)
    const withPassword = bodyOf(Made, await replace(id, { password, authType: 1 }))
    expect(withPassword).toMatchObject({ authType: 1, emails: null })
    expect(await refusal(ask(accessId, { email: two, otp }))).toBe('password_hash_b64_required')
    // Clients do not have the password, and say that there is none.
    expect(bodyOf(Made, await replace(id, { authType: 2 }))).toMatchObject({ authType: 1 })
    expect(bodyOf(Made, await replace(id, { emails: one, authType: 0 }))).toMatchObject({ password: null })
    expect(bodyOf(Made, await replace(id, { authType: 2 }))).toMatchObject({ authType: 2, emails: null })
    await replace(id, { emails: one, authType: 0 })
    const open = await asOwner(server, owner, 'PUT', `/api/sends/${id}/remove-password`)
    expect(bodyOf(Made, open)).toMatchObject({ authType: 2, emails: null })
    expect((await openOld(server, accessId)).status).toBe(200)
  })

  it('are closed to older apps, which are told why, and to all once they are gone', async () => {
    const reader = newReader()
    const { id, accessId } = await create(reader)
    const old = await openOld(server, accessId, { password })
    expect([old.status, old.text]).toMatchObject([400, /certain people/])
    await ask(accessId, { email: reader })
    const otp = await codeFor(reader)
    await replace(id, { emails: reader, authType: 0, disabled: true })
    expect(await refusal(ask(accessId, { email: reader, otp }))).toBe('send_id_invalid')
    await asOwner(server, owner, 'DELETE', `/api/sends/${id}`)
    expect(await refusal(ask(accessId, { email: reader }))).toBe('send_id_invalid')
  })

  it('are not made where no mail is sent, and where one was made before, its readers are told', async () => {
    const reader = newReader()
    const { accessId } = await create(reader)
    const silent = await startServer(engine, {
      clock,
      environment: { ...environment(), PUBLIC_URL: server.url },
      database: server.database,
    })
    try {
      const refused = await asOwner(silent, owner, 'POST', '/api/sends', forReaders(reader))
      expect([refused.status, refused.text]).toMatchObject([400, /sends no e-mail/])
      const asked = await send(silent, {
        method: 'POST',
        path: '/identity/connect/token',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        raw: new URLSearchParams({ grant_type: 'send_access', send_id: accessId, email: reader }).toString(),
      })
      expect([asked.status, asked.text]).toMatchObject([400, /sends no e-mail/])
    } finally {
      await silent.close()
    }
  })
})
