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
import { keeperNamed, keepers } from './account-key.ts'
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
  unlock: (text: string) => (keeperNamed(text) ? undefined : `"${text}" is neither ${keepers.join(' nor ')}`),
} as const

export type Setting = keyof typeof mistakes
export const settings: readonly Setting[] = ['server', 'vault', 'idle', 'unlock']

export type Configuration = { readonly [setting in Setting]?: string }

/** Throws a CliError if the value cannot be that of the setting. */
export function checkSetting(setting: Setting, value: string): void {
  const mistake = mistakes[setting](value)
  if (mistake !== undefined) throw new CliError('usage', `${safeLine(mistake)}.`)
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

/** A mistake in the file, as a sentence without its full stop. */
class Mistake extends Error {}

// Of the control characters, JSON forbids those below U+0020 alone (RFC 8259 section 7).
const text = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"/iuy

/** Reads the one form that the file has, an object of texts, so that each mistake has a line: `JSON.parse` does not tell it. */
class Reader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  /** Of what was looked at last. */
  get line(): number {
    return this.#source.slice(0, this.#at).split('\n').length
  }

  #skipSpace() {
    while (/\s/.test(this.#source.charAt(this.#at))) this.#at++
  }

  has(sign: string): boolean {
    this.#skipSpace()
    if (this.#source.charAt(this.#at) !== sign) return false
    this.#at += sign.length
    return true
  }

  /** Throws a Mistake if something else follows. */
  need(sign: string): void {
    if (!this.has(sign)) throw new Mistake(`it is not JSON: there should be ${sign}`)
  }

  /** @returns undefined if no text follows */
  text(): string | undefined {
    this.#skipSpace()
    text.lastIndex = this.#at
    const found = text.exec(this.#source)?.[0]
    if (found === undefined) return undefined
    this.#at += found.length
    return z.string().parse(JSON.parse(found))
  }

  /** Throws a Mistake if anything follows. */
  end(): void {
    this.#skipSpace()
    if (this.#at < this.#source.length) throw new Mistake('it is not JSON: something follows its last }')
  }
}

/** Throws a Mistake. */
function read(reader: Reader): Configuration {
  const values: { [setting in Setting]?: string } = {}
  if (!reader.has('{'))
    throw new Mistake('it is not an object such as {"server": "https://vault.example.com"}')
  if (!reader.has('}')) {
    do {
      const name = reader.text()
      if (name === undefined) throw new Mistake('it is not JSON: there should be a setting in quotes')
      const setting = settings.find((one) => one === name)
      if (!setting) throw new Mistake(`there is no setting "${name}", only ${settings.join(', ')}`)
      if (setting in values) throw new Mistake(`"${setting}" is there twice`)
      reader.need(':')
      const value = reader.text()
      if (value === undefined) throw new Mistake(`"${setting}" is not a text in quotes`)
      const mistake = mistakes[setting](value)
      if (mistake !== undefined) throw new Mistake(`"${setting}": ${mistake}`)
      values[setting] = value
    } while (reader.has(','))
    reader.need('}')
  }
  reader.end()
  return values
}

/** What a file's text says. Throws a CliError that names the file, the line and the mistake. */
function parse(path: string, source: string): Configuration {
  const reader = new Reader(source)
  try {
    return read(reader)
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    throw new CliError(
      'usage',
      `The configuration ${safeLine(path)} has a mistake in line ${reader.line}: ${safeLine(error.message)}.`,
    )
  }
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
