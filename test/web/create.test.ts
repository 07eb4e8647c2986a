// What somebody who makes a link is told, before and after.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { largestSecretBytes, ReceivedShare } from '../../src/sdk/index.ts'
import { en } from '../../src/web/kit/messages/en.ts'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { startVisiting } from './visit.ts'

const clock = new TestClock()
const visit = startVisiting()
let server: TestServer
beforeAll(async () => {
  server = await startServer('sqlite', { clock })
})
afterAll(() => server.close())

const arrive = async (options?: Parameters<typeof visit>[1]): Promise<Page> =>
  (await visit(server.url, options)).page

const make = (page: Page) => page.getByRole('button', { name: en.make }).click()

async function made(page: Page, secret = 'secret'): Promise<string> {
  await page.getByLabel(en.secret).fill(secret)
  await make(page)
  return page.locator('#link').innerText()
}

/** Has the page ask for the receipt now, as it does when somebody comes back to it. */
const look = (page: Page) => page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

const readElsewhere = async (link: string) => (await new ReceivedShare(link).open()).acknowledge()

const choose = (page: Page, name: string, bytes: number) =>
  page
    .getByLabel(en.chooseFile)
    .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.alloc(bytes, 'x') })

describe('the form', () => {
  it('refuses what is empty, and moves to it', async () => {
    const page = await arrive()
    await make(page)
    await page.getByText(en.empty).waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('secret')
    await choose(page, 'empty.txt', 0)
    await make(page)
    await page.getByText(en.empty).waitFor()
    await page.getByRole('button', { name: en.removeFile }).click()
    await made(page)
  })

  it('counts bytes, says what is too large as it is typed, and takes the largest there is', async () => {
    const page = await arrive()
    await page.getByLabel(en.secret).fill('Öl')
    await page.getByText(en.size('3 bytes', '65,471 bytes')).waitFor()
    await page.getByLabel(en.secret).fill('x'.repeat(largestSecretBytes + 1))
    await page.getByText(en.tooLarge('65,472 bytes', '65,471 bytes')).waitFor()
    await make(page)
    expect(await page.evaluate('document.activeElement.id')).toBe('secret')
    expect(await page.locator('#link').count()).toBe(0)
    const largest = 'x'.repeat(largestSecretBytes)
    const link = await made(page, largest)
    const { secret } = await new ReceivedShare(link).open()
    expect(new TextDecoder().decode(secret)).toBe(largest)
  })

  it('refuses a file that is too large, two at once, and one that cannot be read', async () => {
    const page = await arrive()
    await choose(page, 'large.txt', largestSecretBytes + 1)
    await page.getByText(en.tooLarge('65,472 bytes', '65,471 bytes')).waitFor()
    const drop = (contents: string) =>
      page.evaluate(`(() => {
        const dataTransfer = new DataTransfer()
        for (const name of ${contents}) dataTransfer.items.add(new File(['x'], name))
        const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })
        document.querySelector('#secret').dispatchEvent(event)
      })()`)
    await drop("['one', 'two']")
    await page.getByText(en.oneFile).waitFor()
    // One that misses the field does not replace the page.
    const isRefused = `(() => {
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File(['x'], 'missed'))
      return !document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    })()`
    expect(await page.evaluate(isRefused)).toBe(true)
    await page.evaluate('File.prototype.arrayBuffer = () => Promise.reject(new Error())')
    await drop("['gone']")
    await page.getByText(en.fileUnreadable).waitFor()
    await made(page)
  })

  it.each([
    ['is offline', undefined, en.makeUnanswered],
    ['meets a server that is not well', { status: 500, body: '{}' }, en.makeUnanswered],
    [
      'makes too many links',
      { status: 429, headers: { 'Retry-After': '90' }, body: '{"code":"too-many-requests"}' },
      en.makeTooMany('90 seconds'),
    ],
    ['meets a limit of size', { status: 413, body: '{"code":"too-large"}' }, en.makeTooLarge],
    ['comes after links were switched off', { status: 403, body: '{"code":"shares-off"}' }, en.sharesOff],
    [
      'comes after links became for accounts only',
      { status: 401, body: '{"code":"not-authenticated"}' },
      `${en.accountsOnly} limpet share`,
    ],
    ['meets an answer that nobody knows', { status: 418, body: '{"code":"teapot"}' }, en.unexpected],
  ])('keeps the secret of somebody who %s', async (_name, answer, sentence) => {
    const page = await arrive()
    await page.getByLabel(en.secret).fill('still here')
    await page.route(
      '**/api/v1/shares',
      (route) => (answer ? route.fulfill(answer) : route.abort('internetdisconnected')),
      { times: 1 },
    )
    await make(page)
    await page.getByText(sentence).waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('problem')
    expect(await page.getByLabel(en.secret).inputValue()).toBe('still here')
    await make(page)
    await page.locator('#link').waitFor()
  })
})

describe('a link that was made', () => {
  it('is said to be unread, then read, with when', async () => {
    const page = await arrive()
    const link = await made(page)
    await page.getByText(en.pending('8 January 2026 at 00:00')).waitFor()
    await page.getByText(en.madeLead).waitFor()
    await page.getByText(en.keepOpen).waitFor()
    await look(page)
    await page.getByText(en.pending('8 January 2026 at 00:00')).waitFor()
    await readElsewhere(link)
    await look(page)
    await page.getByText(en.read('1 January 2026 at 00:00')).waitFor()
    expect(await page.getByText(en.keepOpen).isVisible()).toBe(false)
  })

  it('asks by itself while somebody sees the page', async () => {
    const page = await arrive({ prepare: (unprepared) => unprepared.clock.install() })
    const link = await made(page)
    await readElsewhere(link)
    await page.clock.fastForward(5000)
    await page.getByText(en.read('1 January 2026 at 00:00')).waitFor()
  })

  it('is said to have expired', async () => {
    const page = await arrive()
    await page.getByText('1 hour').click()
    await made(page)
    await page.getByText(en.pending('1 January 2026 at 01:00')).waitFor()
    clock.advance(3_600_000)
    try {
      await look(page)
      await page.getByText(en.expired('1 January 2026 at 01:00')).waitFor()
    } finally {
      clock.advance(-3_600_000)
    }
  })

  it('is revoked, after which the form is there for another', async () => {
    const page = await arrive()
    await made(page)
    await page.getByRole('button', { name: en.revoke }).click()
    await page.getByText(en.revoked('1 January 2026 at 00:00')).waitFor()
    await page.getByRole('button', { name: en.makeAnother }).click()
    expect(await page.getByLabel(en.secret).inputValue()).toBe('')
    await made(page)
  })

  it('is said to be read where revoking comes too late', async () => {
    const page = await arrive()
    await readElsewhere(await made(page))
    await page.getByRole('button', { name: en.revoke }).click()
    await page.getByText(en.read('1 January 2026 at 00:00')).waitFor()
  })

  it('is neither said to be revoked nor to be read where no answer comes', async () => {
    const page = await arrive()
    await made(page)
    await page.context().setOffline(true)
    await look(page)
    await page.getByText(en.receiptUnanswered).waitFor()
    await page.getByRole('button', { name: en.revoke }).click()
    await page.getByText(en.revokeUnanswered).waitFor()
    await page.context().setOffline(false)
    await look(page)
    await page.getByText(en.pending('8 January 2026 at 00:00')).waitFor()
    await page.getByRole('button', { name: en.revoke }).click()
    await page.getByText(en.revoked('1 January 2026 at 00:00')).waitFor()
  })

  it('is said to be forgotten where the server has no record of it', async () => {
    const page = await arrive()
    await made(page)
    await page.route('**/receipt', (route) => route.fulfill({ status: 404, body: '{"code":"not-found"}' }))
    await look(page)
    await page.getByText(en.receiptGone).waitFor()
    expect(await page.getByRole('button', { name: en.revoke }).count()).toBe(0)
  })

  it('is drawn as a QR code with a light border', async () => {
    const page = await arrive()
    await made(page)
    const code = page.getByRole('img', { name: en.qrCode })
    const side = Number((await code.getAttribute('viewBox'))?.split(' ').at(-1))
    // Version 5 and up: the link has more than 84 characters. Four light modules on either side.
    expect((side - 8 - 17) % 4).toBe(0)
    expect(side - 8).toBeGreaterThanOrEqual(37)
    const path = (await code.locator('path').getAttribute('d')) ?? ''
    expect(path.startsWith('M4 4h1v1h-1z')).toBe(true)
  })
})
