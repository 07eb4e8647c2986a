// How a format that is exported is declared.
import type { KdfCosts } from '../../protocol/keys.ts'
import type { OpenVault } from '../vault.ts'
import type { OutgoingItem } from './outgoing.ts'

/** What a format has no place for. */
export type Unplaced = 'trashed' | 'versions' | 'files' | 'passkeys' | 'kinds' | 'members'

export interface WriteOptions {
  /** For a format that is sealed. */
  readonly passphrase: string
  /** Every vault that is exported, also one without items. */
  readonly vaults: readonly Pick<OpenVault, 'id' | 'content'>[]
  /** Which program makes it, and its version. */
  readonly program: string
  readonly createdAt: Date
  /** Told of everything that the format has no place for. */
  readonly onUnplaced: (what: Unplaced, count: number) => void
}

/** Writes one format. */
export interface Writer {
  /** As `--format` names it. */
  readonly name: string
  /** As people call it. */
  readonly title: string
  /** The end of a file's name. */
  readonly extension: string
  /** What a guess of the passphrase costs; undefined where everything is in clear. */
  readonly sealed: KdfCosts | undefined
  /**
   * The file, piece by piece.
   * @param items in the order of the vaults
   * @throws PasswordRefusedError for an empty passphrase, and what `items` throws
   */
  write(items: AsyncIterable<OutgoingItem>, options: WriteOptions): AsyncGenerator<Uint8Array>
}

/** A format cannot take what is to be exported. The message is a sentence for people and says what to do. */
export class ExportError extends Error {
  override readonly name = 'ExportError'
}
