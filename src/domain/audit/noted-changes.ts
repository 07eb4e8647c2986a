// Changes of an account that its owner has to learn of, in case a stranger made them.
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Tx } from '../../store/store.ts'
import type { SessionCaller } from '../caller.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import { type AuditEvent, deviceOfSession, noteEvent } from './audit-log.ts'

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
  'key-derivation-changed',
  'hint-changed',
  'email-change-started',
  'email-changed',
] as const

export type AccountChange = (typeof accountChanges)[number]

interface Needs {
  readonly config: MailSettings
  readonly random: Random
}

/** Notes a change in the security log, in the transaction that makes it, and tells the owner by mail if the server sends mail. */
export async function noteChangeOf(
  tx: Tx,
  accountId: string,
  event: AuditEvent & { readonly type: AccountChange },
  { config, random }: Needs,
): Promise<void> {
  await noteEvent(tx, accountId, event)
  const mail = { id: random.uuid(), accountId, kind: 'account-changed', detail: event.type } as const
  if (config.smtp) await enqueueMail(tx, { ...mail, now: event.at })
}

/** The same of a change that a session makes. */
export async function noteChange(
  tx: Tx,
  caller: SessionCaller,
  change: AccountChange,
  { clock, ...needs }: Needs & { readonly clock: Clock },
): Promise<void> {
  const { accountId, address } = caller
  const device = await deviceOfSession(tx, caller)
  await noteChangeOf(tx, accountId, { type: change, at: clock.now(), device, address }, needs)
}
