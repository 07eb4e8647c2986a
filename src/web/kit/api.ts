// The requests of the pages, sent as the SDK sends them. Zod would be as large as all the rest, and what is looked at here is a
// handful of members. A lost answer is not asked for again by itself: the page says so, and has a button for it.
import { emailPaths, pathTo, sharePaths } from '../../contract/paths.ts'
import type { Problem } from '../../contract/problems.ts'
import { NetworkError, ProblemError } from '../../sdk/errors.ts'
import { type Answer, type Connection, type Request, sendOnce } from '../../sdk/request.ts'

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

function textIn(value: unknown, name: string): string {
  const member = memberOf(value, name)
  return typeof member === 'string' ? member : ''
}

function timeIn(value: unknown, name: string): Date | undefined {
  const text = textIn(value, name)
  return text ? new Date(text) : undefined
}

function problemOf({ status, body }: Answer, method: Request['method']): Problem | undefined {
  const isHead = method === 'HEAD'
  // What a server or a proxy says while it is not well; asking again is all that helps.
  if (status >= 500 || (body === undefined && !isHead)) return undefined
  return {
    type: '',
    title: '',
    detail: '',
    requestId: '',
    status,
    code: isHead && status === 404 ? 'not-found' : textIn(body, 'code'),
    passphrase: memberOf(body, 'passphrase') === true,
    readAt: textIn(body, 'readAt'),
    expiresAt: textIn(body, 'expiresAt'),
    revokedAt: textIn(body, 'revokedAt'),
  }
}

/** @param server the address below which pages and API are */
export const connectTo = (server: string): Connection => ({
  server,
  fetch: (input, init) => fetch(input, init),
  problemOf,
})

/** @returns the body of the answer; undefined if it has none */
async function call(connection: Connection, request: Request): Promise<unknown> {
  const { status, body } = await sendOnce(connection, request)
  // A page of a proxy.
  if (status !== 204 && body === undefined) throw new NetworkError()
  return body
}

const post = (connection: Connection, path: string, body: object) =>
  call(connection, { method: 'POST', path, body })

export async function confirmEmail(connection: Connection, token: string): Promise<void> {
  await post(connection, emailPaths.confirm, { token })
}

/** Has the account of a link deleted. @returns when */
export async function startDeletion(connection: Connection, token: string): Promise<Date> {
  return new Date(textIn(await post(connection, emailPaths.confirmDeletion, { token }), 'deletesAt'))
}

/** Keeps the account of a link, which was to be deleted. */
export async function keepAccount(connection: Connection, token: string): Promise<void> {
  await post(connection, emailPaths.cancelDeletion, { token })
}

export interface MadeShare {
  readonly id: string
  /** The link without its key. */
  readonly page: string
  readonly expiresAt: Date
  readonly manageToken: string
}

function pageOf(answer: unknown): string {
  const links = memberOf(answer, 'links')
  const link = Array.isArray(links) ? links.find((entry) => memberOf(entry, 'rel') === 'web-view') : undefined
  return textIn(link, 'href')
}

export async function makeShare(
  connection: Connection,
  share: { ciphertext: string; proof: string; ttl: number; passphrase: boolean },
): Promise<MadeShare> {
  const answer = await post(connection, sharePaths.shares, share)
  return {
    id: textIn(answer, 'id'),
    page: pageOf(answer),
    expiresAt: new Date(textIn(answer, 'expiresAt')),
    manageToken: textIn(answer, 'manageToken'),
  }
}

/** What can be known of a share without reading it. */
export type Outlook = 'readable' | 'passphrase' | 'gone' | 'unanswered'

/** Never consumes. A proxy may answer a HEAD wrongly, so that this only ever changes what the page says. */
export async function lookAt(connection: Connection, shareId: string): Promise<Outlook> {
  try {
    const path = pathTo(sharePaths.share, { shareId })
    const { headers } = await sendOnce(connection, { method: 'HEAD', path })
    return headers.get('Limpet-Passphrase') === 'required' ? 'passphrase' : 'readable'
  } catch (error) {
    return error instanceof ProblemError && error.code === 'not-found' ? 'gone' : 'unanswered'
  }
}

/** @returns the ciphertext */
export async function reveal(
  connection: Connection,
  shareId: string,
  body: { proof: string; claim: string },
): Promise<string> {
  return textIn(await post(connection, pathTo(sharePaths.reveal, { shareId }), body), 'ciphertext')
}

export async function acknowledge(connection: Connection, shareId: string, claim: string): Promise<void> {
  await post(connection, pathTo(sharePaths.acknowledge, { shareId }), { claim })
}

type Managed = Pick<MadeShare, 'id' | 'manageToken'>

const manage = (
  connection: Connection,
  method: Request['method'],
  path: typeof sharePaths.receipt | typeof sharePaths.share,
  { id, manageToken }: Managed,
) =>
  call(connection, {
    method,
    path: pathTo(path, { shareId: id }),
    headers: { Authorization: `Bearer ${manageToken}` },
  })

export interface Receipt {
  readonly state: string
  readonly expiresAt: Date | undefined
  readonly readAt: Date | undefined
  readonly revokedAt: Date | undefined
}

export async function receiptFor(connection: Connection, share: Managed): Promise<Receipt> {
  const answer = await manage(connection, 'GET', sharePaths.receipt, share)
  return {
    state: textIn(answer, 'state'),
    expiresAt: timeIn(answer, 'expiresAt'),
    readAt: timeIn(answer, 'readAt'),
    revokedAt: timeIn(answer, 'revokedAt'),
  }
}

export async function revoke(connection: Connection, share: Managed): Promise<void> {
  await manage(connection, 'DELETE', sharePaths.share, share)
}
