// An item while a reader puts it together: what has no member of its own becomes a field, and what cannot be taken is told.
import type { ItemContent, ItemKind } from '../../contract/content.ts'
import { requireItemContent } from '../../protocol/item-content.ts'
import type { NewFile } from '../new-file.ts'
import type { IncomingItem, Leftover } from './incoming.ts'
import type { Members } from './members.ts'
import { asText } from './text.ts'

type Field = NonNullable<ItemContent['fields']>[number]

interface Beginning {
  readonly kind: ItemKind
  readonly name: string
  readonly place: string
  /** Where what has no place of its own is told. */
  readonly leftovers: Leftover[]
}

export class Draft {
  readonly place: string
  vault: string | undefined
  trashed = false
  readonly files: NewFile[] = []
  readonly #members: Record<string, unknown>
  readonly #fields: Field[] = []
  readonly #tags = new Set<string>()
  readonly #leftovers: Leftover[]

  constructor({ kind, name, place, leftovers }: Beginning) {
    this.place = place
    this.#leftovers = leftovers
    this.#members = { kind, name }
  }

  /** A text of the kind; an empty one is left out, and a number becomes text. */
  set(member: string, value: unknown): void {
    const text = asText(value)
    if (text !== '') this.#members[member] = text
  }

  /** A list of the kind; an empty one is left out. */
  setList(member: string, values: readonly unknown[]): void {
    if (values.length > 0) this.#members[member] = values
  }

  /** Marks it as a favourite. */
  favour(): void {
    this.#members.favourite = true
  }

  tag(name: string): void {
    if (name.trim() !== '') this.#tags.add(name.trim())
  }

  /** A field that the item has in the other program too. */
  field(name: string, value: string, hidden = false): void {
    this.#fields.push({ name, value, hidden })
  }

  /** Something that has no member of its own here: it becomes a field, and that is told. Nothing is done for an empty value. */
  keep(name: string, value: unknown, hidden = false): void {
    const text = asText(value)
    if (text === '') return
    this.field(name, text, hidden)
    this.#tell(name, 'a field')
  }

  /** Everything that the reader did not look at becomes hidden fields: nobody here knows whether it is secret. */
  keepRest(members: Members): void {
    for (const [path, value] of members.rest()) this.keep(path, value, true)
  }

  /** More text for the notes, below what is there. */
  note(text: string): void {
    const { notes } = this.#members
    this.#members.notes = typeof notes === 'string' ? `${notes}\n\n${text}` : text
  }

  /** Something that goes to a place which a person would not look in. */
  moved(what: string, wentTo: string): void {
    this.#tell(what, wentTo)
  }

  /** Something that cannot be taken. */
  lose(what: string): void {
    this.#tell(what, undefined)
  }

  #tell(what: string, wentTo: string | undefined): void {
    this.#leftovers.push({ place: this.place, what, wentTo })
  }

  /** The item. Throws ContentError where a member has another type than its kind allows. */
  finish(): IncomingItem {
    const content = requireItemContent({
      ...this.#members,
      ...(this.#tags.size > 0 && { tags: [...this.#tags] }),
      ...(this.#fields.length > 0 && { fields: this.#fields }),
    })
    const { place, vault, trashed, files } = this
    return { content, vault, trashed, files, versions: [], place }
  }
}
