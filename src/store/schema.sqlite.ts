// For drizzle-kit: the tables of SQLite.
import { sqliteTables } from './schema.ts'

export const { instance, accounts, sessions, refreshTokens, vaults, items, itemVersions } = sqliteTables
