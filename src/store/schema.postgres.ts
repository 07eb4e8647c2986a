// For drizzle-kit: the tables of Postgres.
import { postgresTables } from './schema.ts'

export const { instance, accounts, sessions, refreshTokens, vaults, items, itemVersions } = postgresTables
