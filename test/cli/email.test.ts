// `limpet confirm`, `resend` and `hint`, as somebody with a mailbox uses them.
import { afterEach, describe, expect, it } from 'vitest'
import { exitCodes } from '../../src/terminal/exit-codes.ts'
import { engines } from '../support/database.ts'
import { type MailServer, startMailServer } from '../support/mail.ts'
import { startServer } from '../support/server.ts'
import { newShell } from './program.ts'

const linkIn = ({ text }: { text: string }) => /http\S+#[\w-]{72}/.exec(text)?.[0] ?? ''

async function nextTo(mail: MailServer, email: string) {
  for (;;) {
    const received = await mail.next()
    if (received.to.includes(email) && received.subject !== 'Your account was changed') return received
  }
}

async function nextLinkTo(mail: MailServer, email: string) {
  for (;;) {
    const received = await nextTo(mail, email)
    if (linkIn(received) !== '') return received
  }
}

describe.each(engines)('e-mail at the shell on %s', (engine) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  it('is confirmed by the link of the mail, and then gets the hint', async () => {
    const mail = await startMailServer()
    closing.push(() => mail.close())
    const server = await startServer(engine, {
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required' },
    })
    closing.push(() => server.close())
    const ada = await newShell(server)
    const { stderr } = await ada.ended('done', ['register', ada.email, '--hint', 'a snail'], ada.password)
    expect(stderr).toContain('limpet confirm')
    await mail.next()

    // Like a wrong password, or, of one address in eight, like another account: the person learns what to do either way.
    const early = await ada.run(['login', ada.email], ada.password)
    expect([exitCodes.wrongPassword.code, exitCodes.refused.code]).toContain(early.code)
    expect(early.stderr).toContain('open the link in the mail first')
    expect(early.stderr).toContain('limpet resend')
    expect(early.stderr).not.toContain('--forget-method')

    await ada.done(['resend', ada.email])
    const link = linkIn(await mail.next())
    await ada.ended('usage', ['confirm'], link.slice(0, -1))
    await ada.done(['confirm'], link)
    await ada.done(['login', ada.email], ada.password)

    await ada.done(['hint', 'send', ada.email])
    expect((await mail.next()).text).toContain('a snail')

    const email = `new-${ada.email}`
    await ada.done(['hint', 'set', 'a limpet'], ada.password)
    await ada.done(['email', email], ada.password)
    await ada.done(['confirm'], linkIn(await nextLinkTo(mail, email)))
    await ada.done(['hint', 'send', email])
    expect((await nextTo(mail, email)).text).toContain('a limpet')
    // The session goes on, and knows the new address.
    await ada.done(['hint', 'remove'], ada.password)
    await ada.done(['logout'])
    await ada.done(['login', email], ada.password)

    await ada.done(['account', 'delete-by-mail', email])
    const { stderr: going } = await ada.ended('done', ['confirm'], linkIn(await nextLinkTo(mail, email)))
    expect(going).toContain('The account goes on')
    expect(await ada.done(['status'])).toMatch(/^Goes {5}/m)
    expect(JSON.parse(await ada.done(['status', '--json'])).deletesAt).toMatch(/Z$/)
    const { stderr: staying } = await ada.ended('done', ['confirm'], linkIn(await nextLinkTo(mail, email)))
    expect(staying).toContain('The account stays')
    expect(JSON.parse(await ada.done(['status', '--json'])).deletesAt).toBeNull()
  })
})
