// Notices a server that takes items back to an earlier state (docs/protocol.md, "What a client must refuse").
import type { ItemState } from '../contract/vaults.ts'
import { RefusedError } from './errors.ts'

const dataOf = (item: ItemState) => ('data' in item ? item.data : undefined)

/** Throws RefusedError where `shown` is older than `known`, or says something else under the same revision. */
export function refuseRollback(known: ItemState | undefined, shown: ItemState): void {
  if (known === undefined || shown.revision > known.revision) return
  if (shown.revision === known.revision && dataOf(shown) === dataOf(known)) return
  throw new RefusedError(
    'The server shows another or an older state of an item than before. It was restored from a backup, or it is not honest: sync, and compare.',
  )
}
