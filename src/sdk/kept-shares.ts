// The one-time links that an account made, with what takes them back, sealed in its vaults (docs/protocol.md, "Links that were made").
import * as z from 'zod'
import type { UnknownContent } from '../contract/content.ts'
import { base64urlOf } from '../contract/primitives.ts'
import { ShareId } from '../contract/shares.ts'
import { ConflictError, ProblemError } from './errors.ts'
import type { OpenItem } from './open-item.ts'
import type { OpenVault } from './vault.ts'

/** The kind of the item that holds them. It is none that people see among their items. */
export const keptSharesKind = 'shares'

const itemName = 'One-time links'

const KeptShareShape = z.looseObject({
  id: ShareId,
  server: z.url(),
  manageToken: base64urlOf(32),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  name: z.string().optional(),
})

/** A link that was made. */
export interface KeptShare {
  readonly id: string
  /** Where it is, such as https://vault.example.com */
  readonly server: string
  readonly manageToken: string
  /** RFC 3339, like `expiresAt`. */
  readonly createdAt: string
  readonly expiresAt: string
  /** What its owner knows it by. */
  readonly name?: string | undefined
}

/** Entries beyond these go, those that expire first. An entry has some 250 bytes, and an item 256 KiB. */
const mostKept = 500

/** A list keeps a link for so long after its end, in milliseconds, so that its owner can see what became of it. */
const keptAfterEnd = 30 * 86_400_000

const writeTries = 10

/**
 * The id of the item in a vault: the first 16 bytes of SHA-256("limpet-shares:" ‖ vault id), as a UUID of version 8 (RFC 9562). All
 * devices find one item by it, so that two of them never begin a list each.
 */
export async function keptSharesId(vaultId: string): Promise<string> {
  const text = new TextEncoder().encode(`limpet-shares:${vaultId}`)
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', text)).slice(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The entries of a list as they are, of whatever form: what a later version wrote stays. */
const entriesOf = (content: OpenItem['content']): readonly unknown[] => {
  const shares: unknown = 'shares' in content ? content.shares : []
  return Array.isArray(shares) ? shares : []
}

const sharesIn = (entries: readonly unknown[]): KeptShare[] =>
  entries.flatMap((entry) => KeptShareShape.safeParse(entry).data ?? [])

/** Entries with one more, without those that ended long ago. @param now milliseconds since 1970 */
function withShare(entries: readonly unknown[], share: KeptShare, now: number): unknown[] {
  const others = entries.filter((entry) => {
    const known = KeptShareShape.safeParse(entry).data
    return !known || (known.id !== share.id && Date.parse(known.expiresAt) + keptAfterEnd > now)
  })
  const endOf = (entry: unknown) =>
    Date.parse(KeptShareShape.safeParse(entry).data?.expiresAt ?? '') || Number.POSITIVE_INFINITY
  const tooMany = others.length + 1 - mostKept
  const leaving = new Set(
    tooMany > 0 ? others.toSorted((left, right) => endOf(left) - endOf(right)).slice(0, tooMany) : [],
  )
  return [...others.filter((entry) => !leaving.has(entry)), share]
}

async function find(vault: OpenVault): Promise<OpenItem | undefined> {
  try {
    return await vault.get(await keptSharesId(vault.id))
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'not-found') return undefined
    throw error
  }
}

/** Whether a vault has the item that holds them, which its count of items includes and no list shows. */
export async function hasKeptShares(vault: OpenVault): Promise<boolean> {
  return (await find(vault))?.deletedAt === null
}

/** The links that were made, as they are kept in these vaults. */
export class KeptShares {
  readonly #vaults: readonly OpenVault[]

  /** @param vaults all of the account */
  constructor(vaults: readonly OpenVault[]) {
    this.#vaults = vaults
  }

  /** Every link that is kept, newest first. */
  async list(): Promise<KeptShare[]> {
    const items = await Promise.all(this.#vaults.map(find))
    return items
      .flatMap((item) => (item ? sharesIn(entriesOf(item.content)) : []))
      .toSorted((left, right) => right.createdAt.localeCompare(left.createdAt))
  }

  /**
   * Keeps a link in the oldest vault, beside those that are there. If another device writes at the same time, both stay. An account
   * without a vault keeps none.
   * @param now milliseconds since 1970
   * @throws ConflictError where other devices write again and again
   */
  async keep(share: KeptShare, now: number): Promise<void> {
    const [vault] = this.#vaults.toSorted(
      ({ sealed: left }, { sealed: right }) =>
        left.createdAt.localeCompare(right.createdAt) || (left.id < right.id ? -1 : 1),
    )
    if (!vault) return
    const id = await keptSharesId(vault.id)
    let item = await find(vault)
    let revision = item?.revision
    for (let tries = 0; ; tries++) {
      const content: UnknownContent = {
        ...(item?.content ?? { kind: keptSharesKind, name: itemName }),
        shares: withShare(item ? entriesOf(item.content) : [], share, now),
      }
      try {
        await (revision === undefined
          ? vault.createOfKind(content, id)
          : vault.replace(id, revision, content))
        return
      } catch (error) {
        if (!(error instanceof ConflictError) || tries === writeTries) throw error
        item = error.current
        revision = error.revision
      }
    }
  }
}
