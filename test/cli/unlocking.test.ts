// Several shells of one state folder, each unlocked by a key of its own.
import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

describe.each(engines)('several shells with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  const unlockFiles = async ({ folder }: Shell) =>
    (await readdir(folder)).filter((name) => name.startsWith('unlock'))

  it('are unlocked each by its own key, until each is locked or all are', async () => {
    const first = await newShell(server)
    await first.enter()
    const [second, third] = [first.beside(), first.beside()]
    await second.unlock()
    await third.unlock()
    for (const shell of [first, second, third]) await shell.done(['list'])
    const { stderr } = await second.ended('done', ['lock'])
    expect(stderr).toContain('2 other shells stay unlocked')
    expect(JSON.parse(await second.done(['status', '--json']))).toMatchObject({ unlocked: false })
    await second.ended('wrongPassword', ['list'])
    for (const shell of [first, third]) await shell.done(['list'])
    await first.done(['lock', '--all'])
    expect(await unlockFiles(first)).toEqual([])
    for (const shell of [first, third]) await shell.ended('wrongPassword', ['list'])
  })

  it('unlocks again over a key of before, and leaves nothing of it', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const before = shell.environment.LIMPET_UNLOCK_KEY
    await shell.unlock()
    expect(shell.environment.LIMPET_UNLOCK_KEY).not.toBe(before)
    expect(await unlockFiles(shell)).toHaveLength(1)
    await shell.done(['list'])
  })

  it('logs in with a key of before in the environment, and keeps a good one', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['login', shell.email], shell.password)
    await shell.done(['list'])
    await shell.done(['logout'])
    await shell.done(['login', shell.email], shell.password)
    const { stderr } = await shell.ended('wrongPassword', ['list'], shell.password)
    expect(stderr).toContain('eval "$(limpet unlock)"')
    await shell.unlock()
    await shell.done(['list'])
  })

  it('takes nothing for a key that is none, or that of another account', async () => {
    const [shell, other] = [await newShell(server), await newShell(server)]
    await shell.enter()
    await other.enter()
    for (const key of [
      'A'.repeat(43),
      'A'.repeat(54),
      '../../x',
      other.environment.LIMPET_UNLOCK_KEY ?? '',
    ]) {
      shell.environment.LIMPET_UNLOCK_KEY = key
      await shell.ended('wrongPassword', ['list'])
    }
  })

  it('forgets a shell that no command came from for a week', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const [name = ''] = await unlockFiles(shell)
    const longAgo = new Date(Date.now() - 8 * 86_400_000)
    const other = shell.beside()
    await utimes(join(shell.folder, name), longAgo, longAgo)
    // Each use counts anew.
    await shell.done(['list'])
    await other.unlock()
    await shell.done(['list'])
    await utimes(join(shell.folder, name), longAgo, longAgo)
    await other.unlock()
    await shell.ended('wrongPassword', ['list'])
  })

  it('keeps the shell unlocked in which the account key is changed, and no other', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const other = shell.beside()
    await other.unlock()
    await shell.done(['account', 'rotate-key'], shell.password)
    await shell.done(['list'])
    await other.ended('wrongPassword', ['list'])
  })
})
