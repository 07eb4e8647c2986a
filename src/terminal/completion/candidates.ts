// What a shell offers for a command line, made from the declarations of the commands. The scripts for the shells are made from this.
import type { Command, Option } from '../command.ts'

/** What may stand in one place: one of these words, a file, a program, or what no script can know. */
export type Candidates = readonly string[] | 'file' | 'program' | 'other'

export interface OptionToComplete {
  /** With its hyphens. */
  readonly name: string
  readonly help: string
  /** What its value may be. It is undefined if the option takes none. */
  readonly value: Candidates | undefined
}

interface CommandToComplete {
  /** One word, or two. */
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionToComplete[]
  /** What its operands may be, in their order. */
  readonly operands: readonly Candidates[]
}

/** Everything that the program can be told. */
export type Program = readonly CommandToComplete[]

/** What help calls something says what it may be: `keep|drop` is one of two words. */
function candidatesFor(placeholder: string): Candidates {
  const name = placeholder.replace(/^\[(.*?)(\.\.\.)?\]$/, '$1')
  if (name.includes('|')) return name.split('|')
  if (name === 'FILE' || name === 'PATH') return 'file'
  return name === 'COMMAND' ? 'program' : 'other'
}

const optionOf = ([name, { type, value, words, help }]: [string, Option]): OptionToComplete => ({
  name: `--${name}`,
  help,
  value: type === 'boolean' ? undefined : (words ?? candidatesFor(value ?? '')),
})

/** @param commands by the names under which they are called */
export const programOf = <Context>(commands: readonly (readonly [string, Command<Context>])[]): Program =>
  commands.map(([name, { summary, options, operands }]) => ({
    name,
    summary,
    options: [
      ...Object.entries(options).map(optionOf),
      { name: '--help', help: 'what the command takes, with an example', value: undefined },
    ],
    operands: operands.map(candidatesFor),
  }))

export interface Word {
  readonly word: string
  readonly means: string
}

/** What may stand first: commands, the first words of groups, and help. */
export function firstWords(commands: Program): readonly Word[] {
  const words = new Map<string, string>()
  for (const { name, summary } of commands) {
    const [first = '', second] = name.split(' ')
    // A command of one word says what it does; a group of commands has no summary of its own.
    if (second === undefined) words.set(first, summary)
    else if (!words.has(first)) words.set(first, secondWords(commands, first).join(', '))
  }
  return [
    ...[...words].map(([word, means]) => ({ word, means })),
    { word: 'help', means: 'what a command takes, with an example' },
    { word: '--help', means: 'every command' },
    { word: '--version', means: 'the version' },
  ]
}

const secondWords = (commands: Program, first: string) =>
  commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))

/** What may stand second, by the first word. */
export function wordsOfGroups(commands: Program): ReadonlyMap<string, readonly Word[]> {
  const groups = new Map<string, Word[]>()
  for (const { name, summary } of commands) {
    const [first = '', second] = name.split(' ')
    if (second !== undefined)
      groups.set(first, [...(groups.get(first) ?? []), { word: second, means: summary }])
  }
  return groups
}

/** The parts of a command line after which an option's value stands: the command's name and the option's, with a space between. */
export const valuesByOption = (commands: Program): readonly (readonly [string, Candidates])[] =>
  commands.flatMap(({ name, options }) =>
    options.flatMap((option) =>
      option.value === undefined ? [] : [[`${name} ${option.name}`, option.value] as const],
    ),
  )

/** What an operand may be, by the command's name and the operand's number from 0, with a space between. */
export const operandsByPlace = (commands: Program): readonly (readonly [string, Candidates])[] =>
  commands.flatMap(({ name, operands }) =>
    operands.map((candidates, place) => [`${name} ${place}`, candidates] as const),
  )
