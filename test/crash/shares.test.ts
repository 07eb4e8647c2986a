// `npm run test:crash`: a share keeps its promises through kill -9: one reader, and nothing is lost with a lost answer.
import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CreatedShare, RevealedShare } from '../../src/contract/shares.ts'
import { createDatabase, engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startProcess } from '../support/process.ts'

const kills = 10
const senders = 8

const randomText = (bytes: number) => randomBytes(bytes).toString('base64url')

/** A Fernet token in form, of 105 bytes: nothing is decrypted here. */
const fernetForm = () =>
  Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0]), randomBytes(100)]).toString('base64url')

/** A share whose making was answered, and two readers who both have its link. */
interface Share {
  readonly id: string
  readonly proof: string
  readonly ciphertext: string
  readonly claims: readonly string[]
  /** The claims that were answered with the ciphertext. */
  readonly readers: Set<string>
}

async function post(url: string, path: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/api/v1/shares${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

async function make(url: string): Promise<Share> {
  const [proof, ciphertext] = [randomText(32), fernetForm()]
  const { status, body } = await post(url, '', { proof, ciphertext })
  expect(status).toBe(201)
  const claims = [randomText(16), randomText(16)]
  return { id: CreatedShare.parse(body).id, proof, ciphertext, claims, readers: new Set() }
}

/** One reader tries; it gets the ciphertext, or learns that somebody else has it. */
async function read(url: string, { id, proof, ciphertext, readers }: Share, claim: string): Promise<void> {
  const { status, body } = await post(url, `/${id}/reveal`, { proof, claim })
  if (status !== 200) return expect(status).toBe(410)
  expect(RevealedShare.parse(body).ciphertext).toBe(ciphertext)
  readers.add(claim)
}

const readByBoth = (url: string, share: Share) =>
  Promise.all(share.claims.map((claim) => read(url, share, claim)))

/** Makes shares and has every other one read, until the server is gone. */
async function shareUntilGone(url: string, all: Share[]): Promise<void> {
  try {
    for (;;) {
      const share = await make(url)
      all.push(share)
      if (all.length % 2) await readByBoth(url, share)
    }
  } catch (error) {
    // Undici's way to say that the connection is gone.
    if (!(error instanceof TypeError)) throw error
  }
}

describe.each(engines)(`shares of a server that is killed ${kills} times on %s`, (engine) => {
  it('have one reader each, whose answer can be asked for again', { timeout: 600_000 }, async () => {
    const database = await createDatabase(engine)
    const port = await freePort()
    let server = await startProcess({ port, databaseUrl: database.url })
    let shared = 0
    try {
      for (let kill = 1; kill <= kills; kill++) {
        const made: Share[] = []
        const sharing = Array.from({ length: senders }, () => shareUntilGone(server.url, made))
        await new Promise((resolve) => setTimeout(resolve, randomInt(20, 300)))
        await server.kill()
        await Promise.all(sharing)
        server = await startProcess({ port, databaseUrl: database.url })
        // Whoever read before the kill asks again, as does whoever had no answer, and whoever had not yet asked.
        for (const share of made) await readByBoth(server.url, share)
        for (const { readers } of made) expect(readers.size).toBe(1)
        shared += made.length
        process.stdout.write(`${engine}: killed ${kill} of ${kills} times, ${shared} shares read once\n`)
      }
      expect(shared).toBeGreaterThan(kills)
    } finally {
      await server.kill()
      await database.remove()
    }
  })
})
