// Somebody at a browser, and everything that the browser did meanwhile.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launchBrowser } from '../support/browser.ts'

/** What Chromium itself logs of an answer of 4xx, or of none; the pages expect both. */
const isExpected = (message: string) => message.startsWith('Failed to load resource:')

export interface Visit {
  readonly page: Page
  /** Method and path of every request so far. */
  readonly requests: string[]
}

interface OpenVisit extends Visit {
  /** Fails where the browser complained, or sent anything anywhere that it must not. */
  expectClean(): Promise<void>
  close(): Promise<void>
}

interface VisitOptions extends BrowserContextOptions {
  prepare?(page: Page): Promise<unknown>
  /** Where Chromium warns of what is meant to be so. */
  readonly mayComplain?: boolean
}

/** Opens an address in a browser of its own: no cookies, storage or cache of anybody else's. */
async function visit(
  browser: Browser,
  address: string,
  { prepare, mayComplain = false, ...settings }: VisitOptions = {},
): Promise<OpenVisit> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...settings })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  const referrers: Promise<string | null>[] = []
  const origins = new Set<string>()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isExpected(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol === 'blob:') return
    requests.push(`${request.method()} ${url.pathname}${url.search}`)
    origins.add(url.origin)
    referrers.push(request.headerValue('referer').catch(() => null))
  })
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => console.error('refused by policy: ' + event.violatedDirective))",
  )
  await prepare?.(page)
  await page.goto(address)
  return {
    page,
    requests,
    async expectClean() {
      if (!mayComplain) expect(complaints).toEqual([])
      expect([...origins]).toEqual([new URL(address).origin])
      expect((await Promise.all(referrers)).filter(Boolean)).toEqual([])
    },
    close: () => context.close(),
  }
}

type Visiting = (address: string, options?: VisitOptions) => Promise<Visit>

/**
 * A browser for the tests of a file. Each visit lasts to the end of its test, and has to have been clean.
 * @param args further switches of Chromium
 */
export function startVisiting(args?: string[]): Visiting {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser(args)
  })
  afterAll(() => browser.close())
  const visits: OpenVisit[] = []
  afterEach(async () => {
    for (const person of visits.splice(0)) {
      await person.expectClean()
      await person.close()
    }
  })
  return async (address, options) => {
    const person = await visit(browser, address, options)
    visits.push(person)
    return person
  }
}

/** Presses Tab until something has the focus. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 25; presses++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)})`)) return
  }
  throw new Error(`Tab does not lead to ${selector}`)
}

/** What a download holds, byte for byte. */
export async function download(page: Page): Promise<Buffer> {
  const started = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download' }).click()
  const chunks: Buffer[] = []
  for await (const chunk of await (await started).createReadStream()) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
