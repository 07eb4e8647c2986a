// A Send for certain people, from the newest `bw` to one of somebody without an account, who types the code from a mail.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { codeIn } from '../support/bitwarden.ts'
import { registerBitwardenUser } from '../support/bitwarden-client.ts'
import { type Bw, newBw } from '../support/bw.ts'
import { engines } from '../support/database.ts'
import { dialogue } from '../support/dialogue.ts'
import { type MailServer, startMailServer } from '../support/mail.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'

const Send = z.looseObject({
  id: z.uuid(),
  accessUrl: z.string(),
  accessCount: z.int(),
  authType: z.int(),
  emails: z.array(z.string()),
})

describe.each(engines)('a Send for certain people on %s', (engine) => {
  let mail: MailServer
  let proxy: TlsProxy
  let server: TestServer
  let bw: Bw
  let bwOfReader: Bw
  beforeAll(async () => {
    mail = await startMailServer()
    proxy = await startTlsProxy()
    server = await startServer(engine, {
      environment: { ...mail.settings, BITWARDEN_API: 'on', PUBLIC_URL: proxy.url },
    })
    proxy.pointAt(server.url)
    bw = await newBw('2026.9.0', proxy)
    bwOfReader = await newBw('2026.9.0', proxy)
  })
  afterAll(async () => {
    await bw.remove()
    await bwOfReader.remove()
    await server.close()
    await proxy.close()
    await mail.close()
  })

  async function mailedCode(email: string): Promise<string> {
    for (;;) {
      const next = await mail.next()
      if (next.to.includes(email)) return codeIn(next)
    }
  }

  /** Opens the link at a terminal, which is the only way in which `bw` asks for a code. */
  const receive = (url: string, email: string, code: () => string | Promise<string>) =>
    dialogue(`${bwOfReader.command} receive '${url}'`, { ...bwOfReader.environment, TERM: 'dumb' }, [
      ['Enter your email address', `${email}\r`],
      ['Enter the verification code', async () => `${await code()}\r`],
    ])

  it('is made, received with a mailed code, and edited', async () => {
    const user = await registerBitwardenUser(server)
    await bw.login(user.email, user.password)
    const made = Send.parse(
      JSON.parse(
        await bw.out(['send', '--emails', 'Grace@example.com,ada@example.com', '--fullObject', 'for both']),
      ),
    )
    expect(made).toMatchObject({ authType: 0, emails: ['grace@example.com', 'ada@example.com'] })
    const wrong = await receive(made.accessUrl, 'ada@example.com', () => 'none')
    expect([wrong.code, wrong.screen]).toEqual([
      1,
      expect.stringContaining('Invalid email or verification code'),
    ])
    const read = await receive(made.accessUrl, 'ada@example.com', () => mailedCode('ada@example.com'))
    expect([read.code, read.screen]).toEqual([0, expect.stringContaining('for both')])
    const get = async () => Send.parse(JSON.parse(await bw.out(['send', 'get', made.id])))
    await bw.out(['sync'])
    expect(await get()).toMatchObject({ accessCount: 1 })
    await bw.out(['send', 'edit', '--itemid', made.id], { input: { ...made, emails: ['alan@example.com'] } })
    expect(await get()).toMatchObject({ authType: 0, emails: ['alan@example.com'] })
    await bw.out(['send', 'remove-password', made.id])
    expect(await get()).toMatchObject({ authType: 2, emails: [] })
  })
})
