// `limpet export` as a program: ended in the middle, and into a device that takes nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm, stat, watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { fileOfBytes, readIncoming } from '../../src/sdk/moving/index.ts'
import { bytesOf, fileNamed } from '../support/files.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, program } from './program.ts'

// The program and this process share an account.
vi.unmock('hash-wasm')
vi.unmock('@serenity-kit/opaque')

const passphrase = 'limpets cling to seven wet rocks'
const size = 8_000_000

describe.runIf(process.platform === 'linux')('an export in a process of its own', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('leaves no file of its name if it is killed, and ends with a sentence where there is no space', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'limpet-export-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'all')
    const shell = await newShell(server)
    await shell.enter()
    const { vault } = await shell.otherDevice()
    const { id } = await vault.create({ kind: 'note', name: 'Deed' })
    await vault.attachments.add(id, fileNamed('deed.pdf', bytesOf(size)))

    const changes = watch(folder)
    const killed = shell.startProgram('export', path)
    killed.write(`${passphrase}\n`)
    for await (const { filename } of changes) {
      const begun = filename && (await stat(join(folder, filename)).catch(() => undefined))
      if (begun && begun.size > 0) break
    }
    killed.signal('SIGKILL')
    expect((await killed.ended).code).toBeNull()
    const [left, ...others] = await readdir(folder)
    expect(left).toMatch(/^all\.[0-9a-f]+\.partial$/)
    expect(others).toEqual([])

    // What is left is in the way of nothing.
    await shell.done(['export', path], passphrase)
    const { items } = await readIncoming(fileOfBytes(new Uint8Array(await readFile(path)), 'export'), {
      password: async () => passphrase,
    })
    expect(items.map(({ files }) => files.map((file) => file.size))).toEqual([[size]])

    const full = await open('/dev/full', 'w')
    try {
      const child = spawn(process.execPath, [program, 'export', '-'], {
        stdio: ['pipe', full.fd, 'pipe'],
        env: {
          ...process.env,
          ...shell.environment,
          LIMPET_STATE_DIR: shell.folder,
          LIMPET_SERVER: server.url,
        },
      })
      if (!child.stdin || !child.stderr) throw new Error('There is no pipe')
      child.stdin.end(`${passphrase}\n`)
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
      expect(code).toBe(1)
      expect(stderr).toContain('Standard output could not be written: ENOSPC')
    } finally {
      await full.close()
    }
  })
})
