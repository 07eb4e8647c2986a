// What the owner's client makes of an item. The server keeps it as one JSON text, of these members in this order.
import { z } from 'zod'
import { limits } from '../../contract/sizes.ts'
import { Failure } from '../failure.ts'
import { refused } from './rows.ts'

/** The member that each kind of item has, by the number of its kind. */
export const memberOfType = {
  1: 'login',
  2: 'secureNote',
  3: 'card',
  4: 'identity',
  5: 'sshKey',
  6: 'bankAccount',
  7: 'driversLicense',
  8: 'passport',
} as const

export type CipherType = keyof typeof memberOfType

/** Encrypted texts as the client wrote them, and what it leaves open. */
export interface CipherContent {
  readonly name: string
  readonly notes: string | null
  /** The item's own key, under which everything else in it is then; null if that is the user key. */
  readonly key: string | null
  readonly reprompt: 0 | 1
  /** What the kind has; undefined only in a change by a client that does not know the kind. */
  readonly own: Readonly<Record<string, unknown>> | undefined
  readonly fields: readonly unknown[] | null
  readonly passwordHistory: readonly unknown[] | null
}

/** The bytes that are stored. Throws `malformed-request` if there is nothing of the kind, and `too-large`. */
export function bodyOf(type: CipherType, { own, name, notes, key, reprompt, ...lists }: CipherContent) {
  if (own === undefined)
    throw refused(
      `The item has nothing in "${memberOfType[type]}", which its kind needs. Write it with another app.`,
    )
  const body = Buffer.from(
    JSON.stringify({ name, notes, key, reprompt, [memberOfType[type]]: own, ...lists }),
  )
  if (body.length > limits.sealedBytes)
    throw new Failure(
      'too-large',
      `The item is larger than the ${limits.sealedBytes} bytes that one may have.`,
    )
  return body
}

/** What the rules look at in a body. */
const Stored = z.looseObject({ key: z.string().nullable(), reprompt: z.literal([0, 1]) })
const Own = z.record(z.string(), z.unknown())

/** What a client has left out of a change because it does not know it. */
export interface LeftOut {
  readonly reprompt: boolean
  readonly passkeys: boolean
  readonly own: boolean
}

/** The item's own key in a stored body; null if it has none. */
export const keyIn = (body: Uint8Array): string | null =>
  Stored.parse(JSON.parse(Buffer.from(body).toString())).key

/** The number of the kind that a stored body is of. */
export function typeIn(body: Uint8Array): number {
  const stored = Stored.parse(JSON.parse(Buffer.from(body).toString()))
  const found = Object.entries(memberOfType).find(([, member]) => Object.hasOwn(stored, member))
  if (!found) throw new Error('A stored item is of no kind')
  return Number(found[0])
}

/** Content with what its client has left out, as it is stored. @param body of an item of the same kind */
export function withKept(
  type: CipherType,
  content: CipherContent,
  leftOut: LeftOut,
  body: Uint8Array,
): CipherContent {
  const stored = Stored.parse(JSON.parse(Buffer.from(body).toString()))
  const own = Own.parse(stored[memberOfType[type]])
  return {
    ...content,
    reprompt: leftOut.reprompt ? stored.reprompt : content.reprompt,
    own: leftOut.own
      ? own
      : leftOut.passkeys
        ? { ...content.own, fido2Credentials: own.fido2Credentials ?? null }
        : content.own,
  }
}
