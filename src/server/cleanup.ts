// Removes what has run out. Nothing depends on when: every reader looks at the time itself.

import type { Services } from '../apis/limpet/route.ts'
import { hours, minutes, seconds } from '../clock.ts'
import { noteUnfinishedLogins } from '../domain/audit/started-logins.ts'
import { deleteOldTrash } from '../domain/ciphers/bulk.ts'
import { finishDeletions } from '../domain/identity/account-deletion.ts'
import { deleteOldSends } from '../domain/sends/ends.ts'
import { forgetUsedOnce } from '../domain/single-use.ts'
import { deleteObjects, deleteOrphans, moveFilesOut } from '../domain/vaults/attachment-objects.ts'
import { deleteOldUploads } from '../domain/vaults/attachment-uploads.ts'
import { deleteOldVersions } from '../domain/vaults/versions.ts'
import { deleteExpired } from '../store/expiry.ts'
import type { End, ExpiryTask } from '../store/table.ts'

type Needs = Pick<Services, 'clock' | 'config' | 'deferredTasks' | 'objects' | 'random' | 'store'>

/**
 * What is done, in this order, about rows that need more than to be deleted when they have run out. Tables name their task beside
 * their columns; all other rows that have an end are deleted by what stands there.
 */
const expiryTasks: Readonly<
  Record<
    ExpiryTask,
    { every: End['every']; run(needs: Needs, now: number, bounds: { stopping: AbortSignal }): Promise<void> }
  >
> = {
  // A start of a login that was not finished becomes a failure in the security log.
  noteUnfinishedLogins: { every: 'minute', run: noteUnfinishedLogins },
  // After that one: what was used once says which logins were finished.
  forgetUsedOnce: {
    every: 'minute',
    run: ({ store }, now) => store.write((tx) => forgetUsedOnce(tx, now)),
  },
  // The account goes, and its owner is told. Where the operator has switched that off, the account stays.
  finishDeletions: { every: 'minute', run: finishDeletions },
  // What an account stores becomes less.
  deleteOldVersions: {
    every: 'hour',
    run: deleteOldVersions,
  },
  // The same, of uploads that nobody finished.
  deleteOldUploads: { every: 'hour', run: deleteOldUploads },
  // Their files go with them, and what an account stores becomes less.
  deleteOldSends: { every: 'minute', run: deleteOldSends },
  // What an account stores becomes less, and clients are told.
  deleteOldTrash: { every: 'hour', run: deleteOldTrash },
}

/** Removes what is looked at this often. A task of many vaults ends early if the server stops. */
async function removeExpired(every: End['every'], needs: Needs, stopping: AbortSignal): Promise<void> {
  const now = needs.clock.now()
  await deleteExpired(needs.store, every, now)
  for (const task of Object.values(expiryTasks))
    if (task.every === every) await task.run(needs, now, { stopping })
}

/** What is done how often, in milliseconds. */
const tasks = [
  {
    every: seconds(1),
    run: ({ deferredTasks }: Needs) => deferredTasks.flush(),
  },
  {
    every: minutes(1),
    // One-time secrets, read or expired, are to leave the disk within minutes.
    async run(needs: Needs, stopping: AbortSignal) {
      await removeExpired('minute', needs, stopping)
      await needs.store.truncateWal()
    },
  },
  {
    every: hours(1),
    run: (needs: Needs, stopping: AbortSignal) => removeExpired('hour', needs, stopping),
  },
  {
    every: minutes(1),
    async run(needs: Needs, stopping: AbortSignal) {
      await moveFilesOut(needs, stopping)
      await deleteObjects(needs)
    },
  },
  {
    every: hours(1),
    run: (needs: Needs) => deleteOrphans(needs),
  },
]

/** Does everything at once, and then each in its time. @returns what stops it and waits for what is under way */
export function startMaintenance(needs: Needs, onError: (error: unknown) => void): () => Promise<void> {
  const running = new Map<number, Promise<void>>()
  const stopping = new AbortController()
  const timers = tasks.map(({ every, run }, index) => {
    const attempt = () => {
      // Moving large files can take longer than until the next turn.
      if (running.has(index)) return
      const attempted = run(needs, stopping.signal)
        .catch(onError)
        .finally(() => running.delete(index))
      running.set(index, attempted)
    }
    attempt()
    return setInterval(attempt, every).unref()
  })
  return async () => {
    for (const timer of timers) clearInterval(timer)
    stopping.abort()
    await Promise.all(running.values())
  }
}
