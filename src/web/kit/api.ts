// The requests of the pages. The SDK's transport would bring Zod with it; what is looked at here is a handful of members.
const patienceMs = 30_000

/** No answer came, or none that is Limpet's. */
export class NetworkError extends Error {
  override name = 'NetworkError'
}

/** The server's answer was a problem (RFC 9457). */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly code: string
  /** With `share-consumed`, `share-expired` and `share-revoked`: when that was. */
  readonly when: Date
  /** With `wrong-proof`: whether the share has a passphrase. */
  readonly passphrase: boolean
  /** With `too-many-requests`. */
  readonly waitSeconds: number

  constructor(body: unknown, headers: Headers) {
    const code = textIn(body, 'code')
    super(code)
    this.code = code
    this.when = new Date(
      [textIn(body, 'readAt'), textIn(body, 'expiresAt'), textIn(body, 'revokedAt')].find(Boolean) ??
        Date.now(),
    )
    this.passphrase = memberOf(body, 'passphrase') === true
    this.waitSeconds = Number(headers.get('Retry-After')) || 60
  }
}

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

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, {
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
      ...init,
    })
  } catch {
    throw new NetworkError()
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    // A proxy's own page, or an answer that broke off.
    throw new NetworkError()
  }
}

async function call(
  method: string,
  url: URL,
  { body, token }: { body?: object; token?: string } = {},
): Promise<unknown> {
  const response = await send(url, {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (response.status === 204) return undefined
  // What a server or a proxy says while it is not well; asking again is all that helps.
  if (response.status >= 500) throw new NetworkError()
  const answer = await bodyOf(response)
  if (!response.ok) throw new ProblemError(answer, response.headers)
  return answer
}

/** @param server the address under which the pages are */
export async function confirmEmail(server: string, token: string): Promise<void> {
  await call('POST', new URL(`${server}/api/v1/email/confirm`), { body: { token } })
}

/**
 * Has the account of a link deleted.
 * @param server the address under which the pages are
 * @returns when
 */
export async function startDeletion(server: string, token: string): Promise<Date> {
  const answer = await call('POST', new URL(`${server}/api/v1/email/delete/confirm`), { body: { token } })
  return new Date(textIn(answer, 'deletesAt'))
}

/** Keeps the account of a link, which was to be deleted. @param server the address under which the pages are */
export async function keepAccount(server: string, token: string): Promise<void> {
  await call('POST', new URL(`${server}/api/v1/email/delete/cancel`), { body: { token } })
}

export type Shares = ReturnType<typeof sharesAt>

export interface MadeShare {
  readonly id: string
  /** The link without its key. */
  readonly page: string
  readonly expiresAt: Date
  readonly manageToken: string
}

export interface Receipt {
  readonly state: string
  readonly expiresAt: Date | undefined
  readonly readAt: Date | undefined
  readonly revokedAt: Date | undefined
}

/** What can be known of a share without reading it. */
export type Outlook = 'readable' | 'passphrase' | 'gone' | 'unanswered'

function pageOf(answer: unknown): string {
  const links = memberOf(answer, 'links')
  const link = Array.isArray(links) ? links.find((entry) => memberOf(entry, 'rel') === 'web-view') : undefined
  return textIn(link, 'href')
}

/** @param server the address below which pages and API are */
export function sharesAt(server: string) {
  const at = (path: string) => new URL(`${server}/api/v1/shares${path}`)
  return {
    async make(share: {
      ciphertext: string
      proof: string
      ttl: number
      passphrase: boolean
    }): Promise<MadeShare> {
      const answer = await call('POST', at(''), { body: share })
      return {
        id: textIn(answer, 'id'),
        page: pageOf(answer),
        expiresAt: new Date(textIn(answer, 'expiresAt')),
        manageToken: textIn(answer, 'manageToken'),
      }
    },

    /** Never consumes. A proxy may answer a HEAD wrongly, so that this only ever changes what the page says. */
    async look(id: string): Promise<Outlook> {
      try {
        const { status, headers } = await send(at(`/${id}`), { method: 'HEAD' })
        if (status === 404) return 'gone'
        if (status !== 200) return 'unanswered'
        return headers.get('Limpet-Passphrase') === 'required' ? 'passphrase' : 'readable'
      } catch {
        return 'unanswered'
      }
    },

    /** @returns the ciphertext */
    async reveal(id: string, body: { proof: string; claim: string }): Promise<string> {
      return textIn(await call('POST', at(`/${id}/reveal`), { body }), 'ciphertext')
    },

    async acknowledge(id: string, claim: string): Promise<void> {
      await call('POST', at(`/${id}/ack`), { body: { claim } })
    },

    async receipt(id: string, token: string): Promise<Receipt> {
      const answer = await call('GET', at(`/${id}/receipt`), { token })
      return {
        state: textIn(answer, 'state'),
        expiresAt: timeIn(answer, 'expiresAt'),
        readAt: timeIn(answer, 'readAt'),
        revokedAt: timeIn(answer, 'revokedAt'),
      }
    },

    async revoke(id: string, token: string): Promise<void> {
      await call('DELETE', at(`/${id}`), { token })
    },
  }
}
