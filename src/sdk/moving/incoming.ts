// What was read of another program's file, before anything is written.
import type { ItemContent, UnknownContent } from '../../contract/content.ts'
import type { NewFile } from '../new-file.ts'

/** What an item is, or was. */
export interface IncomingState {
  /** As it will be sealed, without `edits` and `attachments`: what is written sets them. */
  readonly content: ItemContent | UnknownContent
  /** The files beside it. Each is read several times. A file of several states is the same object in each of them. */
  readonly files: readonly NewFile[]
}

/** One item of the file. */
export interface IncomingItem extends IncomingState {
  /** The vault or collection that it came from, by name; undefined where the format has none. */
  readonly vault: string | undefined
  /** Whether it was in the trash or in the archive of deleted items. */
  readonly trashed: boolean
  /** What it was before, oldest first. Only Limpet's own format has it; others have previous passwords in `content`. */
  readonly versions: readonly IncomingState[]
  /** Where in the file it stands, for messages, such as `line 14`. It is no secret, but can hold a name that a stranger gave. */
  readonly place: string
}

/** Something that has no place of its own in Limpet's items. */
export interface Leftover {
  /** The place of the item, or of what is no item. */
  readonly place: string
  /** What it is, such as `the reprompt setting`; never its value. */
  readonly what: string
  /** Where it goes instead, such as `a field`; undefined where it cannot be taken. */
  readonly wentTo: string | undefined
}

/** Everything that a file holds. */
export interface Incoming {
  /** The format as people call it, such as `Bitwarden (JSON)`. */
  readonly format: string
  readonly items: readonly IncomingItem[]
  readonly leftovers: readonly Leftover[]
}

/** Why a file cannot be read. */
export type ImportRefusal =
  /** It is none of the known formats, or another one than was said. */
  | 'unknown-format'
  /** It is of a known format that cannot be read, such as one that is bound to an account. The message says what to export instead. */
  | 'unsupported'
  /** It has a password, and none was given. */
  | 'needs-password'
  | 'wrong-password'
  /** It is cut off or damaged. */
  | 'malformed'
  /** It would take more memory or time than a hostile file may. */
  | 'too-large'

/** A file cannot be read. The message is a sentence for people and says what to do; it holds nothing of the file but names. */
export class ImportError extends Error {
  override readonly name = 'ImportError'
  readonly code: ImportRefusal

  constructor(code: ImportRefusal, message: string) {
    super(message)
    this.code = code
  }
}
