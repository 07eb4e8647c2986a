// The command line from registration to logout, and what it leaves on disk.
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { marker, newShell, type Shell } from './program.ts'

async function filesOf({ folder }: Shell) {
  const names = await readdir(folder)
  return Promise.all(
    names.map(async (name) => ({
      name,
      mode: (await stat(join(folder, name))).mode & 0o777,
      text: await readFile(join(folder, name), 'utf8'),
    })),
  )
}

/** Every way in which a careless program could have written it. */
const spellings = (secret: Uint8Array) => {
  const bytes = Buffer.from(secret)
  return [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
}

describe.each(engines)('the command line with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('goes from registration to logout', async () => {
    const shell = await newShell(server, 'as programs')
    await shell.enter()
    const id = await shell.done([
      'add',
      'login',
      'GitHub',
      '--username',
      'ada',
      '--generate=24',
      '--folder',
      'Work',
    ])
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    const rows = (await shell.done(['list'])).split('\n')
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatch(/^GitHub +login +ada +Work +\d{4}-/)
    const password = await shell.done(['get', 'GitHub', '--field', 'password'])
    expect(password).toHaveLength(24)
    const view = await shell.done(['get', 'github'])
    expect(view).toContain('ada')
    expect(view).not.toContain(password)
    expect(await shell.done(['get', 'git', '--reveal'])).toContain(password)
    await shell.done(
      ['edit', 'GitHub', '--name', 'Git', '--set-secret', 'password', '--set', 'team=core'],
      'another',
    )
    const { content } = JSON.parse(await shell.done(['get', id, '--json']))
    expect(content).toEqual({
      kind: 'login',
      name: 'Git',
      username: 'ada',
      password: 'another',
      previousPasswords: [{ password, replacedAt: expect.any(String) }],
      folder: 'Work',
      fields: [{ name: 'team', value: 'core', hidden: false }],
    })
    expect(await shell.done(['history', 'Git', '--reveal'])).toContain(password)
    await shell.done(['rm', 'Git'])
    expect(await shell.done(['list'])).toBe('')
    expect(await shell.done(['list', '--trash'])).toContain('Git')
    await shell.ended('notFound', ['get', 'Git'])
    await shell.done(['restore', 'Git'])
    expect(JSON.parse(await shell.done(['sync', '--json']))).toMatchObject({
      vaults: [{ changes: 0, resynced: false, putBack: [], recovered: [], unreadable: [] }],
      missing: [],
    })
    await shell.done(['rm', 'Git', '--permanent', '--yes'])
    await shell.ended('notFound', ['get', id])
    expect(JSON.parse(await shell.done(['status', '--json']))).toMatchObject({
      loggedIn: true,
      email: shell.email,
      unlocked: true,
      vaults: [{ items: 0, trash: 0 }],
    })
    await shell.done(['logout'])
    // The way of the last login stays, so that a server cannot ask for a weaker one afterwards.
    const left = await readdir(shell.folder)
    expect(left.map((name) => name.replace(/^login-[0-9a-f]{32}/, 'login-ID')).sort()).toEqual([
      'device.json',
      'login-ID.json',
    ])
    await shell.ended('loggedOut', ['list'])
    await shell.ended('loggedOut', ['status'])
  })

  it('keeps nothing on disk that opens the vault, and its files to their owner', async () => {
    const shell = await newShell(server)
    await mkdir(shell.folder, { mode: 0o755 })
    await shell.enter()
    const [name, note, username, fieldName] = ['name', 'note', 'user', 'field'].map(marker)
    await shell.done(['add', 'note', `${name}`], `${note}`)
    await shell.done(
      ['add', 'login', 'Mail', '--username', `${username}`, '--set-secret', `${fieldName}`],
      'pass',
      'pin',
    )
    await shell.done(['list'])
    const { account } = await shell.otherDevice()
    const inClear = [shell.password, name, note, username, fieldName].map(String)
    const forbidden = [
      ...inClear.flatMap((text) => [text, ...spellings(Buffer.from(text))]),
      ...spellings(account.exportKey()),
      shell.environment.LIMPET_UNLOCK_KEY ?? '',
    ]
    expect(forbidden).not.toContain('')
    const files = await filesOf(shell)
    expect(
      files
        .map(({ name }) =>
          name
            .replace(/^vault-[0-9a-f-]{36}/, 'vault-ID')
            .replace(/^(login|unlock)-([0-9a-f]{16}){1,2}/, '$1-ID'),
        )
        .sort(),
    ).toEqual(['device.json', 'login-ID.json', 'session.json', 'unlock-ID.json', 'vault-ID.json'])
    expect(files.map(({ mode }) => mode)).toEqual(files.map(() => 0o600))
    expect((await stat(shell.folder)).mode & 0o777).toBe(0o700)
    const found = files.flatMap(({ name, text }) =>
      forbidden.filter((secret) => text.toLowerCase().includes(secret.toLowerCase())).map(() => name),
    )
    expect(found).toEqual([])
  })
})
