// Failures: how the rules say that something cannot be done. Each API writes them in its own form.
import type { ProblemCode, ProblemMembers } from '../contract/problems.ts'

/** The further members of each code: required if the catalogue has some, absent otherwise. */
type Members<Code extends ProblemCode> = Code extends keyof ProblemMembers ? [ProblemMembers[Code]] : []

/**
 * Something that the caller asked for and that cannot be done. Code that decides by an outcome gets a value instead, and catches
 * no failure.
 */
export class Failure<Code extends ProblemCode = ProblemCode> extends Error {
  override name = 'Failure'
  readonly code: ProblemCode
  /** What the caller is told beside the sentence. */
  readonly members: object

  /** @param detail what went wrong this time, in a sentence for people; never anything secret */
  constructor(code: Code, detail: string, ...[members]: Members<Code>) {
    super(detail)
    this.code = code
    this.members = members ?? {}
  }
}

/** A failure that passes by itself. */
export class PassingFailure extends Failure<'too-many-requests' | 'unavailable'> {
  /** After how many seconds the caller may try again; at least one. */
  readonly retryAfter: number
  /** Whether the operator asked for it, by stopping the server: then it is no error, whatever its code. */
  readonly isPlanned: boolean

  /** @param seconds after which the caller may try again; any fraction counts as a whole second */
  constructor(
    code: 'too-many-requests' | 'unavailable',
    detail: string,
    seconds: number,
    { isPlanned = false } = {},
  ) {
    super(code, detail)
    this.retryAfter = Math.max(1, Math.ceil(seconds))
    this.isPlanned = isPlanned
  }
}

/** The same for what is missing and for what belongs to another account. */
export const notFound = () => new Failure('not-found', 'There is nothing here for this account.')
