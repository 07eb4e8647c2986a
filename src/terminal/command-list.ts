// The commands of a program: found by the one or two words that each is called by, and listed in help.
import type { Command } from './command.ts'
import { CliError } from './exit-codes.ts'
import { columns } from './help.ts'
import { mostSimilar } from './similar.ts'
import type { Line } from './text.ts'
import { safeLine } from './text.ts'

type Load<Context> = () => Promise<Command<Context>>

/** Commands under the heading of their section. Each is loaded when it is called: loading all of them takes longer than most of them run. */
type Sections<Context> = Readonly<Record<string, Readonly<Record<string, Load<Context>>>>>

interface Found<Context> {
  readonly command: Command<Context>
  /** What stands behind its words. */
  readonly args: string[]
}

export class CommandList<Context> {
  readonly #program: string
  readonly #sections: Sections<Context>
  readonly #commands: ReadonlyMap<string, Load<Context>>

  /** @param sections in the order in which help shows them */
  constructor(program: string, sections: Sections<Context>) {
    this.#program = program
    this.#sections = sections
    this.#commands = new Map(Object.values(sections).flatMap((commands) => Object.entries(commands)))
  }

  /** The command of the first two words or of the first one. @returns undefined if there is none */
  async find([first = '', second, ...rest]: readonly string[]): Promise<Found<Context> | undefined> {
    const two = second === undefined ? undefined : this.#commands.get(`${first} ${second}`)
    if (two) return { command: await two(), args: rest }
    const one = this.#commands.get(first)
    return one && { command: await one(), args: second === undefined ? [] : [second, ...rest] }
  }

  /** Every command, by the name under which it is called. */
  async load(): Promise<[string, Command<Context>][]> {
    const loaded: [string, Command<Context>][] = []
    for (const [name, load] of this.#commands) loaded.push([name, await load()])
    return loaded
  }

  /** What each command is for, section by section. */
  async overview(): Promise<Line[]> {
    const lines: Line[] = []
    const summaries = (await this.load()).map(([name, { summary }]): [string, string] => [name, summary])
    const described = columns(summaries)
    for (const [heading, commands] of Object.entries(this.#sections)) {
      lines.push('', { text: heading, style: 'heading' })
      for (const name of Object.keys(commands))
        lines.push(...(described[summaries.findIndex(([one]) => one === name)] ?? []))
    }
    return lines
  }

  /** Help about the commands of two words that begin with the one that was given. @returns undefined if there are none */
  async groupHelp([word = '', ...others]: readonly string[]): Promise<string[] | undefined> {
    if (others.length > 0) return undefined
    const group = (await this.load()).filter(([name]) => name.startsWith(`${word} `))
    if (group.length === 0) return undefined
    return [
      ...columns(group.map(([name, { summary }]) => [name, summary])).flat(),
      '',
      `"${this.#program} help ${group[0]?.[0]}" shows what that one takes, for example.`,
    ]
  }

  /** What is said of words that no command is called by. */
  unknown([first = '', second]: readonly string[]): CliError {
    const names = [...this.#commands.keys()]
    const seconds = names.flatMap((name) =>
      name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : [],
    )
    const typed = second === undefined || seconds.length === 0 ? first : `${first} ${second}`
    // One word alone may also be meant for the first of two.
    const similar = mostSimilar(typed, [...names, ...names.map((name) => name.split(' ')[0] ?? '')])
    const remedy =
      seconds.length > 0
        ? `"${this.#program} ${safeLine(first)}" takes ${seconds.join(', ')}.`
        : `"${this.#program} help" lists them.`
    const guess = similar === undefined || similar === first ? '' : ` Did you mean "${similar}"?`
    return new CliError('usage', `There is no command "${safeLine(typed)}".${guess} ${remedy}`)
  }
}
