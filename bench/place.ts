// What a server holds when it is measured: made over HTTP, so that servers of any version can be filled.
import { randomUUID } from 'node:crypto'
import { Changes } from '../src/contract/vaults.ts'
import { fakeEnvelope, newAccount } from '../test/support/accounts.ts'
import { newOpaqueAccount } from '../test/support/opaque.ts'
import { bodyOf, outcomeOf, type Server, send } from '../test/support/requests.ts'

/** An envelope of a login's usual size. The server never looks inside. */
export const usualEnvelope = () => fakeEnvelope(400)

export interface BenchVault {
  readonly token: string
  readonly path: string
  /** Of the first items in it. */
  readonly itemIds: readonly string[]
  /** After everything that is in it. */
  readonly cursor: string
}

/** Plain data, so that threads can be given it. */
export interface Place {
  readonly url: string
  /** Is read from. */
  readonly vault: BenchVault
  /** Is written to, so that the other one stays as it is. */
  readonly written: BenchVault
  /** One of each of many accounts, with one item. */
  readonly vaults: readonly BenchVault[]
  /** Address and key, or password. */
  readonly byKey: readonly (readonly [email: string, authKey: string])[]
  readonly byOpaque: readonly (readonly [email: string, password: string])[]
}

/** A place of which one path is asked, and nothing else. */
export function onlyPath(url: string, path: string, token = ''): Place {
  const vault = { token, path, itemIds: [], cursor: '' }
  return { url, vault, written: vault, vaults: [], byKey: [], byOpaque: [] }
}

/** Items of a vault that a place knows: as many as there are connections at most. */
const knownItems = 256
/** The most that a batch takes. */
const perBatch = 500

export async function ask(server: Server, request: Parameters<typeof send>[1]) {
  const answer = await send(server, request)
  if (answer.status >= 300) throw new Error(`${request.path} was answered ${outcomeOf(answer)}`)
  return answer
}

/** A new account with a vault of so many items. */
export async function newVault(server: Server, items: number): Promise<BenchVault> {
  const { token, vaultId } = await newAccount(server)
  const path = `/api/v1/vaults/${vaultId}`
  const ids = Array.from({ length: items }, () => randomUUID())
  for (let from = 0; from < ids.length; from += perBatch) {
    const operations = ids
      .slice(from, from + perBatch)
      .map((id) => ({ op: 'put', id, data: usualEnvelope(), revision: null }))
    await ask(server, { method: 'POST', path: `${path}/batch`, token, body: { operations } })
  }
  let page: Changes | undefined
  do {
    const since: string = page ? `?since=${page.cursor}` : ''
    page = bodyOf(Changes, await ask(server, { path: `${path}/changes${since}`, token }))
  } while (page.more)
  return { token, path, itemIds: ids.slice(0, knownItems), cursor: page.cursor }
}

/** Runs something so many times, eight at a time. */
async function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count)
    made.push(...(await Promise.all(Array.from({ length: Math.min(8, count - made.length) }, make))))
  return made
}

/** Fills a server that nothing is in. @param items of the vault that is read */
export async function fill(server: Server, items: number): Promise<Place> {
  return {
    url: server.url,
    vault: await newVault(server, items),
    written: await newVault(server, items),
    vaults: await many(50, () => newVault(server, 1)),
    byKey: (await many(16, () => newAccount(server))).map(({ email, authKey }) => [email, authKey]),
    byOpaque: (await many(16, () => newOpaqueAccount(server))).map(({ email, password }) => [
      email,
      password,
    ]),
  }
}
