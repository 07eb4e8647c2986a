// Files in memory: what is read whole because its format needs that, and what came out of another file.
import type { NewFile } from '../new-file.ts'
import { ImportError } from './incoming.ts'

const mebibyte = 1024 * 1024

/** The largest file that is read whole. A vault of 100,000 logins takes some tens of mebibytes. */
const largestWholeFile = 512 * mebibyte

/** @throws ImportError `too-large` for more than `most` bytes */
export async function wholeFile(file: NewFile, most = largestWholeFile): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new ImportError(
      'too-large',
      `The file has more than ${Math.floor(most / mebibyte)} MiB, which is more than a file of this kind may have here. Export fewer items at a time.`,
    )
  if (file.size > most) throw tooLarge()
  const whole = new Uint8Array(file.size)
  let length = 0
  for await (const piece of file.read(0)) {
    if (length + piece.length > file.size)
      throw new ImportError('malformed', 'The file grew while it was read. Import it again once it is whole.')
    whole.set(piece, length)
    length += piece.length
  }
  return length === file.size ? whole : whole.slice(0, length)
}

/** The first bytes of a file, at most `most`. */
export async function beginningOf(file: NewFile, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const head = new Uint8Array(Math.min(most, file.size))
  let length = 0
  for await (const piece of file.read(0)) {
    const part = piece.subarray(0, head.length - length)
    head.set(part, length)
    length += part.length
    if (length === head.length) break
  }
  return head.subarray(0, length)
}

/** Bytes in memory as a file that can be attached, or read. */
export const fileOfBytes = (bytes: Uint8Array, name: string, type = ''): NewFile => ({
  name,
  type,
  size: bytes.length,
  async *read(start) {
    if (start < bytes.length) yield bytes.subarray(start)
  },
})

/** The encoding of a text, by its byte order mark: UTF-16, which spreadsheets write too, or otherwise UTF-8. */
export function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}

/** A file as text, without its byte order mark. Throws ImportError `malformed` if it is not UTF-8, and not UTF-16 by its mark. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch {
    throw new ImportError(
      'malformed',
      'The file is not in UTF-8, so that its characters cannot be told. Save it as UTF-8 ("CSV UTF-8" in spreadsheets), and import that.',
    )
  }
}

/** The value of a JSON file. Throws ImportError `malformed`. */
export function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ImportError(
      'malformed',
      'The file is no well-formed JSON: it is cut off, or was changed. Export it again.',
    )
  }
}
