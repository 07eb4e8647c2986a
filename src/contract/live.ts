// Wire shapes of the stream of events: the data of each event, by its name.
import * as z from 'zod'
import { Revision, Timestamp, VaultId } from './primitives.ts'

const VaultRevision = z.object({ id: VaultId, revision: Revision })

/** Clients pass over events that they do not know. */
export const LiveEvents = {
  /** The first one, and again whenever something may have been missed. */
  state: z.object({
    vaults: z.array(VaultRevision),
    /** Whether there are more than `vaults` names: the list of vaults has all. */
    more: z.boolean(),
    /** When the session or the token ends that the stream was opened with, if it is not used until then; null for never. */
    endsAt: Timestamp.nullable(),
  }),
  /** New or changed. */
  vault: VaultRevision,
  /** Deleted. */
  'vault-gone': z.object({ id: VaultId }),
  /** The account key, the password, its method or the address changed: the account is to be asked for again. */
  account: z.object({}),
  /** The last one. */
  end: z.object({ reason: z.string() }),
} as const

/** Why a stream ends. A newer server may have further reasons. */
export type EndReason = 'session-ended' | 'server-stopping'
