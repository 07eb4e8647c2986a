// Help about commands, made from their declarations.
import type { Command, Option } from './command.ts'

/** Lines of two columns, a step from the margin. */
export const columns = (pairs: readonly (readonly [string, string])[]) => {
  const width = Math.max(...pairs.map(([left]) => left.length)) + 2
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}${right}`)
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
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...(details ? [details] : []),
    ...(described.length > 0 ? ['', ...columns(described)] : []),
    '',
    `Example: ${example}`,
  ]
}

/** Whether `--help` stands among arguments. */
export const asksForHelp = (args: readonly string[]) => {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}
