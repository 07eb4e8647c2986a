// Cleans the vaults in which something is too old, however many these are.
import type { Reader, Store, Tx } from '../../store/store.ts'

interface Cleaning {
  /** The vaults in which the oldest of what is too old lies, from so many rows at the most. */
  oldest(reader: Reader, rows: number): Promise<readonly { readonly vaultId: string }[]>
  /** Removes from a vault all that is too old. @returns how much that was */
  clean(tx: Tx, vaultId: string): Promise<number>
}

export interface CleaningBounds {
  /** Ends the work between two vaults: a server that stops does not wait for the rest, which is found again. */
  readonly stopping?: AbortSignal
  /** So many rows are looked at for the next vaults; their ids are all that is in memory. */
  readonly rowsAtOnce?: number
}

/** Cleans one vault after the other, each in a transaction of its own, until nothing is too old. */
export async function cleanVaults(
  store: Store,
  { oldest, clean }: Cleaning,
  { stopping, rowsAtOnce = 1000 }: CleaningBounds,
): Promise<void> {
  for (;;) {
    const vaults = await store.read((reader) => oldest(reader, rowsAtOnce))
    let removed = 0
    for (const { vaultId } of vaults) {
      if (stopping?.aborted) return
      removed += await store.write((tx) => clean(tx, vaultId))
    }
    // Without this, what another process removes at the same time could be looked for without end.
    if (removed === 0) return
  }
}
