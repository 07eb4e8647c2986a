// What a person sets once for all commands: a file that is also written by hand. An option, the environment and a session come first.
import { mkdir, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { seconds } from '../clock.ts'
import { sharesOf } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { safeLine } from '../terminal/text.ts'
import { parseDuration } from '../units.ts'
import { fetchOverHttp } from './http-client.ts'
import { idleBounds } from './idle.ts'
import { replaceFile } from './whole-file.ts'

/** @returns why a text is not the address of a server that may be used, as a sentence without its full stop */
function mistakeInServer(text: string): string | undefined {
  try {
    sharesOf(text, { fetch: fetchOverHttp })
    return undefined
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
}

function mistakeInIdle(text: string): string | undefined {
  const length = parseDuration(text) / seconds(1)
  return length >= idleBounds.min && length <= idleBounds.max
    ? undefined
    : `"${text}" is not a time from 1m to 24h such as 90s, 15m or 1h`
}

/** What there is to set. For each, why a text cannot be its value, or undefined. */
const mistakes = {
  server: mistakeInServer,
  vault: (text: string) => (text === '' ? 'The name of a vault is not empty' : undefined),
  idle: mistakeInIdle,
} as const

export type Setting = keyof typeof mistakes
export const settings: readonly Setting[] = ['server', 'vault', 'idle']

export const Configuration = z.strictObject({
  server: z.string().optional(),
  vault: z.string().optional(),
  idle: z.string().optional(),
})
export type Configuration = z.output<typeof Configuration>

/** Throws a CliError with this at its beginning, if the value cannot be that of the setting. */
export function checkSetting(setting: Setting, value: string, before = ''): void {
  const mistake = mistakes[setting](value)
  if (mistake !== undefined) throw new CliError('usage', `${before}${safeLine(mistake)}.`)
}

/** Where the file is, by the customs of the system. */
export function configurationPath(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const { LIMPET_CONFIG_DIR, XDG_CONFIG_HOME, APPDATA } = environment
  const folder = () => {
    if (LIMPET_CONFIG_DIR) return LIMPET_CONFIG_DIR
    if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'limpet')
    if (platform === 'win32') return join(APPDATA || join(home, 'AppData', 'Roaming'), 'limpet')
    return join(XDG_CONFIG_HOME || join(home, '.config'), 'limpet')
  }
  return join(folder(), 'config.json')
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)

/** What a file's text says. Throws a CliError that names the file and the mistake in it. */
function parse(path: string, text: string): Configuration {
  const where = `The configuration ${safeLine(path)} has a mistake: `
  const wrong = (what: string) => new CliError('usage', `${where}${what}.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong('it is not JSON')
  }
  const parsed = Configuration.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    if (issue?.code === 'unrecognized_keys')
      throw wrong(`there is no setting "${safeLine(issue.keys[0] ?? '')}", only ${settings.join(', ')}`)
    const name = issue?.path[0]
    throw wrong(
      name === undefined
        ? 'it is not an object such as {"server": "https://vault.example.com"}'
        : `"${safeLine(String(name))}" is not a text in quotes`,
    )
  }
  for (const setting of settings) {
    const set = parsed.data[setting]
    if (set !== undefined) checkSetting(setting, set, `${where}"${setting}": `)
  }
  return parsed.data
}

/** @returns an empty one if there is no file. Throws a CliError if it has a mistake, or cannot be read */
export async function loadConfiguration(environment: NodeJS.ProcessEnv): Promise<Configuration> {
  const path = configurationPath(environment)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw new CliError('unexpected', `The configuration ${safeLine(path)} cannot be read (${code}).`)
  }
  return parse(path, text)
}

/** Replaces the file, or that to which it is a link. */
export async function saveConfiguration(
  environment: NodeJS.ProcessEnv,
  configuration: Configuration,
): Promise<void> {
  const path = configurationPath(environment)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await realpath(path).catch(() => path)
  await replaceFile(file, `${JSON.stringify(configuration, undefined, 2)}\n`)
}
