// A request that waits until a vault has changed.
import type { VaultCaller } from '../caller.ts'
import { Failure } from '../failure.ts'
import type { Watches } from './watches.ts'

interface Wait {
  readonly vaultId: string
  /** The longest, in milliseconds. */
  readonly ms: number
  /** Where the request came from, as rate limits count it. */
  readonly address: string
  /** @returns what is aborted when the client has gone; asked for by who has to wait */
  gone(): AbortSignal
  /** Whether there is something to tell; asked now and whenever the vault may have changed. */
  hasChanges(): Promise<boolean>
}

/**
 * Resolves when there is something to tell, when the time is over, when the client has gone or when the server stops. Throws what
 * `hasChanges` throws, `not-authenticated` when the session or the token ends, `too-many-requests` and `unavailable`.
 */
export async function waitForChange(watches: Watches, caller: VaultCaller, wait: Wait): Promise<void> {
  const { address, hasChanges, ms, vaultId } = wait
  // What is there already takes no place.
  if (await hasChanges()) return
  const place = watches.reserve('changes', caller, address)
  const gone = wait.gone()
  const state = { isOver: gone.aborted, hasEnded: false, mayHaveChanged: true, wake() {} }
  const over = () => {
    state.isOver = true
    state.wake()
  }
  const timer = setTimeout(over, ms)
  gone.addEventListener('abort', over, { once: true })
  place.start({
    changed(news) {
      if (news.size > 0 && !news.has(vaultId)) return
      state.mayHaveChanged = true
      state.wake()
    },
    ended(reason) {
      state.hasEnded = reason === 'session-ended'
      over()
    },
  })
  try {
    while (!state.isOver) {
      if (state.mayHaveChanged) {
        state.mayHaveChanged = false
        if (await hasChanges()) break
      } else
        await new Promise<void>((resolve) => {
          state.wake = resolve
        })
    }
    if (state.hasEnded)
      throw new Failure('not-authenticated', 'The session or the token has ended while the request waited.')
  } finally {
    clearTimeout(timer)
    gone.removeEventListener('abort', over)
    place.close()
  }
}
