// What processes tell each other about: a few kinds, with ids and nothing else in them.
import { z } from 'zod'
import type { Store, Tx } from '../../store/store.ts'

const Announcement = z.discriminatedUnion('kind', [
  /** Sessions or tokens ended, or work again: of one account, or of all accounts if it is null. */
  z.object({ kind: z.literal('access-changed'), accountId: z.string().nullable() }),
  /** There is mail to send. */
  z.object({ kind: z.literal('mail-waits') }),
  /** A vault is new, at another revision, or gone if that is null. */
  z.object({
    kind: z.literal('vault-changed'),
    accountId: z.string(),
    vaultId: z.string(),
    revision: z.number().nullable(),
  }),
  /** The account key, the password, its method or the address of an account changed. */
  z.object({ kind: z.literal('account-changed'), accountId: z.string() }),
  /** Something of an account of Bitwarden's apps changed, for the hubs that its clients listen at. */
  z.object({
    kind: z.literal('bitwarden-changed'),
    accountId: z.string(),
    what: z.enum([
      'item-changed',
      'item-made',
      'item-deleted',
      'folder-changed',
      'folder-made',
      'folder-deleted',
      'send-changed',
      'send-made',
      'send-deleted',
      'vault',
      'settings',
      'log-out',
      'login-asked',
      'login-answered',
    ]),
    /** Of the item, folder, send or request; absent if it is about the whole account. */
    id: z.string().optional(),
    /** The revision of the account that it is at, in milliseconds. */
    at: z.number(),
    /** The identifier of the device that has caused it, which ignores it. */
    by: z.string().nullable(),
    /** Why everybody is to log out, if clients know the reason. */
    reason: z.enum(['kdf-changed', 'key-rotated']).optional(),
  }),
])
export type Announcement = z.infer<typeof Announcement>
export type BitwardenChange = Announcement & { kind: 'bitwarden-changed' }

/** Tells every process, once the unit of work is committed. */
export const announce = (tx: Tx, announcement: Announcement): Promise<void> =>
  tx.announce(JSON.stringify(announcement))

/** Tells every process of a vault's new revision, or null if it is gone, soon after the commit and at no cost of the unit. */
export function announceVault(
  tx: Tx,
  { accountId, vaultId, revision }: { accountId: string; vaultId: string; revision: number | null },
): void {
  const announcement: Announcement = { kind: 'vault-changed', accountId, vaultId, revision }
  tx.announceSoon({
    topic: `vault ${vaultId}`,
    order: revision ?? Number.POSITIVE_INFINITY,
    message: JSON.stringify(announcement),
  })
}

/** Tells every hub, soon after the commit and at no cost of the unit. Of one thing, the newest counts. */
export function announceToHubs(tx: Tx, change: Omit<BitwardenChange, 'kind'>): void {
  const announcement: Announcement = { kind: 'bitwarden-changed', ...change }
  tx.announceSoon({
    topic: `bitwarden ${change.accountId} ${change.what} ${change.id ?? ''}`,
    order: change.at,
    message: JSON.stringify(announcement),
  })
}

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
