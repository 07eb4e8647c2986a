// From a secret on one browser to the same bytes on another, over real servers.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseShareLink } from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type ReverseProxy, startProxy } from './proxy.ts'
import { download, startVisiting, tabTo } from './visit.ts'

/** For what happens soon, on a machine that is busy. */
const patience = { timeout: 15_000 }

const visit = startVisiting()

/** Makes a link of what the form holds. */
async function make(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Make the link' }).click()
  return page.locator('#link').innerText()
}

/** A file as the page gets it where somebody drops it. */
const drop = async (page: Page, ...files: { name: string; bytes: Buffer }[]) => {
  const script = `(() => {
    const transfer = new DataTransfer()
    for (const [name, bytes] of ${JSON.stringify(files.map(({ name, bytes }) => [name, [...bytes]]))})
      transfer.items.add(new File([new Uint8Array(bytes)], name))
    return transfer
  })()`
  const dataTransfer = await page.evaluateHandle(script)
  await page.getByLabel('Secret').dispatchEvent('drop', { dataTransfer })
}

describe.each(engines)('a secret on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('is made, opened once, and said to be read, with no trace of key and id in the log', async () => {
    const maker = await visit(server.url, { permissions: ['clipboard-read', 'clipboard-write'] })
    await maker.page.getByLabel('Secret').fill('correct horse battery staple')
    await maker.page.getByText('1 hour').click()
    const link = await make(maker.page)
    const { server: address, id, key } = parseShareLink(link)
    expect(address).toBe(server.url)
    expect(await maker.page.locator('h1').innerText()).toBe('The link is ready')
    await maker.page.getByText(/^Not read yet\. The link works until .+\.$/).waitFor()
    await maker.page.getByRole('button', { name: 'Copy the link' }).click()
    await maker.page.getByText('Copied.').waitFor()
    expect(await maker.page.evaluate('navigator.clipboard.readText()')).toBe(link)

    const reader = await visit(link)
    await reader.page.getByRole('button', { name: 'Show it, once' }).click()
    expect(await reader.page.locator('#secret').textContent()).toBe('correct horse battery staple')
    // The key is out of the address, and the server has been told.
    await expect.poll(() => reader.requests, patience).toContain(`POST /api/v1/shares/${id}/ack`)
    expect(reader.page.url()).toBe(`${server.url}/s/${id}`)

    await maker.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await maker.page.getByText(/^Read on .+\. The link opens nothing any more\./).waitFor()
    expect(await maker.page.getByRole('button', { name: 'Revoke the link' }).count()).toBe(0)
    expect(await maker.page.locator('.receipt button').isVisible()).toBe(false)

    const late = await visit(link)
    await late.page.getByRole('button', { name: 'Ask which' }).click()
    await late.page.getByText(/^It was read on .+, and it can be read only once\./).waitFor()

    for (const person of [maker, reader, late]) expect(person.requests.join('\n')).not.toContain(key)
    expect(server.log()).toContain('/s/{id}')
    for (const hidden of [id, key]) expect(server.log()).not.toContain(hidden)
  })
})

describe('every byte arrives', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())
  const arrive = async (...to: Parameters<typeof visit>) => (await visit(...to)).page

  const texts: [string, string][] = [
    ['emoji', '🐴🔋📎 Grüße, 密码 \u{1f469}\u200d\u{1f680}'],
    ['quotes and markup', `"it's" <b>not</b> &amp; \\n \`\${x}\` <script>alert(1)</script>`],
    ['newlines', '\n\nfirst\n\n\tsecond\n\n'],
    ['white space around it', '  \t secret \u00a0 '],
    ['60 KiB', `${`${'0123456789'.repeat(102)}äöü\n`.repeat(59)}the last line\n`],
  ]

  it.each(texts)('of a text: %s', async (_name, text) => {
    const maker = await arrive(server.url)
    await maker.getByLabel('Secret').fill(text)
    const reader = await arrive(await make(maker), { permissions: ['clipboard-read', 'clipboard-write'] })
    await reader.getByRole('button', { name: 'Show it, once' }).click()
    expect(await reader.locator('#secret').textContent()).toBe(text)
    await reader.getByRole('button', { name: 'Copy' }).click()
    await reader.getByText('Copied.').waitFor()
    expect(await reader.evaluate('navigator.clipboard.readText()')).toBe(text)
    expect(await download(reader)).toEqual(Buffer.from(text))
  })

  it('of a dropped file of 60 KiB with the line ends of Windows', async () => {
    const text = '\ufeffname;password\r\n'.padEnd(61_436, 'ada;0123456789\r\n')
    const maker = await arrive(server.url)
    await drop(maker, { name: 'accounts.csv', bytes: Buffer.from(text) })
    await maker.getByText('accounts.csv · 61,438 bytes').waitFor()
    const reader = await arrive(await make(maker))
    await reader.getByRole('button', { name: 'Show it, once' }).click()
    expect(await reader.locator('#secret').textContent()).toBe(text)
    expect(await download(reader)).toEqual(Buffer.from(text))
  })

  it('of a chosen file that is no text, which can only be downloaded', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0, 0x80, 0x0d, 0x0a])
    const maker = await arrive(server.url)
    await maker
      .getByLabel('Choose a file')
      .setInputFiles({ name: 'key.bin', mimeType: 'application/octet-stream', buffer: bytes })
    await maker.getByText('key.bin · 6 bytes').waitFor()
    const reader = await arrive(await make(maker))
    await reader.getByRole('button', { name: 'Show it, once' }).click()
    await reader.getByText('It is a file and not text, so it cannot stand here.').waitFor()
    expect(await reader.locator('#secret').count()).toBe(0)
    expect(await download(reader)).toEqual(bytes)
  })

  it('with a passphrase, which the link alone does not replace', async () => {
    const maker = await arrive(server.url)
    await maker.getByLabel('Secret').fill('with two keys')
    await maker.getByLabel('Passphrase (optional)').fill('Öl und Essig')
    const link = await make(maker)
    await maker.getByText('They need the passphrase too.').waitFor()
    const reader = await arrive(link)
    await reader.getByLabel('Passphrase').waitFor()
    // Typed on a system that spells Ö with two characters.
    await reader.getByLabel('Passphrase').fill('O\u0308l und Essig')
    await reader.keyboard.press('Enter')
    expect(await reader.locator('#secret').textContent()).toBe('with two keys')
  })

  it('with the keyboard alone', async () => {
    const maker = await arrive(server.url, { permissions: ['clipboard-read', 'clipboard-write'] })
    await tabTo(maker, '#secret')
    await maker.keyboard.type('typed')
    await tabTo(maker, '[name=ttl]:checked')
    await maker.keyboard.press('ArrowLeft')
    expect(await maker.getByLabel('1 day').isChecked()).toBe(true)
    await tabTo(maker, '#passphrase')
    await tabTo(maker, 'button.main')
    await maker.keyboard.press('Enter')
    const link = await maker.locator('#link').innerText()
    expect(await maker.evaluate('document.activeElement.tagName')).toBe('H1')
    await tabTo(maker, 'button.main')
    await maker.keyboard.press('Enter')
    await maker.getByText('Copied.').waitFor()

    const reader = await arrive(link)
    await reader.getByRole('button', { name: 'Show it, once' }).waitFor()
    await tabTo(reader, 'button.main')
    await reader.keyboard.press('Enter')
    expect(await reader.locator('#secret').textContent()).toBe('typed')
    expect(await reader.evaluate('document.activeElement.tagName')).toBe('H1')
    await tabTo(reader, '#secret')

    await tabTo(maker, '.receipt button')
    await maker.keyboard.press('Enter')
    await maker.getByText(/^Read on /).waitFor()
    expect(await maker.evaluate('document.activeElement.className')).toBe('state')
    await tabTo(maker, 'main > button')
    await maker.keyboard.press('Space')
    await maker.getByRole('heading', { name: 'Share a secret, once' }).waitFor()
    expect(await maker.getByLabel('Secret').inputValue()).toBe('')
  })
})

describe('behind a proxy that takes a path prefix away', () => {
  let proxy: ReverseProxy
  let server: TestServer
  beforeAll(async () => {
    proxy = await startProxy('/vault')
    server = await startServer('sqlite', { environment: { PUBLIC_URL: proxy.url } })
    proxy.passTo(server)
  })
  afterAll(async () => {
    await proxy.close()
    await server.close()
  })

  it.each(['#', '%23', '%2523'])(
    'a link works with %s, and what the browser sends has no key',
    async (sign) => {
      const maker = await visit(`${proxy.url}/`)
      await maker.page.getByLabel('Secret').fill('far away')
      const link = await make(maker.page)
      const { id, key } = parseShareLink(link)
      expect(link.startsWith(`${proxy.url}/s/`)).toBe(true)
      const before = proxy.seen.length
      const reader = await visit(link.replace('#', sign))
      await reader.page.getByRole('button', { name: 'Show it, once' }).waitFor()
      expect(reader.page.url()).toBe(link)
      await reader.page.getByRole('button', { name: 'Show it, once' }).click()
      expect(await reader.page.locator('#secret').textContent()).toBe('far away')
      await expect.poll(() => reader.page.url(), patience).toBe(`${proxy.url}/s/${id}`)
      const sent = proxy.seen.slice(before)
      expect(sent.filter((line) => line.includes('/assets/')).length).toBeGreaterThan(2)
      // Such a link has the key in its path, and so in the request for the page; in no other.
      const own = sent.filter((line) => line.includes(key))
      expect(own.length).toBe(sign === '#' ? 0 : 1)
      expect(sent.filter((line) => /"referer"/i.test(line))).toEqual([])
      expect(server.log()).not.toContain(key)
    },
  )
})
