// The lines of an export, and the bytes between them (docs/export-format.md, "Records").
import type { AttachedFile } from '../../contract/content.ts'
import { parseExactly } from '../../protocol/json.ts'
import type { OpenedExport } from '../../protocol/sealed-export.ts'
import type { NewFile } from '../new-file.ts'
import { ImportError } from './incoming.ts'

/** Bytes of one record. An item has at most 256 KiB; JSON may write each of its bytes as six. */
const longestLine = 8 * 1024 * 1024

/** The sentence for records that no Limpet writes: their writer had the passphrase. */
export const malformedExport = () =>
  new ImportError(
    'malformed',
    'The export opened, and what is inside is no export of Limpet. The program that wrote it has a mistake. Nothing was imported.',
  )

export class RecordReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #position = 0

  constructor(records: AsyncIterable<Uint8Array>) {
    this.#pieces = records[Symbol.asyncIterator]()
  }

  /** How many bytes were taken so far. */
  get position(): number {
    return this.#position
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (!done) this.#rest = value
    return !done
  }

  #take(count: number): Uint8Array {
    const taken = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(taken.length)
    this.#position += taken.length
    return taken
  }

  /** The value of the next line. Throws ImportError `malformed`. */
  async record(): Promise<unknown> {
    const parts: Uint8Array[] = []
    let length = 0
    for (;;) {
      const end = this.#rest.indexOf(0x0a)
      const part = this.#take(end < 0 ? this.#rest.length : end)
      length += part.length
      if (length > longestLine) throw malformedExport()
      parts.push(part.slice())
      if (end >= 0) break
      if (!(await this.#more())) throw malformedExport()
    }
    this.#take(1)
    const line = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      line.set(part, at)
      at += part.length
    }
    try {
      return parseExactly(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line))
    } catch {
      throw malformedExport()
    }
  }

  /** Passes over the bytes of a file and the line feed behind them. Throws ImportError `malformed`. */
  async skipFile(size: number): Promise<void> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) throw malformedExport()
      left -= this.#take(left).length
    }
    if (this.#rest.length === 0) await this.#more()
    if (this.#take(1)[0] !== 0x0a) throw malformedExport()
  }

  /** Reads to the end, where only zeros may be. Throws ImportError `malformed`. */
  async requireEnd(): Promise<void> {
    do {
      if (this.#take(this.#rest.length).some((byte) => byte !== 0)) throw malformedExport()
    } while (await this.#more())
  }

  /** Ends the reading, also in the middle. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}

/** A file of an export, whose bytes begin at `position` of the records. It is opened when it is read. */
export const fileInExport = (
  opened: OpenedExport,
  { name, type, size }: Pick<AttachedFile, 'name' | 'type' | 'size'>,
  position: number,
): NewFile => ({
  name,
  type,
  size,
  async *read(start) {
    let left = size - start
    if (left <= 0) return
    for await (const piece of opened.read(position + start)) {
      const part = piece.subarray(0, left)
      left -= part.length
      yield part
      if (left === 0) return
    }
  },
})
