// The real server as a process of its own, for what only a process can show: signals, and being killed.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testOpaqueSetup, testSecret } from './server.ts'

const program = fileURLToPath(new URL('../../bin/limpet-server.js', import.meta.url))

/** What a program gets of the environment here: nothing that configures it. */
const ofThisProcess = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

export interface ServerProcess {
  readonly url: string
  readonly child: ChildProcess
  /** What it has written to standard output and standard error so far. */
  readonly output: () => string
  /** Kills it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>
  /** Asks it to stop with SIGTERM. @returns its exit code */
  terminate(): Promise<number | null>
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `limpet-server` to its end; its standard input is no terminal. */
export const runServer = (args: readonly string[], settings: Record<string, string>): Promise<Ended> =>
  promisify(execFile)(process.execPath, [program, ...args], {
    env: { ...ofThisProcess, ...settings },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )

/** Starts `limpet-server` and waits until it is ready. */
export async function startProcess(settings: {
  port: number
  databaseUrl: string
  /** Empty for a server that makes secrets of its own. */
  jwtSecret?: string
  /** Further settings. */
  environment?: Record<string, string>
  opaqueSetup?: string
}): Promise<ServerProcess> {
  const url = `http://127.0.0.1:${settings.port}`
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...ofThisProcess,
      PORT: String(settings.port),
      PUBLIC_URL: url,
      DATABASE_URL: settings.databaseUrl,
      JWT_SECRET: settings.jwtSecret ?? testSecret,
      OPAQUE_SERVER_SETUP: settings.opaqueSetup ?? testOpaqueSetup,
      RATE_LIMITS: 'off',
      ...settings.environment,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const gone = once(child, 'exit')
  // Looked at until it answers; a server that ends instead fails at once.
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended:\n${output}`)
    const ready = await fetch(`${url}/readyz`).catch(() => undefined)
    if (ready?.ok) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    url,
    child,
    output: () => output,
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    async terminate() {
      child.kill('SIGTERM')
      await gone
      return child.exitCode
    },
  }
}
