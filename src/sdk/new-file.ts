// Files that are to be attached, as programs have them.
import type { FileContent } from '../protocol/sealed-file.ts'

/** A file that is to be attached. It is read several times, and has to be the same each time. */
export interface NewFile extends FileContent {
  readonly name: string
  /** Its media type, or nothing. */
  readonly type?: string
}

/** A `Blob` or `File` as a file that can be attached. */
export function fileOf(blob: Blob, name: string): NewFile {
  return { name, type: blob.type, size: blob.size, read: (start) => piecesOfBlob(blob.slice(start)) }
}

/** By its reader, because not every browser iterates over streams. */
async function* piecesOfBlob(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** A file whose reading ends with the signal's reason once that is aborted. */
export const abortable = ({ size, read }: FileContent, signal: AbortSignal | undefined): FileContent => ({
  size,
  async *read(start) {
    for await (const piece of read(start)) {
      signal?.throwIfAborted()
      yield piece
    }
  },
})
