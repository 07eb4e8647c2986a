// `limpet import` as a program: ended in the middle, and run again.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { chrome } from '../support/chrome.ts'
import { fileWith } from '../support/moving.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

// The program and this process share an account.
vi.unmock('hash-wasm')
vi.unmock('@serenity-kit/opaque')

describe('an import in a process of its own', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('goes on after it was killed in the middle, and asks for the password of a database', async () => {
    const shell = await newShell(server, 'as programs')
    await shell.enter()
    const count = 2500
    const path = await fileWith(chrome(count))
    const { vault } = await shell.otherDevice()
    const killed = shell.startProgram('import', path, '--yes')
    const ended = killed.finish()
    do await vault.refresh()
    while (vault.itemCount === 0)
    killed.signal('SIGKILL')
    await ended
    await vault.refresh()
    const before = vault.itemCount
    const again = JSON.parse(await shell.done(['import', path, '--yes', '--json']))
    expect(again).toMatchObject({ present: before, written: { items: count - before } })
    await vault.refresh()
    expect(vault.itemCount).toBe(count)

    const database = fileURLToPath(new URL('../fixtures/moving/keepassxc.kdbx', import.meta.url))
    const wrong = await shell.ended('wrongPassword', ['import', database, '--yes'], 'wrong')
    expect(wrong.stderr).toContain('The password or the key file of the database is wrong.')
    await shell.done(['import', database, '--yes'], 'fixture passphrase')
    expect(JSON.parse(await shell.done(['get', 'Example', '--json'])).content.passkeys).toHaveLength(1)
  })
})
