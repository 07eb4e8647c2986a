// What is inside the envelopes of items and vaults, once open (docs/protocol.md, "Item content" and "Vault data").
import {
  type ContentOf,
  type ContentShape,
  Countable,
  Edited,
  ItemContent,
  type ItemKind,
  isOfShape,
  UnknownContent,
  VaultContent,
} from '../contract/content.ts'
import { InexactNumberError, parseExactly, RepeatedMemberError } from './json.ts'

/** The members of each kind that are secret; `fields` say for themselves which of them are. */
export const secretMembers: Readonly<Record<ItemKind, readonly string[]>> = {
  login: ['password', 'totp', 'previousPasswords', 'passkeys', 'notes'],
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

/** The value itself. @throws ContentError where it has another shape */
function requireShape<Shape extends ContentShape>(shape: Shape, value: unknown): ContentOf<Shape> {
  let wrong: string[] = []
  const tell = (places: string[]) => {
    wrong = places
  }
  if (isOfShape(shape, value, tell)) return value
  throw new ContentError(`The content has another form than expected at: ${wrong.join(', ')}`)
}

/** Two contents as texts: a client that seals content anew keeps the order of its members. */
export const sameContent = (left: object, right: object): boolean =>
  JSON.stringify(left) === JSON.stringify(right)

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
 * Content without its counter, and the counter.
 *
 * @param value as `parseExactly` gives it
 * @throws ContentError for what is not of the form of its kind
 */
export function countedContent(value: unknown): Counted<ItemContent | UnknownContent> {
  const unknown = requireShape(UnknownContent, value)
  const { edits = 0, ...content } = isItemKind(unknown.kind) ? requireShape(ItemContent, value) : unknown
  return { content, edits }
}

/**
 * The content of an item's envelope (docs/protocol.md, "Item content"), with its counter beside it.
 *
 * @throws ContentError for bytes that are not JSON, or not of the form of their kind
 */
export const readItemContent = (bytes: Uint8Array): Counted<ItemContent | UnknownContent> =>
  countedContent(parseJson(bytes))

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
    return Edited.parse(parseJson(bytes)).edits
  } catch {
    return 0
  }
}

/**
 * Content with another counter, for sealing it anew under another key (docs/protocol.md, "Changing keys"). Everything else stays, also
 * where the content is malformed. What has no counter that could be read, such as bytes that are no JSON, stays byte for byte.
 *
 * @throws ContentError for a number that this program cannot keep as it is
 */
export function recount(bytes: Uint8Array, edits: number): Uint8Array {
  let value: unknown
  try {
    value = parseExactly(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    if (error instanceof InexactNumberError) throw new ContentError(error.message)
    return bytes
  }
  if (!isOfShape(Countable, value, () => {})) return bytes
  return new TextEncoder().encode(JSON.stringify({ ...value, edits }))
}
