// Requests of every kind at a steady pace, for as long as something is done to the servers behind them.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { BatchResult, Changes, Item } from '../../src/contract/vaults.ts'
import { fakeEnvelope, logIn, newAccount, type RawAccount } from '../support/accounts.ts'
import { bodyOf, outcomeOf, type RawAnswer, type RawRequest, type Server, send } from '../support/requests.ts'

/** Accounts that write at the same time, each with its own limits, and milliseconds between their requests. */
export const writers = 8
const pace = 10

interface Failure {
  readonly method: string
  /** Status and code, or the error of a connection. */
  readonly outcome: string
  readonly retryAfter: string | undefined
}

/** What one account has been told of. */
interface Written {
  readonly account: RawAccount
  /** Ids of items, in the revision that was answered. */
  readonly revisions: Map<string, number>
}

export interface Load {
  readonly answered: () => number
  /** Of all requests so far. */
  readonly failures: () => readonly Failure[]
  /** Ends it. @returns ids of the items whose write was answered, and which are not there */
  stop(): Promise<string[]>
}

/** Waits until something is so; for half a minute at the most. */
export async function eventually(what: string, isSo: () => Promise<boolean>) {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return
    await pause(100)
  }
  throw new Error(`Not within 30 s: ${what}`)
}

const connectionError = (error: unknown) =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

/** An account for each writer. Few can be registered from one address in an hour. */
export async function newWriters(server: Server): Promise<RawAccount[]> {
  const accounts: RawAccount[] = []
  for (let count = 0; count < writers; count++) accounts.push(await newAccount(server))
  return accounts
}

/** Logs in the accounts, and lets them write and read until it is stopped. */
export async function startLoad(server: Server, accounts: readonly RawAccount[]): Promise<Load> {
  const all: Written[] = []
  for (const account of accounts)
    all.push({ account: { ...account, ...(await logIn(server, account)) }, revisions: new Map() })
  const failures: Failure[] = []
  let answered = 0
  let running = true

  /** @returns the answer where it is one of success */
  async function attempt({ token }: RawAccount, request: RawRequest): Promise<RawAnswer | undefined> {
    const { method = 'GET' } = request
    const answer = await send(server, { ...request, token }).catch(connectionError)
    if (typeof answer !== 'string' && answer.status < 300) {
      answered++
      return answer
    }
    const failure =
      typeof answer === 'string'
        ? { method, outcome: answer, retryAfter: undefined }
        : { method, outcome: outcomeOf(answer), retryAfter: answer.headers['retry-after'] }
    failures.push(failure)
    return undefined
  }

  async function write({ account, revisions }: Written) {
    const vault = `/api/v1/vaults/${account.vaultId}`
    while (running) {
      const [put, posted] = [randomUUID(), randomUUID()]
      const path = `${vault}/items/${put}`
      const headers = { 'If-None-Match': '*' }
      const created = await attempt(account, { method: 'PUT', path, headers, body: { data: fakeEnvelope() } })
      if (created) revisions.set(put, bodyOf(Item, created).revision)
      await pause(pace)

      const operations = [{ op: 'put', id: posted, data: fakeEnvelope(), revision: null }]
      const batch = await attempt(account, { method: 'POST', path: `${vault}/batch`, body: { operations } })
      if (batch) revisions.set(posted, bodyOf(BatchResult, batch).revision)
      await pause(pace)

      if (created) await attempt(account, { path })
      await pause(pace)
    }
  }

  async function missing({ account: { token, vaultId }, revisions }: Written): Promise<string[]> {
    const found = new Map<string, number>()
    for (let since = '', more = true; more; ) {
      const answer = await send(server, { path: `/api/v1/vaults/${vaultId}/changes${since}`, token })
      const page = bodyOf(Changes, answer)
      for (const { id, revision } of page.items) found.set(id, revision)
      since = `?since=${page.cursor}`
      more = page.more
    }
    return [...revisions].flatMap(([id, revision]) => (found.get(id) === revision ? [] : [id]))
  }

  const writing = all.map(write)
  return {
    answered: () => answered,
    failures: () => failures,
    async stop() {
      running = false
      await Promise.all(writing)
      return (await Promise.all(all.map(missing))).flat()
    },
  }
}
