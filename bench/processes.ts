// What is measured runs as processes of its own, which tell what they use.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const Usage = z.object({
  /** Of all threads, in user and in kernel mode, since the process began; in milliseconds. */
  processorMs: z.number(),
  /** In MiB, as the next one. */
  residentMb: z.number(),
  /** The most that has been resident at once. */
  peakMb: z.number(),
})
export type Usage = z.infer<typeof Usage>

export interface ServerProcess {
  readonly url: string
  /** What it has used so far. */
  usage(): Promise<Usage>
  stop(): Promise<void>
}

const tuned = /GLIBC_TUNABLES=(\S+) node (--max-semi-space-size=\d+)/

/** What `npm start` sets to bound the memory of a server, as everything that starts servers does. */
function memoryBounds(): { variables: Record<string, string>; options: string[] } {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const [, tunables, option] = tuned.exec(manifest) ?? []
  if (!tunables || !option) throw new Error('"npm start" does not bound the memory of a server')
  return { variables: { GLIBC_TUNABLES: tunables }, options: [option] }
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

interface Measured {
  readonly child: ChildProcess
  /** What it tells next. */
  next(): Promise<Usage>
}

/** Starts Node. Log lines are written, as in production, and go nowhere. */
function start(args: readonly string[], settings: Readonly<Record<string, string>>): Measured {
  const child = spawn(process.execPath, ['--require', pathOf('./usage.cjs'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...settings },
  })
  const told = child.stdio[3]
  if (!told || !('read' in told)) throw new Error('Node gives no pipe for descriptor 3')
  const lines = createInterface({ input: told })[Symbol.asyncIterator]()
  return {
    child,
    async next() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
      return Usage.parse(JSON.parse(value))
    },
  }
}

/**
 * Runs Node to its end.
 * @returns what it used
 */
export async function run(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Usage> {
  const { child, next } = start(args, settings)
  const ended = once(child, 'exit')
  const usage = await next()
  const [code] = await ended
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return usage
}

/**
 * Starts a server and waits until it answers.
 * @param file of this folder
 * @param args the first one is the port, unless a setting says it
 */
export async function launch(
  file: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const { variables, options } = memoryBounds()
  const { child, next } = start([...options, pathOf(file), ...args], { ...variables, ...settings })
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${args[0] ?? settings.PORT}`
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
    if (await fetch(`${url}/healthz`).catch(() => undefined)) break
    await pause(20)
  }
  return {
    url,
    usage() {
      child.kill('SIGUSR2')
      return next()
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
