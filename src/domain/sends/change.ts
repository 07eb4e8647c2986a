// How every change of an owner's sends begins, and how a mistake is said.
import type { Tx } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { Failure } from '../failure.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { isLiving } from '../identity/sessions.ts'

/** The owner of sends, at one of its devices. */
export interface SendOwner extends Caller {
  readonly deviceIdentifier: string | null
}

export const mistake = (path: string, message: string) =>
  new Failure('malformed-request', message, { errors: [{ path, message }] })

/**
 * Begins a change of the owner's, and holds the account. Throws `not-authenticated` if the session has ended meanwhile: who changes
 * the keys of an account ends its sessions, and nothing that was encrypted under the old ones must come after.
 * @returns the revision of the account, in milliseconds since 1970
 */
export async function beginChange(
  tx: Tx,
  caller: SendOwner,
  change: { now: number; what: 'send-made' | 'send-changed' | 'send-deleted'; id: string },
): Promise<number> {
  const revisionAt = await noteBitwardenChange(tx, caller, change)
  if (await isLiving(tx, caller, change.now)) return revisionAt
  throw new Failure('not-authenticated', 'This session has ended. Log in again.')
}
