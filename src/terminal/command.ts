// What a command is: declared once, and its arguments, help and run are made from that. `limpet` and `limpet-server` share it.
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'
import { seconds } from '../clock.ts'
import { parseDuration } from '../units.ts'
import { CliError, type Ending } from './exit-codes.ts'
import { mostSimilar } from './similar.ts'
import { safeLine } from './text.ts'

export interface Option extends ParseArgsOptionDescriptor {
  /** What stands for the value in help, such as NAME. */
  readonly value?: string
  /** What it may be, if that is one of several words that would be too long as `value`, in which `|` stands between such words. */
  readonly words?: readonly string[]
  readonly help: string
}
type Options = Record<string, Option>

interface Config<O extends Options> {
  args: string[]
  options: O
  allowPositionals: true
}
type Values<O extends Options> = ReturnType<typeof parseArgs<Config<O>>>['values']

/** Returns how it ended where that is not `done` and no error either. */
type Outcome = Promise<Ending | undefined> | Promise<void>

/** @public named by the declarations that a build writes */
export interface Declaration<Context, O extends Options> {
  /** One word, or two for commands that belong together. */
  readonly name: string
  /** The operands, such as `NAME_OR_ID`, or `on|off` for one of these words; those in brackets may be left out, and `[NAME...]` at the end may be repeated. */
  readonly operands: readonly string[]
  readonly summary: string
  readonly details?: string
  readonly example: string
  readonly options: O
  /** For what is about the account or its session, which no token stands for. */
  readonly accountOnly?: boolean
  run(context: Context, operands: string[], values: Values<O>): Outcome
}

export interface Command<Context> {
  readonly name: string
  readonly usage: string
  readonly operands: readonly string[]
  readonly summary: string
  readonly details: string | undefined
  readonly example: string
  readonly options: Options
  run(context: Context, args: string[]): Outcome
}

const noSecrets = 'Secrets are asked for, or read from standard input; they are never taken from arguments.'

function didYouMean(option: string | undefined, options: Options): string {
  const similar = option && mostSimilar(option.replace(/^--?/, ''), Object.keys(options))
  return similar ? ` Did you mean --${similar}?` : ''
}

/** Said without the argument's text: it may be a secret that was typed in the wrong place. */
function describeMistake(program: string, name: string, options: Options, error: unknown): CliError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const option = error instanceof Error ? /--?[\w-]+/.exec(error.message)?.[0] : undefined
  const help = `"${program} help ${name}" shows what there is.`
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return new CliError(
      'usage',
      `"${program} ${name}" has no option ${option ?? 'of that name'}.${didYouMean(option, options)} ${noSecrets} ${help}`,
    )
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return new CliError(
      'usage',
      `The option ${option ?? ''} has a value where none belongs, or none where one does. ${help}`,
    )
  return new CliError('usage', `The arguments were not understood. ${help}`)
}

function checkOperands(program: string, name: string, expected: readonly string[], given: readonly string[]) {
  const missing = expected.slice(given.length).find((operand) => !operand.startsWith('['))
  if (missing)
    throw new CliError('usage', `${missing} is missing. "${program} help ${name}" shows how it is used.`)
  const takesAnyNumber = expected.at(-1)?.endsWith('...]')
  if (given.length > expected.length && !takesAnyNumber)
    throw new CliError(
      'usage',
      `There are more arguments than "${program} ${name}" takes; a name of several words needs quotes. ${noSecrets}`,
    )
}

/** What a check of a program's own looks at. */
export type Purpose = Pick<Declaration<never, Options>, 'name' | 'accountOnly'>

/** `--generate=20` means `--generate --length=20`; the parser knows no option with and without a value. */
function withLength(args: readonly string[]): string[] {
  // What follows is for another program.
  const end = args.includes('--') ? args.indexOf('--') : args.length
  return args.flatMap((arg, at) =>
    at < end && arg.startsWith('--generate=') ? ['--generate', `--length=${arg.slice(11)}`] : [arg],
  )
}

/** The `command` of a program, whose commands work with a `Context`. It ties a declaration's options to what its `run` gets. */
export const commandOf =
  <Context>(program: string, check: (declaration: Purpose, context: Context) => void = () => {}) =>
  <const O extends Options>(declaration: Declaration<Context, O>): Command<Context> => {
    const { name, operands, options } = declaration
    const described = Object.keys(options).length > 0 ? ['[options]'] : []
    return {
      name,
      operands,
      usage: [program, name, ...operands, ...described].join(' '),
      summary: declaration.summary,
      details: declaration.details,
      example: declaration.example,
      options,
      run(context, args) {
        let parsed: ReturnType<typeof parseArgs<Config<O>>>
        try {
          parsed = parseArgs<Config<O>>({ args: withLength(args), options, allowPositionals: true })
        } catch (error) {
          throw describeMistake(program, name, options, error)
        }
        checkOperands(program, name, operands, parsed.positionals)
        check(declaration, context)
        return declaration.run(context, parsed.positionals, parsed.values)
      },
    }
  }

/** What an option takes, both ends included. */
interface Bounds {
  readonly min: number
  readonly max: number
}

/** A whole number of an option, within bounds. */
export function wholeNumber(option: string, text: string, { min, max }: Bounds): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new CliError(
    'usage',
    `--${option} takes a whole number from ${min} to ${max}, not "${safeLine(text)}".`,
  )
}

/** A duration of an option such as 90s, 15m, 1h or 7d, within bounds. All are seconds. */
export function duration(option: string, text: string, { min, max }: Bounds): number {
  const length = parseDuration(text) / seconds(1)
  if (length >= min && length <= max) return length
  throw new CliError(
    'usage',
    `--${option} takes a duration from ${min / 60}m to ${max / 86_400}d such as 90s, 15m, 1h or 7d, not "${safeLine(text)}".`,
  )
}
