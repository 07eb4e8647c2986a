// How a reader of a format is declared.
import type { NewFile } from '../new-file.ts'
import type { Glimpse } from './glimpse.ts'
import type { Incoming } from './incoming.ts'

/** What a reader asks for, and only where the file needs it. */
export interface ReadOptions {
  /** The password or passphrase of the file. Asked at the most once. */
  readonly password?: (() => Promise<string>) | undefined
  /** The content of a KeePass key file. */
  readonly keyFile?: Uint8Array | undefined
  /** Told how far a long reading has come. */
  readonly onProgress?: ((items: number) => void) | undefined
}

/** Reads one format. */
export interface Reader {
  /** As `--format` names it. */
  readonly name: string
  /** As people call it. */
  readonly title: string
  /** Whether the content is of this format, whatever the file is called. */
  recognises(glimpse: Glimpse): boolean | Promise<boolean>
  /**
   * Reads all of it. Nothing is dropped without a word: what has no member of its own stands in `leftovers`.
   * @throws ImportError
   */
  read(file: NewFile, options: ReadOptions): Promise<Incoming>
}
