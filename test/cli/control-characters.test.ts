// Nothing that a server or an item says steers the terminal: every command there is, behind a proxy that spoils every string.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Agent } from '../../src/cli/agent/agent.ts'
import type { Surroundings } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { Keychain } from '../../src/cli/keychain.ts'
import { runProgram } from '../../src/cli/program.ts'
import { StateFolder } from '../../src/cli/state-folder.ts'
import { systemClock } from '../../src/clock.ts'
import { Limpet, type OpenVault, sharesOf } from '../../src/sdk/index.ts'
import type { Command } from '../../src/terminal/command.ts'
import { ask, printJson, printValue, remark } from '../../src/terminal/output.ts'
import type { Prompter } from '../../src/terminal/prompter.ts'
import { memoryKeychain } from '../support/keychain.ts'
import { quickRegistration, startServer, type TestServer } from '../support/server.ts'
import { evil, onTerminal, steering } from '../support/terminal.ts'

const password = 'kelp forest lantern dune'

const spoilers = {
  'every text': (key: string, value: string) =>
    /name|title|detail|message|hint|address|version/i.test(key) ? value + evil : value,
  'every string': (_key: string, value: string) => value + evil,
}

type Mode = 'honest' | keyof typeof spoilers | 'problems' | 'headers'

/** Command lines that are to show something evil in each mode, of some dozens. */
const least = { honest: 40, 'every text': 7, 'every string': 1, problems: 15, headers: 6 }

const problem = {
  type: 'about:blank',
  title: evil,
  detail: evil,
  status: 400,
  code: 'internal-error',
  requestId: evil,
  errors: [{ path: evil, message: evil }],
}

describe('a terminal', () => {
  let server: TestServer
  let proxy: Server
  let url: string
  let mode: Mode = 'honest'
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpet-terminal-'))
    server = await startServer('sqlite')
    proxy = createServer(async (request, response) => {
      if (mode === 'problems') {
        response.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem))
        return
      }
      const body = await buffer(request)
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers
      const answer = await fetch(`${server.url}${request.url}`, {
        method: request.method ?? 'GET',
        headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(body.length > 0 && { body }),
      })
      const text = await answer.text()
      const spoil = mode === 'every text' || mode === 'every string' ? spoilers[mode] : undefined
      const type = answer.headers.get('content-type') ?? ''
      const changed =
        spoil && /json/.test(type)
          ? JSON.stringify(JSON.parse(text), (key, value) =>
              typeof value === 'string' ? spoil(key, value) : value,
            )
          : text
      // Node lets no other control characters into a header than those of C1.
      const extra = mode === 'headers' ? { 'Limpet-Passphrase': 'required\u009b2J', ETag: '"1\u009b"' } : {}
      response
        .writeHead(answer.status, mode === 'headers' ? 'Evil\u009b2J' : undefined, {
          'Content-Type': mode === 'headers' ? `${type}\u009b2J` : type,
          ...extra,
        })
        .end(request.method === 'HEAD' ? undefined : changed)
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    const address = proxy.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  })
  afterAll(async () => {
    proxy.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => vi.restoreAllMocks())

  /** A person who agrees to everything. */
  const person: Prompter = {
    interactive: true,
    isOpened: true,
    secret: async (question) => {
      ask(question)
      return /password/i.test(question) ? password : '123456'
    },
    line: async (question) => {
      ask(question)
      return '123456'
    },
    text: async (question) => {
      remark(question)
      return evil
    },
    bytes: async (question) => {
      remark(question)
      return Buffer.from(evil)
    },
    async *pieces(question) {
      remark(question)
      yield Buffer.from(evil)
    },
    confirm: async (question) => {
      ask(question)
      return true
    },
    close: () => {},
  }

  interface Login {
    readonly state: StateFolder
    readonly vault: OpenVault
    readonly email: string
  }

  /** An account that is logged in behind the proxy, with items and a vault that are named by somebody evil. */
  async function logIn(): Promise<Login> {
    const state = new StateFolder(join(folder, randomUUID()))
    const email = `${randomUUID()}@example.com`
    const device = await state.device()
    const limpet = new Limpet({
      server: url,
      device: { ...device, name: 'evil device' },
      storage: state.session,
    })
    await limpet.register({ email, password, vaultName: `Vault ${evil}`, ...quickRegistration })
    const account = await limpet.login({ email, password })
    const [vault] = await account.vaults()
    if (!vault) throw new Error('The account has no vault')
    return { state, vault, email }
  }

  async function newItem({ vault }: Login): Promise<string> {
    const content = {
      kind: 'login' as const,
      name: `Item ${evil}`,
      username: evil,
      password: evil,
      urls: [evil],
      notes: evil,
      folder: evil,
      tags: [evil],
      fields: [{ name: `field ${evil}`, value: evil, hidden: false }],
    }
    const { id, revision } = await vault.create(content)
    await vault.replace(id, revision, { ...content, username: `again ${evil}` })
    return id
  }

  async function operandValues(operand: string, item: string, email: string): Promise<string[]> {
    const name = operand.replace(/^\[(.*)\]$/, '$1')
    if (name.includes('|')) return name.split('|')
    if (name === 'EMAIL') return [email]
    if (name === 'NAME_OR_ID') return [item]
    if (name === 'FILE') return [join(folder, evil)]
    if (name === 'LINK')
      return [(await sharesOf(server.url).create({ secret: evil })).link.replace(server.url, url)]
    return [evil]
  }

  /** A command line for each choice of operands, and with `options` one more for each option. */
  async function commandLines(command: Command<Surroundings>, item: string, email: string, options: boolean) {
    const called = command.name.split(' ')
    let lines: string[][] = [called]
    const words = command.usage
      .split(' ')
      .slice(1 + called.length)
      .filter((word) => word !== '[options]')
    for (const word of words) {
      const values = await operandValues(word, item, email)
      lines = lines.flatMap((line) => values.map((value) => [...line, value]))
    }
    const [first = []] = lines
    const withoutLast = words.at(-1)?.startsWith('[') ? [first.slice(0, -1)] : []
    const optionValue = (name: string, kind: string | undefined) => {
      if (name === 'field') return 'notes'
      return kind === 'FILE' || kind === 'PATH' ? join(folder, evil) : evil
    }
    const withOption = Object.entries(command.options).map(([name, option]) => [
      ...called,
      option.type === 'boolean' ? `--${name}` : `--${name}=${optionValue(name, option.value)}`,
      ...first.slice(called.length),
    ])
    return [...lines, ...withoutLast, ...(options ? withOption : [])]
  }

  it.each(['honest', 'every text', 'every string', 'problems', 'headers'] as const)(
    'gets nothing that steers it from any command, where the server is evil with: %s',
    async (with_) => {
      let login = await logIn()
      let met = 0
      for (const [name, command] of await commands.load()) {
        const lines = await commandLines(command, '', '', with_ === 'honest')
        for (const index of lines.keys()) {
          mode = 'honest'
          let item: string
          try {
            item = await newItem(login)
          } catch {
            // The command before ended the session or the account.
            login = await logIn()
            item = await newItem(login)
          }
          const email = name === 'register' ? `${randomUUID()}@example.com` : login.email
          const args = (await commandLines(command, item, email, with_ === 'honest'))[index] ?? []
          mode = with_
          const { state } = login
          const environment = { LIMPET_SERVER: url, LIMPET_CONFIG_DIR: join(folder, 'config') }
          // What goes on until a signal comes is given the time for its first words.
          const untilSignal = (work: (signal: AbortSignal) => Promise<void>) => work(AbortSignal.timeout(500))
          const agent = new Agent({ XDG_RUNTIME_DIR: state.path }, state.path, async () => {})
          const keychain = new Keychain(state, memoryKeychain(), systemClock)
          const surroundings = { state, prompter: person, environment, agent, keychain, untilSignal }
          const screen = await onTerminal(() => runProgram(args, surroundings))
          expect(steering.exec(screen)?.[0], `${args.join(' ')}:\n${JSON.stringify(screen)}`).toBeUndefined()
          // A value that was asked for may have lines of its own; nothing comes after it.
          const isValue = name === 'open' || args.some((arg) => arg.startsWith('--field'))
          if (!isValue) expect(screen, args.join(' ')).not.toMatch(/^Forged prompt/m)
          expect(screen, args.join(' ')).toMatch(/^$|\n$|: $/)
          if (screen.includes('evil')) met++
        }
      }
      mode = 'honest'
      // Otherwise the test would see nothing of what it is about.
      expect(met).toBeGreaterThanOrEqual(least[with_])
    },
    240_000,
  )

  it('gets a value escaped, and a pipe gets it as it is', async () => {
    expect(await onTerminal(async () => printValue(evil))).toContain('evil\\u001b[31m')
    let piped = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      piped += String(chunk)
      return true
    })
    printValue(evil)
    expect(piped).toBe(`${evil}\n`)
    piped = ''
    printJson({ evil })
    expect(piped.trimEnd().replaceAll('\n', '')).not.toMatch(steering)
    expect(JSON.parse(piped)).toEqual({ evil })
  })

  it('gets what scripts and emoji need as it is', async () => {
    const text = 'Grüße, שלום, می‌خواهم, 👩‍👩‍👧, ❤️, क्‍ष'
    expect(await onTerminal(async () => remark(text))).toBe(`${text}\n`)
  })

  it('is written to by one module', async () => {
    const source = fileURLToPath(new URL('../../src/', import.meta.url))
    const files = (await readdir(source, { recursive: true })).filter((file) =>
      /^(cli|terminal|operator|credentials)\/.*\.ts$/.test(file),
    )
    expect(files.length).toBeGreaterThan(30)
    const others: string[] = []
    for (const file of files) {
      const text = await readFile(join(source, file), 'utf8')
      // The entry tells its version before anything else is loaded.
      if (/process\.std(out|err)|console\.|['"]\\u001b/.test(text)) others.push(file)
    }
    expect(others.sort()).toEqual(['cli/start.ts', 'terminal/output.ts'])
  })
})
