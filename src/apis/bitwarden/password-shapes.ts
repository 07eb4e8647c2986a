// What requests say of a password that is proved or chosen: the hash that a client logs in with, the costs of its KDF, and what is wrapped
// under it. Newer clients say all of it in two objects, older ones side by side, some in both ways.
import { z } from 'zod'
import { Email, normalizeEmail } from '../../contract/primitives.ts'
import { Failure } from '../../domain/failure.ts'
import type { BitwardenKdf } from '../../domain/identity/bitwarden-accounts.ts'
import { encStringOf } from './enc-string.ts'
import { ClientHash } from './secret.ts'
import { caseless } from './wire.ts'

const saltOf = (email: string) => email.trim().toLowerCase()

/**
 * The address of a new account, or the new one of an account. Clients derive the password's key from it trimmed and in lower case: with an
 * address that the server writes in another way nobody could ever log in.
 */
export const SaltedEmail = z
  .string()
  .refine(
    (email) => saltOf(email) === normalizeEmail(email),
    'This address cannot be used: write it with other letters',
  )
  .pipe(Email)

const kibInMib = 1024

/** What is taken at the most: what the apps themselves take. */
const most = { pbkdf2: 2_000_000, argon2id: 10, memoryMib: 1024, parallelism: 16 } as const

interface Costs {
  readonly type: 0 | 1
  readonly iterations: number
  readonly memory?: number | null | undefined
  readonly parallelism?: number | null | undefined
}

/** @returns undefined if costs are missing or beyond what the apps take */
function kdfOf({ type, iterations, memory, parallelism }: Costs): BitwardenKdf | undefined {
  if (type === 0) return iterations <= most.pbkdf2 ? { kind: 'pbkdf2', iterations } : undefined
  if (!memory || !parallelism) return undefined
  const isBeyond = iterations > most.argon2id || memory > most.memoryMib || parallelism > most.parallelism
  return isBeyond ? undefined : { kind: 'argon2id', iterations, memoryKiB: memory * kibInMib, parallelism }
}

const Cost = z.int().min(1)
const KdfType = z.union([z.literal(0), z.literal(1)])
const kdfMessage = 'Expected PBKDF2 (0) or Argon2id (1) with all of its costs, none beyond what the apps take'

/** The costs of a KDF as an object of their own. */
const KdfSettings = caseless({
  kdfType: KdfType,
  iterations: Cost,
  memory: Cost.nullish(),
  parallelism: Cost.nullish(),
}).transform(({ kdfType: type, ...costs }, context) => {
  const kdf = kdfOf({ type, ...costs })
  if (!kdf) context.addIssue(kdfMessage)
  return kdf ?? z.NEVER
})

/** The id of a user key, as clients name it: 32 characters of hex. */
export const UserKeyId = z
  .string()
  .regex(/^[0-9A-Fa-f]{32}$/, 'Expected 32 characters of hex')
  .toLowerCase()

/** The members by which a password is chosen, in both ways. */
export const chosenPasswordShape = {
  masterPasswordHash: ClientHash.nullish(),
  kdf: KdfType.nullish(),
  kdfIterations: Cost.nullish(),
  kdfMemory: Cost.nullish(),
  kdfParallelism: Cost.nullish(),
  masterPasswordAuthentication: caseless({
    kdf: KdfSettings,
    masterPasswordAuthenticationHash: ClientHash,
    salt: z.string(),
  }).nullish(),
  masterPasswordUnlock: caseless({
    kdf: KdfSettings,
    masterKeyWrappedUserKey: encStringOf(64),
    salt: z.string(),
    containedKeyId: UserKeyId.nullish(),
  }).nullish(),
} as const

const ChosenPasswordBody = z.object(chosenPasswordShape)

/** A password as it is chosen. */
export interface ChosenPassword {
  readonly clientHash: Uint8Array
  readonly kdf: BitwardenKdf
  /** The user key, wrapped under it. */
  readonly userKey: string
  readonly userKeyId: string | null
}

const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** The one value that all of them are. @param fail told if they differ, or there is none */
function same<T>(values: readonly (T | null | undefined)[], fail: (message: string) => void): T | undefined {
  const [first, ...others] = values.filter((value) => value !== null && value !== undefined)
  if (first === undefined) fail('This member is missing')
  else if (others.some((other) => !isEqual(first, other)))
    fail('The two spellings of this say different things')
  return first
}

/** What is known of a password before it is chosen. */
interface Around {
  /** Whose it is; where a salt is said, it has to be this address. */
  readonly email: string
  /** The wrapped user key, in the way of older clients. */
  readonly flatUserKey: string | null | undefined
  /** What the costs have to be, if they do not change: then they need not be said. */
  readonly kdf?: BitwardenKdf
}

/**
 * The password that a request chooses: what it says in two ways has to be the same.
 * @param fail told of what is missing or wrong, by member
 */
export function chosenPasswordIn(
  body: z.output<typeof ChosenPasswordBody>,
  { email, flatUserKey, kdf: present }: Around,
  fail: (path: string, message: string) => void,
): ChosenPassword | undefined {
  const { masterPasswordAuthentication: authentication, masterPasswordUnlock: unlock } = body
  const at = (path: string) => (message: string) => fail(path, message)
  const { kdf: type, kdfIterations: iterations, kdfMemory: memory, kdfParallelism: parallelism } = body
  const isFlat = type !== null && type !== undefined && iterations !== null && iterations !== undefined
  const flatKdf = isFlat ? kdfOf({ type, iterations, memory, parallelism }) : undefined
  if (isFlat && !flatKdf) at('kdf')(kdfMessage)
  for (const salted of [authentication, unlock])
    if (salted && salted.salt !== email)
      at('salt')('Expected the e-mail address in lower case: every client takes it as the salt')
  const clientHash = same(
    [body.masterPasswordHash, authentication?.masterPasswordAuthenticationHash],
    at('masterPasswordHash'),
  )
  const kdf = same([flatKdf, authentication?.kdf, unlock?.kdf, present], at('kdf'))
  const userKey = same([flatUserKey, unlock?.masterKeyWrappedUserKey], at('masterKeyWrappedUserKey'))
  if (!clientHash || !kdf || userKey === undefined) return undefined
  return { clientHash, kdf, userKey, userKeyId: unlock?.containedKeyId ?? null }
}

/** The same once the account is known; throws `malformed-request`. */
export function requireChosenPassword(
  body: z.output<typeof ChosenPasswordBody>,
  around: Around,
): ChosenPassword {
  const errors: { path: string; message: string }[] = []
  const chosen = chosenPasswordIn(body, around, (path, message) => errors.push({ path, message }))
  if (chosen && errors.length === 0) return chosen
  throw new Failure('malformed-request', 'The password that is chosen is not complete.', { errors })
}

/** What tells zod of what is wrong, by member. */
export const failingIn = (context: z.RefinementCtx) => (path: string, message: string) =>
  context.addIssue({ code: 'custom', path: [path], message })
