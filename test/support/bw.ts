// Bitwarden's own command line, as programs with a data folder of their own: each is a device.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { TlsProxy } from './tls-proxy.ts'

/** The versions of test/clients/bitwarden/package.json: the newest, and one of late 2025. */
export const bwVersions = { '2026.9.0': 'bw-2026', '2025.12.1': 'bw-2025' } as const
export type BwVersion = keyof typeof bwVersions

const packages = fileURLToPath(new URL('../clients/bitwarden/node_modules/', import.meta.url))

interface BwEnded {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface BwOptions {
  /** Standard input: an object as JSON in base64, as the commands take items. */
  readonly input?: string | object
  readonly environment?: Readonly<Record<string, string>>
}

export interface Bw {
  readonly folder: string
  /** The program, as a shell takes it, and its environment: for a test that types. */
  readonly command: string
  readonly environment: NodeJS.ProcessEnv
  /** Runs a command to its end, unlocked after a login or an unlock. */
  run(args: readonly string[], options?: BwOptions): Promise<BwEnded>
  /** The same, which must succeed. @returns what it wrote to standard output */
  out(args: readonly string[], options?: BwOptions): Promise<string>
  /** Logs in with the password, and stays unlocked. @param more further arguments */
  login(email: string, password: string, more?: readonly string[]): Promise<void>
  unlock(password: string): Promise<void>
  /** Starts a command that runs on. */
  start(args: readonly string[]): ChildProcess
  /** Removes what it knows. */
  remove(): Promise<void>
}

/**
 * A new device with `bw` on it.
 * @param proxy which it is told of as its server at once
 */
export async function newBw(
  version: BwVersion,
  proxy: Pick<TlsProxy, 'url' | 'certificate' | 'gateway'>,
): Promise<Bw> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-bw-'))
  const program = join(packages, bwVersions[version], 'build/bw.js')
  let session: string | undefined

  const own = {
    PATH: process.env.PATH,
    HOME: folder,
    BITWARDENCLI_APPDATA_DIR: folder,
    NODE_EXTRA_CA_CERTS: proxy.certificate,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  }

  const start = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    spawn(process.execPath, [program, ...args], {
      env: {
        ...own,
        BW_NOINTERACTION: 'true',
        // Older versions ask a server of their maker before they are told of another one.
        https_proxy: proxy.gateway,
        ...(session !== undefined && { BW_SESSION: session }),
        ...environment,
      },
    })

  async function run(
    args: readonly string[],
    { input = '', environment = {} }: BwOptions = {},
  ): Promise<BwEnded> {
    const child = start(args, environment)
    child.stdin.on('error', () => {})
    child.stdin.end(typeof input === 'string' ? input : Buffer.from(JSON.stringify(input)).toString('base64'))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: await ended, stdout, stderr }
  }

  async function out(args: readonly string[], options?: BwOptions): Promise<string> {
    const { code, stdout, stderr } = await run(args, options)
    if (code !== 0)
      throw new Error(`bw ${args.join(' ')} (${version}) ended with ${code}:\n${stdout}\n${stderr}`)
    return stdout
  }

  /** A session key, which is all that a command may print here: with anything else every later command would find a locked vault. */
  async function sessionBy(args: readonly string[]): Promise<string> {
    const printed = (await out(args)).trim()
    if (!/^[\d+/A-Za-z]{86}==$/.test(printed))
      throw new Error(`bw ${args[0]} (${version}) printed no session key`)
    return printed
  }

  await out(['config', 'server', proxy.url])
  return {
    folder,
    command: `'${process.execPath}' '${program}'`,
    environment: own,
    run,
    out,
    start: (args) => start(args),
    async login(email, password, more = []) {
      session = await sessionBy(['login', email, password, '--raw', ...more])
    },
    async unlock(password) {
      session = await sessionBy(['unlock', password, '--raw'])
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
