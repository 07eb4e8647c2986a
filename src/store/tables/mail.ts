// Mail that waits to be sent.
import type { Columns } from '../columns.ts'
import type { AccountTables } from './accounts.ts'

/** What a mail is about. */
export type MailKind =
  | 'confirm'
  | 'confirm-again'
  | 'confirm-change'
  | 'hint'
  | 'new-device'
  | 'account-changed'
  | 'delete-account'
  | 'deletion-started'
  | 'deletion-cancelled'
  | 'account-deleted'
  | 'code'
  | 'send-code'

export const mailTables = (
  { index, table, text, time, whole }: Columns,
  { accounts, pendingRegistrations }: AccountTables,
) => {
  /** Mail that is to be sent, by what it is about; it is written when it is sent. */
  const outbox = table('outbox', {
    columns: {
      id: text('id').primaryKey(),
      /** The account that it is about. Null if there is no account yet, or none any more. */
      accountId: text('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
      registrationId: text('registration_id').references(() => pendingRegistrations.accountId, {
        onDelete: 'cascade',
      }),
      /** Where it goes, if that is not the present address of the account. */
      email: text('email'),
      kind: text('kind').notNull().$type<MailKind>(),
      detail: text('detail'),
      createdAt: time('created_at').notNull(),
      attempts: whole('attempts').notNull(),
      nextAttemptAt: time('next_attempt_at').notNull(),
    },
    keys: (table) => [
      index('outbox_by_next_attempt').on(table.nextAttemptAt),
      index('outbox_by_account').on(table.accountId),
      index('outbox_by_registration').on(table.registrationId),
    ],
    backup: { leftOut: 'it was sent since, or is no longer expected' },
    expires: { elsewhere: 'the mailer removes what is sent or given up' },
  })

  return { outbox }
}
