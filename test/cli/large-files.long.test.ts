// A file of 100 MB goes into an item and out again in little memory. Measured in processes of their own, as Linux counts it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { bytesOf } from '../support/files.ts'
import { startServer } from '../support/server.ts'
import { newShell, program, type Shell } from './program.ts'

const mebibyte = 2 ** 20
/** What a process may take for a large file beyond what it takes for a small one. It was 30 to 45 MiB. */
const mostBeyond = 80 * mebibyte

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The most bytes that the process ever had resident, until now; 0 once it has ended. */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** @returns the most memory of a command that has to succeed, in bytes */
async function memoryOf(shell: Shell, server: { url: string }, args: readonly string[]): Promise<number> {
  const env = {
    ...process.env,
    LIMPET_STATE_DIR: shell.folder,
    LIMPET_SERVER: server.url,
    ...shell.environment,
  }
  const child = spawn(process.execPath, [program, ...args], { env, stdio: 'ignore' })
  let peak = 0
  const timer = setInterval(async () => {
    peak = Math.max(peak, await peakOf(child.pid))
  }, 10)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(timer)
  expect(code).toBe(0)
  return peak
}

it.runIf(process.platform === 'linux')(
  'a file of 100 MB is never whole in memory',
  async () => {
    const server = await startServer('sqlite', {
      environment: { MAX_ATTACHMENT_SIZE: '128M', MAX_ATTACHMENT_BYTES: '1G' },
    })
    onTestFinished(() => server.close())
    const folder = await mkdtemp(join(tmpdir(), 'limpet-large-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const shell = await newShell(server, 'as programs')
    await shell.enter()
    await shell.done(['add', 'note', 'Deed'], 'The house by the sea')
    const peaks: { up: number; down: number }[] = []
    for (const size of [1000, 100_000_000]) {
      const [name, path, out] = [`f${size}`, join(folder, `f${size}`), join(folder, `out${size}`)]
      const bytes = bytesOf(size)
      await writeFile(path, bytes)
      const up = await memoryOf(shell, server, ['attach', 'Deed', path])
      const down = await memoryOf(shell, server, ['attachment', 'get', 'Deed', name, '--output', out])
      expect(digest(await readFile(out))).toBe(digest(bytes))
      peaks.push({ up, down })
    }
    const [small, large] = peaks
    if (!small || !large) throw new Error('Nothing was measured')
    expect(small.up).toBeGreaterThan(0)
    expect(large.up - small.up).toBeLessThan(mostBeyond)
    expect(large.down - small.down).toBeLessThan(mostBeyond)
  },
  300_000,
)
