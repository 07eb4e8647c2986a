// Passwords and passphrases as bytes (docs/protocol.md, "Keys").

/** Nothing can be derived from such a password; the message says why. */
export class PasswordRefusedError extends Error {
  override readonly name = 'PasswordRefusedError'
}

/** NFKC, whole: the same password typed on two systems has to become the same text. */
export function normalizePassword(password: string, kind: 'password' | 'passphrase' = 'password'): string {
  if (password === '') throw new PasswordRefusedError(`The ${kind} is empty`)
  if (!password.isWellFormed())
    throw new PasswordRefusedError(`The ${kind} contains half of a surrogate pair, which has no UTF-8 form`)
  return password.normalize('NFKC')
}

/** Normalized, and then UTF-8. */
export const encodePassword = (password: string, kind?: 'password' | 'passphrase'): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(normalizePassword(password, kind))
