// `npm run screenshots`: writes docs/images/*.png, the pages of one-time links as people see them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { readConfig } from '../src/server/config.ts'
import { startServer } from '../src/server/lifecycle.ts'
import { launchBrowser } from '../test/support/browser.ts'
import { freePort } from '../test/support/free-port.ts'

const images = fileURLToPath(new URL('../docs/images/', import.meta.url))
const secret = `host      db.example.com
user      reporting
password  correct horse battery staple`

/** What links in the pictures begin with. */
const publicUrl = 'https://vault.example.com'

const sizes = {
  desktop: { viewport: { width: 1000, height: 420 } },
  phone: { viewport: { width: 390, height: 480 }, isMobile: true, hasTouch: true },
}

async function takePictures(
  browser: Browser,
  url: string,
  size: keyof typeof sizes,
  colorScheme: 'light' | 'dark',
) {
  const context = await browser.newContext({ ...sizes[size], colorScheme, locale: 'en-GB' })
  const page = await context.newPage()
  const take = (name: string) =>
    page.screenshot({ path: join(images, `${name}-${size}-${colorScheme}.png`), fullPage: true })
  await page.goto(url)
  await page.getByLabel('Secret').fill(secret)
  await take('create')
  await page.getByRole('button', { name: 'Make the link' }).click()
  const link = await page.locator('#link').innerText()
  await take('made')
  await page.goto(link.replace(publicUrl, url))
  await page.getByRole('button', { name: 'Show it, once' }).waitFor()
  await take('open')
  await page.getByRole('button', { name: 'Show it, once' }).click()
  await page.locator('#secret').waitFor()
  await take('opened')
  await context.close()
}

mkdirSync(images, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'limpet-screenshots-'))
const server = await startServer(
  readConfig({
    PORT: String(await freePort()),
    PUBLIC_URL: publicUrl,
    DATABASE_URL: `file:${join(folder, 'limpet.db')}`,
    LOG_LEVEL: 'silent',
  }),
)
const browser = await launchBrowser()
try {
  for (const size of ['desktop', 'phone'] as const)
    for (const scheme of ['light', 'dark'] as const) await takePictures(browser, server.url, size, scheme)
} finally {
  await browser.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
