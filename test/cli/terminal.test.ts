// The command line at a real pseudo-terminal (`script` of util-linux): it asks, and nobody sees the answers.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Limpet } from '../../src/sdk/index.ts'
import { dialogue, type Turn } from '../support/dialogue.ts'
import { codeAt } from '../support/second-factors.ts'
import { quickRegistration, startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

// Programs and this process share accounts.
vi.unmock('hash-wasm')
vi.unmock('@serenity-kit/opaque')

const program = fileURLToPath(new URL('../../bin/limpet.js', import.meta.url))

/** Runs a command at a terminal. */
const converse = (
  shell: Shell,
  server: TestServer,
  command: string,
  turns: readonly Turn[],
  setting = 'LIMPET_UNLOCK_KEY=',
) =>
  dialogue(
    `${setting} '${process.execPath}' '${program}' ${command}`,
    { ...process.env, LIMPET_STATE_DIR: shell.folder, LIMPET_SERVER: server.url },
    turns,
  )

/** A shell with jobs, such as a person has. Its prompt is `$ `, and nothing of it is kept. */
const shellWithJobs = (shell: Shell, server: TestServer, turns: readonly Turn[]) =>
  dialogue(
    "exec env PS1='$ ' bash --norc --noprofile -i",
    {
      ...process.env,
      LIMPET_STATE_DIR: shell.folder,
      LIMPET_SERVER: server.url,
      LIMPET_UNLOCK_KEY: '',
      HISTFILE: '',
    },
    turns,
  )

/** The secret of an authenticator app, as it is shown for typing. */
const secretOn = (screen: string) =>
  /^([A-Z2-7]{4} ){7}[A-Z2-7]{4}/m.exec(screen)?.[0].replaceAll(' ', '') ?? ''

describe.runIf(process.platform === 'linux')('at a terminal', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('asks twice for a new password, without echo', async () => {
    const shell = await newShell(server)
    const { screen, code } = await converse(shell, server, `register ${shell.email}`, [
      ['New master password: ', `${shell.password}\r`],
      ['(again): ', 'something else\r'],
      // Refused at once: nobody types again what is refused in any case.
      ['New master password: ', 'sunshine\r'],
      // The last time as a paste of both lines.
      ['New master password: ', `${shell.password}\r${shell.password}\r`],
      ['[Y/n]: ', 'n\r'],
    ])
    expect(code).toBe(0)
    expect(screen).toContain('lists of common passwords')
    expect(screen).toContain('Guessing it takes more than 1,000 years')
    expect(screen).toContain('two different answers')
    expect(screen).not.toContain(shell.password)
    expect(screen).not.toContain('something else')
    await shell.done(['login', shell.email], shell.password)
  })

  it('gets no control character of an item, in a value or in a question', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const { vault } = await shell.otherDevice()
    const evil = 'tide\u001b]0;title\u0007\u009b2J\u202e\nMaster password: '
    const { id } = await vault.create({ kind: 'note', name: evil, notes: evil })
    const environment = `LIMPET_UNLOCK_KEY=${shell.environment.LIMPET_UNLOCK_KEY}`
    const steering = /[\u0007\u009b\u202e]|\u001b\]/
    const shown = await converse(shell, server, `get ${id} --field notes`, [], environment)
    expect(shown.screen).not.toMatch(steering)
    expect(shown.screen).toContain('tide\\u001b]0;title\\u0007\\u009b2J\\u202e\r\nMaster password: \r\n')
    const asked = await converse(shell, server, `rm ${id} --permanent`, [['[y/N]: ', 'n\r']], environment)
    expect(asked.screen).not.toMatch(steering)
    expect(asked.screen).not.toMatch(/^Master password/m)
    expect(asked.screen).toContain('tide')
    const raw = await shell.run(['get', id, '--field', 'notes'])
    expect(raw.stdout).toBe(`${evil}\n`)
  })

  it('takes a note up to Ctrl-D, and asks before it deletes for good', async () => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email], shell.password)
    await shell.done(['login', shell.email], shell.password)
    const password: [string, string] = ['Master password: ', `${shell.password}\r`]
    const added = await converse(shell, server, 'add note Poem', [
      password,
      ['ends it.', 'one\rtwo\r'],
      ['two', '\u0004'],
    ])
    expect(added.code).toBe(0)
    expect(await shell.done(['get', 'Poem', '--field', 'notes'], shell.password)).toBe('one\ntwo')
    const kept = await converse(shell, server, 'rm --permanent Poem', [password, ['[y/N]: ', 'n\r']])
    expect(kept).toMatchObject({ code: 1 })
    const deleted = await converse(shell, server, 'rm --permanent Poem', [password, ['[y/N]: ', 'y\r']])
    expect(deleted).toMatchObject({ code: 0 })
    expect(await shell.done(['list'], shell.password)).toBe('')
  })

  it('asks for the passphrase of an encrypted private key, and keeps the key as OpenSSH reads it', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const environment = `LIMPET_UNLOCK_KEY=${shell.environment.LIMPET_UNLOCK_KEY}`
    const passphrase = 'nine gulls over the pier'
    const { privateKey } = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
    })
    const pasted: Turn = ['ends it.', `${privateKey.replaceAll('\n', '\r')}\u0004`]
    const add = (typed: string) =>
      converse(
        shell,
        server,
        'add ssh-key Deploy',
        [pasted, ['Passphrase of the key: ', `${typed}\r`]],
        environment,
      )
    const wrong = await add('ten gulls')
    expect(wrong.code).toBe(4)
    expect(wrong.screen).toContain('The passphrase does not open the key. Nothing was written.')
    expect(await shell.done(['list'])).toBe('')
    const right = await add(passphrase)
    expect(right.code).toBe(0)
    expect(right.screen).not.toContain(passphrase)
    const kept = await shell.done(['get', 'Deploy', '--field', 'privateKey'])
    expect(kept).toContain('BEGIN OPENSSH PRIVATE KEY')
    expect(await shell.done(['get', 'Deploy', '--field', 'publicKey'])).toMatch(/^ssh-ed25519 /)
  })

  it('takes a secret and its passphrase without echo, and shows it to who knows the passphrase', async () => {
    const shell = await newShell(server)
    const made = await converse(shell, server, 'share --passphrase', [
      ['Passphrase: ', 'low tide\r'],
      ['(again): ', 'low tide\r'],
      ['ends it.', 'blue\rmussel\r\u0004'],
    ])
    expect(made.code).toBe(0)
    for (const hidden of ['low tide', 'blue', 'mussel']) expect(made.screen).not.toContain(hidden)
    const [link = ''] = /http:\S+#\S+/.exec(made.screen) ?? []
    const wrong: [string, string] = ['Passphrase: ', 'high tide\r']
    const refused = await converse(shell, server, `open '${link}'`, [wrong, wrong, wrong])
    expect(refused.code).toBe(4)
    expect(refused.screen.match(/Nothing was lost/g)).toHaveLength(3)
    const opened = await converse(shell, server, 'open', [
      ['link: ', `${link}\r`],
      wrong,
      ['Passphrase: ', 'low tide\r'],
    ])
    expect(opened.code).toBe(0)
    expect(opened.screen).toMatch(/blue\r\nmussel\r\n$/)
    for (const hidden of ['high tide', 'low tide', link]) expect(opened.screen).not.toContain(hidden)
  })

  it('is not steered by what a stranger shares, and loses nothing of it', async () => {
    const shell = await newShell(server)
    for (const secret of [Buffer.from('\u001b]0;owned\u0007'), Buffer.from([0xff, 0xfe])]) {
      const { stdout: link } = await shell.feed(['share'], secret)
      const { screen, code } = await converse(shell, server, `open '${link.trimEnd()}'`, [])
      expect(code).toBe(0)
      expect(screen).toContain(`\n${secret.toString('base64')}\r\n`)
      expect(screen).not.toContain('\u001b]0;')
    }
  })

  it('shows an authenticator app its secret as a picture, and asks for the code until it is right', async () => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email], shell.password)
    await shell.done(['login', shell.email], shell.password)
    const password: [string, string] = ['Master password: ', `${shell.password}\r`]
    const question = 'Code that the app shows now: '
    const { screen, code } = await converse(shell, server, 'second-factor add', [
      password,
      [question, '12345\r'],
      [question, (screen) => `${codeAt(secretOn(screen), Date.now())}\r`],
    ])
    expect(code).toBe(0)
    expect(screen).toContain('not the code of the app')
    // The picture: rows of half blocks, of which one is the edge of the first finder pattern.
    expect(screen).toMatch(/█▀▀▀▀▀█/)
    const codes = screen.match(/^[\da-z]{4}(-[\da-z]{4}){6}\r?$/gm) ?? []
    expect(codes).toHaveLength(10)

    const again = await converse(shell, server, `login ${shell.email}`, [
      password,
      ['or a recovery code: ', '0000-0000-0000-0000\r'],
      ['or a recovery code: ', `${codes[0]?.trim()}\r`],
      ['[Y/n]: ', 'n\r'],
    ])
    expect(again.screen).toContain('Each code works once')
    expect(again.code).toBe(0)
    expect(again.screen).not.toContain(codes[0]?.trim())
  })

  it('asks for the password where the key of the shell opens nothing any more', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const stale = `LIMPET_UNLOCK_KEY=${shell.environment.LIMPET_UNLOCK_KEY}`
    await shell.done(['lock'])
    const { screen, code } = await converse(
      shell,
      server,
      'list',
      [['Master password: ', `${shell.password}\r`]],
      stale,
    )
    expect(code, screen).toBe(0)
    expect(screen).toContain('LIMPET_UNLOCK_KEY opens nothing here any more')
  })

  it('asks before a first login by authKey, and remembers a yes alone', async () => {
    const shell = await newShell(server)
    const { email, password } = shell
    const device = { id: randomUUID(), name: 'other', type: 'other' as const }
    await new Limpet({ server: server.url, device }).register({ email, password, ...quickRegistration })
    const answer = (typed: string) =>
      converse(shell, server, `login ${email}`, [
        ['Master password: ', `${password}\r`],
        ['Log in by authKey all the same? [y/N]: ', typed],
        ['[Y/n]: ', 'n\r'],
      ])
    for (const no of ['\r', 'n\r', 'no thanks\r', '\u0003']) {
      const { screen, code } = await answer(no)
      expect(code, screen).toBe(no === '\u0003' ? 130 : 9)
      expect(screen).toContain('could guess the password')
      expect(screen).not.toContain('Logged in')
      expect(screen).not.toContain(password)
    }
    await shell.ended('loggedOut', ['list'])
    const yes = await answer('y\r')
    expect(yes).toMatchObject({ code: 0 })
    expect(yes.screen).toContain(`Logged in as ${email}`)
    await shell.done(['logout'])
    // It is known from now on, so that a script is let in too.
    await shell.done(['login', email], password)
  })

  it('stops at Ctrl-C', async () => {
    const shell = await newShell(server)
    const { code, screen } = await converse(shell, server, `login ${shell.email}`, [
      ['Master password: ', 'half\u0003'],
    ])
    expect(code).toBe(130)
    expect(screen).not.toContain('half')
  })

  it.each([
    ['the program itself', `'${process.execPath}' '${program}'`],
    ['npx', `npx --prefix '${fileURLToPath(new URL('../..', import.meta.url))}' limpet`],
  ])('stops at Ctrl-Z under %s, and comes back without echo', async (_name, limpet) => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email], shell.password)
    const { screen, code } = await shellWithJobs(shell, server, [
      ['$ ', `${limpet} login ${shell.email}\r`],
      ['Master password: ', 'half a password\u001a'],
      ['Stopped', 'echo "still $((40 + 2)) here"\r'],
      ['still 42 here', 'fg\r'],
      ['Master password: ', `${shell.password}\u001a`],
      ['Stopped', 'fg\r'],
      ['Master password: ', `${shell.password}\r`],
      ['[Y/n]: ', 'n\r'],
      ['$ ', 'exit\r'],
    ])
    expect(code, screen).toBe(0)
    expect(screen).not.toContain('half a password')
    expect(screen).not.toContain(shell.password)
  })

  it.each(['bitwarden-json', 'csv'])(
    'asks twice before it writes everything in clear: %s',
    async (format) => {
      const shell = await newShell(server)
      await shell.enter()
      await shell.done(['add', 'login', 'Mail'], 'tidal secret')
      const file = join(dirname(shell.folder), 'export')
      const [first, second] = ['Write all passwords in clear? [y/N]: ', 'Write it all the same? [y/N]: ']
      const answering = (...turns: readonly Turn[]) =>
        converse(
          shell,
          server,
          `export --format ${format} '${file}'`,
          turns,
          `LIMPET_UNLOCK_KEY=${shell.environment.LIMPET_UNLOCK_KEY}`,
        )
      // Enter alone is no.
      for (const turns of [
        [[first, '\r']],
        [[first, 'n\r']],
        [
          [first, 'y\r'],
          [second, 'n\r'],
        ],
      ] as const) {
        const { screen, code } = await answering(...turns)
        expect(code, screen).toBe(1)
        expect(screen).toContain('Nothing was written.')
        await expect(readFile(file)).rejects.toThrow('ENOENT')
      }
      // The shell's prompt gets a line of its own.
      const interrupted = await answering([first, 'y\r'], [second, '\u0003'])
      expect(interrupted.code, interrupted.screen).toBe(130)
      expect(interrupted.screen.endsWith(`${second}\r\n`), interrupted.screen).toBe(true)
      const { screen, code } = await answering([first, 'y\r'], [second, 'y\r'])
      expect(code, screen).toBe(0)
      expect(screen).not.toContain('tidal secret')
      expect(await readFile(file, 'utf8')).toContain('tidal secret')
      expect((await stat(file)).mode & 0o777).toBe(0o600)
    },
  )

  it('asks for a passphrase for a database of KeePass, and not whether it is meant', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const file = join(dirname(shell.folder), 'export.kdbx')
    const { screen, code } = await converse(
      shell,
      server,
      `export --format kdbx '${file}'`,
      [
        ['New passphrase of the export: ', `${shell.password}\r`],
        ['(again): ', `${shell.password}\r`],
      ],
      `LIMPET_UNLOCK_KEY=${shell.environment.LIMPET_UNLOCK_KEY}`,
    )
    expect(code, screen).toBe(0)
    expect(screen).not.toContain('in clear')
    expect((await readFile(file)).subarray(0, 4)).toEqual(Buffer.of(0x03, 0xd9, 0xa2, 0x9a))
  })

  it('asks on after Ctrl-Z where no shell could continue it', async () => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email], shell.password)
    const { screen, code } = await converse(shell, server, `login ${shell.email}`, [
      ['Master password: ', 'half\u001a'],
      ['Master password: ', `${shell.password}\r`],
      ['[Y/n]: ', 'n\r'],
    ])
    expect(code, screen).toBe(0)
    expect(screen).not.toContain(shell.password)
  })

  it('does not take for a password what was typed before the question', async () => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email], shell.password)
    const { screen, code } = await shellWithJobs(shell, server, [
      // As a paste of two lines: the second one is there before the question is.
      ['$ ', `'${process.execPath}' '${program}' login ${shell.email}\recho pasted\r`],
      ['Master password: ', `${shell.password}\r`],
      ['[Y/n]: ', 'n\r'],
      ['$ ', 'exit\r'],
    ])
    expect(code, screen).toBe(0)
  })
})
