// Passwords and passphrases as bytes (docs/protocol.md, "Keys").

/** Why a password was refused. The first three hold at login too or when it is spelled; the others only when one is chosen. */
export type PasswordRefusal = 'empty' | 'malformed' | 'unassigned' | 'too-short' | 'common' | 'guessable'

/** Nothing can be derived from such a password, or it must not be chosen; the message says why, and `code` which it was. */
export class PasswordRefusedError extends Error {
  override readonly name = 'PasswordRefusedError'
  readonly code: PasswordRefusal

  constructor(code: PasswordRefusal, message: string) {
    super(message)
    this.code = code
  }
}

/** What a text is, for the sentence about it. */
type Kind = 'password' | 'passphrase'

/** NFKC, whole: the same password typed on two systems has to become the same text. */
export function normalizePassword(password: string, kind: Kind = 'password'): string {
  if (password === '') throw new PasswordRefusedError('empty', `The ${kind} is empty`)
  if (!password.isWellFormed())
    throw new PasswordRefusedError(
      'malformed',
      `The ${kind} contains half of a surrogate pair, which has no UTF-8 form`,
    )
  return password.normalize('NFKC')
}

/** Normalized, and then UTF-8. */
export const encodePassword = (password: string, kind?: Kind): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(normalizePassword(password, kind))

/**
 * Refuses code points that have no meaning yet, in a password that is chosen: a later version of Unicode may give them one,
 * and with it another NFKC form. The owner of such a password would be locked out by an update of the system.
 *
 * @throws PasswordRefusedError `unassigned`
 */
export function refuseUnassigned(chosen: string, kind: Kind = 'password'): void {
  if (/\p{Cn}/u.test(chosen))
    throw new PasswordRefusedError(
      'unassigned',
      `The ${kind} contains a character that this system does not know yet, so that another one may read it differently. Leave it out`,
    )
}
