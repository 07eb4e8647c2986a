// What is measured: servers as processes of their own, with a vault of many items, and the requests that are sent to them.
import { randomBytes, randomUUID } from 'node:crypto'
import type autocannon from 'autocannon'
import { z } from 'zod'
import { Session } from '../src/contract/accounts.ts'
import { CreatedShare } from '../src/contract/shares.ts'
import { Changes, Item } from '../src/contract/vaults.ts'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { encryptFernet } from '../src/protocol/fernet.ts'
import { newShareKey, shareKeys } from '../src/protocol/share-link.ts'
import { minKdf } from '../src/sdk/index.ts'
import { prepareRegistration } from '../src/sdk/registration.ts'
import { freePort } from '../test/support/free-port.ts'
import { launch, type ServerProcess } from './processes.ts'

const itemsInVault = 10_000

export interface Scenario {
  readonly name: string
  /** Requests that make one of what is counted: a full pull takes several. */
  readonly requestsEach: number
  /** Options for one run; a run gets items of its own, so that no connection waits for another one's revision. */
  options(connections: number): Promise<autocannon.Options>
}

/** Something of an envelope's form and of a login's usual size. The server never looks inside. */
const sealedForm = () => Buffer.concat([Buffer.from([1]), randomBytes(399)]).toString('base64url')

async function post<T>(schema: z.ZodType<T>, url: string, body: object, token?: string): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return schema.parse(await response.json())
}

/** An account with a vault of `itemsInVault` items. */
async function fill(url: string) {
  const email = `${randomUUID()}@example.com`
  const { body } = await prepareRegistration({
    email,
    password: 'kelp forest lantern dune',
    kdf: minKdf,
  })
  await post(z.unknown(), `${url}/api/v1/register`, body)
  const device = { id: randomUUID(), name: 'bench', type: 'other' }
  const session = await post(Session, `${url}/api/v1/login`, { email, authKey: body.authKey, device })
  const token = session.accessToken
  const vault = `${url}/api/v1/vaults/${body.vault.id}`
  const ids = Array.from({ length: itemsInVault }, () => randomUUID())
  for (let from = 0; from < ids.length; from += 500) {
    const operations = ids
      .slice(from, from + 500)
      .map((id) => ({ op: 'put', id, data: sealedForm(), revision: null }))
    await post(z.unknown(), `${vault}/batch`, { operations }, token)
  }
  const get = async <T>(schema: z.ZodType<T>, path: string) =>
    schema.parse(
      await (await fetch(`${vault}${path}`, { headers: { Authorization: `Bearer ${token}` } })).json(),
    )
  return { vault, token, ids, get }
}

/** Bare Express, answering what `GET item` of a Limpet server answers. */
export async function bareExpress(item: unknown): Promise<{ scenario: Scenario; server: ServerProcess }> {
  const port = await freePort()
  const server = await launch('./bare-express.js', [String(port), JSON.stringify(item)], {})
  return {
    scenario: {
      name: 'bare Express',
      requestsEach: 1,
      options: async (connections) => ({ url: server.url, connections }),
    },
    server,
  }
}

/** A Limpet server on a database, filled, and everything that is measured of it. */
export async function limpet(engine: string, databaseUrl: string) {
  const port = await freePort()
  const server = await launch('../bin/limpet-server.js', [], {
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    JWT_SECRET: randomBytes(32).toString('base64url'),
    OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
    RATE_LIMITS: 'off',
    ACCESS_TOKEN_TTL: '1h',
  })
  const { vault, token, ids, get } = await fill(server.url)
  // A vault of its own for what writes, so that the other one stays as it is.
  const written = await fill(server.url)
  const headersOf = (bearer: string) => ({
    authorization: `Bearer ${bearer}`,
    'content-type': 'application/json',
  })
  const headers = headersOf(token)
  const first = ids[0] ?? ''

  // The cursors of a full pull, and the one before the last change.
  const cursors: (string | undefined)[] = [undefined]
  for (;;) {
    const page = await get(Changes, `/changes${cursors.at(-1) ? `?since=${cursors.at(-1)}` : ''}`)
    if (!page.more) break
    cursors.push(page.cursor)
  }
  const beforeLast = (await get(Changes, `/changes?since=${cursors.at(-1)}`)).cursor
  const touched = await get(Item, `/items/${ids.at(-1)}`)
  await fetch(`${vault}/items/${touched.id}`, {
    method: 'PUT',
    headers: { ...headers, 'If-Match': `"${touched.revision}"` },
    body: JSON.stringify({ data: sealedForm() }),
  })

  const reading = (name: string, paths: string[]): Scenario => ({
    name: `${name}, ${engine}`,
    requestsEach: paths.length,
    options: async (connections) => ({
      url: vault,
      connections,
      headers,
      requests: paths.map((path) => ({ method: 'GET' as const, path: `${new URL(vault).pathname}${path}` })),
    }),
  })

  let used = 0
  const replacing: Scenario = {
    name: `PUT item, ${engine}`,
    requestsEach: 1,
    async options(connections) {
      const data = sealedForm()
      const own = written.ids.slice(used, used + connections)
      used += connections
      const items = await Promise.all(own.map((id) => written.get(Item, `/items/${id}`)))
      let next = 0
      return {
        url: written.vault,
        connections,
        // Each connection replaces an item of its own, again and again, from the revision that the answer before told.
        setupClient(client) {
          const item = items[next++ % items.length]
          if (!item) throw new Error('No item is left for this connection')
          let { revision } = item
          client.setRequests([
            {
              method: 'PUT',
              path: `${new URL(written.vault).pathname}/items/${item.id}`,
              body: JSON.stringify({ data }),
              setupRequest: (request) => ({
                ...request,
                headers: { ...headersOf(written.token), 'if-match': `"${revision}"` },
              }),
              onResponse: (_status, body) => {
                revision = Item.parse(JSON.parse(body)).revision
              },
            },
          ])
        },
      }
    },
  }

  const { fernetKey, proof } = await shareKeys(newShareKey())
  const share = JSON.stringify({ ciphertext: await encryptFernet(fernetKey, randomBytes(100)), proof })
  const json = { 'content-type': 'application/json' }
  const sharing: Scenario = {
    name: `share made and read, ${engine}`,
    requestsEach: 2,
    options: async (connections) => ({
      url: server.url,
      connections,
      // Each connection makes a share, reads it under the id that the answer told, and begins again.
      setupClient(client) {
        let id = ''
        client.setRequests([
          {
            method: 'POST',
            path: '/api/v1/shares',
            headers: json,
            body: share,
            onResponse: (_status, body) => {
              id = CreatedShare.parse(JSON.parse(body)).id
            },
          },
          {
            method: 'POST',
            headers: json,
            body: JSON.stringify({ proof }),
            setupRequest: (request) => ({ ...request, path: `/api/v1/shares/${id}/reveal` }),
          },
        ])
      },
    }),
  }

  return {
    item: await get(Item, `/items/${first}`),
    scenarios: [
      reading('GET item', [`/items/${first}`]),
      replacing,
      sharing,
      reading('changes of one item', [`/changes?since=${beforeLast}`]),
      reading(
        'full pull of 10,000 items',
        cursors.map((cursor) => (cursor ? `/changes?since=${cursor}` : '/changes')),
      ),
    ],
    server,
  }
}
