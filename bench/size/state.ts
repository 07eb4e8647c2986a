// What the programs of this folder hand on to each other, in a file beside the database that they fill and measure.
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const State = z.object({
  /** Of the server: its database and its secrets. */
  settings: z.record(z.string(), z.string()),
  databaseUrl: z.string(),
  vaults: z.number(),
  /** One key logs in to all accounts. */
  authKey: z.string(),
})
export type State = z.infer<typeof State>

export const readState = (file: string): State => State.parse(JSON.parse(readFileSync(file, 'utf8')))

export const writeState = (file: string, state: State) => {
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 })
}

/** Of the account with this number, from 0. */
export const emailOf = (account: number) => `size-${account}@example.com`

/** What an account's vaults are answered with, as far as these programs need it. */
export const Vaults = z.object({ vaults: z.array(z.object({ id: z.string() })) })
