// The security log of each account, and the logins that may become failures in it.
import { days } from '../../clock.ts'
import type { Columns } from '../columns.ts'
import { type AccountTables, accountIdOf } from './accounts.ts'

/** How long the security log remembers. */
export const eventsKeptForMs = days(90)

export const auditTables = (kit: Columns, { accounts }: AccountTables) => {
  const { bytes, index, table, text, time, whole } = kit
  const accountId = accountIdOf(kit, accounts)

  /** The security log of each account, for its owner: the one place where addresses are stored. */
  const accountEvents = table('account_events', {
    columns: {
      accountId: accountId(),
      type: text('type').notNull(),
      at: time('at').notNull(),
      deviceId: text('device_id'),
      deviceName: text('device_name'),
      deviceType: text('device_type'),
      address: text('address'),
      /** How many failures of one hour and address the row stands for, the last of which was at `at`; 1 of everything else. */
      count: whole('count').notNull().default(1),
      /** Why a session ended. */
      reason: text('reason'),
    },
    keys: (table) => [
      index('account_events_by_account').on(table.accountId, table.type, table.at),
      index('account_events_by_age').on(table.at),
    ],
    backup: 'kept',
    expires: { after: 'at', keptFor: eventsKeptForMs, every: 'hour' },
  })

  /** OPAQUE logins of accounts that were begun minutes ago: those that are not finished become failures in the security log. */
  const startedLogins = table('started_logins', {
    columns: {
      /** The handshake's, which `used_once` has once it is finished. */
      id: bytes('id').primaryKey(),
      accountId: accountId(),
      at: time('at').notNull(),
      address: text('address').notNull(),
    },
    keys: (table) => [
      index('started_logins_by_age').on(table.at),
      index('started_logins_by_account').on(table.accountId),
    ],
    backup: { leftOut: 'they count for minutes' },
    expires: { by: 'noteUnfinishedLogins' },
  })

  return { accountEvents, startedLogins }
}
