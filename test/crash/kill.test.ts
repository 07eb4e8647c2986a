// `npm run test:crash`: a write that was answered survives kill -9 in the next instant.
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Session } from '../../src/contract/accounts.ts'
import { Changes, Item } from '../../src/contract/vaults.ts'
import { minKdf } from '../../src/sdk/index.ts'
import { prepareRegistration } from '../../src/sdk/registration.ts'
import { createDatabase, engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'

const kills = 30
const writers = 16

/** Something of an envelope's form. What is written does not matter here, so no time is spent on sealing. */
const sealedForm = () => Buffer.concat([Buffer.from([1]), randomBytes(200)]).toString('base64url')

/** What one writer knows of its item: the last answered write, and the one that it sent after that, if any. */
interface Written {
  id: string
  answered: { data: string; revision: number } | undefined
  sent: string | undefined
}

interface Access {
  url: string
  vaultId: string
  token: string
}

async function send(access: Access, method: string, path: string, headers: object, body?: object) {
  const response = await fetch(`${access.url}/api/v1/vaults/${access.vaultId}${path}`, {
    method,
    headers: { Authorization: `Bearer ${access.token}`, 'Content-Type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: z.unknown().parse(await response.json()) }
}

/** Writes to one item after the other until the server is gone. */
async function writeUntilGone(access: Access, all: Written[]): Promise<void> {
  let item: Written | undefined
  try {
    for (;;) {
      if (!item || Math.random() < 0.3) {
        item = { id: randomUUID(), answered: undefined, sent: undefined }
        all.push(item)
      }
      item.sent = sealedForm()
      const headers = item.answered ? { 'If-Match': `"${item.answered.revision}"` } : { 'If-None-Match': '*' }
      const { status, body } = await send(access, 'PUT', `/items/${item.id}`, headers, { data: item.sent })
      if (status !== 200 && status !== 201) throw new Error(`Status ${status}: ${JSON.stringify(body)}`)
      const { data, revision } = Item.parse(body)
      item.answered = { data, revision }
      item.sent = undefined
    }
  } catch (error) {
    // Undici's way to say that the connection is gone.
    if (!(error instanceof TypeError)) throw error
  }
}

async function pull(access: Access): Promise<Map<string, { data: string; revision: number }>> {
  const found = new Map<string, { data: string; revision: number }>()
  let cursor: string | undefined
  for (;;) {
    const { body } = await send(access, 'GET', `/changes${cursor ? `?since=${cursor}` : ''}`, {})
    const page = Changes.parse(body)
    for (const item of page.items) if ('data' in item) found.set(item.id, item)
    cursor = page.cursor
    if (!page.more) return found
  }
}

/** Every answered write is there, unless the same writer's next one, which was not answered any more, replaced it. */
function expectKept(written: Written[], found: Map<string, { data: string; revision: number }>) {
  for (const { id, answered, sent } of written) {
    const item = found.get(id)
    if (!answered) continue
    expect(item, `item ${id} was answered and is missing`).toBeDefined()
    if (item?.data === sent) continue
    expect(item).toMatchObject(answered)
  }
  const revisions = [...found.values()].map(({ revision }) => revision)
  expect(new Set(revisions).size).toBe(revisions.length)
}

async function signUp(server: ServerProcess, email: string, password: string): Promise<Access> {
  const { body } = await prepareRegistration({ email, password, kdf: minKdf })
  const post = (path: string, content: object) =>
    fetch(`${server.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(content),
    })
  expect((await post('register', body)).status).toBe(201)
  const device = { id: randomUUID(), name: 'crash test', type: 'other' }
  const session = await post('login', { email, authKey: body.authKey, device })
  const { accessToken } = Session.parse(await session.json())
  return { url: server.url, token: accessToken, vaultId: body.vault.id }
}

describe.each(engines)(`killed ${kills} times on %s`, (engine) => {
  it('keeps every write that it answered', { timeout: 600_000 }, async () => {
    const database = await createDatabase(engine)
    const port = await freePort()
    let server = await startProcess({ port, databaseUrl: database.url })
    try {
      const access = await signUp(server, 'ada@example.com', 'kelp forest lantern dune')
      const written: Written[] = []
      for (let kill = 1; kill <= kills; kill++) {
        const writing = Array.from({ length: writers }, () => writeUntilGone(access, written))
        await new Promise((resolve) => setTimeout(resolve, randomInt(20, 400)))
        await server.kill()
        await Promise.all(writing)
        server = await startProcess({ port, databaseUrl: database.url })
        expectKept(written, await pull(access))
        const answered = written.filter((item) => item.answered).length
        process.stdout.write(`${engine}: killed ${kill} of ${kills} times, ${answered} items kept\n`)
      }
      expect(written.length).toBeGreaterThan(kills)
    } finally {
      await server.kill()
      await database.remove()
    }
  })
})
