// What a command is: declared once, and its arguments, help and run are made from that.
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'
import { CliError, type Ending } from './exit-codes.ts'
import type { Prompter } from './prompter.ts'
import type { StateFolder } from './state-folder.ts'
import { safeLine } from './terminal.ts'

export interface Option extends ParseArgsOptionDescriptor {
  /** What stands for the value in help, such as NAME. */
  readonly value?: string
  readonly help: string
}
type Options = Record<string, Option>

interface Config<O extends Options> {
  args: string[]
  options: O
  allowPositionals: true
}
type Values<O extends Options> = ReturnType<typeof parseArgs<Config<O>>>['values']

/** What a command works with. */
export interface Surroundings {
  readonly state: StateFolder
  readonly prompter: Prompter
  readonly environment: NodeJS.ProcessEnv
}

/** Returns how it ended where that is not `done` and no error either. */
type Outcome = Promise<Ending | undefined> | Promise<void>

interface Declaration<O extends Options> {
  readonly name: string
  /** The operands, such as `NAME_OR_ID`; those in brackets may be left out. */
  readonly operands: readonly string[]
  readonly summary: string
  readonly details?: string
  readonly example: string
  readonly options: O
  run(surroundings: Surroundings, operands: string[], values: Values<O>): Outcome
}

export interface Command {
  readonly name: string
  readonly usage: string
  readonly summary: string
  readonly details: string | undefined
  readonly example: string
  readonly options: Options
  run(surroundings: Surroundings, args: string[]): Outcome
}

const noSecrets = 'Secrets are asked for, or read from standard input; they are never taken from arguments.'

/** Said without the argument's text: it may be a secret that was typed in the wrong place. */
function describeMistake(name: string, error: unknown): CliError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const option = error instanceof Error ? /--?[\w-]+/.exec(error.message)?.[0] : undefined
  const help = `"limpet help ${name}" shows what there is.`
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return new CliError(
      'usage',
      `"limpet ${name}" has no option ${option ?? 'of that name'}. ${noSecrets} ${help}`,
    )
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return new CliError(
      'usage',
      `The option ${option ?? ''} has a value where none belongs, or none where one does. ${help}`,
    )
  return new CliError('usage', `The arguments were not understood. ${help}`)
}

function checkOperands(name: string, expected: readonly string[], given: readonly string[]) {
  const missing = expected.slice(given.length).find((operand) => !operand.startsWith('['))
  if (missing)
    throw new CliError('usage', `${missing} is missing. "limpet help ${name}" shows how it is used.`)
  if (given.length > expected.length)
    throw new CliError(
      'usage',
      `There are more arguments than "limpet ${name}" takes; a name of several words needs quotes. ${noSecrets}`,
    )
}

/** `--generate=20` means `--generate --length=20`; the parser knows no option with and without a value. */
const withLength = (args: readonly string[]) =>
  args.flatMap((arg) => (arg.startsWith('--generate=') ? ['--generate', `--length=${arg.slice(11)}`] : [arg]))

/** Ties a declaration's options to what its `run` gets. */
export function command<const O extends Options>(declaration: Declaration<O>): Command {
  const { name, operands, options } = declaration
  return {
    name,
    usage: ['limpet', name, ...operands, ...(Object.keys(options).length > 0 ? ['[options]'] : [])].join(' '),
    summary: declaration.summary,
    details: declaration.details,
    example: declaration.example,
    options,
    run(surroundings, args) {
      let parsed: ReturnType<typeof parseArgs<Config<O>>>
      try {
        parsed = parseArgs<Config<O>>({ args: withLength(args), options, allowPositionals: true })
      } catch (error) {
        throw describeMistake(name, error)
      }
      checkOperands(name, operands, parsed.positionals)
      return declaration.run(surroundings, parsed.positionals, parsed.values)
    },
  }
}

/** A whole number of an option, within bounds. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new CliError(
    'usage',
    `--${option} takes a whole number from ${least} to ${most}, not "${safeLine(text)}".`,
  )
}
