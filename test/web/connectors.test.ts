// The pages that Bitwarden's apps open for a security key, in a real browser with an authenticator of its own.
import { createServer } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bitwardenFactorPaths as paths } from '../../src/contract/bitwarden-paths.ts'
import { pagePaths } from '../../src/contract/paths.ts'
import { de } from '../../src/web/kit/messages/de.ts'
import { en } from '../../src/web/kit/messages/en.ts'
import { askForToken, newAppDevice, passwordGrant, registeredApp } from '../support/bitwarden.ts'
import { launchBrowser } from '../support/browser.ts'
import { freePort } from '../support/free-port.ts'
import { bodyOf, send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** What the web vault does with the options to add a key; the answer is what it sends. */
const createKey = `async (options) => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  const { id, rawId, type, response } = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
    },
  })
  return {
    id,
    rawId: text(rawId),
    type,
    extensions: {},
    response: {
      AttestationObject: text(response.attestationObject),
      clientDataJson: text(response.clientDataJSON),
    },
  }
}`

describe("the pages for security keys of Bitwarden's apps", () => {
  let browser: Browser
  let server: TestServer
  let origin: string
  beforeAll(async () => {
    const port = await freePort()
    origin = `http://localhost:${port}`
    const environment = { PORT: String(port), PUBLIC_URL: origin, BITWARDEN_API: 'on' }
    server = await startServer('sqlite', { environment })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await server.close()
  })
  const contexts: BrowserContext[] = []
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
  })

  /** Somebody at a browser, with a security key plugged in. */
  async function arrive(locale = 'en-GB') {
    const context = await browser.newContext({ locale })
    context.setDefaultTimeout(15_000)
    contexts.push(context)
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'usb', automaticPresenceSimulation: true },
    })
    const unplug = () => devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    return { page, unplug }
  }

  /** An account whose key is the one in the browser, and what a login of it is asked for. */
  async function withKey(page: Page) {
    const app = await registeredApp(server)
    const secret = { masterPasswordHash: app.passwordHash }
    const { token } = app
    const begun = await send(server, { method: 'POST', path: paths.beginKey, token, body: secret })
    await page.goto(`${origin}/docs`)
    const deviceResponse = await page.evaluate(`(${createKey})(${begun.text})`)
    const body = { ...secret, id: 1, name: 'Key', deviceResponse }
    expect((await send(server, { method: 'PUT', path: paths.keys, token, body })).status).toBe(200)
    const asked = await askForToken(server, passwordGrant(app))
    const Asked = z.object({ TwoFactorProviders2: z.object({ '7': z.looseObject({}) }) })
    const options = JSON.stringify(bodyOf(Asked, asked).TwoFactorProviders2['7'])
    const logIn = (answer: string) =>
      askForToken(server, {
        ...passwordGrant(app, newAppDevice()),
        twoFactorProvider: '7',
        twoFactorToken: answer,
        twoFactorRemember: '0',
      })
    return { options, logIn }
  }

  const base64 = (text: string) => Buffer.from(text).toString('base64')

  /** As the extension and the desktop app write it. */
  const addressOf = (path: string, options: string, parent: string) =>
    `${origin}${path}?${new URLSearchParams({
      data: base64(options),
      parent: encodeURIComponent(parent),
      btnText: encodeURIComponent('Schlüssel fragen'),
      v: '1',
    })}`

  /** A page that frames another one, as an app does, and keeps what it is told. */
  const framingPage = (framed: string) =>
    `<script>heard = []; onmessage = ({ data, origin }) => heard.push(origin + ' ' + data)</script>
    <iframe src="${framed.replaceAll('&', '&amp;')}" allow="publickey-credentials-get *"></iframe>`

  async function framing(page: Page, from: string, framed: string) {
    await page.route(from, (route) => route.fulfill({ contentType: 'text/html', body: framingPage(framed) }))
    return visiting(page, from)
  }

  async function visiting(page: Page, from: string) {
    await page.goto(from)
    const heard = () => page.evaluate<string[]>('heard')
    return { frame: page.frameLocator('iframe'), heard }
  }

  it('give the answer to the page that frames one, by which the login goes on', async () => {
    const { page } = await arrive()
    const { options, logIn } = await withKey(page)
    const parent = `${origin}/parent`
    const { heard } = await framing(page, parent, addressOf(pagePaths.keyInFrame, options, parent))
    await expect.poll(async () => (await heard()).length).toBe(2)
    const [ready, success = ''] = await heard()
    expect(ready).toBe(`${origin} info|ready`)
    const answer = success.slice(`${origin} success|`.length)
    expect(answer).not.toContain('|')
    expect((await logIn(answer)).status).toBe(200)
  })

  it('say what went wrong, stop and start again', async () => {
    const { page, unplug } = await arrive()
    const { options } = await withKey(page)
    await unplug()
    const parent = `${origin}/parent`
    const { frame, heard } = await framing(page, parent, addressOf(pagePaths.keyInFrame, options, parent))
    await frame.getByRole('button', { name: en.keyAsking }).waitFor()
    const tell = (word: string) =>
      page.evaluate(`document.querySelector('iframe').contentWindow.postMessage('${word}', '*')`)
    await tell('stop')
    await frame.getByRole('button', { name: 'Schlüssel fragen' }).waitFor()
    expect(await heard()).toEqual([`${origin} info|ready`])
    await tell('start')
    await frame.getByRole('button', { name: en.keyAsking }).waitFor()
  })

  it('give nothing to a website that frames one, whatever it says it is', async () => {
    const { page } = await arrive()
    const { options } = await withKey(page)
    let framed = ''
    const site = createServer((_, res) =>
      res.writeHead(200, { 'Content-Type': 'text/html' }).end(framingPage(framed)),
    )
    const port = await freePort()
    await new Promise<void>((resolve) => site.listen(port, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${port}/`
    for (const parent of [address, 'chrome-extension://nngceckbapebfimnlniiiahkandclblb/popup.html']) {
      framed = addressOf(pagePaths.keyInFrame, options, parent)
      const { frame, heard } = await visiting(page, address)
      if (parent === address) await frame.getByText(en.keyInvalid).waitFor()
      else await frame.getByRole('button').waitFor()
      expect(await heard()).toEqual([])
    }
    site.close()
  })

  it('go back to the app of a phone, by its scheme alone', async () => {
    const { page } = await arrive('de-DE')
    const { options, logIn } = await withKey(page)
    const data = JSON.stringify({
      callbackUri: 'https://evil.example/',
      data: options,
      headerText: 'Zweiter Schritt',
      btnText: 'Weiter',
      btnReturnText: 'Zurück',
    })
    await page.goto(
      `${origin}${pagePaths.keyOnPhone}?data=${base64(data)}&parent=${encodeURIComponent('bitwarden://webauthn-callback')}&v=2`,
    )
    await page.getByRole('heading', { name: 'Zweiter Schritt' }).waitFor()
    await page.getByText(de.keyLead).waitFor()
    await page.getByRole('button', { name: 'Weiter' }).click()
    const link = page.getByRole('link', { name: 'Zurück' })
    const address = new URL((await link.getAttribute('href')) ?? '')
    expect(`${address.protocol}//${address.host}${address.pathname}`).toBe('bitwarden://webauthn-callback')
    expect((await logIn(address.searchParams.get('data') ?? '')).status).toBe(200)
  })

  it('tell an extension that listens in the page', async () => {
    const { page } = await arrive()
    const { options, logIn } = await withKey(page)
    await page.goto(addressOf(pagePaths.keyInTab, options, `${origin}/`))
    await page.evaluate("heard = []; addEventListener('message', ({ data }) => heard.push(data))")
    await page.getByLabel(en.keyRemember).check()
    await page.getByRole('button', { name: 'Schlüssel fragen' }).click()
    await page.getByText(en.keyDone).waitFor()
    const Heard = z.tuple([
      z.object({ command: z.literal('webAuthnResult'), data: z.string(), remember: z.literal(true) }),
    ])
    const [{ data }] = Heard.parse(await page.evaluate('heard'))
    expect((await logIn(data)).status).toBe(200)
  })

  it.each([
    ['nothing', ''],
    ['no base64', '?data=%%%&v=1'],
    ['no JSON', `?data=${base64('x')}&v=1&parent=x`],
    ['no challenge', `?data=${base64('{}')}&v=1&parent=${encodeURIComponent('file:///')}`],
  ])('say that the address is wrong where it has %s', async (_, search) => {
    const { page } = await arrive()
    await page.goto(`${origin}${pagePaths.keyInFrame}${search}`)
    await page.getByText(en.keyInvalid).waitFor()
  })

  it('may be framed, one of them alone; and are not there without the API', async () => {
    const headersOf = async (path: string) => (await send(server, { path })).headers
    const framable = await headersOf(pagePaths.keyInFrame)
    expect(framable['x-frame-options']).toBeUndefined()
    expect(framable['content-security-policy']).not.toContain('frame-ancestors')
    for (const path of [pagePaths.keyInTab, pagePaths.keyOnPhone, pagePaths.home]) {
      const headers = await headersOf(path)
      expect(headers['x-frame-options']).toBeDefined()
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    }
    const native = await startServer('sqlite')
    expect((await send(native, { path: pagePaths.keyInFrame })).status).toBe(404)
    await native.close()
  })
})
