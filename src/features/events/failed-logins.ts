// Failed logins on their way into the security log. They are written every second and not with the request: otherwise the time
// of the answer, or the load that it leaves, would tell strangers which addresses have an account.
import type { Device } from '../../contract/accounts.ts'
import type { Store } from '../../store/store.ts'
import { type LoginFailure, noteFailedLogin } from './repository.ts'

interface Attempt {
  readonly type: LoginFailure
  readonly at: number
  readonly device: Device
  readonly address: string
}

/** Most that wait: bounds the memory, and what one write takes. What comes beyond within a second is not logged. */
const mostWaiting = 100

export interface FailedLogins {
  note(accountId: string, attempt: Attempt): void
  /** Writes what waits; what cannot be written is lost. */
  flush(store: Store): Promise<void>
}

export function createFailedLogins(): FailedLogins {
  const waiting: { accountId: string; attempt: Attempt }[] = []
  return {
    note(accountId, attempt) {
      if (waiting.length < mostWaiting) waiting.push({ accountId, attempt })
    },
    async flush(store) {
      await Promise.all(
        waiting
          .splice(0)
          .map(({ accountId, attempt }) => store.write((tx) => noteFailedLogin(tx, accountId, attempt))),
      )
    },
  }
}
