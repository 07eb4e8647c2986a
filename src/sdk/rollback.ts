// Notices a server that takes items or a vault back to an earlier state (docs/protocol.md, "What a client must refuse").
import type { ItemState } from '../contract/vaults.ts'
import { RefusedError } from '../protocol/refused.ts'

const dataOf = (item: ItemState) => ('data' in item ? item.data : undefined)

/** Throws RefusedError where `shown` is older than `known`, or says something else under the same revision. */
export function refuseRollback(known: ItemState | undefined, shown: ItemState): void {
  if (known === undefined || shown.revision > known.revision) return
  if (shown.revision === known.revision && dataOf(shown) === dataOf(known)) return
  throw new RefusedError(
    'The server shows another or an older state of an item than before. It was restored from a backup, or it is not honest: sync, and compare.',
  )
}

/**
 * Whether an envelope with the counter `shown` can have replaced another one with the counter `known`: who replaces counts on
 * from what was there. Where nothing was counted yet, nothing can be told.
 */
export const countsOn = (known: number, shown: number): boolean => known === 0 || shown > known

/** What is told of a state that does not count on from the one that is known. */
export const goesBack = () =>
  new RefusedError(
    'The server shows an older state of an item as its newest one. It is not honest, or a client that does not count edits wrote to it. Nothing of it was taken over.',
  )
