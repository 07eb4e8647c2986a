// Copies a secret to the clipboard of the desktop, and has it taken out again after a while (docs/decisions/clipboard.md).
import { spawn } from 'node:child_process'
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { seconds } from '../clock.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import { clearingArgument } from './clearing-argument.ts'

type Words = readonly [string, ...string[]]

/** Programs that a system has for its clipboard. Each takes the content on standard input. */
interface Clipboard {
  readonly copy: Words
  readonly paste: Words
}

const wayland: Clipboard = { copy: ['wl-copy'], paste: ['wl-paste', '--no-newline'] }
const x11: readonly Clipboard[] = [
  { copy: ['xclip', '-selection', 'clipboard'], paste: ['xclip', '-selection', 'clipboard', '-o'] },
  { copy: ['xsel', '--clipboard', '--input'], paste: ['xsel', '--clipboard', '--output'] },
]
const mac: Clipboard = { copy: ['pbcopy'], paste: ['pbpaste'] }
const windows: Clipboard = {
  copy: ['clip.exe'],
  paste: ['powershell.exe', '-NoProfile', '-Command', 'Get-Clipboard -Raw'],
}

/** Those that may work here, the best one first. */
export function clipboards(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): readonly Clipboard[] {
  if (platform === 'darwin') return [mac]
  if (platform === 'win32') return [windows]
  return [
    ...(environment.WAYLAND_DISPLAY ? [wayland] : []),
    ...(environment.DISPLAY ? x11 : []),
    ...(environment.WSL_DISTRO_NAME ? [windows] : []),
  ]
}

/** @returns whether the program took all of it. Those that stay to serve the clipboard leave a child behind, so that only the end counts. */
const copyWith = ([program, ...args]: Words, content: string, environment: NodeJS.ProcessEnv) =>
  new Promise<boolean>((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], env: environment })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
    child.stdin.on('error', () => {})
    child.stdin.end(content)
  })

/** More than a secret has; what is longer is another content. */
const mostPasted = 1024 * 1024

const pasteWith = ([program, ...args]: Words, environment: NodeJS.ProcessEnv) =>
  new Promise<string | undefined>((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], env: environment })
    let text = ''
    child.once('error', () => resolve(undefined))
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (text.length > mostPasted) child.kill()
    })
    child.once('close', (code) => resolve(code === 0 ? text : undefined))
  })

const digest = (text: string) => createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest()

/** What the process is told that clears: never the secret itself. `after` is seconds. */
const Clearing = z.object({ digest: z.string(), after: z.number() })

const clearAfter = { min: 1, default: 45, max: 3600 } as const

/** Seconds until the clipboard is cleared. */
function clearingDelay({ LIMPET_CLIPBOARD_SECONDS: chosen }: NodeJS.ProcessEnv): number {
  if (!chosen) return clearAfter.default
  const { min, max } = clearAfter
  if (/^\d{1,4}$/.test(chosen) && Number(chosen) >= min && Number(chosen) <= max) return Number(chosen)
  throw new CliError('usage', `LIMPET_CLIPBOARD_SECONDS takes a whole number from ${min} to ${max}.`)
}

/** What the process needs of the environment to reach the clipboard; nothing in it is secret. */
const passedOn = [
  'PATH',
  'HOME',
  'DISPLAY',
  'XAUTHORITY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'WSL_DISTRO_NAME',
  'WSL_INTEROP',
  'SYSTEMROOT',
  'NODE_COMPILE_CACHE',
]

/** Starts this program once more, as a process that goes on after the command. */
function startClearing(clearing: z.infer<typeof Clearing>, environment: NodeJS.ProcessEnv) {
  const { execPath, execArgv, argv } = process
  // A single executable is its own script.
  const script = argv[1] === undefined || argv[1] === execPath ? [] : [argv[1]]
  const child = spawn(execPath, [...execArgv, ...script, clearingArgument], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: Object.fromEntries(
      passedOn.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
    ),
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(clearing))
  child.unref()
}

/**
 * Clears the clipboard if it still holds what was copied.
 * @param wanted SHA-256 in base64
 * @returns whether it was cleared
 */
export async function clearClipboard(
  wanted: string,
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  for (const { copy, paste } of clipboards(environment, platform)) {
    const now = await pasteWith(paste, environment)
    if (now === undefined) continue
    const expected = Buffer.from(wanted, 'base64')
    // Some programs end what they print with a line break of their own.
    const isSame = [now, now.replace(/\r?\n$/, '')].some((text) => timingSafeEqual(digest(text), expected))
    return isSame && copyWith(copy, '', environment)
  }
  return false
}

/**
 * Copies a secret, on standard input of the clipboard's program, and says when it goes. Throws CliError if there is no clipboard.
 * @param what what is copied, in words
 */
export async function copySecret(
  what: string,
  secret: string,
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  const after = clearingDelay(environment)
  const candidates = clipboards(environment, platform)
  for (const { copy } of candidates) {
    if (!(await copyWith(copy, secret, environment))) continue
    startClearing({ digest: digest(secret).toString('base64'), after }, environment)
    remark(`Copied ${what}. In ${after} seconds it goes from the clipboard, if it is still there.`)
    return
  }
  throw new CliError(
    'unexpected',
    candidates.length === 0
      ? 'There is no clipboard here: neither WAYLAND_DISPLAY nor DISPLAY is set. Nothing was copied.'
      : `None of ${candidates.map(({ copy: [program] }) => program).join(', ')} could copy. Install one of them (on Wayland wl-clipboard, on X11 xclip or xsel). Nothing was copied.`,
  )
}

/** What the process does that clears. */
export async function clearLater(input: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of input) chunks.push(chunk)
  const { digest, after } = Clearing.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  await new Promise((resolve) => setTimeout(resolve, seconds(after)))
  await clearClipboard(digest, process.env)
}
