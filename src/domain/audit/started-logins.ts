// OPAQUE logins that were begun. A device notices a wrong password by itself and sends nothing more, so that a start which no
// finish follows is a failed login.
import { and, asc, eq, inArray, lte } from 'drizzle-orm'
import { hours, minutes } from '../../clock.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { DeferredTasks } from '../deferred-tasks.ts'
import { noteFailure } from './audit-log.ts'

interface StartedLogin {
  /** The handshake's. */
  readonly id: Uint8Array
  readonly accountId: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly address: string
}

export interface StartedLogins {
  /** Remembers a start in the database within a second or so, so that every process can say how it ended. */
  note(start: StartedLogin): void
}

/** How many may wait: more than one process can begin in a second. */
const maxWaiting = 2000

/** A handshake lives for a minute; another one is for the clocks of several servers. */
const decidedAfter = minutes(2)

/** Starts that are decided in one transaction: others wait for it. */
const decidedTogether = 200

/** Remembers starts of accounts that are still there. */
async function save({ db, tables: { accounts, startedLogins } }: Tx, starts: readonly StartedLogin[]) {
  const ids = [...new Set(starts.map(({ accountId }) => accountId))]
  const rows = await db.select({ id: accounts.id }).from(accounts).where(inArray(accounts.id, ids))
  const living = new Set(rows.map(({ id }) => id))
  const kept = starts.filter(({ accountId }) => living.has(accountId))
  if (kept.length > 0) await db.insert(startedLogins).values(kept)
}

export function startedLoginsOver(deferredTasks: DeferredTasks, store: Store): StartedLogins {
  let waiting: StartedLogin[] = []
  const saveAll = async () => {
    const starts = waiting
    waiting = []
    const saveStarts = () => store.write((tx) => save(tx, starts))
    // An account that is deleted in between makes this fail, and is not there any more the second time.
    await saveStarts().catch(saveStarts)
  }
  return {
    note(start) {
      if (waiting.length === 0) deferredTasks.add('started-login', saveAll)
      if (waiting.length < maxWaiting) waiting.push(start)
    },
  }
}

/** Takes starts whose handshake has run out, and notes those that were not finished. @returns how many were taken */
async function decide(tx: Tx, now: number): Promise<number | Unchanged<number>> {
  const { db } = tx
  const { startedLogins, usedOnce } = tx.tables
  const oldest = db
    .select({ id: startedLogins.id })
    .from(startedLogins)
    .where(lte(startedLogins.at, now - decidedAfter))
    .orderBy(asc(startedLogins.at))
    .limit(decidedTogether)
  const due = await db.delete(startedLogins).where(inArray(startedLogins.id, oldest)).returning()
  if (due.length === 0) return new Unchanged(0)
  const ids = due.map(({ id }) => id)
  const settled = await db
    .select({ id: usedOnce.id })
    .from(usedOnce)
    .where(and(inArray(usedOnce.id, ids), eq(usedOnce.settled, true)))
  const known = new Set(settled.map(({ id }) => Buffer.from(id).toString('hex')))
  const unfinished = due.filter(({ id }) => !known.has(Buffer.from(id).toString('hex')))
  const alike = Map.groupBy(
    unfinished,
    ({ accountId, address, at }) => `${accountId} ${Math.floor(at / hours(1))} ${address}`,
  )
  // Accounts in one order, so that two processes do not wait for each other.
  for (const [, starts] of [...alike].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const [first] = starts
    if (!first) continue
    const { accountId, address } = first
    const at = Math.max(...starts.map((start) => start.at))
    const attempt = { type: 'login-failed', at, device: null, address, count: starts.length } as const
    await noteFailure(tx, accountId, attempt)
  }
  return due.length
}

/** Notes in the security logs what was begun and not finished, on whichever process. */
export async function noteUnfinishedLogins({ store }: { store: Store }, now: number): Promise<void> {
  while ((await store.write((tx) => decide(tx, now))) === decidedTogether);
}
