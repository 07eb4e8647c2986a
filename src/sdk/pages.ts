// Lists that the server gives page by page.
import type { z } from 'zod'
import { vaultPaths } from '../contract/paths.ts'
import { problemCatalogue } from '../contract/problems.ts'
import { type Vault, VaultList } from '../contract/vaults.ts'
import { RefusedError } from '../protocol/refused.ts'
import { ProblemError } from './errors.ts'
import type { Transport } from './transport.ts'

/** No list of a server that keeps to the contract is longer; one that never ends is refused here. */
const maxRows = 10_000

/**
 * Reads a list to its end. Throws RefusedError where it does not come to one.
 * @param list.path without a query
 * @param list.rowsOf what a page holds
 * @param list.signal gives it up
 */
export async function readPages<Page extends { nextCursor: string | null }, Row>(
  transport: Transport,
  list: {
    schema: z.ZodType<Page>
    path: string
    rowsOf: (page: Page) => readonly Row[]
    signal?: AbortSignal | undefined
  },
): Promise<Row[]> {
  const all: Row[] = []
  let query = ''
  for (;;) {
    const page = await transport.sendAuthorized(list.schema, {
      method: 'GET',
      path: `${list.path}${query}`,
      signal: list.signal,
    })
    const rows = list.rowsOf(page)
    all.push(...rows)
    if (page.nextCursor === null) return all
    if (rows.length === 0 || all.length > maxRows)
      throw new RefusedError('The server gives a list that does not end.')
    query = `?cursor=${encodeURIComponent(page.nextCursor)}`
  }
}

/** Every vault that the caller may see, as the server has it. @param signal gives it up */
export const listVaults = (transport: Transport, signal?: AbortSignal): Promise<Vault[]> =>
  readPages(transport, {
    schema: VaultList,
    path: vaultPaths.vaults,
    rowsOf: (page) => page.vaults,
    signal,
  })

/** One of them. Throws ProblemError `not-found`. */
export async function findVault(transport: Transport, vaultId: string): Promise<Vault> {
  const vault = (await listVaults(transport)).find(({ id }) => id === vaultId)
  if (vault) return vault
  const code = 'not-found'
  const { status, title } = problemCatalogue[code]
  const detail = 'The server shows no vault with this id.'
  throw new ProblemError({ type: 'about:blank', title, status, detail, code, requestId: '' })
}
