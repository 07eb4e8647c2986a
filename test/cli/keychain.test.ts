// A login session that the system's keychain keeps unlocked: what ends it, and what it leaves where.
import { spawnSync } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hours, minutes } from '../../src/clock.ts'
import { engines } from '../support/database.ts'
import { memoryKeychain, startSecretService, withoutSecretService } from '../support/keychain.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

const fileOf = ({ folder }: Shell) => join(folder, 'keychain.json')

describe.each(engines)('a login session in a keychain, with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  async function unlocked(...options: string[]) {
    const shell = await newShell(server)
    const kept = new Map<string, Uint8Array>()
    shell.keychain = memoryKeychain(kept)
    await shell.done(['register', shell.email], shell.password)
    const { stderr } = await shell.ended('done', ['unlock', '--keychain', ...options], shell.password)
    expect(stderr).toContain("Unlocked by the system's keychain")
    return { shell, kept }
  }

  it('is unlocked for every shell until it is locked; the keychain has nothing else then', async () => {
    const { shell, kept } = await unlocked()
    await shell.beside().done(['list'])
    expect(await shell.done(['status'])).toContain("unlocked by the system's keychain, until 15m")
    expect([...kept.values()].map(({ length }) => length)).toEqual([32])
    await shell.beside().done(['lock'])
    expect(kept.size).toBe(0)
    expect(await readdir(shell.folder)).not.toContain('keychain.json')
    await shell.ended('usage', ['list'])
  })

  it('ends with logout, with a new account key goes on, and takes the place of a process', async () => {
    const { shell, kept } = await unlocked()
    await shell.done(['account', 'rotate-key'], shell.password)
    await shell.done(['list'])
    await shell.done(['unlock', '--agent'], shell.password)
    expect(kept.size).toBe(0)
    await shell.done(['unlock', '--keychain'], shell.password)
    await shell.agentsEnded[0]
    await shell.done(['logout'])
    expect(kept.size).toBe(0)
    await shell.done(['login', shell.email], shell.password)
    await shell.ended('usage', ['list'])
  })

  it('ends after the time without a command, also by a clock that was set back', async () => {
    const { shell, kept } = await unlocked('--idle', '1h')
    for (const _ of [1, 2, 3]) {
      shell.clock.advance(minutes(50))
      await shell.done(['list'])
    }
    shell.clock.advance(minutes(61))
    await shell.ended('usage', ['list'])
    expect(kept.size).toBe(0)
    await shell.done(['unlock', '--keychain', '--idle', '1h'], shell.password)
    shell.clock.jump(-hours(10))
    await shell.ended('usage', ['list'])
    expect(kept.size).toBe(0)
  })

  it('cannot be prolonged by what stands in the file', async () => {
    const { shell } = await unlocked('--idle', '1h')
    const before = JSON.parse(await readFile(fileOf(shell), 'utf8'))
    const { shell: other } = await unlocked('--idle', '24h')
    const { use } = JSON.parse(await readFile(fileOf(other), 'utf8'))
    await writeFile(fileOf(shell), JSON.stringify({ ...before, use }))
    await shell.ended('usage', ['list'])
    await expect(readFile(fileOf(shell))).rejects.toThrow('ENOENT')
  })

  it('asks for the password where the keychain is locked or lost its entry, and says what is wrong with it', async () => {
    const { shell, kept } = await unlocked()
    const lost = shell.beside()
    lost.keychain = (await newShell(server)).keychain
    const { stderr } = await lost.ended('done', ['list'], shell.password)
    expect(stderr).toContain('There is no keychain.')
    // It was not the end of it.
    await shell.done(['list'])
    kept.clear()
    await shell.ended('usage', ['list'])
    const refused = await lost.ended('unexpected', ['unlock', '--keychain'], shell.password)
    expect(refused.stderr).toContain('There is no keychain.')
    expect((await lost.ended('usage', ['unlock', '--keychain', '--agent'], shell.password)).stderr).toContain(
      'exclude each other',
    )
  })

  it('is what the configuration says', async () => {
    const { shell, kept } = await unlocked()
    await shell.done(['lock'])
    await shell.ended('usage', ['config', 'set', 'unlock', 'yes'])
    await shell.done(['config', 'set', 'unlock', 'keychain'])
    await shell.done(['unlock', '--idle', '5m'], shell.password)
    expect(kept.size).toBe(1)
    // Another account's session was put into the same folder.
    await rm(join(shell.folder, 'session.json'))
    const other = await newShell(server)
    await other.done(['register', other.email], other.password)
    await shell.done(['login', other.email], other.password)
    expect(kept.size).toBe(0)
  })
})

describe('the Secret Service of a Linux desktop, as programs', () => {
  it('keeps a key of 32 bytes under the name of this installation, until it is locked', async ({ skip }) => {
    const why = withoutSecretService()
    if (why) skip(why)
    const server = await startServer('sqlite')
    try {
      const shell = await newShell(server, 'as programs')
      const reached = await startSecretService(dirname(shell.folder))
      Object.assign(shell.environment, reached)
      const secrets = () =>
        spawnSync('secret-tool', ['search', '--all', 'service', 'limpet'], {
          env: { ...process.env, ...reached },
          encoding: 'utf8',
        })
      await shell.done(['register', shell.email, '--keychain'], shell.password)
      await shell.done(['add', 'note', 'Tide'], 'low at six')
      expect(await shell.done(['status'])).toContain("unlocked by the system's keychain")
      const { id } = JSON.parse(await readFile(join(shell.folder, 'device.json'), 'utf8'))
      const found = secrets()
      if (!found.error) expect(found.stdout + found.stderr).toContain(id)
      for (const name of await readdir(shell.folder))
        expect(await readFile(join(shell.folder, name), 'utf8')).not.toContain(shell.password)
      await shell.done(['lock'])
      if (!found.error) expect(secrets().stdout).toBe('')
      await shell.ended('usage', ['list'])
      // A desktop that is not there.
      const alone = shell.beside()
      alone.environment.DBUS_SESSION_BUS_ADDRESS = `unix:path=${join(shell.folder, 'none')}`
      const { stderr } = await alone.ended('unexpected', ['unlock', '--keychain'], shell.password)
      expect(stderr).toContain("The system's keychain cannot be used: it is missing or locked")
    } finally {
      await server.close()
    }
  })
})
