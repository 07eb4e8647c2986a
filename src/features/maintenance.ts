// Removes what has run out. Nothing depends on when: every reader looks at the time itself.
import { hours } from '../clock.ts'
import type { Services } from './route.ts'
import { deleteExpiredSessions } from './sessions/repository.ts'
import { deleteOldVersions } from './vaults/item-repository.ts'

const interval = hours(1)

async function removeExpired({ clock, store }: Pick<Services, 'clock' | 'store'>): Promise<void> {
  const now = clock.now()
  await store.write((tx) => deleteExpiredSessions(tx, now))
  await store.write((tx) => deleteOldVersions(tx, now))
}

/** Removes at once and then every hour. @returns what stops it */
export function startMaintenance(
  services: Pick<Services, 'clock' | 'store'>,
  onError: (error: unknown) => void,
): () => void {
  const run = () => void removeExpired(services).catch(onError)
  run()
  const timer = setInterval(run, interval)
  timer.unref()
  return () => clearInterval(timer)
}
