// `limpet confirm`, `resend` and `hint`, as somebody with a mailbox uses them.
import { afterEach, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { startMailServer } from '../support/mail.ts'
import { freePort } from '../support/postgres.ts'
import { startServer } from '../support/server.ts'
import { newShell } from './program.ts'

describe.each(engines)('e-mail at the shell on %s', (engine) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  it('is confirmed by the link of the mail, and then gets the hint', async () => {
    const mail = await startMailServer(await freePort())
    closing.push(() => mail.close())
    const server = await startServer(engine, {
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required' },
    })
    closing.push(() => server.close())
    const ada = await newShell(server)
    const { stderr } = await ada.ended('done', ['register', ada.email, '--hint', 'a snail'], ada.password)
    expect(stderr).toContain('limpet confirm')
    await mail.next()
    const early = await ada.ended('unexpected', ['login', ada.email], ada.password)
    expect(early.stderr).toContain('Open the link in the mail')

    await ada.done(['resend', ada.email])
    const link = /http\S+\/confirm#\S+/.exec((await mail.next()).text)?.[0] ?? ''
    await ada.ended('usage', ['confirm'], link.slice(0, -1))
    await ada.done(['confirm'], link)
    await ada.done(['login', ada.email], ada.password)

    await ada.done(['hint', ada.email])
    expect((await mail.next()).text).toContain('a snail')
  })
})
