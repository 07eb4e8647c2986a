// What the client compares an answer with, before it goes along with it (docs/protocol.md, "What a client must refuse").
import { RefusedError } from './errors.ts'

/** Throws RefusedError where the server answers about another item or vault than the one it was asked for. */
export function refuseOther(answered: { readonly id: string }, id: string): void {
  if (answered.id !== id)
    throw new RefusedError('The server answered with something else than what it was asked for.')
}
