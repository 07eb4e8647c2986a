// Starts this program once more, as a process of its own that goes on after the command.
import { spawn } from 'node:child_process'
import { CliError } from '../../terminal/exit-codes.ts'
import { holderArgument, readyWord } from './words.ts'

/** What it gets of the environment: nothing that is secret. */
const passedOn = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_CACHE_HOME',
  'NODE_COMPILE_CACHE',
  'NODE_DISABLE_COMPILE_CACHE',
]

/**
 * Starts a process that leaves this terminal behind. It writes no core file, where the system lets a process decide that.
 * @param input its standard input. @returns once it says that it is ready
 */
export async function startHolder(input: string): Promise<void> {
  const { execPath, execArgv, argv, env } = process
  // A single executable is its own script.
  const script = argv[1] === undefined || argv[1] === execPath ? [] : [argv[1]]
  const child = spawn(
    '/bin/sh',
    ['-c', 'ulimit -c 0; exec "$0" "$@"', execPath, ...execArgv, ...script, holderArgument],
    {
      cwd: '/',
      detached: true,
      env: Object.fromEntries(
        passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
      ),
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  )
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ready = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false))
    child.once('exit', () => resolve(false))
    child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(text.startsWith(readyWord)))
  })
  child.stdout.destroy()
  child.unref()
  if (!ready)
    throw new CliError(
      'unexpected',
      'The process that was to keep the key did not start, so this login session is not unlocked. eval "$(limpet unlock)" unlocks this shell.',
    )
}
