// Removes what has run out. Nothing depends on when: every reader looks at the time itself.

import type { Services } from '../apis/limpet/route.ts'
import { hours, minutes, seconds } from '../clock.ts'
import { deleteOldEvents } from '../domain/audit/audit-log.ts'
import { noteUnfinishedLogins } from '../domain/audit/started-logins.ts'
import { finishDeletions } from '../domain/identity/account-deletion.ts'
import { deleteExpiredChanges } from '../domain/identity/email-changes.ts'
import { deleteOldInvites } from '../domain/identity/invites.ts'
import { deleteExpiredRegistrations } from '../domain/identity/pending-registrations.ts'
import { deleteExpiredTokens } from '../domain/identity/personal-tokens.ts'
import { deletePendingFactors } from '../domain/identity/second-factors.ts'
import { deleteExpiredSessions } from '../domain/identity/sessions.ts'
import { deleteExpiredCounts } from '../domain/rate-limits/expired-counts.ts'
import { deleteExpiredShares } from '../domain/shares/shares.ts'
import { deleteUsedOnce } from '../domain/single-use.ts'
import { deleteOldVersions } from '../domain/vaults/items.ts'
import type { Tx } from '../store/store.ts'

type Needs = Pick<Services, 'clock' | 'config' | 'postponed' | 'random' | 'store'>

const remove = ({ clock, store }: Needs, from: (tx: Tx, now: number) => Promise<void>) =>
  store.write((tx) => from(tx, clock.now()))

/** What is done how often, in milliseconds. */
const tasks = [
  {
    every: seconds(1),
    run: ({ postponed }: Needs) => postponed.flush(),
  },
  {
    every: minutes(1),
    // One-time secrets, read or expired, are to leave the disk within minutes.
    async run(needs: Needs) {
      await remove(needs, deleteExpiredShares)
      // In this order: what was used says which logins were finished.
      await noteUnfinishedLogins(needs)
      await remove(needs, deleteUsedOnce)
      await finishDeletions(needs, needs.clock.now())
      await needs.store.scrub()
    },
  },
  {
    every: hours(1),
    async run(needs: Needs) {
      await remove(needs, deleteExpiredSessions)
      await remove(needs, deletePendingFactors)
      await remove(needs, deleteExpiredTokens)
      await remove(needs, deleteOldVersions)
      await remove(needs, deleteExpiredCounts)
      await remove(needs, deleteExpiredRegistrations)
      await remove(needs, deleteExpiredChanges)
      await remove(needs, deleteOldInvites)
      await remove(needs, deleteOldEvents)
    },
  },
]

/** Does everything at once, and then each in its time. @returns what stops it and waits for what is under way */
export function startMaintenance(needs: Needs, onError: (error: unknown) => void): () => Promise<void> {
  const running = new Set<Promise<void>>()
  const timers = tasks.map(({ every, run }) => {
    const attempt = () => {
      const attempted = run(needs)
        .catch(onError)
        .finally(() => running.delete(attempted))
      running.add(attempted)
    }
    attempt()
    return setInterval(attempt, every).unref()
  })
  return async () => {
    for (const timer of timers) clearInterval(timer)
    await Promise.all(running)
  }
}
