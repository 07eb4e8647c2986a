// Help about commands, made from their declarations.
import type { Command, Option } from './command.ts'
import { terminalColumns } from './output.ts'
import { wrapped } from './text.ts'

/** Longer lines are harder to read. */
const mostColumns = 100
const columnsOfPipes = 80
const helpColumns = () => Math.min(terminalColumns() ?? columnsOfPipes, mostColumns)

/** What stands beside a name gets at least this much room, also where a line is then too long. */
const leastRoom = 24

/** Two columns, a step from the margin, the right one wrapped at words. @returns the lines of each pair */
export const columns = (pairs: readonly (readonly [string, string])[]): string[][] => {
  const indent = Math.max(...pairs.map(([left]) => left.length)) + 4
  const room = Math.max(helpColumns() - indent, leastRoom)
  return pairs.map(([left, right]) =>
    wrapped(right, room).map((line, index) => (index === 0 ? `  ${left}` : '').padEnd(indent) + line),
  )
}

const describeOption = ([name, { value, help }]: [string, Option]): [string, string] => [
  `--${name}${value ? ` ${value}` : ''}`,
  help,
]

export function helpFor<Context>({ usage, summary, details, example, options }: Command<Context>): string[] {
  const described = Object.entries(options).map(describeOption)
  return [
    usage,
    '',
    ...wrapped(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`, helpColumns()),
    ...(details ? wrapped(details, helpColumns()) : []),
    ...(described.length > 0 ? ['', ...columns(described).flat()] : []),
    '',
    `Example: ${example}`,
  ]
}

/** Whether `--help` stands among arguments. */
export const asksForHelp = (args: readonly string[]) => {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}
