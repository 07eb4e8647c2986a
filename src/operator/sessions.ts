// The operator's command for sessions: end those of an account, or all there are.

import { systemClock } from '../clock.ts'
import { accountsWithSessions, endSessionsOf } from '../domain/identity/account-administration.ts'
import type { Store } from '../store/store.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { printJson, remark } from '../terminal/output.ts'
import { counted } from '../terminal/text.ts'
import { command, json, onDatabase } from './command.ts'
import { requireUser } from './users.ts'

/** So many accounts at a time: servers go on writing in between. */
const page = 100

interface Ended {
  readonly accounts: number
  readonly sessions: number
}

async function endOf(store: Store, ids: readonly string[]): Promise<Ended> {
  const now = systemClock.now()
  return store.write(async (tx) => {
    const ended: number[] = []
    for (const id of ids) ended.push(await endSessionsOf(tx, id, now))
    const living = ended.filter((count) => count > 0)
    return { accounts: living.length, sessions: living.reduce((sum, count) => sum + count, 0) }
  })
}

async function endAll(store: Store): Promise<Ended> {
  let [accounts, sessions, after] = [0, 0, '']
  for (;;) {
    const ids = await store.read((reader) => accountsWithSessions(reader, { after, limit: page }))
    const last = ids.at(-1)
    if (last === undefined) return { accounts, sessions }
    const ended = await endOf(store, ids)
    accounts += ended.accounts
    sessions += ended.sessions
    after = last
  }
}

export const end = command({
  name: 'sessions end',
  operands: [],
  summary: 'end the sessions of an account, or of everybody, within a second',
  details:
    'Their owners log in again; access tokens for scripts go on. After a leak of JWT_SECRET and OPAQUE_SERVER_SETUP, set another JWT_SECRET and restart every server first.',
  example: 'limpet-server sessions end --account ada@example.com',
  options: {
    account: { type: 'string', value: 'EMAIL', help: 'those of this account; its id will do too' },
    all: { type: 'boolean', help: 'those of every account' },
    json,
  },
  async run(_surroundings, _operands, { account, all, json: asJson }) {
    if ((account === undefined) === (all !== true))
      throw new CliError('usage', 'Say whose sessions to end: --account EMAIL, or --all.')
    await onDatabase(async (store) => {
      const ended =
        account === undefined
          ? await endAll(store)
          : await endOf(store, [(await requireUser(store, account)).id])
      if (asJson) printJson(ended)
      else
        remark(
          `${counted(ended.sessions, 'session')} of ${counted(ended.accounts, 'account')} ended; every server refuses them within a second.`,
        )
    })
  },
})
