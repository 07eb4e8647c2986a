// Every command, in the order in which help shows them; and help, which is made from them.
import type { Command, Option } from './command.ts'
import { login, logout, register, status } from './commands/account.ts'
import { get, list } from './commands/reading.ts'
import { sync } from './commands/sync.ts'
import { derive, generate } from './commands/tools.ts'
import { lock, unlock } from './commands/unlocking.ts'
import { add, edit, restore, rm } from './commands/writing.ts'
import { exitCodes } from './exit-codes.ts'

const commands: readonly Command[] = [
  register,
  login,
  logout,
  status,
  unlock,
  lock,
  add,
  get,
  list,
  edit,
  rm,
  restore,
  sync,
  generate,
  derive,
]

export const findCommand = (name: string) => commands.find((command) => command.name === name)

const columns = (pairs: readonly (readonly [string, string])[]) => {
  const width = Math.max(...pairs.map(([left]) => left.length)) + 2
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}${right}`)
}

export const overview = (): string[] => [
  'limpet: a password vault that its server cannot open',
  '',
  ...columns(commands.map(({ name, summary }) => [name, summary])),
  '',
  'limpet help COMMAND   what a command takes, with an example',
  'limpet help exit      the exit codes',
  'limpet --version',
]

const describeOption = ([name, { value, help }]: [string, Option]): [string, string] => [
  `--${name}${value ? ` ${value}` : ''}`,
  help,
]

export function helpFor({ usage, summary, details, example, options }: Command): string[] {
  const described = Object.entries(options).map(describeOption)
  return [
    usage,
    '',
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...(details ? [details] : []),
    ...(described.length > 0 ? ['', ...columns(described)] : []),
    '',
    `Example: ${example}`,
  ]
}

export const exitCodeHelp = (): string[] =>
  columns(Object.values(exitCodes).map(({ code, means }) => [String(code), means]))
