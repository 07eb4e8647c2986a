// Failed logins on their way into the security log.
import type { Device } from '../../contract/accounts.ts'
import type { Store } from '../../store/store.ts'
import type { Postponed } from '../postponed.ts'
import { type LoginFailure, noteFailedLogin } from './repository.ts'

interface Attempt {
  readonly type: LoginFailure
  readonly at: number
  readonly device: Device
  readonly address: string
}

export interface FailedLogins {
  /** Notes an attempt within a second or so; of very many, or where the database is away, none. */
  note(accountId: string, attempt: Attempt): void
}

export const failedLoginsOver = (postponed: Postponed, store: Store): FailedLogins => ({
  note: (accountId, attempt) =>
    postponed.add('failed-login', () => store.write((tx) => noteFailedLogin(tx, accountId, attempt))),
})
