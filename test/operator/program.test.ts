// The operator's command line by itself: help, bad arguments, a database that is not there, and what a terminal asks.
import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/operator/commands.ts'
import { helpFor } from '../../src/terminal/help.ts'
import { version } from '../../src/version.ts'
import { newShell } from '../cli/program.ts'
import { newAccount } from '../support/accounts.ts'
import { createDatabase } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { runServer } from '../support/process.ts'
import { startServer } from '../support/server.ts'

const program = fileURLToPath(new URL('../../bin/limpet-server.js', import.meta.url))

const names = [
  'start',
  'migrate',
  'backup',
  'restore',
  'verify',
  'move',
  'doctor',
  'invite create',
  'invite list',
  'invite revoke',
  'users list',
  'users disable',
  'users enable',
  'users delete',
  'items history',
  'items bring-back',
  'sessions end',
]

describe("the operator's command line", () => {
  it('calls every command by the name that it says of itself', async () => {
    for (const [name, command] of await commands.load()) expect(command.name).toBe(name)
  })

  it('explains every command, with an example', async () => {
    const { code, stdout } = await runServer(['users', '--help'], {})
    expect(code).toBe(0)
    expect((await runServer(['--help'], {})).stdout).toBe(stdout)
    for (const name of names) {
      expect(stdout).toContain(`  ${name} `)
      const found = await commands.find(name.split(' '))
      const help = found ? helpFor(found.command).join('\n') : ''
      expect(help).toContain(`limpet-server ${name}`)
      expect(help).toMatch(new RegExp(`\nExample: .*limpet-server ${name}`))
    }
    expect((await runServer(['help', 'backup'], {})).stdout).toContain('limpet-server backup FILE [options]')
    const { stdout: behind } = await runServer(['invite', 'create', '--help'], {})
    expect(behind).toBe((await runServer(['help', 'invite', 'create'], {})).stdout)
    expect((await runServer(['--version'], {})).stdout).toBe(`${version}\n`)
  })

  it.each([
    [['serve-me'], 'There is no command "serve-me"'],
    [['users'], 'There is no command "users"'],
    [['users', 'destroy'], 'There is no command "users destroy"'],
    [['help', 'nothing'], 'There is no command "nothing"'],
    [['start', 'now'], 'more arguments'],
    [['users', 'list', '--all'], 'has no option --all'],
    [['users', 'disable'], 'EMAIL_OR_ID is missing'],
    [['users', 'disable', 'a@b.example', 'c@d.example'], 'more arguments'],
    [['users', 'list', '--json=yes'], '--json'],
    [['invite', 'revoke'], 'ID is missing'],
    [['invite', 'create', '--email', 'nobody'], 'takes an e-mail address'],
    [['invite', 'create', '--note', ''], '1 to 200 characters'],
    [['invite', 'create', '--note', 'a\nb'], '1 to 200 characters'],
    [['invite', 'create', '--expires', '59s'], 'from 1m to 366d'],
    [['invite', 'create', '--expires', '367d'], 'from 1m to 366d'],
    [['invite', 'create', '--expires', 'soon'], 'from 1m to 366d'],
    [['invite', 'create', '--expires'], '--expires'],
  ])('refuses %j with 2 and a sentence', async (args, sentence) => {
    const database = await createDatabase('sqlite')
    const { code, stdout, stderr } = await operatorOf(database).run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain('    at ')
    await database.remove()
  })

  it('makes no database where there is none', async () => {
    const database = await createDatabase('sqlite')
    for (const args of [
      ['users', 'list'],
      ['invite', 'create'],
    ]) {
      const { code, stdout, stderr } = await operatorOf(database).run(...args)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^There is no database at .*limpet\.db\. .*limpet-server migrate/)
    }
    await expect(access(database.url.slice('file:'.length))).rejects.toThrow('ENOENT')
    await database.remove()
  })

  it('names what is wrong with the configuration', async () => {
    const { code, stderr } = await runServer(['users', 'list'], { DATABASE_URL: 'mysql://x', PORT: 'many' })
    expect(code).toBe(1)
    for (const name of ['DATABASE_URL', 'PORT']) expect(stderr).toContain(`${name}: expected`)
  })
})

/** Runs a command at a terminal, and answers its question. */
const atTerminal = (command: string, environment: Record<string, string>, question: string, answer: string) =>
  new Promise<{ screen: string; code: number | null }>((resolve, reject) => {
    const child = spawn('script', ['-qec', `'${process.execPath}' '${program}' ${command}`, '/dev/null'], {
      env: { ...process.env, ...environment },
    })
    let screen = ''
    let asked = false
    child.on('error', reject)
    child.on('close', (code) => resolve({ screen, code }))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text
      if (asked || !screen.includes(question)) return
      asked = true
      child.stdin.write(answer)
    })
  })

describe.runIf(process.platform === 'linux')('at a terminal', () => {
  it('deletes only after the e-mail address was typed once more', async () => {
    const server = await startServer('sqlite')
    try {
      const { email, accountId } = await newAccount(server)
      const operator = operatorOf(server.database)
      const environment = { DATABASE_URL: server.database.url }
      const remove = (answer: string) =>
        atTerminal(`users delete ${accountId}`, environment, 'to go on: ', answer)
      const question = `This deletes ${email} with 1 vault and 0 items, for good.`
      for (const [answer, code] of [
        ['someone@example.com\r', 2],
        ['y\r', 2],
        ['\u0004', 2],
        ['\u0003', 130],
      ] as const) {
        const dialogue = await remove(answer)
        expect(dialogue.code, answer).toBe(code)
        expect(dialogue.screen).toContain(question)
      }
      expect(await operator.json('users', 'list')).toHaveLength(1)
      const dialogue = await remove(` ${email.toUpperCase()}\r`)
      expect(dialogue.code).toBe(0)
      expect(dialogue.screen).toContain(`${email} is deleted`)
      expect(await operator.json('users', 'list')).toEqual([])
    } finally {
      await server.close()
    }
  })
})

describe('limpet register with an invite', () => {
  it('takes the code from standard input before the password, or from the environment', async () => {
    const environment = { REGISTRATION: 'invite' }
    const server = await startServer('sqlite', { environment })
    try {
      const operator = operatorOf(server.database, environment)
      const code = async () => (await operator.run('invite', 'create')).stdout.trim()
      const shell = await newShell(server)
      const register = (...args: string[]) => ['register', shell.email, ...args]

      const without = await shell.ended('unexpected', register(), shell.password)
      expect(without.stderr).toContain('"limpet register EMAIL --invite" asks for its code.')
      const unusable = await shell.ended('usage', register('--invite'), 'not a code', shell.password)
      expect(unusable.stderr).toContain('begins with lmi_')
      const unknown = 'lmi_AAAAAAAAAAAAAAAAAAAAAA'
      const refused = await shell.ended('unexpected', register('--invite'), unknown, shell.password)
      expect(refused.stderr).toContain('Ask the operator of this server')
      expect(refused.stderr).not.toContain(unknown)
      await shell.done(register('--invite'), ` ${await code()} `, shell.password)
      await shell.done(['login', shell.email], shell.password)

      const other = await newShell(server)
      other.environment.LIMPET_INVITE = await code()
      await other.done(['register', other.email], other.password)
      expect(await operator.json('users', 'list')).toHaveLength(2)
    } finally {
      await server.close()
    }
  })
})
