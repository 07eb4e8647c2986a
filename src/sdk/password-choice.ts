// Whether a password may be chosen, and how long guessing it takes (docs/decisions/choosing-passwords.md).
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { defaultKdf } from '../contract/accounts.ts'
import type { KdfCosts } from '../protocol/keys.ts'
import { normalizePassword, PasswordRefusedError, refuseUnassigned } from '../protocol/password.ts'

/** Characters are Unicode code points, as NIST SP 800-63B-4, section 3.1.1.2, counts them. */
export const passwordCharacters = { min: 8, advised: 12 } as const

/** What is guessed sooner is refused: some minutes of the attacker below. */
const minGuesses = 1e7

/** How much of a password is looked at. The time of the estimate grows with the square; what is longer is at least as good. */
const maxEstimatedCharacters = 64

/**
 * Bytes a second that an attacker's memory moves: ten graphics cards with 1 TB/s each. Argon2id is bound by that: each pass
 * writes all of the memory and reads as much (RFC 9106, section 3.4).
 */
const attackerBytesPerSecond = 1e13

/** Stand in every text about passwords, and so in every attacker's list. */
const famousExamples = [
  'correct horse battery staple',
  'correct-horse-battery-staple',
  'correcthorsebatterystaple',
  'tr0ub4dor&3',
]

export interface PasswordContext {
  /** Of the account: its parts make no password. */
  readonly email?: string
  /** What one guess costs; with OPAQUE, and unless chosen otherwise, `defaultKdf`. */
  readonly kdf?: KdfCosts
}

export interface PasswordAssessment {
  /** Why it must not be chosen, or undefined. */
  readonly refusal: PasswordRefusedError | undefined
  /** For an attacker with the server's database and ten graphics cards. 0 guesses if the password is refused for its form. */
  readonly guessing: {
    readonly guesses: number
    readonly seconds: number
    /** `seconds` in English, such as "about 3 years". */
    readonly words: string
  }
}

let loading: Promise<ZxcvbnFactory> | undefined

/** Loaded with the first use: the lists are several times as large as the rest of the SDK. */
async function loadEstimator(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  return new ZxcvbnFactory({
    dictionary: { ...dictionary, famousExamples },
    graphs: adjacencyGraphs,
    maxLength: maxEstimatedCharacters,
  })
}

const estimator = () => {
  loading ??= loadEstimator().catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

/** An address and its parts, also without what stands between them. */
const termsOf = (email: string) => {
  const parts = email.split(/[^\p{L}\p{N}]+/u).filter((part) => part.length > 2)
  return [email, ...email.split('@'), ...parts, parts.join('')].filter((term) => term !== '')
}

const secondsFor = (guesses: number, { memoryKiB, iterations }: KdfCosts) =>
  (guesses * 2 * memoryKiB * 1024 * iterations) / attackerBytesPerSecond

const units = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** A duration for people: one unit, rounded down. */
function inWords(seconds: number): string {
  if (seconds >= 1000 * units[0][1]) return 'more than 1,000 years'
  for (const [name, length] of units) {
    const count = Math.floor(seconds / length)
    if (count > 0) return `about ${count} ${name}${count === 1 ? '' : 's'}`
  }
  return 'less than a second'
}

const guessingOf = (guesses: number, kdf: KdfCosts) => {
  const seconds = secondsFor(guesses, kdf)
  return { guesses, seconds, words: inWords(seconds) }
}

/** Why the password's form keeps it from being chosen. @returns undefined if nothing does */
function refusalOfForm(password: string): PasswordRefusedError | undefined {
  try {
    refuseUnassigned(password)
    const { length } = [...normalizePassword(password)]
    if (length >= passwordCharacters.min) return undefined
    return new PasswordRefusedError(
      'too-short',
      `The password has ${length} of at least ${passwordCharacters.min} characters. Several words that do not belong together are good`,
    )
  } catch (error) {
    if (error instanceof PasswordRefusedError) return error
    throw error
  }
}

const ownAddress = () =>
  new PasswordRefusedError('common', 'The password is made of the e-mail address. Choose another one')

const listed = () =>
  new PasswordRefusedError(
    'common',
    'The password stands in lists of common passwords, which are tried first. Choose another one',
  )

/**
 * Says whether a password may be chosen, and how long guessing it takes at the least. Sends nothing. Loads the lists with its
 * first call.
 */
export async function assessPassword(
  password: string,
  { email = '', kdf = defaultKdf }: PasswordContext = {},
): Promise<PasswordAssessment> {
  const badForm = refusalOfForm(password)
  if (badForm && badForm.code !== 'too-short') return { refusal: badForm, guessing: guessingOf(0, kdf) }
  const normalized = normalizePassword(password)
  const { guesses, sequence } = (await estimator()).check(normalized, termsOf(email))
  const guessing = guessingOf(guesses, kdf)
  if (badForm) return { refusal: badForm, guessing }
  const [first, ...rest] = sequence
  const whole = first?.pattern === 'dictionary' && rest.length === 0
  if (whole && first.dictionaryName !== 'userInputs') return { refusal: listed(), guessing }
  if (guesses >= minGuesses) return { refusal: undefined, guessing }
  if (sequence.some((match) => match.dictionaryName === 'userInputs'))
    return { refusal: ownAddress(), guessing }
  const refusal = new PasswordRefusedError(
    'guessable',
    `The password is found ${guessing.seconds < 1 ? 'at once' : `within ${guessing.words.replace('about ', '')}`} by an attacker with the server's database. Several words that do not belong together are good`,
  )
  return { refusal, guessing }
}

/** @throws PasswordRefusedError if the password must not be chosen */
export async function requireChoosable(password: string, context: PasswordContext): Promise<void> {
  const { refusal } = await assessPassword(password, context)
  if (refusal) throw refusal
}
