// How the command line behaves when something is in its way: mistakes, other devices, other processes, no server.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { marker, newShell, type Shell } from './program.ts'

const login = (name: string, password: string) => ({ kind: 'login' as const, name, password })

/** How many pulls the server has answered so far. */
const pulls = (server: TestServer) => server.log().split('/changes').length

describe('the command line', () => {
  let server: TestServer
  const clock = new TestClock()
  beforeAll(async () => {
    server = await startServer('sqlite', { clock })
  })
  afterAll(() => server.close())

  async function enteredShell(): Promise<Shell> {
    const shell = await newShell(server)
    await shell.enter()
    return shell
  }

  it('tells of a session that was ended elsewhere in one sentence, before it asks for a password, with the line that helps', async () => {
    const shell = await enteredShell()
    await shell.done(['add', 'login', 'Mail'], 'one')
    const { account } = await shell.otherDevice()
    for (const { id, current } of await account.sessions()) if (!current) await account.endSession(id)
    delete shell.environment.LIMPET_UNLOCK_KEY
    const told = new Set<string>()
    // The first command that asks the server notices it; the others know.
    for (const args of [['status'], ['list'], ['get', 'Mail'], ['unlock'], ['sync'], ['status']]) {
      const { stderr, stdout } = await shell.ended('loggedOut', args)
      expect(stdout).toBe('')
      told.add(stderr)
    }
    expect([...told]).toEqual([
      `limpet: The session has ended. Log in again. "limpet login ${shell.email} --server ${server.url}" does it.\n`,
    ])
    const { stdout } = await shell.ended('loggedOut', ['status', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ loggedIn: false })
    await shell.done(['login', shell.email], shell.password)
    expect(await shell.done(['get', 'Mail', '--field', 'password'], shell.password)).toBe('one')
  })

  it('writes its hints as they have to be typed where npx started it', async () => {
    const shell = await newShell(server, 'as programs')
    const hint = async () => (await shell.ended('loggedOut', ['list'])).stderr
    expect(await hint()).toContain('"limpet login EMAIL"')
    shell.environment.npm_command = 'exec'
    expect(await hint()).toContain('"npx limpet login EMAIL"')
  })

  it('asks for the master password and then for the rest, a line each', async () => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email, '--hint', 'the usual'], shell.password)
    await shell.done(['login', shell.email], shell.password)
    await shell.done(['add', 'card', 'Visa', '--set', 'Holder=Ada'], shell.password, '4111', '999')
    await shell.done(['add', 'note', 'Poem'], shell.password, 'first line', '', 'third line')
    await shell.done(['add', 'identity', 'Me', '--set', 'fullName=Ada'], shell.password)
    const get = async (...args: string[]) => shell.done(['get', ...args], shell.password)
    expect(JSON.parse(await get('Visa', '--json')).content).toEqual({
      kind: 'card',
      name: 'Visa',
      holder: 'Ada',
      number: '4111',
      code: '999',
    })
    expect(await get('Poem', '--field', 'notes')).toBe('first line\n\nthird line')
    expect(await get('Me', '--field', 'fullname')).toBe('Ada')
    const { stderr } = await shell.ended('usage', ['add', 'login', 'Mail'], shell.password)
    expect(stderr).toContain('Password of the login')
  })

  it('refuses secrets in arguments, and does not repeat them', async () => {
    const shell = await enteredShell()
    await shell.done(['add', 'login', 'Mail', '--set-secret', 'pin'], 'one', '1234')
    const secret = marker('secret')
    const attempts = [
      ['add', 'login', 'GitHub', '--set', `password=${secret}`],
      ['add', 'login', 'GitHub', '--set', `Password=${secret}`],
      ['add', 'login', 'GitHub', '--password', secret],
      ['add', 'login', 'GitHub', `--password=${secret}`],
      ['add', 'login', 'GitHub', secret],
      ['edit', 'Mail', '--set', `totp=${secret}`],
      ['edit', 'Mail', '--set', `pin=${secret}`],
      ['login', shell.email, secret],
      ['register', shell.email, '--password', secret],
    ]
    for (const attempt of attempts) {
      const { stderr } = await shell.ended('usage', attempt)
      expect(stderr).not.toContain(secret)
      expect(stderr).toMatch(/asks for it|asked for/)
    }
    expect(JSON.parse(await shell.done(['list', '--json']))).toHaveLength(1)
  })

  it('ends with the code that fits', async () => {
    const shell = await newShell(server)
    await shell.ended('usage', [])
    await shell.ended('usage', ['fetch'])
    await shell.ended('usage', ['register', 'nobody'])
    for (const refused of ['short', 'sunshine', 'lighthouse \u0378'])
      await shell.ended('usage', ['register', shell.email], refused)
    await shell.ended('usage', ['register', shell.email, '--hint', `it is ${shell.password}`], shell.password)
    await shell.ended('usage', ['login', shell.email, '--server', 'http://vault.example.com'], 'password')
    await shell.ended('loggedOut', ['get', 'Mail'])
    // An address without an account is said to have one method or the other.
    await shell.ended('wrongPassword', ['login', shell.email, '--auth-key'], shell.password)
    await shell.enter()
    await shell.ended('conflict', ['register', shell.email], shell.password)
    await shell.ended('usage', ['login', 'other@example.com'], shell.password)
    await shell.ended('usage', ['add', 'password', 'Mail'])
    await shell.ended('usage', ['add', 'note', 'Poem', '--username', 'ada'], 'text')
    await shell.ended('usage', ['edit', 'Mail'])
    await shell.done(['add', 'login', 'Mail'], 'one')
    await shell.ended('usage', ['rm', 'Mail', '--permanent'])
    await shell.ended('notFound', ['get', 'Mail', '--field', 'pin'])
    await shell.ended('notFound', ['get', 'Mail', '--vault', 'Team'])
    await shell.ended('notFound', ['edit', 'Mail', '--unset', 'username'])
    await shell.done(['help', 'exit'])
    await shell.done(['get', '--help'])
    delete shell.environment.LIMPET_UNLOCK_KEY
    await shell.ended('wrongPassword', ['list'], 'another password')
  })

  it('lists what a name could mean, and takes an id instead', async () => {
    const shell = await enteredShell()
    const first = await shell.done(['add', 'login', 'Mail'], 'one')
    const second = await shell.done(['add', 'login', 'Mail'], 'two')
    await shell.done(['add', 'login', 'mailbox'], 'three')
    const { stderr, stdout } = await shell.ended('ambiguous', ['get', 'Mail', '--field', 'password'])
    expect(stdout).toBe('')
    expect(stderr).toContain(first)
    expect(stderr).toContain(second)
    expect(await shell.done(['get', second, '--field', 'password'])).toBe('two')
    expect(await shell.done(['get', 'MAILB', '--field', 'password'])).toBe('three')
  })

  it('asks which vault where there are several', async () => {
    const shell = await enteredShell()
    const { account } = await shell.otherDevice()
    await account.createVault('Team')
    const { stderr } = await shell.ended('ambiguous', ['add', 'login', 'Mail'], 'one')
    expect(stderr).toContain('Team')
    const id = await shell.done(['add', 'login', 'Mail', '--vault', 'Team'], 'one')
    expect(JSON.parse(await shell.done(['get', 'Mail', '--json']))).toMatchObject({
      id,
      vault: { name: 'Team' },
    })
    expect(await shell.done(['list', '--vault', 'Personal'])).toBe('')
  })

  it('does not overwrite what another device wrote meanwhile', async () => {
    const shell = await enteredShell()
    const { vault } = await shell.otherDevice()
    const item = await vault.create(login('Mail', 'one'))
    const before = pulls(server)
    const editing = shell.start('edit', 'Mail', '--set-secret', 'password')
    await vi.waitFor(() => expect(pulls(server)).toBeGreaterThan(before), { timeout: 20_000 })
    await vault.replace(item.id, item.revision, login('Mail', 'two'))
    editing.write('three\n')
    const { code, stderr } = await editing.finish()
    expect(code).toBe(7)
    expect(stderr).toContain('another device')
    expect(await shell.done(['get', 'Mail', '--field', 'password'])).toBe('two')
  })

  it('keeps members and kinds of a newer version', async () => {
    const shell = await enteredShell()
    const { vault } = await shell.otherDevice()
    await vault.create({ ...login('Mail', 'one'), stickers: [{ id: 'secret key' }] })
    const id = crypto.randomUUID()
    const later = { kind: 'passport', name: 'Mine', serial: 'X1' }
    await vault.putSealed(id, await vault.sealItem(id, later), { 'If-None-Match': '*' })
    await shell.done(['edit', 'Mail', '--username', 'ada'])
    expect(JSON.parse(await shell.done(['get', 'Mail', '--field', 'stickers']))).toEqual([
      { id: 'secret key' },
    ])
    expect(await shell.done(['get', 'Mail'])).not.toContain('secret key')
    expect(await shell.done(['get', 'Mine'])).not.toContain('X1')
    expect(JSON.parse(await shell.done(['get', 'Mine', '--json'])).content).toEqual(later)
    await shell.ended('usage', ['edit', 'Mine', '--folder', 'Papers'])
  })

  it('works in several processes at once, also when all find the access token run out', async () => {
    const shell = await enteredShell()
    clock.advance(16 * 60_000)
    const names = ['one', 'two', 'three', 'four']
    const run = async (...args: string[]) => {
      const { stdout, stderr, code } = await shell.startProgram(...args).finish()
      expect({ code, stderr }).toMatchObject({ code: 0 })
      return stdout
    }
    await Promise.all(names.map((name) => run('add', 'login', name, '--generate')))
    const listed = await Promise.all(names.map(() => run('list', '--json')))
    const first: { name: string }[] = JSON.parse(listed[0] ?? '')
    expect(first.map(({ name }) => name).sort()).toEqual(names.toSorted())
    expect(new Set(listed).size).toBe(1)
    const files = await readdir(shell.folder)
    expect(files.filter((file) => file.startsWith('.'))).toEqual([])
    for (const file of files) JSON.parse(await readFile(join(shell.folder, file), 'utf8'))
  })

  it('opens without the password where it was unlocked, until it is locked', async () => {
    const shell = await enteredShell()
    expect(await shell.done(['list'])).toBe('')
    await shell.done(['lock'])
    const { stderr } = await shell.ended('wrongPassword', ['list'])
    expect(stderr).toContain('limpet unlock')
    delete shell.environment.LIMPET_UNLOCK_KEY
    await shell.done(['list'], shell.password)
    await shell.unlock()
    await shell.done(['list'])
    shell.environment.LIMPET_UNLOCK_KEY = 'A'.repeat(43)
    await shell.ended('wrongPassword', ['list'])
  })

  it('notices that its session was ended from another device', async () => {
    const shell = await enteredShell()
    const { account } = await shell.otherDevice()
    await account.endOtherSessions()
    const { stderr } = await shell.ended('loggedOut', ['list'])
    expect(stderr).toContain('limpet login')
  })

  it('shows control characters instead of sending them to the terminal', async () => {
    const shell = await enteredShell()
    const { vault } = await shell.otherDevice()
    const name = 'evil\u001b[2J\u009b\u202e'
    await vault.create({ kind: 'login', name, username: '\u001b]0;owned\u0007' })
    await vault.create(login(name, 'two'))
    const outputs = [
      await shell.run(['list']),
      await shell.run(['list', '--json']),
      await shell.run(['list', '--trash']),
      await shell.run(['get', name]),
      await shell.run(['get', 'evil', '--field', 'password']),
    ]
    for (const { stdout, stderr } of outputs)
      expect(stdout + stderr).not.toMatch(/[\u001b\u0007\u009b\u202e]/)
    expect(outputs[0]?.stdout).toContain('evil\\u001b[2J\\u009b\\u202e')
    expect(JSON.parse(outputs[1]?.stdout ?? '')[0].name).toBe(name)
  })

  it('ends quietly when nobody reads its output any more', async () => {
    const shell = await newShell(server)
    const reading = shell.startProgram('help', 'edit')
    reading.stopReading()
    expect(await reading.finish()).toMatchObject({ code: 0, stderr: '' })
  })

  it('prints bodies that curl can send as they are', async () => {
    const shell = await newShell(server)
    const bodies = JSON.parse(await shell.done(['derive', shell.email], shell.password))
    const send = async (
      method: string,
      path: string,
      body: unknown,
      headers: Record<string, string> = {},
    ) => {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method,
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: JSON.parse(await response.text()) }
    }
    expect((await send('POST', '/register', bodies.register)).status).toBe(201)
    const session = await send('POST', '/login', bodies.login)
    expect(session.status).toBe(200)
    const authorization = { Authorization: `Bearer ${session.body.accessToken}` }
    const items = `/vaults/${bodies.register.vault.id}/items`
    const created = await send('POST', items, bodies.item, authorization)
    expect(created.status).toBe(201)
    const ifMatch = { 'If-Match': `"${created.body.revision}"` }
    const edited = await send('PUT', `${items}/${bodies.item.id}`, bodies.edited, {
      ...authorization,
      ...ifMatch,
    })
    expect(edited.status).toBe(200)
    // The first login by authKey: a script has to say that it is meant, and later ones are known.
    const { stderr } = await shell.ended('refused', ['login', shell.email], shell.password)
    expect(stderr).toContain('--auth-key')
    await shell.done(['login', shell.email, '--auth-key'], shell.password)
    expect(await shell.done(['get', 'Example', '--field', 'notes'], shell.password)).toContain('edited')
    await shell.done(['logout'])
    await shell.done(['login', shell.email], shell.password)
  })
})
