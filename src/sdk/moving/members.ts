// What a file says of one thing, by names, and which of it a reader has not looked at: so that nothing is dropped without a word.
import { asText } from './text.ts'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.every(isEmpty)) ||
  (isRecord(value) && Object.values(value).every(isEmpty))

interface Member {
  /** As the file spells its name. */
  readonly label: string
  readonly value: unknown
}

/** The members of a JSON object, or the columns of a line. Whatever form a value has, reading it does not fail. */
export class Members {
  readonly #members: ReadonlyMap<string, Member>
  readonly #taken = new Set<string>()
  readonly #nested: { readonly label: string; readonly members: Members }[] = []

  private constructor(members: ReadonlyMap<string, Member>) {
    this.#members = members
  }

  /** Of a JSON object; without members for anything else. */
  static of(value: unknown): Members {
    const entries = isRecord(value) ? Object.entries(value) : []
    return new Members(new Map(entries.map(([label, value]) => [label, { label, value }])))
  }

  /** Of a line: the names are asked for in lower case. Of two columns of one name the first is meant, the other one is left over. */
  static ofColumns(columns: readonly [label: string, value: string][]): Members {
    const members = new Map<string, Member>()
    for (const [label, value] of columns) {
      const name = label.toLowerCase()
      members.set(members.has(name) ? `${name} ${members.size}` : name, { label, value })
    }
    return new Members(members)
  }

  /** The value of a member, which counts as looked at. */
  take(name: string): unknown {
    this.#taken.add(name)
    return this.#members.get(name)?.value
  }

  /** The text of the first of these members that has one; the others count as looked at only if they say the same. Numbers become text. */
  text(...names: readonly string[]): string {
    let found = ''
    for (const name of names) {
      const text = asText(this.#members.get(name)?.value)
      if (found === '' || text === found || text === '') this.#taken.add(name)
      if (found === '') found = text
    }
    return found
  }

  /** The elements of a list; none of anything else. */
  list(name: string): readonly unknown[] {
    const value = this.take(name)
    return Array.isArray(value) ? value : []
  }

  /** The texts in a list. */
  texts(name: string): readonly string[] {
    return this.list(name)
      .map(asText)
      .filter((text) => text !== '')
  }

  /** The members of a member; what is not looked at in there is left over here too. */
  within(name: string): Members {
    const label = this.#members.get(name)?.label ?? name
    const members = Members.of(this.take(name))
    this.#nested.push({ label, members })
    return members
  }

  /** The objects in a list, each with its members. */
  each(name: string): readonly Members[] {
    return this.list(name).map((value) => {
      const members = Members.of(value)
      this.#nested.push({ label: name, members })
      return members
    })
  }

  /** Members that say nothing about the item, such as ids of the other program. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#taken.add(name)
  }

  /** What was not looked at and is not empty, by its path; what is no text is JSON. */
  rest(): [path: string, value: string][] {
    const own = [...this.#members].flatMap(([name, { label, value }]): [string, string][] =>
      this.#taken.has(name) || isEmpty(value)
        ? []
        : [[label, typeof value === 'object' ? JSON.stringify(value) : asText(value)]],
    )
    const nested = this.#nested.flatMap(({ label, members }) =>
      members.rest().map(([path, value]): [string, string] => [`${label}.${path}`, value]),
    )
    return [...own, ...nested]
  }
}
