// What is inside the envelopes of items and vaults, once open (docs/protocol.md, "Item content" and "Vault data").
import * as z from 'zod'

const text = z.string().optional()

/** A field that somebody added to an item. */
const Field = z.looseObject({ name: z.string(), value: z.string(), hidden: z.boolean() })

const common = {
  name: z.string(),
  notes: text,
  folder: text,
  tags: z.array(z.string()).optional(),
  favourite: z.boolean().optional(),
  fields: z.array(Field).optional(),
}

const Login = z.looseObject({
  kind: z.literal('login'),
  ...common,
  username: text,
  password: text,
  urls: z.array(z.string()).optional(),
  totp: text,
})

const Note = z.looseObject({ kind: z.literal('note'), ...common })

// The form of `expiry` is not enforced: an item that does not show because of one mistyped date helps nobody.
const Card = z.looseObject({
  kind: z.literal('card'),
  ...common,
  holder: text,
  number: text,
  expiry: text,
  code: text,
  brand: text,
})

const Identity = z.looseObject({
  kind: z.literal('identity'),
  ...common,
  fullName: text,
  email: text,
  phone: text,
  address: text,
  organization: text,
})

const SshKey = z.looseObject({ kind: z.literal('ssh-key'), ...common, privateKey: text, publicKey: text })

/** An item of a kind of this version. Loose, so that what another client added survives an edit. */
export const ItemContent = z.discriminatedUnion('kind', [Login, Note, Card, Identity, SshKey])

/** An item of a kind that came later: shown by its name, and kept as it is. */
const UnknownContent = z.looseObject({ kind: z.string(), name: z.string() })

export const VaultContent = z.looseObject({ name: z.string() })

export type ItemContent = z.infer<typeof ItemContent>
export type UnknownContent = z.infer<typeof UnknownContent>
export type VaultContent = z.infer<typeof VaultContent>
export type ItemKind = ItemContent['kind']

/** The members of each kind that are secret; `fields` say for themselves which of them are. */
export const secretMembers: Readonly<Record<ItemKind, readonly string[]>> = {
  login: ['password', 'totp', 'notes'],
  note: ['notes'],
  card: ['number', 'code', 'notes'],
  identity: ['notes'],
  'ssh-key': ['privateKey', 'notes'],
}

/** An envelope opened, and what was in it is not the content of an item or a vault. Says where, and never what stood there. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
}

/** Content as UTF-8 JSON (RFC 8259), ready to be sealed. */
export const encodeContent = (content: ItemContent | UnknownContent | VaultContent): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(content))

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    throw new ContentError('The content is not JSON in UTF-8')
  }
}

function parseAs<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const places = parsed.error.issues.map(({ path }) => path.join('.') || 'the whole')
  throw new ContentError(`The content has another form than expected at: ${places.join(', ')}`)
}

const isItemKind = (kind: string): kind is ItemKind => Object.hasOwn(secretMembers, kind)

/** Whether the content is of a kind of this version, so that it may be edited. */
export const isItemContent = (content: ItemContent | UnknownContent): content is ItemContent =>
  isItemKind(content.kind)

/**
 * The content of an item's envelope (docs/protocol.md, "Item content").
 *
 * @returns the content with all of its members, unknown ones too; ask `isItemContent` which it is
 * @throws ContentError for bytes that are not JSON, or not of the form of their kind
 */
export function parseItemContent(bytes: Uint8Array): ItemContent | UnknownContent {
  const value = parseJson(bytes)
  const content = parseAs(UnknownContent, value)
  return isItemKind(content.kind) ? parseAs(ItemContent, value) : content
}

/**
 * The content of a vault's own envelope (docs/protocol.md, "Vault data").
 *
 * @throws ContentError for bytes that are not JSON, or have no name
 */
export const parseVaultContent = (bytes: Uint8Array): VaultContent => parseAs(VaultContent, parseJson(bytes))
