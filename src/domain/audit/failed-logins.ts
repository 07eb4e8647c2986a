// Failed logins and failed fresh proofs on their way into the security log.
import type { Device } from '../../contract/accounts.ts'
import type { Store } from '../../store/store.ts'
import type { SessionCaller } from '../caller.ts'
import type { DeferredTasks } from '../deferred-tasks.ts'
import { deviceOfSession, noteFailure } from './audit-log.ts'

interface Attempt {
  readonly type: 'login-failed' | 'second-factor-failed'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly device: Device
  readonly address: string
}

/** Each notes within a second or so; none of very many, and none while the database is away. */
export interface FailedLogins {
  note(accountId: string, attempt: Attempt): void
  /** A wrong password in a fresh proof within a session. @param at milliseconds since 1970 */
  noteProof(caller: SessionCaller, at: number): void
}

export const failedLoginsOver = (deferredTasks: DeferredTasks, store: Store): FailedLogins => ({
  note: (accountId, attempt) =>
    deferredTasks.add('failed-login', () => store.write((tx) => noteFailure(tx, accountId, attempt))),
  noteProof: (caller, at) =>
    deferredTasks.add('failed-login', () =>
      store.write(async (tx) => {
        const { accountId, address } = caller
        const device = await deviceOfSession(tx, caller)
        await noteFailure(tx, accountId, { type: 'proof-failed', at, device, address })
      }),
    ),
})
