// The command that makes the one-time code of a login: totp.
import {
  OneTimeCodeError,
  type OneTimeCodeSettings,
  oneTimeCode,
  oneTimeCodeSettings,
} from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import {
  print,
  printJson,
  printJsonLine,
  printsToTerminal,
  redrawLine,
  remark,
} from '../../terminal/output.ts'
import { safeLine } from '../../terminal/text.ts'
import { copySecret } from '../clipboard.ts'
import { command } from '../command.ts'
import { findItem } from '../lookup.ts'
import { type Entry, openWorkspace } from '../workspace.ts'

function settingsOf({ item: { content } }: Entry): OneTimeCodeSettings {
  const name = safeLine(content.name)
  const totp = content.kind === 'login' && 'totp' in content ? content.totp : undefined
  if (typeof totp !== 'string' || totp === '')
    throw new CliError(
      'notFound',
      `"${name}" has no secret for one-time codes. "limpet edit ${name} --set-secret totp" asks for it.`,
    )
  try {
    return oneTimeCodeSettings(totp)
  } catch (error) {
    if (!(error instanceof OneTimeCodeError)) throw error
    throw new CliError('usage', `"${name}" has something under totp that makes no codes. ${error.message}.`)
  }
}

const secondsLeft = (endsAt: number, now: number) => Math.max(1, Math.ceil((endsAt - now) / 1000))

const codeJson = (
  { code, period, endsAt }: { code: string; period: number; endsAt: number },
  now: number,
) => ({ code, period, secondsLeft: secondsLeft(endsAt, now), expiresAt: new Date(endsAt).toISOString() })

const barColumns = 20

/** Waits, or until the signal comes. */
const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal.addEventListener('abort', wake)
  })

/** Shows the code until the signal comes: to a terminal with a countdown, to anything else each new one on a line. */
async function watchCode(settings: OneTimeCodeSettings, json: boolean, signal: AbortSignal) {
  let last = ''
  while (!signal.aborted) {
    const now = Date.now()
    const current = await oneTimeCode(settings, now)
    const left = secondsLeft(current.endsAt, now)
    const isNew = current.code !== last
    if (json && isNew) printJsonLine(codeJson(current, now))
    else if (!json && printsToTerminal()) {
      const bar = '█'.repeat(Math.ceil((left / current.period) * barColumns))
      redrawLine(`${current.code}  ${bar.padEnd(barColumns, '░')} ${left} s`)
    } else if (!json && isNew) print(current.code)
    last = current.code
    // To the next second of the clock, so that a clock that was set is followed at once.
    await pause(1000 - (Date.now() % 1000), signal)
  }
  if (!json && printsToTerminal()) redrawLine('')
}

export const totp = command({
  name: 'totp',
  operands: ['NAME_OR_ID'],
  summary: 'print the one-time code of a login, as an authenticator app shows it',
  details:
    'The secret is the member totp of a login: an otpauth:// URI with its algorithm, digits and period, or a secret in base32. Codes go by the clock of this machine.',
  example: 'limpet totp GitHub --copy',
  options: {
    copy: { type: 'boolean', help: 'copies the code to the clipboard, and prints nothing' },
    watch: {
      type: 'boolean',
      help: 'goes on until Ctrl-C: shows each new code, on a terminal with a countdown',
    },
    json: { type: 'boolean', help: 'prints JSON; with --watch one line of it for each code' },
    vault: { type: 'string', value: 'NAME', help: 'looks in this vault only' },
  },
  async run(surroundings, [wanted = ''], { copy = false, watch = false, json = false, vault }) {
    if (copy && (watch || json))
      throw new CliError('usage', '--copy prints nothing; leave out --watch and --json.')
    const workspace = await openWorkspace(surroundings, 'read')
    const entry = findItem(workspace, wanted, { vault, place: 'active' })
    const settings = settingsOf(entry)
    if (watch) return surroundings.untilSignal((signal) => watchCode(settings, json, signal))
    const now = Date.now()
    const current = await oneTimeCode(settings, now)
    const name = safeLine(entry.item.content.name)
    if (copy) return copySecret(`the one-time code of "${name}"`, current.code, surroundings.environment)
    if (json) return printJson(codeJson(current, now))
    print(current.code)
    if (printsToTerminal()) remark(`Good for ${secondsLeft(current.endsAt, now)} more seconds.`)
  },
})
