// Makes passwords: every one that has a character of each class is equally likely.
const classes = {
  lower: 'abcdefghijklmnopqrstuvwxyz',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  digits: '0123456789',
  symbols: '!#$%&*+-./:;<=>?@^_~',
}

export const passwordLengths = { min: 8, default: 20, max: 256 } as const

export interface PasswordOptions {
  /** Characters, within `passwordLengths`. */
  readonly length: number
  readonly symbols: boolean
}

/** A number from 0 to `below` - 1. A remainder alone would favour the low ones, so what is left over is drawn again. */
function fairNumber(below: number): number {
  const limit = 256 - (256 % below)
  const [drawn] = crypto.getRandomValues(new Uint8Array(1))
  return drawn !== undefined && drawn < limit ? drawn % below : fairNumber(below)
}

export function generatePassword({ length, symbols }: PasswordOptions): string {
  const { symbols: marks, ...plain } = classes
  const chosen = symbols ? [...Object.values(plain), marks] : Object.values(plain)
  const alphabet = chosen.join('')
  for (;;) {
    const password = Array.from({ length }, () => alphabet[fairNumber(alphabet.length)]).join('')
    // Drawing the whole again favours no password; putting a missing class in some place would.
    if (chosen.every((characters) => [...characters].some((one) => password.includes(one)))) return password
  }
}
