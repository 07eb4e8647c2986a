// Lists that the server gives page by page.
import type { z } from 'zod'
import { RefusedError } from '../protocol/refused.ts'
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
