// Every table, once, over a kit of columns. Changing one needs `npm run migrations` for both engines.
import { type Columns, postgresColumns, sqliteColumns } from './columns.ts'
import { accessTables } from './tables/access.ts'
import { accountTables } from './tables/accounts.ts'
import { auditTables } from './tables/audit.ts'
import { bitwardenTables } from './tables/bitwarden.ts'
import { mailTables } from './tables/mail.ts'
import { serverTables } from './tables/server.ts'
import { shareTables } from './tables/shares.ts'
import { vaultTables } from './tables/vaults.ts'

const defineSchema = (kit: Columns) => {
  const ofAccounts = accountTables(kit)
  const ofVaults = vaultTables(kit, ofAccounts)
  return {
    ...serverTables(kit),
    ...ofAccounts,
    ...mailTables(kit, ofAccounts),
    ...auditTables(kit, ofAccounts),
    ...ofVaults,
    ...accessTables(kit, { ...ofAccounts, ...ofVaults }),
    ...shareTables(kit),
    ...bitwardenTables(kit, { ...ofAccounts, ...ofVaults }),
  }
}

export const postgresTables = defineSchema(postgresColumns)
export type Tables = typeof postgresTables

// One of the project's two casts: both kits build the same columns with the same row types (test/types.test.ts holds them
// equal), but each dialect brands its builders with types of its own.
export const sqliteTables: Tables = defineSchema(sqliteColumns as unknown as Columns)
