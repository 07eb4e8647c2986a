// ZIP archives of other programs: what is in them is unpacked one file at a time, and never to more than the archive says.
import { unzipSync } from 'fflate'
import type { NewFile } from '../new-file.ts'
import { ImportError } from './incoming.ts'

const mebibyte = 1024 * 1024
const largestEntry = 256 * mebibyte
/** Of all files together once they are unpacked: a bomb has a million times its own size. */
const largestArchive = 2048 * mebibyte
const mostEntries = 20_000

/** Whether a file begins as a ZIP archive. */
export const isZip = (head: Uint8Array) =>
  head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4

/** A file as the list at the end of the archive has it: its bytes in the archive, and unpacked. */
interface Listed {
  readonly name: string
  readonly size: number
  readonly originalSize: number
}

const damaged = () => new ImportError('malformed', 'The archive is cut off or damaged. Export it again.')

export class Zip {
  readonly #bytes: Uint8Array
  readonly #sizes: ReadonlyMap<string, number>

  private constructor(bytes: Uint8Array, sizes: ReadonlyMap<string, number>) {
    this.#bytes = bytes
    this.#sizes = sizes
  }

  /** Reads the list of files. Throws ImportError `malformed`, `too-large`. */
  static of(bytes: Uint8Array): Zip {
    const sizes = new Map<string, number>()
    let [packed, total] = [0, 0]
    const list = ({ name, size, originalSize }: Listed) => {
      sizes.set(name, originalSize)
      packed += size
      total += originalSize
      // Entries that share their bytes: each of them would be unpacked.
      if (packed > bytes.length) throw damaged()
      if (originalSize > largestEntry || total > largestArchive || sizes.size > mostEntries)
        throw new ImportError(
          'too-large',
          'The archive has a file of more than 256 MiB, or more than 2 GiB or 20,000 files in all. Take out what is not needed, and import it again.',
        )
      return false
    }
    Zip.#unzip(bytes, list)
    return new Zip(bytes, sizes)
  }

  static #unzip(bytes: Uint8Array, filter: (file: Listed) => boolean) {
    try {
      return unzipSync(bytes, { filter })
    } catch (error) {
      if (error instanceof ImportError) throw error
      throw damaged()
    }
  }

  get names(): readonly string[] {
    return [...this.#sizes.keys()]
  }

  /** The content of a file, or undefined if there is none of this name. Throws ImportError `malformed`. */
  read(name: string): Uint8Array | undefined {
    const size = this.#sizes.get(name)
    if (size === undefined) return undefined
    const bytes = Zip.#unzip(this.#bytes, (file) => file.name === name)[name]
    if (bytes?.length !== size)
      throw new ImportError(
        'malformed',
        'A file of the archive has another size than the archive says. Export it again.',
      )
    return bytes
  }

  /** A file that can be attached, unpacked when it is read. @returns undefined if there is none of this path */
  file(path: string, name: string): NewFile | undefined {
    const size = this.#sizes.get(path)
    if (size === undefined) return undefined
    const read = (start: number) => this.read(path)?.subarray(start)
    return {
      name,
      type: '',
      size,
      async *read(start) {
        const bytes = read(start)
        if (bytes && bytes.length > 0) yield bytes
      },
    }
  }
}
