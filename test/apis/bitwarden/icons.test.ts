// The icons of sites: none, or at another service.
import { describe, expect, it } from 'vitest'
import { send } from '../../support/requests.ts'
import { serversOn } from '../../support/servers.ts'

const week = 'public, max-age=604800'

describe("icons for Bitwarden's apps", () => {
  const { start } = serversOn('sqlite')

  it('are none by default, which apps remember and pages of other origins may see', async () => {
    const { server } = await start({ environment: { BITWARDEN_API: 'on' } })
    const { status, headers, text } = await send(server, { path: '/icons/example.com/icon.png' })
    expect([status, JSON.parse(text)]).toMatchObject([404, { object: 'error' }])
    expect(headers).toMatchObject({ 'cache-control': week, 'cross-origin-resource-policy': 'cross-origin' })
    expect(headers).not.toHaveProperty('location')
  })

  it('are at the service that the operator names, for public names alone', async () => {
    const { server } = await start({
      environment: { BITWARDEN_API: 'on', BITWARDEN_ICONS: 'https://icons.example/{}/icon.png?size=32' },
    })
    for (const host of ['example.com', 'a.b-c.example.co.uk', 'xn--bcher-kva.example']) {
      const { status, headers } = await send(server, { path: `/icons/${host}/icon.png` })
      expect([status, headers]).toMatchObject([
        302,
        { location: `https://icons.example/${host}/icon.png?size=32`, 'cache-control': week },
      ])
    }
    for (const host of [
      'localhost',
      'router.lan',
      'x.onion',
      '192.168.1.1',
      '127.1',
      '%5B::1%5D',
      'Example.com',
      'a..b',
      '-a.com',
      'a.com%2F..%2Fsecret',
      'a.com%0d%0aX:y',
      `${'a'.repeat(250)}.com`,
    ]) {
      const { status, headers } = await send(server, { path: `/icons/${host}/icon.png` })
      expect([host, status]).toEqual([host, 404])
      expect(headers).not.toHaveProperty('location')
    }
  })
})
