// Where an account is logged in, ended by typing; and the end of an account.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

describe.each(engines)('sessions, with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('are listed, and this one is marked', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.otherDevice()
    const sessions = JSON.parse(await shell.done(['sessions', 'list', '--json']))
    expect(sessions).toHaveLength(2)
    expect(sessions.filter(({ current }: { current: boolean }) => current)).toMatchObject([
      { device: { type: 'cli' } },
    ])
    const lines = (await shell.done(['sessions', 'list'])).split('\n')
    expect(lines[0]).toMatch(/^DEVICE +TYPE +LOGGED IN +LAST USED +ID$/)
    expect(lines.filter((line) => line.includes('this one'))).toHaveLength(1)
    expect(lines.some((line) => /^other +other +\d{4}-.*[\w-]{20}$/.test(line))).toBe(true)
  })

  it('are ended one by one, all others, or all', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const [one, two] = [await shell.otherDevice(), await shell.otherDevice()]
    for (const wrong of [[], ['x', '--all'], ['--others', '--all']])
      await shell.ended('usage', ['sessions', 'end', ...wrong])
    await shell.ended('notFound', ['sessions', 'end', 'nowhere'])
    expect((await shell.ended('ambiguous', ['sessions', 'end', 'other'])).stderr).toMatch(/last used/)
    const sessions: { id: string; current: boolean }[] = JSON.parse(
      await shell.done(['sessions', 'list', '--json']),
    )
    const other = sessions.find(({ current }) => !current)
    await shell.done(['sessions', 'end', other?.id ?? ''])
    expect(JSON.parse(await shell.done(['sessions', 'list', '--json']))).toHaveLength(2)
    const { stderr } = await shell.ended('done', ['sessions', 'end', '--others'])
    expect(stderr).toContain('1 other session')
    for (const { account } of [one, two]) await expect(account.vaults()).rejects.toThrow(/log in/i)
    await shell.done(['list'])

    const third = await shell.otherDevice()
    await shell.done(['sessions', 'end', '--all'])
    await expect(third.account.vaults()).rejects.toThrow(/log in/i)
    await shell.ended('loggedOut', ['status'])
  })

  it('end with the account, which asks for its address', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'login', 'Mail'], 'one')
    await shell.ended('usage', ['account', 'delete'], shell.password)
    const { stderr } = await shell.ended('usage', ['account', 'delete'], shell.password, 'ada@example.com')
    expect(stderr).toContain('1 vault with 1 item')
    await shell.ended('wrongPassword', ['account', 'delete'], 'another password', shell.email)
    await shell.done(['list'])
    await shell.done(['account', 'delete'], shell.password, shell.email.toUpperCase())
    await shell.ended('loggedOut', ['list'])
    await expect(shell.otherDevice()).rejects.toThrow()
  })
})
