// What the client compares an answer with, before it goes along with it (docs/protocol.md, "What a client must refuse").
import { RefusedError } from '../protocol/refused.ts'

/** Throws RefusedError where the server answers about another item or vault than the one it was asked for. */
export function refuseOther(answered: { readonly id: string }, id: string): void {
  if (answered.id !== id)
    throw new RefusedError('The server answered with something else than what it was asked for.')
}

/** More than any list of an honest server: what goes on behind these never ends. */
const longestList = { rows: 1_000_000, characters: 2 ** 31 } as const

/** Counts what a list of several answers has brought so far. */
export class ListLength {
  #rows = 0
  #characters = 0

  /** Throws RefusedError once the list is longer than any. @param characters of the sealed data in the rows */
  add(rows: number, characters: number): void {
    this.#rows += rows
    this.#characters += characters
    if (this.#rows > longestList.rows || this.#characters > longestList.characters) throw endlessList()
  }
}

export const endlessList = () =>
  new RefusedError('The server gives a list that does not end. Nothing more was asked of it.')
