// Files that are read from any byte on, and bytes that are set aside until all of them are there.
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file that is open. */
export interface ReadableFile {
  /** Bytes. */
  readonly size: number
  /** Its bytes from `start` on. Each piece is good until the next one is asked for: all of them are in the same memory. */
  read(start: number): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

const pieceBytes = 256 * 1024

/** What a handle reads. */
export const readableFile = (handle: FileHandle, size: number): ReadableFile => ({
  size,
  async *read(start) {
    const piece = new Uint8Array(pieceBytes)
    for (let position = start; ; ) {
      const { bytesRead } = await handle.read(piece, 0, pieceBytes, position)
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
      position += bytesRead
    }
  },
  close: () => handle.close(),
})

/**
 * Sets bytes aside in a file that nobody else can open: it has no name any more, so that nothing of it stays, however this process
 * ends. Close it.
 */
export async function spool(content: AsyncIterable<Uint8Array>): Promise<ReadableFile> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-'))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  let handle: FileHandle | undefined
  try {
    handle = await open(join(folder, 'spool'), 'wx+', 0o600)
    // Where an open file cannot be removed, it is when it is closed.
    await removeFolder().catch(() => {})
    let size = 0
    for await (const piece of content) {
      await handle.writeFile(piece)
      size += piece.length
    }
    const { read, close } = readableFile(handle, size)
    return {
      size,
      read,
      async close() {
        await close()
        await removeFolder()
      },
    }
  } catch (error) {
    await handle?.close()
    await removeFolder()
    throw error
  }
}
