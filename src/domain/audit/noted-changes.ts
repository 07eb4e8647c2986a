// Changes of an account that its owner has to learn of, in case a stranger made them.
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Tx } from '../../store/store.ts'
import type { SessionCaller } from '../caller.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import { noteSessionsAct } from './audit-log.ts'

/** What the owner is told of, in the log and by mail. */
export const accountChanges = [
  'password-changed',
  'second-factor-added',
  'second-factor-removed',
  'recovery-codes-replaced',
  'token-created',
  'token-revoked',
  'vault-deleted',
  'vault-key-change-started',
  'account-key-changed',
  'hint-changed',
  'email-change-started',
  'email-changed',
] as const

export type AccountChange = (typeof accountChanges)[number]

/** Notes a change in the security log, in the transaction that makes it, and tells the owner by mail if the server sends mail. */
export async function noteChange(
  tx: Tx,
  caller: SessionCaller,
  change: AccountChange,
  { clock, config, random }: { clock: Clock; config: MailSettings; random: Random },
): Promise<void> {
  const now = clock.now()
  await noteSessionsAct(tx, caller, change, now)
  const { accountId } = caller
  if (config.smtp)
    await enqueueMail(tx, { id: random.uuid(), accountId, kind: 'account-changed', detail: change, now })
}
