// A folder for plaintext while an editor has it: for its owner alone, in memory where the system has such a place, and removed
// whatever becomes of this process.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Files in memory, on Linux: nothing of them reaches a disk. */
const inMemory = '/dev/shm'

function parentFolder(): string {
  try {
    accessSync(inMemory, constants.W_OK)
    return inMemory
  } catch {
    return tmpdir()
  }
}

/**
 * Runs `work` with the path of a new folder (mode 0700), and removes the folder with everything in it afterwards. A process of its own
 * does that too as soon as this one is gone: it waits for the end of a pipe, which comes even where this one is killed.
 */
export async function withPrivateFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(parentFolder(), `limpet-credentials-${randomUUID()}`)
  // Before there is anything to remove.
  const watcher = spawn('sh', ['-c', 'trap "" HUP INT TERM; cat > /dev/null; rm -rf -- "$1"', 'sh', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is no watcher, and the folder is removed below as well.
  watcher.on('error', () => {})
  watcher.unref()
  mkdirSync(folder, { mode: 0o700 })
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    watcher.stdin.destroy()
  }
}
