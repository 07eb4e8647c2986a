// The pages as documents: what the server sends, in which languages, for whom, and whether everybody can use them.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sharesOf } from '../../src/sdk/index.ts'
import { de } from '../../src/web/kit/messages/de.ts'
import { en, type Messages } from '../../src/web/kit/messages/en.ts'
import { es } from '../../src/web/kit/messages/es.ts'
import { fr } from '../../src/web/kit/messages/fr.ts'
import { nl } from '../../src/web/kit/messages/nl.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startVisiting } from './visit.ts'

/** Of a page's script, compressed, with five languages: what a reader has to load before anything is said. */
const mostCompressedBytes = 24_000

const languages: [string, string, Messages][] = [
  ['en', 'en-US', en],
  ['de', 'de-AT', de],
  ['es', 'es-MX', es],
  ['fr', 'fr-CA', fr],
  ['nl', 'nl-BE', nl],
]

const visit = startVisiting()
let server: TestServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(() => server.close())

const arrive = async (...to: Parameters<typeof visit>): Promise<Page> => (await visit(...to)).page

const share = () => sharesOf(server.url).create({ secret: 'secret', passphrase: 'open sesame' })

describe('what the server sends', () => {
  const policy = [
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')

  it.each(['/', '/s/AAAAAAAAAAAAAAAAAAAAAA', '/s/AAAA%23key', '/s/AAAA/further/below'])(
    '%s is a page that nothing keeps, finds, frames or leaks',
    async (path) => {
      const response = await fetch(`${server.url}${path}`)
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': policy,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex',
        'x-content-type-options': 'nosniff',
      })
      const text = await response.text()
      expect(text).toContain('<meta name="robots" content="noindex">')
      expect(text).not.toMatch(/<script>|<style|\son\w+=|style="|https?:\/\//)
      const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
      expect(addresses.length).toBe(4)
      for (const address of addresses) {
        const asset = await fetch(new URL(address, response.url))
        expect(asset.status, address).toBe(200)
        expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
        expect(asset.headers.get('content-encoding')).toBe('gzip')
        expect(address).toMatch(/-[0-9a-f]{16}\.(js|css|svg)$/)
        const size = Number(asset.headers.get('content-length'))
        expect(size).toBeGreaterThan(0)
        expect(size, address).toBeLessThan(mostCompressedBytes)
        const plain = await fetch(asset.url, { headers: { 'Accept-Encoding': 'identity' } })
        expect(plain.headers.get('content-encoding')).toBe(null)
        expect(await plain.text()).toBe(await asset.text())
      }
    },
  )

  it('has the same page for every link, and logs no link', async () => {
    const [one, another] = ['one-and-only', 'quite-another%23with-a-key']
    const [first, second] = await Promise.all(
      [one, another].map(async (path) => (await fetch(`${server.url}/s/${path}`)).text()),
    )
    expect(first).toBe(second)
    for (const part of ['one-and-only', 'quite-another', 'with-a-key'])
      expect(server.log()).not.toContain(part)
  })

  it('has no asset of another name', async () => {
    for (const path of ['/assets/create.js', '/assets/..%2f..%2fpackage.json', '/assets/', '/s/'])
      expect((await fetch(`${server.url}${path}`)).status, path).toBe(404)
  })
})

describe('who may make links', () => {
  it('those with an account, who are told how', async () => {
    const accounts = await startServer('sqlite', { environment: { SHARES: 'accounts' } })
    try {
      const page = await arrive(accounts.url)
      await page.getByText(en.accountsOnly).waitFor()
      expect(await page.locator('pre').innerText()).toBe('limpet share')
      expect(await page.locator('textarea').count()).toBe(0)
    } finally {
      await accounts.close()
    }
  })

  it('everybody, where the routes of SnapPass are there too', async () => {
    const both = await startServer('sqlite', { environment: { SNAPPASS_API: 'on' } })
    try {
      const page = await arrive(both.url)
      await page.getByLabel(en.secret).fill('secret')
      await page.getByRole('button', { name: en.make }).click()
      await page.locator('#link').waitFor()
    } finally {
      await both.close()
    }
  })

  it('nobody: then the contract is at the beginning, and links that exist still have their page', async () => {
    const off = await startServer('sqlite', { environment: { SHARES: 'off' } })
    try {
      const root = await fetch(off.url, { redirect: 'manual' })
      expect([root.status, root.headers.get('location')]).toEqual([303, '/docs'])
      expect((await fetch(`${off.url}/s/AAAAAAAAAAAAAAAAAAAAAA`)).status).toBe(200)
    } finally {
      await off.close()
    }
  })
})

describe('languages', () => {
  /** Texts that a message left out, or that nobody gave a name. */
  const gaps = `[...document.querySelectorAll('h1, label, button, legend, option, p')]
    .filter((element) => element.checkVisibility() && element.role !== 'status' && !/\\S/.test(element.textContent))
    .map((element) => element.outerHTML)
    .concat((document.body.innerText + document.title).match(/undefined|null|NaN|Invalid Date|\\[object/g) ?? [])`

  it.each(languages)('%s is both pages', async (language, locale, messages) => {
    const maker = await arrive(server.url, { locale })
    await maker.getByRole('heading', { name: messages.createTitle }).waitFor()
    expect(await maker.locator('html').getAttribute('lang')).toBe(language)
    await maker.getByText(messages.createLead).waitFor()
    expect(await maker.evaluate(gaps)).toEqual([])
    await maker.getByLabel(messages.secret, { exact: true }).fill('secret')
    await maker.getByLabel(messages.newPassphrase).fill('open sesame')
    await maker.getByRole('button', { name: messages.make }).click()
    const link = await maker.locator('#link').innerText()
    await maker.getByText(messages.madePassphrase).waitFor()
    expect(await maker.evaluate(gaps)).toEqual([])

    const reader = await arrive(link, { locale })
    await reader.getByRole('heading', { name: messages.openTitle }).waitFor()
    expect(await reader.locator('html').getAttribute('lang')).toBe(language)
    await reader.getByLabel(messages.passphrase).fill('open sesame')
    expect(await reader.evaluate(gaps)).toEqual([])
    await reader.getByRole('button', { name: messages.show }).click()
    await reader.getByText(messages.shown).waitFor()
    expect(await reader.locator('#secret').textContent()).toBe('secret')
    expect(await reader.evaluate(gaps)).toEqual([])
  })

  it('can be chosen, without losing what was written, and are remembered', async () => {
    const page = await arrive(server.url, { locale: 'pt-BR' })
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    await page.getByLabel(en.secret).fill('half a sente')
    await page.getByRole('button', { name: en.make }).focus()
    await page.getByLabel(en.language).selectOption('Français')
    await page.getByRole('heading', { name: fr.createTitle }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('fr')
    expect(await page.title()).toBe(`${fr.createTitle} · Limpet`)
    expect(await page.getByLabel(fr.secret).inputValue()).toBe('half a sente')
    await page.reload()
    await page.getByRole('heading', { name: fr.createTitle }).waitFor()
    expect(await page.getByLabel(fr.language).inputValue()).toBe('fr')
  })

  it('work in a browser that keeps nothing', async () => {
    const page = await arrive(server.url, {
      prepare: (unprepared) =>
        unprepared.addInitScript(
          "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('off', 'SecurityError') } })",
        ),
    })
    await page.getByLabel(en.language).selectOption('Deutsch')
    await page.getByRole('heading', { name: de.createTitle }).waitFor()
  })

  it('all say what to do without JavaScript', async () => {
    for (const path of ['/', '/s/AAAAAAAAAAAAAAAAAAAAAA']) {
      const page = await arrive(`${server.url}${path}`, { javaScriptEnabled: false })
      const paragraphs = page.locator('noscript p')
      expect(await paragraphs.count()).toBe(languages.length)
      for (const [index, [language]] of languages.entries()) {
        const paragraph = paragraphs.nth(index)
        expect(await paragraph.isVisible()).toBe(true)
        expect(await paragraph.getAttribute('lang')).toBe(language)
        expect(await paragraph.innerText()).toContain('JavaScript')
      }
    }
  })
})

describe('everybody can use them', () => {
  /** What keeps people out: fields and buttons without a name, ids given twice, text too pale (WCAG 1.4.3), targets too small. */
  const barriers = `(() => {
    const found = []
    const visible = [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility())
    const name = (element) => element.getAttribute('aria-label') ?? (element.labels?.length ? [...element.labels].map((label) => label.textContent).join() : element.textContent)
    for (const element of visible) {
      if (element.matches('input, select, textarea') && !(element.labels.length && name(element).trim())) found.push('no label: ' + element.outerHTML)
      if (element.matches('button, a, [role=img], pre, h1') && !name(element).trim()) found.push('no name: ' + element.outerHTML)
      if (element.matches('button, select, textarea, input:not([type]), label.button') && element.getBoundingClientRect().height < 44) found.push('small: ' + element.outerHTML)
    }
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push('twice: ' + id)
    for (const element of document.querySelectorAll('[aria-describedby]'))
      for (const id of element.getAttribute('aria-describedby').split(' ')) if (!ids.includes(id)) found.push('describes nothing: ' + id)
    const channels = (color) => color.match(/[\\d.]+/g).map(Number)
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor
        if (channels(color)[3] !== 0) return color
      }
      return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(0, 0, 0)' : 'rgb(255, 255, 255)'
    }
    for (const element of visible) {
      if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue
      const [light, dark] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a)
      if ((light + 0.05) / (dark + 0.05) < 4.5) found.push('pale: ' + element.outerHTML)
    }
    if (document.querySelectorAll('h1').length !== 1 || !document.title || !document.querySelector('main')) found.push('no outline')
    if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the screen: ' + document.documentElement.scrollWidth)
    return found
  })()`

  /** Colours change over a moment; a reader who wants no motion sees the last of it at once. */
  const still = { reducedMotion: 'reduce' } as const
  const phone = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true } as const

  it.each([
    ['light', de],
    ['dark', fr],
  ] as const)('on a small screen in %s colours, in each of their views', async (colorScheme, messages) => {
    const locale = messages === de ? 'de-DE' : 'fr-FR'
    const options = { ...still, ...phone, colorScheme, locale }
    const maker = await arrive(server.url, options)
    await maker.getByRole('heading', { name: messages.createTitle }).waitFor()
    expect(await maker.evaluate(barriers)).toEqual([])
    await maker.getByRole('button', { name: messages.make }).click()
    await maker.getByText(messages.empty).waitFor()
    expect(await maker.evaluate(barriers)).toEqual([])
    await maker
      .getByLabel(messages.chooseFile)
      .setInputFiles({ name: `${'long'.repeat(30)}.txt`, mimeType: 'text/plain', buffer: Buffer.from('x') })
    await maker.getByRole('button', { name: messages.removeFile }).waitFor()
    expect(await maker.evaluate(barriers)).toEqual([])
    await maker.getByRole('button', { name: messages.make }).click()
    await maker.locator('#link').waitFor()
    expect(await maker.evaluate(barriers)).toEqual([])

    const { link } = await share()
    const reader = await arrive(link, options)
    await reader.getByLabel(messages.passphrase).fill('wrong')
    await reader.getByRole('button', { name: messages.show }).click()
    await reader.getByText(messages.wrongPassphrase).waitFor()
    expect(await reader.evaluate(barriers)).toEqual([])
    await reader.getByLabel(messages.passphrase).fill('open sesame')
    await reader.getByRole('button', { name: messages.show }).click()
    await reader.locator('#secret').waitFor()
    expect(await reader.evaluate(barriers)).toEqual([])
    const late = await arrive(link, options)
    await late.getByRole('heading', { name: messages.goneTitle }).waitFor()
    expect(await late.evaluate(barriers)).toEqual([])
  })
})
