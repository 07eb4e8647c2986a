// What is inside the envelopes of items and vaults, once open (docs/protocol.md, "Item content" and "Vault data").
import * as z from 'zod'
import { InexactNumberError, parseExactly, RepeatedMemberError } from './json.ts'

const text = z.string().optional()

/** A field that somebody added to an item. */
const Field = z.looseObject({ name: z.string(), value: z.string(), hidden: z.boolean() })

/** How often this was written, from 1; absent means 0. It belongs to the envelope's history, and no program sets it by hand. */
const edits = z.int().min(0).optional()

const common = {
  edits,
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
const UnknownContent = z.looseObject({ kind: z.string(), name: z.string(), edits })

export const VaultContent = z.looseObject({ name: z.string(), edits })

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

/** Content as UTF-8 JSON (RFC 8259), ready to be sealed. @param edits how often it was written by then, this time included */
export const encodeContent = (
  content: ItemContent | UnknownContent | VaultContent,
  edits?: number,
): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(edits === undefined ? content : { ...content, edits }))

function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ContentError('The content is not JSON in UTF-8')
  }
  try {
    return parseExactly(text)
  } catch (error) {
    const isExplained = error instanceof InexactNumberError || error instanceof RepeatedMemberError
    throw new ContentError(isExplained ? error.message : 'The content is not JSON in UTF-8')
  }
}

/** Looks at a value without making another of it, which would lose members such as `__proto__`. */
function isOfShape<Shape extends z.ZodType>(
  shape: Shape,
  value: unknown,
  tell: (places: string[]) => void,
): value is z.output<Shape> {
  const parsed = shape.safeParse(value)
  if (!parsed.success) tell(parsed.error.issues.map(({ path }) => path.join('.') || 'the whole'))
  return parsed.success
}

/** The value itself. @throws ContentError where it has another shape */
function requireShape<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  let wrong: string[] = []
  const tell = (places: string[]) => {
    wrong = places
  }
  if (isOfShape(shape, value, tell)) return value
  throw new ContentError(`The content has another form than expected at: ${wrong.join(', ')}`)
}

/** Content that was put together here, such as after an edit. @throws ContentError where it is none of its kind */
export const requireItemContent = (content: unknown): ItemContent => requireShape(ItemContent, content)

const isItemKind = (kind: string): kind is ItemKind => Object.hasOwn(secretMembers, kind)

/** Whether the content is of a kind of this version, so that it may be edited. */
export const isItemContent = (content: ItemContent | UnknownContent): content is ItemContent =>
  isItemKind(content.kind)

/** Content without its counter, and the counter. */
export interface Counted<Content> {
  readonly content: Content
  /** How often it was written; 0 for what a client without a counter wrote. */
  readonly edits: number
}

/**
 * The content of an item's envelope (docs/protocol.md, "Item content"), with its counter beside it.
 *
 * @throws ContentError for bytes that are not JSON, or not of the form of their kind
 */
export function readItemContent(bytes: Uint8Array): Counted<ItemContent | UnknownContent> {
  const value = parseJson(bytes)
  const unknown = requireShape(UnknownContent, value)
  const { edits = 0, ...content } = isItemKind(unknown.kind) ? requireShape(ItemContent, value) : unknown
  return { content, edits }
}

/**
 * The content of an item's envelope, without its counter.
 *
 * @returns the content with all of its members, unknown ones too; ask `isItemContent` which it is
 * @throws ContentError for bytes that are not JSON, or not of the form of their kind
 */
export const parseItemContent = (bytes: Uint8Array): ItemContent | UnknownContent =>
  readItemContent(bytes).content

/**
 * The content of a vault's own envelope (docs/protocol.md, "Vault data"), with its counter beside it.
 *
 * @throws ContentError for bytes that are not JSON, or have no name
 */
export function readVaultContent(bytes: Uint8Array): Counted<VaultContent> {
  const { edits = 0, ...content } = requireShape(VaultContent, parseJson(bytes))
  return { content, edits }
}

/** The content of a vault's own envelope, without its counter. Throws ContentError. */
export const parseVaultContent = (bytes: Uint8Array): VaultContent => readVaultContent(bytes).content

/** The counter of whatever an envelope held: 0 where it has none, also because the content is malformed. */
export function editsIn(bytes: Uint8Array): number {
  try {
    return z.object({ edits: z.int().min(0) }).parse(parseJson(bytes)).edits
  } catch {
    return 0
  }
}
