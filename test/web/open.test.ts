// What somebody who opens a link is told, in every case there is; nothing is read or lost but by a click.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encryptFernet, parseShareLink, ReceivedShare, sharesOf } from '../../src/sdk/index.ts'
import { en } from '../../src/web/kit/messages/en.ts'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { startVisiting, type Visit } from './visit.ts'

const secret = 'correct horse battery staple'
const week = 604_800_000
const day = 86_400_000

const open = startVisiting(['--host-resolver-rules=MAP limpet.test 127.0.0.1'])
let server: TestServer
let clock: TestClock
beforeAll(async () => {
  clock = new TestClock()
  server = await startServer('sqlite', { clock })
})
afterAll(() => server.close())

const share = (passphrase?: string) =>
  sharesOf(server.url).create({ secret, ...(passphrase !== undefined && { passphrase }) })

const isReadable = async (link: string) => {
  const { id } = parseShareLink(link)
  return (await fetch(`${server.url}/api/v1/shares/${id}`, { method: 'HEAD' })).status === 200
}

/** Somebody else reads it first. */
const readElsewhere = async (link: string) => {
  await (await new ReceivedShare(link).open()).acknowledge()
}

const shows = async (page: Page, title: string, sentence: string) => {
  await page.getByText(sentence, { exact: true }).waitFor()
  expect(await page.locator('h1').innerText()).toBe(title)
  expect(await page.title()).toBe(`${title} · Limpet`)
}

/** How the end is told, once somebody asks for it. */
const tellsEnd = async ({ page }: Visit, title: string, sentence: string) => {
  await shows(page, en.goneTitle, en.gone)
  await page.getByRole('button', { name: en.askWhich }).click()
  await shows(page, title, sentence)
  expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
  expect(await page.locator('main button').count()).toBe(0)
}

const reveals = ({ requests }: Visit) => requests.filter((request) => request.endsWith('/reveal')).length

const show = (page: Page) => page.getByRole('button', { name: en.show }).click()

describe('opening the page', () => {
  it('says what will happen, and neither reads nor consumes', async () => {
    const { link, id } = await share()
    const person = await open(link)
    await shows(person.page, en.openTitle, en.openLead)
    expect(person.requests.filter((request) => request.includes('/api/'))).toEqual([
      `HEAD /api/v1/shares/${id}`,
    ])
    await person.page.reload()
    await shows(person.page, en.openTitle, en.openLead)
    expect(await isReadable(link)).toBe(true)
    await show(person.page)
    expect(await person.page.locator('#secret').textContent()).toBe(secret)
    expect(await isReadable(link)).toBe(false)
  })

  it('does not believe a proxy that answers HEAD wrongly, in either direction', async () => {
    for (const status of [404, 405, 200]) {
      const { link } = await share()
      const person = await open(link, {
        prepare: (page) =>
          page.route('**/api/v1/shares/*', (route) =>
            route.request().method() === 'HEAD' ? route.fulfill({ status }) : route.continue(),
          ),
      })
      await person.page.getByRole('button', { name: status === 404 ? en.askWhich : en.show }).click()
      expect(await person.page.locator('#secret').textContent()).toBe(secret)
    }
  })

  it.each(['**', '">', '\u00bb.'])('is read with %s after it', async (mark) => {
    const { link } = await share()
    const { page } = await open(`${link}${mark}`)
    await show(page)
    expect(await page.locator('#secret').textContent()).toBe(secret)
  })

  it.each([
    ['no key', (link: string) => link.slice(0, link.indexOf('#'))],
    ['half a key', (link: string) => link.slice(0, -20)],
    [
      'a key with a character in it that none has',
      (link: string) => `${link.slice(0, -9)}!${link.slice(-8)}`,
    ],
    ['half an id', (link: string) => link.replace(/\/s\/.{9}/, '/s/')],
    ['a path below it', (link: string) => link.replace('#', '/more/of/it#')],
    ['a percent sign that is none', (link: string) => link.replace(/\/s\/./, '/s/%ZZ')],
  ])('with %s sends no request, and a whole link in the same tab works', async (_name, damage) => {
    const { link } = await share()
    const person = await open(damage(link))
    await shows(person.page, en.damagedTitle, en.damaged)
    expect(person.requests.filter((request) => request.includes('/api/'))).toEqual([])
    await person.page.goto(link)
    await show(person.page)
    expect(await person.page.locator('#secret').textContent()).toBe(secret)
  })
})

describe('the end of a secret', () => {
  it('is told of one that was read, with when', async () => {
    const { link } = await share()
    await readElsewhere(link)
    await tellsEnd(await open(link), en.consumedTitle, en.consumed('1 January 2026 at 00:00'))
  })

  it('is told of one that was revoked, with when', async () => {
    const made = await share()
    await sharesOf(server.url).revoke(made)
    await tellsEnd(await open(made.link), en.revokedTitle, en.revokedUnread('1 January 2026 at 00:00'))
  })

  it('is told of one that expired, with when', async () => {
    const { link } = await share()
    clock.advance(week + day)
    try {
      await tellsEnd(await open(link), en.expiredTitle, en.expiredUnread('8 January 2026 at 00:00'))
    } finally {
      clock.advance(-week - day)
    }
  })

  it('is told of one that never was', async () => {
    const { link, id } = await share()
    const unknown = link.replace(id, `${'A'.repeat(21)}Q`)
    await tellsEnd(await open(unknown), en.unknownTitle, en.unknown)
  })

  it('is told of one with a passphrase to those who know it', async () => {
    const { link } = await share('open sesame')
    const person = await open(link)
    await person.page.getByLabel(en.passphrase).waitFor()
    await (await new ReceivedShare(link).open('open sesame')).acknowledge()
    await person.page.getByLabel(en.passphrase).fill('open sesame')
    await show(person.page)
    await shows(person.page, en.consumedTitle, en.consumed('1 January 2026 at 00:00'))

    const late = await open(link)
    await late.page.getByRole('button', { name: en.askWhich }).click()
    await late.page.getByText(en.passphraseNeeded).waitFor()
    await late.page.getByLabel(en.passphrase).fill('open sesame')
    await late.page.keyboard.press('Enter')
    await shows(late.page, en.consumedTitle, en.consumed('1 January 2026 at 00:00'))
  })
})

describe('what went wrong, without anything being lost', () => {
  it('the key of another link', async () => {
    const [one, another] = [await share(), await share()]
    const wrong = `${one.link.split('#')[0]}#${another.link.split('#')[1]}`
    const { page } = await open(wrong)
    await show(page)
    await shows(page, en.wrongKeyTitle, en.wrongKey)
    expect(await isReadable(one.link)).toBe(true)
    // Whoever copies the right link into the address bar changes only what stands after "#".
    await page.evaluate(`location.hash = ${JSON.stringify(one.link.split('#')[1])}`)
    await show(page)
    expect(await page.locator('#secret').textContent()).toBe(secret)
  })

  it('no passphrase, and a wrong one', async () => {
    const { link } = await share('open sesame')
    const person = await open(link)
    await person.page.getByLabel(en.passphrase).waitFor()
    await show(person.page)
    await person.page.getByText(en.passphraseNeeded).waitFor()
    expect(reveals(person)).toBe(0)
    await person.page.getByLabel(en.passphrase).fill('open says me')
    await show(person.page)
    await person.page.getByText(en.wrongPassphrase).waitFor()
    expect(await person.page.evaluate('document.activeElement.id')).toBe('passphrase')
    expect(await isReadable(link)).toBe(true)
    await person.page.getByLabel(en.passphrase).fill('open sesame')
    await show(person.page)
    expect(await person.page.locator('#secret').textContent()).toBe(secret)
  })

  it('too many wrong passphrases, with how long to wait', async () => {
    const limited = await startServer('sqlite', { environment: { RATE_LIMITS: 'on' } })
    try {
      const made = await sharesOf(limited.url).create({ secret, passphrase: 'open sesame' })
      const tries = Array.from({ length: 30 }, () =>
        fetch(`${limited.url}/api/v1/shares/${made.id}/reveal`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ proof: 'A'.repeat(43) }),
        }),
      )
      expect((await Promise.all(tries)).map(({ status }) => status)).toEqual(tries.map(() => 403))
      const { page } = await open(made.link)
      await page.getByLabel(en.passphrase).fill('open sesame')
      await show(page)
      await page.getByText(en.tooManyTries('10 minutes')).waitFor()
    } finally {
      await limited.close()
    }
  })

  it('a browser that is offline', async () => {
    const { link } = await share()
    const person = await open(link)
    await person.page.getByRole('button', { name: en.show }).waitFor()
    await person.page.context().setOffline(true)
    await show(person.page)
    await person.page.getByText(en.unanswered).waitFor()
    expect(await person.page.evaluate("document.activeElement.getAttribute('role')")).toBe('alert')
    await person.page.context().setOffline(false)
    await person.page.getByRole('button', { name: en.tryAgain }).click()
    expect(await person.page.locator('#secret').textContent()).toBe(secret)
  })

  it('an answer that is lost after the server has given it: the same claim gets it again', async () => {
    const { link } = await share()
    const { page } = await open(link)
    const claims: unknown[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/reveal')) claims.push(request.postDataJSON())
    })
    await page.route(
      '**/reveal',
      async (route) => {
        expect((await route.fetch()).status()).toBe(200)
        await route.abort()
      },
      { times: 1 },
    )
    await show(page)
    await page.getByText(en.unanswered).waitFor()
    expect(await isReadable(link)).toBe(false)
    await page.getByRole('button', { name: en.tryAgain }).click()
    expect(await page.locator('#secret').textContent()).toBe(secret)
    expect(claims.length).toBe(2)
    expect(claims[0]).toEqual(claims[1])
    expect(claims[0]).toMatchObject({ claim: expect.stringMatching(/^[\w-]{22}$/) })
  })

  it('an answer that is lost with the page: the same tab gets it again, and no other', async () => {
    const { link } = await share()
    const { page } = await open(link)
    await page.route(
      '**/reveal',
      async (route) => {
        await route.fetch()
        await route.abort()
      },
      { times: 1 },
    )
    await show(page)
    await page.getByText(en.unanswered).waitFor()
    const other = await open(link)
    await other.page.getByRole('button', { name: en.askWhich }).click()
    await other.page.getByText(en.consumedTitle).waitFor()
    await page.reload()
    await page.getByRole('button', { name: en.askWhich }).click()
    expect(await page.locator('#secret').textContent()).toBe(secret)
    await expect.poll(() => page.evaluate('sessionStorage.length')).toBe(0)
  })

  it.each([
    ['a server that is not well', { status: 503, body: '{"code":"unavailable"}' }, en.unanswered],
    ['a page of a proxy', { status: 502, body: '<h1>Bad gateway</h1>' }, en.unanswered],
    ['a page where the secret should be', { status: 200, body: '<h1>Log in</h1>' }, en.unanswered],
    ['an answer that nobody knows', { status: 418, body: '{"code":"teapot"}' }, en.unexpected],
  ])('%s', async (_name, answer, sentence) => {
    const { link } = await share()
    const { page } = await open(link)
    await page.route('**/reveal', (route) => route.fulfill(answer), { times: 1 })
    await show(page)
    await page.getByText(sentence).waitFor()
    await page.locator('main button').click()
    expect(await page.locator('#secret').textContent()).toBe(secret)
  })

  it('something else in place of the secret', async () => {
    const { link } = await share()
    const ciphertext = await encryptFernet(new Uint8Array(32), new TextEncoder().encode('another'))
    const person = await open(link)
    await person.page.route('**/reveal', (route) => route.fulfill({ json: { ciphertext } }))
    await show(person.page)
    await shows(person.page, en.undecryptableTitle, en.undecryptable)
    expect(person.requests.some((request) => request.endsWith('/ack'))).toBe(false)
  })

  it('an address without https, where browsers do not encrypt', async () => {
    const { link } = await share()
    const elsewhere = link.replace('127.0.0.1', 'limpet.test')
    for (const address of [elsewhere, new URL('/', elsewhere).href]) {
      // Chromium warns of headers that mean nothing there.
      const person = await open(address, { mayComplain: true })
      await shows(person.page, en.noCryptoTitle, en.noCrypto)
      expect(person.requests.filter((request) => request.includes('/api/'))).toEqual([])
    }
  })

  it('a browser that does not let the page copy', async () => {
    const { link } = await share()
    const { page } = await open(link, {
      prepare: (unprepared) =>
        unprepared.addInitScript('navigator.clipboard.writeText = () => Promise.reject(new Error())'),
    })
    await show(page)
    await page.getByRole('button', { name: en.copySecret }).click()
    await page.getByText(en.copyFailed).waitFor()
    expect(await page.evaluate('String(getSelection())')).toBe(secret)
  })
})
