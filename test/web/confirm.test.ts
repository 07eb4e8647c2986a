// The page behind the link of a confirmation mail, in a real browser: it waits for a click, and says what happened.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { minutes } from '../../src/clock.ts'
import { de } from '../../src/web/kit/messages/de.ts'
import { en } from '../../src/web/kit/messages/en.ts'
import { logInBody, registration } from '../support/accounts.ts'
import { type MailServer, startMailServer } from '../support/mail.ts'
import { outcomeOf, send } from '../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { startVisiting } from './visit.ts'

describe('confirming an address', () => {
  const clock = new TestClock()
  const visit = startVisiting()
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer('sqlite', {
      clock,
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required' },
    })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  async function register() {
    const body = registration()
    await send(server, { method: 'POST', path: '/api/v1/register', body })
    let link: string | undefined
    // Other mails are notices.
    while (link === undefined) link = /http\S+\/confirm#\S+/.exec((await mail.next()).text)?.[0]
    const attempt = async () =>
      outcomeOf(await send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(body) }))
    return { body, link, attempt }
  }

  it('takes a click, and then the token is no more in the address', async () => {
    const { link, attempt } = await register()
    const person = await visit(link)
    await person.page.getByText(en.confirmLead).waitFor()
    expect(await attempt()).toBe('401 invalid-credentials')
    await person.page.getByRole('button', { name: en.confirm }).click()
    await person.page.getByText(en.confirmed).waitFor()
    expect(person.page.url()).toBe(`${server.url}/confirm`)
    expect(await attempt()).toBe('200')
    expect(person.requests.join()).not.toContain(link.split('#')[1])
  })

  it('deletes an account by a click, and keeps it by another one', async () => {
    const { body, link, attempt } = await register()
    const [, token = ''] = link.split('#')
    await send(server, { method: 'POST', path: '/api/v1/email/confirm', body: { token } })
    await send(server, { method: 'POST', path: '/api/v1/email/delete', body: { email: body.email } })
    const linkOf = async (page: string) =>
      new RegExp(`http\\S+/${page}#\\S+`).exec((await mail.next()).text)?.[0] ?? ''
    const person = await visit(await linkOf('delete-account'))
    await person.page.getByText(en.deleteLead).waitFor()
    await person.page.getByRole('button', { name: en.delete }).click()
    await person.page.getByRole('heading', { name: en.deletingTitle }).waitFor()
    expect(person.page.url()).toBe(`${server.url}/delete-account`)

    const keeping = await visit(await linkOf('keep-account'), { locale: 'de-DE' })
    await keeping.page.getByText(de.keepLead).waitFor()
    await keeping.page.getByRole('button', { name: de.keep }).click()
    await keeping.page.getByText(de.kept).waitFor()
    expect(await attempt()).toBe('200')
  })

  it('says that a link is not whole, without asking the server', async () => {
    const { link } = await register()
    const person = await visit(link.slice(0, -1), { locale: 'de-DE' })
    await person.page.getByText(de.confirmInvalid).waitFor()
    expect(person.requests.join()).not.toContain('/api/')
  })

  it('says that there was no answer, and tries again', async () => {
    const { link } = await register()
    const person = await visit(link)
    await person.page.context().setOffline(true)
    await person.page.getByRole('button', { name: en.confirm }).click()
    await person.page.getByText(en.confirmUnanswered).waitFor()
    await person.page.context().setOffline(false)
    await person.page.getByRole('button', { name: en.confirm }).click()
    await person.page.getByText(en.confirmed).waitFor()
  })

  it('says that a link is too old', async () => {
    const { link } = await register()
    clock.advance(minutes(24 * 60))
    const person = await visit(link)
    await person.page.getByRole('button', { name: en.confirm }).click()
    await person.page.getByText(en.confirmInvalid).waitFor()
  })
})
