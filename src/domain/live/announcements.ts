// What processes tell each other about: a few kinds, with ids and nothing else in them.
import { z } from 'zod'
import type { Store, Tx } from '../../store/store.ts'

const Announcement = z.discriminatedUnion('kind', [
  /** Sessions or tokens ended, or work again: of one account, or of all accounts if it is null. */
  z.object({ kind: z.literal('access-changed'), accountId: z.string().nullable() }),
  /** There is mail to send. */
  z.object({ kind: z.literal('mail-waits') }),
])
export type Announcement = z.infer<typeof Announcement>

/** Tells every process, once the unit of work is committed. */
export const announce = (tx: Tx, announcement: Announcement): Promise<void> =>
  tx.announce(JSON.stringify(announcement))

/** What a process of another version announces is passed over. */
function parse(message: string): Announcement | undefined {
  try {
    return Announcement.safeParse(JSON.parse(message)).data
  } catch {
    return undefined
  }
}

/**
 * Hears what is announced, here and in other processes.
 * @param listener.missed announcements may have been lost
 * @returns what ends listening
 */
export const listen = (
  store: Store,
  listener: { heard(announcement: Announcement): void; missed(): void },
): (() => void) =>
  store.listen({
    heard(message) {
      const announcement = parse(message)
      if (announcement) listener.heard(announcement)
    },
    missed: listener.missed,
  })
