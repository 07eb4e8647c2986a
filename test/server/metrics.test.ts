// What a server tells of itself: counted by route and result, on a port of its own, and nothing of anybody.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { logIn, logInBody, newAccount, randomKey } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { outcomeOf, send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShare } from '../support/shares.ts'

/** The value of a series, by its name and labels as they stand there. */
const seriesIn = (text: string, series: string) => {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

describe.each(engines)('metrics on %s', (engine) => {
  let server: TestServer
  afterEach(() => server.close())

  async function start() {
    const port = await freePort()
    server = await startServer(engine, { environment: { METRICS_PORT: String(port) } })
    const url = `http://127.0.0.1:${port}`
    return { metrics: { url }, scrape: async () => (await send({ url }, { path: '/metrics' })).text }
  }

  it('count requests by route and status, and logins by result', async () => {
    const { scrape } = await start()
    const account = await newAccount(server)
    await logIn(server, account)
    const wrong = logInBody({ ...account, authKey: randomKey() })
    await send(server, { method: 'POST', path: '/api/v1/login', body: wrong })
    const item = `/api/v1/vaults/${account.vaultId}/items/5f0c2a8e-0000-4000-8000-000000000001`
    for (let time = 0; time < 3; time++) await send(server, { path: item, token: account.token })
    await send(server, { path: '/nothing/here' })
    await send(server, { method: 'BREW', path: '/healthz' }).catch(() => {})
    const { hostname, port } = new URL(server.url)
    const gone = connect(Number(port), hostname)
    const head = ['POST /api/v1/prelogin HTTP/1.1', 'Host: x', 'Content-Type: application/json']
    gone.write(`${head.join('\r\n')}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`)
    await once(gone, 'data')
    gone.destroy()
    await expect.poll(scrape).toContain('{method="POST",route="/api/v1/prelogin",status="499"} 1')
    const text = await scrape()
    const requests = (labels: string) => seriesIn(text, `limpet_http_requests_total{${labels}}`)
    expect(requests('method="GET",route="/api/v1/vaults/{vaultId}/items/{itemId}",status="404"')).toBe(3)
    expect(requests('method="GET",route="unmatched",status="404"')).toBe(1)
    expect(seriesIn(text, 'limpet_logins_total{result="ok"}')).toBe(2)
    expect(seriesIn(text, 'limpet_logins_total{result="invalid-credentials"}')).toBe(1)
    const histogram = 'limpet_http_request_duration_seconds'
    expect(seriesIn(text, `${histogram}_count{method="POST",route="/api/v1/login"}`)).toBe(3)
    expect(text).toContain(`${histogram}_bucket{le="0.05",method="POST",route="/api/v1/login"}`)
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m)
    expect(text).not.toContain('BREW')
  })

  it('tell what is used, waits, and has become of shares', async () => {
    const { scrape } = await start()
    await newShare(server)
    const { id, manageToken } = await newShare(server)
    const path = `/api/v1/shares/${id}`
    expect((await send(server, { method: 'DELETE', path, token: manageToken })).status).toBe(204)
    const text = await scrape()
    expect(seriesIn(text, 'limpet_shares{state="pending"}')).toBe(1)
    expect(seriesIn(text, 'limpet_shares{state="revoked"}')).toBe(1)
    expect(seriesIn(text, 'limpet_shares{state="read"}')).toBe(0)
    expect(seriesIn(text, 'limpet_mail_waiting')).toBe(0)
    // The server's own tasks write once a second, and may wait at this moment.
    for (const queue of ['database', 'password_hashes', 'opaque'])
      await vi.waitFor(async () =>
        expect(seriesIn(await scrape(), `limpet_queue_depth{queue="${queue}"}`)).toBe(0),
      )
    const connections = ['idle', 'used'].map((state) =>
      seriesIn(text, `limpet_database_connections{state="${state}"}`),
    )
    expect(connections.reduce((sum: number, number) => sum + (number ?? Number.NaN), 0)).toBeGreaterThan(0)
  })

  it('name nobody, and are not where clients are', async () => {
    const { metrics, scrape } = await start()
    const account = await newAccount(server)
    const { id } = await newShare(server)
    for (const path of [`/s/${id}`, `/api/v1/shares/${id}`, `/${account.email}`, '/api/v1/sessions'])
      await send(server, { path, token: account.token })
    const text = await scrape()
    for (const secret of [account.email, account.accountId, account.token, account.sessionId, id])
      expect(text).not.toContain(secret)
    expect(outcomeOf(await send(server, { path: '/metrics' }))).toBe('404 not-found')
    expect((await send(metrics, { path: '/api/v1/server' })).status).toBe(404)
    expect((await send(metrics, { method: 'POST', path: '/metrics' })).status).toBe(404)
  })
})

describe('the dashboard and the alerts', () => {
  it('take the 503 of /readyz at a planned stop for no error', async () => {
    for (const file of ['grafana-dashboard.json', 'metrics.md']) {
      const asked = await readFile(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
      const counted = asked.replaceAll('\\"', '"').match(/\blimpet_http_requests_total\{[^}]*\}?/g) ?? []
      expect(counted.length, file).toBeGreaterThan(0)
      for (const selected of counted) expect(selected, file).toMatch(/route="|route!="\/readyz"/)
    }
  })

  it('ask for metrics that there are', async () => {
    const port = await freePort()
    const server = await startServer('sqlite', { environment: { METRICS_PORT: String(port) } })
    await send(server, { path: '/healthz' })
    const text = (await send({ url: `http://127.0.0.1:${port}` }, { path: '/metrics' })).text
    await server.close()
    for (const file of ['grafana-dashboard.json', 'metrics.md']) {
      const asked = await readFile(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
      const names = new Set(asked.match(/\b(limpet|nodejs|process)_[a-z\d_]*[a-z\d]\b/g))
      expect(names.size).toBeGreaterThan(7)
      for (const name of names)
        expect(text, `${name} of ${file}`).toContain(`\n# TYPE ${name.replace(/_bucket$/, '')} `)
    }
  })
})
