// The process that keeps a login session unlocked: who can ask it, when it ends, and what it leaves.
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Agent } from '../../src/cli/agent/agent.ts'
import { Held, holdKey } from '../../src/cli/agent/key-holder.ts'
import { hours, minutes } from '../../src/clock.ts'
import { engines } from '../support/database.ts'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

const socketFolder = ({ folder }: Shell) => join(dirname(folder), 'limpet')

describe.runIf(process.platform !== 'win32').each(engines)(
  'a login session with a server on %s',
  (engine) => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
    })
    afterAll(() => server.close())

    it('is logged in and unlocked by register, for each of its shells, until it is locked', async () => {
      const shell = await newShell(server)
      await shell.done(['register', shell.email, '--agent'], shell.password)
      await shell.done(['add', 'login', 'Mail', '--generate'])
      expect(JSON.parse(await shell.beside().done(['list', '--json']))).toHaveLength(1)
      expect(await shell.done(['status'])).toContain('until 15m without a command')
      // Its own key opens nothing, and it does not need one.
      shell.environment.LIMPET_UNLOCK_KEY = 'A'.repeat(54)
      await shell.done(['list'])
      delete shell.environment.LIMPET_UNLOCK_KEY
      await shell.beside().done(['lock'])
      await shell.agentsEnded[0]
      await shell.ended('usage', ['list'])
      await shell.done(['list'], shell.password)
    })

    it('ends after the time without a command, by the clock, also if that was set back', async () => {
      const shell = await newShell(server)
      await shell.done(['register', shell.email], shell.password)
      await shell.done(['unlock', '--agent', '--idle', '1h'], shell.password)
      for (const _ of [1, 2, 3]) {
        shell.clock.advance(minutes(50))
        await shell.done(['list'])
      }
      shell.clock.jump(-hours(10))
      await shell.done(['list'])
      shell.clock.advance(minutes(61))
      await shell.ended('usage', ['list'])
      await shell.agentsEnded[0]
      expect(await readdir(socketFolder(shell))).toEqual([])
    })

    it('ends with logout, and with a login as somebody else', async () => {
      const shell = await newShell(server)
      await shell.done(['register', shell.email, '--agent'], shell.password)
      await shell.done(['logout'])
      await shell.agentsEnded[0]
      await shell.done(['login', shell.email, '--agent'], shell.password)
      await shell.done(['list'])
      // Another account's session was put into the same folder.
      await rm(join(shell.folder, 'session.json'))
      const other = await newShell(server)
      await other.done(['register', other.email], other.password)
      await shell.done(['login', other.email], other.password)
      await shell.agentsEnded[1]
      await shell.ended('usage', ['list'])
    })

    it('goes on under the new account key, and the one of before is forgotten', async () => {
      const shell = await newShell(server)
      await shell.done(['register', shell.email, '--agent'], shell.password)
      await shell.done(['account', 'rotate-key'], shell.password)
      await shell.agentsEnded[0]
      await shell.done(['list'])
    })

    it('keeps several accounts apart, in a state folder each', async () => {
      const [one, other] = [await newShell(server), await newShell(server)]
      other.environment.XDG_RUNTIME_DIR = dirname(one.folder)
      await one.done(['register', one.email, '--agent'], one.password)
      await other.done(['register', other.email, '--agent'], other.password)
      expect(await readdir(socketFolder(one))).toHaveLength(2)
      await other.done(['lock'])
      await one.done(['list'])
      await other.ended('usage', ['list'])
    })

    it('leaves nothing of the key on disk, in arguments or in an environment', async () => {
      const shell = await newShell(server, 'as programs')
      await shell.done(['register', shell.email, '--agent'], shell.password)
      const agent = new Agent({ XDG_RUNTIME_DIR: dirname(shell.folder) }, shell.folder, async () => {})
      const key = Buffer.from((await agent.key())?.bytes ?? [])
      expect(key).toHaveLength(32)
      const spellings = [
        key.toString('base64url'),
        key.toString('base64').replace(/=+$/, ''),
        key.toString('hex'),
      ]
      for (const name of await readdir(shell.folder)) {
        const text = await readFile(join(shell.folder, name), 'utf8')
        for (const spelling of spellings) expect(text).not.toContain(spelling)
      }
      if (process.platform === 'linux') {
        const holders = await processesWith('--hold-key', socketFolder(shell))
        expect(holders).toHaveLength(1)
        for (const { environment, limits, commandLine } of holders) {
          for (const spelling of [...spellings, shell.password])
            expect(environment + commandLine).not.toContain(spelling)
          expect(limits).toMatch(/Max core file size +0 +/)
        }
      }
      await shell.done(['lock'])
      await vi.waitFor(async () => expect(await readdir(socketFolder(shell))).toEqual([]), {
        timeout: 10_000,
      })
    })
  },
)

/** Processes of this program that listen in a folder. */
async function processesWith(argument: string, folder: string) {
  const found = []
  const sockets = await readFile('/proc/net/unix', 'utf8')
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${id}/${name}`, 'utf8').catch(() => '')
    const commandLine = await read('cmdline')
    if (!commandLine.split('\0').includes(argument)) continue
    const { stdout } = await promisify(execFile)('ls', ['-l', `/proc/${id}/fd`]).catch(() => ({ stdout: '' }))
    const inodes = [...stdout.matchAll(/socket:\[(\d+)\]/g)].map(([, inode]) => inode)
    const listens = sockets.split('\n').some((line) => {
      const cells = line.split(/\s+/)
      return inodes.includes(cells[6]) && (cells[7] ?? '').startsWith(folder)
    })
    if (listens) found.push({ commandLine, environment: await read('environ'), limits: await read('limits') })
  }
  return found
}

describe.runIf(process.platform !== 'win32')('the process that holds a key', () => {
  async function held() {
    const runtime = await mkdtemp(join(tmpdir(), 'limpet-run-'))
    onTestFinished(() => rm(runtime, { recursive: true, force: true }))
    const clock = new TestClock()
    const agent = new Agent({ XDG_RUNTIME_DIR: runtime }, '/a/state/folder', async (input) => {
      await holdKey(Held.parse(JSON.parse(input)), clock)
    })
    const key = { accountId: 'ada', bytes: new Uint8Array(32), version: 1, idle: minutes(1) }
    return { runtime, clock, agent, key, folder: join(runtime, 'limpet') }
  }

  it('is reached by its user alone', async () => {
    const { agent, key, folder } = await held()
    await agent.hold(key)
    const [name = ''] = await readdir(folder)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    if (process.getuid?.() === 0) {
      // Even where the folder above lets everybody in.
      await chmod(dirname(folder), 0o755)
      const asked = promisify(execFile)(
        process.execPath,
        [
          '-e',
          `require('node:net').connect(process.argv[1]).on('error', (error) => { console.log(error.code) })`,
          join(folder, name),
        ],
        { uid: 65_534, gid: 65_534, cwd: '/' },
      )
      expect((await asked).stdout).toBe('EACCES\n')
    }
    expect(await agent.end()).toBe(true)
  })

  it('is not put into a folder that somebody else can enter or has made, nor asked there', async () => {
    const { agent, key, folder, runtime } = await held()
    const elsewhere = join(runtime, 'elsewhere')
    await mkdir(elsewhere)
    await symlink(elsewhere, folder)
    await expect(agent.hold(key)).rejects.toThrow('not a folder of this user alone')
    expect(await agent.key()).toBeUndefined()
    await rm(folder)
    await writeFile(folder, '')
    await expect(agent.hold(key)).rejects.toThrow()
    await rm(folder)
    await agent.hold(key)
    await chmod(folder, 0o750)
    expect(await agent.key()).toBeUndefined()
    await chmod(folder, 0o700)
    expect(await agent.end()).toBe(true)
  })

  it('gives no key once it has ended, and none to a question that it does not know', async () => {
    const { agent, key, folder, clock } = await held()
    await agent.hold(key)
    const [name = ''] = await readdir(folder)
    const ask = (text: string) =>
      new Promise<string>((resolve) => {
        let answer = ''
        const socket = connect(join(folder, name), () => socket.write(text))
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          answer += chunk
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve(answer))
      })
    for (const question of ['keys\n', '{"want":"key"}\n', `${'x'.repeat(100_000)}`, '\0\n'])
      expect(await ask(question)).toBe('')
    expect(await ask('end\nkey\n')).toBe('{}\n')
    expect(await agent.key()).toBeUndefined()
    await agent.hold(key)
    clock.advance(minutes(2))
    expect(await agent.key()).toBeUndefined()
    expect(await agent.end()).toBe(false)
  })

  it('takes the place of what a killed one left, and of one that is there', async () => {
    const { agent, key, folder } = await held()
    await agent.hold(key)
    await agent.hold({ ...key, accountId: 'grace' })
    expect(await readdir(folder)).toHaveLength(1)
    expect(await agent.key()).toMatchObject({ accountId: 'grace', bytes: new Uint8Array(32) })
    await agent.end()
    const [left] = await readdir(folder)
    expect(left).toBeUndefined()
  })
})
