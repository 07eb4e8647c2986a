// A passkey in a real browser, by the SDK: Chromium's virtual authenticator makes it, and logs in with it.
import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { launchBrowser } from '../support/browser.ts'
import { bundleSdk } from '../support/bundle.ts'
import { type Engine, engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startServer, type TestServer } from '../support/server.ts'

const Registered = z.object({
  codes: z.array(z.string()),
  factors: z.array(z.looseObject({ type: z.string() })),
})
const LoggedIn = z.object({ methods: z.array(z.string()), vaults: z.array(z.string()), without: z.string() })

/** What an application's page does; a text, so that nothing of this process is at hand there. */
const startPage = `
  const { Limpet, memorySessionStorage } = limpet
  const client = () => new Limpet({ server: location.origin, device: { id: crypto.randomUUID(), name: 'page', type: 'browser' } })
`
const register = ({ email, password }: { email: string; password: string }) => `(async () => {
  ${startPage}
  const [email, password] = [${JSON.stringify(email)}, ${JSON.stringify(password)}]
  const one = client()
  await one.register({ email, password })
  const { secondFactors } = await one.login({ email, password })
  const { id, options } = await secondFactors.addWebauthn(password)
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const response = (await navigator.credentials.create({ publicKey })).toJSON()
  const codes = await secondFactors.confirmWebauthn(id, { name: 'This browser', response })
  return { codes, factors: (await secondFactors.list()).factors }
})()`
const logIn = ({ email, password }: { email: string; password: string }) => `(async () => {
  ${startPage}
  const [email, password] = [${JSON.stringify(email)}, ${JSON.stringify(password)}]
  const without = await client().login({ email, password }).catch(({ code }) => code)
  let methods
  const account = await client().login({
    email,
    password,
    async secondFactor(challenge) {
      methods = challenge.methods
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(challenge.options)
      return { type: 'webauthn', response: (await navigator.credentials.get({ publicKey })).toJSON() }
    },
  })
  return { methods, without, vaults: (await account.vaults()).map(({ name }) => name) }
})()`

describe.each(engines)('a passkey with a server on %s', (engine: Engine) => {
  let browser: Browser
  let server: TestServer
  let page: Page
  beforeAll(async () => {
    const port = String(await freePort())
    // An address cannot have passkeys, a name can.
    server = await startServer(engine, {
      environment: { PORT: port, PUBLIC_URL: `http://localhost:${port}` },
    })
    browser = await launchBrowser(['--host-resolver-rules=MAP localhost 127.0.0.1'])
    // The page stands for one of an application; Limpet's own would load no script of another.
    const context = await browser.newContext({ bypassCSP: true })
    page = await context.newPage()
    await page.goto(`http://localhost:${port}/docs`)
    await page.addScriptTag({ content: (await bundleSdk({ minify: true })).script })
    const devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
  })
  afterAll(async () => {
    await browser.close()
    await server.close()
  })

  it('is added in a browser, and then asked for and enough', async () => {
    const who = { email: `${randomUUID()}@example.com`, password: 'kelp forest lantern dune' }
    const { codes, factors } = Registered.parse(await page.evaluate(register(who)))
    expect(new Set(codes)).toHaveLength(10)
    expect(factors).toMatchObject([{ type: 'webauthn', name: 'This browser', lastUsedAt: null }])
    expect(LoggedIn.parse(await page.evaluate(logIn(who)))).toEqual({
      methods: ['webauthn', 'recovery-code'],
      without: 'second-factor-required',
      vaults: ['Personal'],
    })
  })
})
