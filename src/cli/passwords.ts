// Makes passwords and passphrases, and says how many of them are equally likely.
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
  const limit = 2 ** 32 - (2 ** 32 % below)
  const [drawn] = crypto.getRandomValues(new Uint32Array(1))
  return drawn !== undefined && drawn < limit ? drawn % below : fairNumber(below)
}

const classesOf = (symbols: boolean): readonly string[] => {
  const { symbols: marks, ...plain } = classes
  return symbols ? [...Object.values(plain), marks] : Object.values(plain)
}

export function generatePassword({ length, symbols }: PasswordOptions): string {
  const chosen = classesOf(symbols)
  const alphabet = chosen.join('')
  for (;;) {
    const password = Array.from({ length }, () => alphabet[fairNumber(alphabet.length)]).join('')
    // Drawing the whole again favours no password; putting a missing class in some place would.
    if (chosen.every((characters) => [...characters].some((one) => password.includes(one)))) return password
  }
}

/**
 * The entropy of a generated password in bits: the logarithm of how many there are. Those without a character of some class are taken off
 * (inclusion and exclusion).
 */
export function passwordBits({ length, symbols }: PasswordOptions): number {
  const sizes = classesOf(symbols).map((characters) => characters.length)
  const all = sizes.reduce((sum, size) => sum + size, 0)
  // As parts of all texts of the length, which are too many for a number.
  let share = 0
  for (let missing = 0; missing < 2 ** sizes.length; missing++) {
    const left = sizes.filter((_size, index) => ((missing >> index) & 1) === 0)
    const sign = (sizes.length - left.length) % 2 === 0 ? 1 : -1
    share += sign * (left.reduce((sum, size) => sum + size, 0) / all) ** length
  }
  return length * Math.log2(all) + Math.log2(share)
}

export const passphraseLengths = { min: 4, max: 24 } as const

/** A passphrase of words of a list, each equally likely, and its entropy in bits. */
export const generatePassphrase = (list: readonly string[], count: number, separator: string) => ({
  password: Array.from({ length: count }, () => list[fairNumber(list.length)]).join(separator),
  bits: count * Math.log2(list.length),
})
