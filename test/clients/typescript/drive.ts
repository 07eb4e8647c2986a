// Registers, logs in, writes an item, reads it and syncs, over the types that openapi-typescript made (limpet.d.ts beside this
// file) with openapi-fetch.
import { randomBytes, randomUUID } from 'node:crypto'
import createClient from 'openapi-fetch'
import type { paths } from './limpet.d.ts'

const base64url = (bytes: number) => randomBytes(bytes).toString('base64url')

/** The form of an envelope. A real client seals its data (docs/protocol.md, "Envelope"). */
const sealed = () => Buffer.concat([Buffer.of(1), randomBytes(116)]).toString('base64url')

/** What was answered, or an error with the problem that was answered instead. */
function answered<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error))
  return data
}

const [server = ''] = process.argv.slice(2)
const anybody = createClient<paths>({ baseUrl: server })
const email = `${randomUUID()}@example.com`
// A real client derives it from the password (docs/protocol.md, "Keys").
const authKey = base64url(32)
const [vaultId, itemId, data] = [randomUUID(), randomUUID(), sealed()]

answered(
  await anybody.POST('/api/v1/register', {
    body: {
      accountId: randomUUID(),
      email,
      kdf: { algorithm: 'argon2id', memoryKiB: 65_536, iterations: 3, parallelism: 1, salt: base64url(16) },
      accountKey: sealed(),
      vault: { id: vaultId, key: sealed(), data: sealed() },
      authKey,
    },
  }),
)

const device = { id: randomUUID(), name: 'A script', type: 'other' } as const
const { accessToken } = answered(await anybody.POST('/api/v1/login', { body: { email, device, authKey } }))
const owner = createClient<paths>({ baseUrl: server, headers: { Authorization: `Bearer ${accessToken}` } })

const put = await owner.PUT('/api/v1/vaults/{vaultId}/items/{itemId}', {
  params: { path: { vaultId, itemId }, header: { 'If-None-Match': '*' } },
  body: { data, keyVersion: 1 },
})
if (put.response.headers.get('ETag') !== `"${answered(put).revision}"`) throw new Error('put: no revision')

const item = answered(
  await owner.GET('/api/v1/vaults/{vaultId}/items/{itemId}', { params: { path: { vaultId, itemId } } }),
)
if (item.data !== data) throw new Error('get: other data')

const changes = answered(
  await owner.GET('/api/v1/vaults/{vaultId}/changes', { params: { path: { vaultId } } }),
)
const [change] = changes.items
if (!change || 'purged' in change || change.id !== itemId || changes.more)
  throw new Error('sync: other items')

console.log('registered, logged in, put, got and synced')
