// `limpet` with a state folder of its own: within this process, or as a program where that is what is tested.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { Agent } from '../../src/cli/agent/agent.ts'
import { Held, holdKey } from '../../src/cli/agent/key-holder.ts'
import type { Surroundings } from '../../src/cli/command.ts'
import { Keychain, type SecretStore } from '../../src/cli/keychain.ts'
import { runProgram } from '../../src/cli/program.ts'
import { StateFolder, stateFolderPath } from '../../src/cli/state-folder.ts'
import { Limpet, type OpenVault, type UnlockedAccount } from '../../src/sdk/index.ts'
import { CliError, type Ending, exitCodes } from '../../src/terminal/exit-codes.ts'
import { createPrompter } from '../../src/terminal/prompting.ts'
import { untilSignal } from '../../src/terminal/until-signal.ts'
import { type Result, type Running, runCommand } from '../support/console.ts'
import { TestClock } from '../support/server.ts'

export const program = fileURLToPath(new URL('../../bin/limpet.js', import.meta.url))

/** A command in a process of its own. */
export interface RunningProgram extends Running {
  /** Closes standard output from this side, as `head` does. */
  stopReading(): void
  /** Standard error so far. */
  remarked(): string
  signal(name: NodeJS.Signals): void
}

/** A word that stands in no other output, so that a search for it means something. */
export const marker = (name: string) => `${name}-${randomUUID()}`

const noKeychain: SecretStore = {
  save: () => Promise.reject(new CliError('unexpected', 'There is no keychain.')),
  load: () => Promise.reject(new CliError('unexpected', 'There is no keychain.')),
  remove: () => Promise.reject(new CliError('unexpected', 'There is no keychain.')),
}

/** How the commands of a shell run: as functions of this process, or each in a process of its own, which takes 100 times as long. */
export type How = 'here' | 'as programs'

/** A shell at which one person uses the program. */
export class Shell {
  readonly folder: string
  email = `${randomUUID()}@example.com`
  password = marker('master')
  readonly environment: NodeJS.ProcessEnv = {}
  /** What stands in the place of the system's keychain; not for programs. */
  keychain: SecretStore = noKeychain
  /** By which the key is forgotten that a command left for the login session; not for programs, which have the clock of the system. */
  readonly clock = new TestClock()
  /** Of each key that was left so: once it is forgotten. */
  readonly agentsEnded: Promise<void>[] = []
  readonly #server: string
  readonly #how: How

  constructor(folder: string, server: string, how: How) {
    this.folder = folder
    this.#server = server
    this.#how = how
  }

  #environment(): NodeJS.ProcessEnv {
    const { LIMPET_UNLOCK_KEY: _key, LIMPET_TOKEN: _token, npm_command: _npm, ...inherited } = process.env
    return {
      ...inherited,
      LIMPET_STATE_DIR: this.folder,
      LIMPET_CONFIG_DIR: `${this.folder}-config`,
      XDG_RUNTIME_DIR: dirname(this.folder),
      LIMPET_SERVER: this.#server,
      ...this.environment,
    }
  }

  start(...args: string[]): Running {
    return this.#how === 'here' ? this.#startHere(args) : this.startProgram(...args)
  }

  #startHere(args: readonly string[]): Running {
    return runCommand((stdin) => this.within((surroundings) => runProgram(args, surroundings), stdin))
  }

  /** Does what a command of this shell would do, within this process. */
  async within<T>(work: (surroundings: Surroundings) => Promise<T>, stdin = new PassThrough()): Promise<T> {
    const environment = this.#environment()
    const prompter = createPrompter(() => stdin)
    try {
      const state = new StateFolder(stateFolderPath(environment))
      const agent = new Agent(environment, state.path, async (input) => {
        const { ended } = await holdKey(Held.parse(JSON.parse(input)), this.clock)
        this.agentsEnded.push(ended)
      })
      const keychain = new Keychain(state, this.keychain, this.clock)
      return await work({ state, prompter, environment, agent, keychain, untilSignal })
    } finally {
      prompter.close()
    }
  }

  startProgram(...args: string[]): RunningProgram {
    const child = spawn(process.execPath, [program, ...args], { env: this.#environment() })
    // A program that ends before it reads all of its input is no failure of the test.
    child.stdin.on('error', () => {})
    const chunks: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const ended = new Promise<Result>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => {
        const bytes = Buffer.concat(chunks)
        resolve({ stdout: bytes.toString('utf8'), bytes, stderr, code })
      })
    })
    return {
      write: (part) => void child.stdin.write(part),
      printed: () => Buffer.concat(chunks).toString('utf8'),
      stopReading: () => void child.stdout.destroy(),
      remarked: () => stderr,
      signal: (name) => void child.kill(name),
      ended,
      finish: () => {
        child.stdin.end()
        return ended
      },
    }
  }

  /** Runs a command with these lines on standard input. */
  run(args: readonly string[], ...lines: readonly string[]): Promise<Result> {
    const running = this.start(...args)
    if (lines.length > 0) running.write(lines.map((line) => `${line}\n`).join(''))
    return running.finish()
  }

  /** Runs a command with exactly this on standard input. */
  feed(args: readonly string[], input: string | Uint8Array): Promise<Result> {
    const running = this.start(...args)
    running.write(input)
    return running.finish()
  }

  /** Runs a command that must end with `done`. @returns standard output without the last newline */
  async done(args: readonly string[], ...lines: readonly string[]): Promise<string> {
    return this.ended('done', args, ...lines).then(({ stdout }) => stdout.replace(/\n$/, ''))
  }

  /** Runs a command that must end like this. */
  async ended(ending: Ending, args: readonly string[], ...lines: readonly string[]): Promise<Result> {
    const result = await this.run(args, ...lines)
    if (result.code !== exitCodes[ending].code)
      throw new Error(
        `"limpet ${args.join(' ')}" ended with ${result.code}, not ${exitCodes[ending].code} (${ending}):\n${result.stderr}`,
      )
    return result
  }

  /** Registers, which logs in, and unlocks: later commands ask for no password. */
  async enter(): Promise<void> {
    await this.done(['register', this.email], this.password)
    await this.unlock()
  }

  async unlock(): Promise<void> {
    const line = await this.done(['unlock'], this.password)
    const [, key] = /^export LIMPET_UNLOCK_KEY='([\w-]+)'$/.exec(line) ?? []
    if (!key) throw new Error('"limpet unlock" printed no key')
    this.environment.LIMPET_UNLOCK_KEY = key
  }

  /** Another shell of the same person on the same machine; it is not unlocked. */
  beside(): Shell {
    const shell = new Shell(this.folder, this.#server, this.#how)
    shell.email = this.email
    shell.password = this.password
    shell.keychain = this.keychain
    return shell
  }

  /** The same account on another device, through the SDK. */
  async otherDevice(): Promise<{ account: UnlockedAccount; vault: OpenVault }> {
    const device = { id: randomUUID(), name: 'other', type: 'other' as const }
    const limpet = new Limpet({ server: this.#server, device })
    const account = await limpet.login({ email: this.email, password: this.password })
    const [vault] = await account.vaults()
    if (!vault) throw new Error('The account has no vault')
    return { account, vault }
  }
}

/** A shell with an empty state folder, which the test's end removes. */
export async function newShell({ url }: { url: string }, how: How = 'here'): Promise<Shell> {
  const parent = await mkdtemp(join(tmpdir(), 'limpet-cli-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  return new Shell(join(parent, 'state'), url, how)
}
