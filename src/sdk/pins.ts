// How an account proved its password last time, kept on the device beyond the session (docs/protocol.md, "What a client must refuse").
import * as z from 'zod'
import { AuthMethod, type KdfParameters } from '../contract/accounts.ts'
import { type KdfCosts, requireAcceptableKdf } from '../protocol/keys.ts'
import { RefusedError } from '../protocol/refused.ts'
import { UnconfirmedError } from './errors.ts'

/** What a device keeps of an account after the owner logged out. Nothing in it is secret. */
export const LoginPin = z.object({
  server: z.string(),
  /** As `normalizeEmail` returns it. */
  email: z.string(),
  method: AuthMethod,
  /** With `authKey`, what the key was derived with; with `opaque`, what its protocol fixes. Memory in KiB. */
  costs: z.object({ memoryKiB: z.number(), iterations: z.number(), parallelism: z.number() }),
  /** The newest account key that opened here; without one the first. A server must not come back with an older one. */
  accountKeyVersion: z.int().min(1).optional(),
  /** True from the registration here to the first login here: until then the server may wait for the address to be confirmed. */
  isUnused: z.boolean().optional(),
})
export type LoginPin = z.infer<typeof LoginPin>

/** Where pins are kept: one for each server and address. */
export interface LoginPins {
  load(server: string, email: string): Promise<LoginPin | undefined>
  save(pin: LoginPin): Promise<void>
  remove(server: string, email: string): Promise<void>
}

const costNames = ['memoryKiB', 'iterations', 'parallelism'] as const

/** The pin of a login; of a session too, which holds the same, so that one of a version without pins counts as its pin. */
export const pinOf = (
  { server, email }: { server: string; email: string },
  {
    method,
    kdf,
    accountKeyVersion = 1,
  }: { method: AuthMethod; kdf: KdfParameters; accountKeyVersion?: number | undefined },
): LoginPin => ({
  server,
  email,
  method,
  costs: { memoryKiB: kdf.memoryKiB, iterations: kdf.iterations, parallelism: kdf.parallelism },
  ...(accountKeyVersion > 1 && { accountKeyVersion }),
})

/** A login by `authKey` that nothing on this device vouches for. */
export interface AuthKeyOffer {
  readonly email: string
  /** What the server asks for. */
  readonly kdf: KdfParameters
  /** The costs of the last login here, which those of `kdf` fall below; undefined where the account was never seen here. */
  readonly pinned: KdfCosts | undefined
}

/** Decides about such a login. It is refused unless this returns true. */
export type AcceptAuthKey = (offer: AuthKeyOffer) => boolean | Promise<boolean>

/** Each cost must be reached: which of them an attacker gains most by depends on the attacker's machine. */
const isAsDear = (kdf: KdfParameters, pinned: KdfCosts) =>
  costNames.every((name) => kdf[name] >= pinned[name])

const refusals = {
  method:
    'The server asks for a weaker way to log in than last time: authKey, where this account has OPAQUE. Nothing was sent to it.',
  costs: 'The server asks for a cheaper key derivation than last time. Nothing was sent to it.',
  unknown:
    'The server asks to log in by authKey, from which it could guess the password, and nothing on this device tells that the account does so. Nothing was sent to it.',
} as const

/**
 * Refuses to prove a password in a weaker way than last time, or by `authKey` if nothing vouches for it. A stronger way
 * is taken: a password change on another device can have chosen it, and it gives a hostile server nothing.
 *
 * @param pin what this device knows of the account
 * @throws RefusedError before anything is derived or sent (UnconfirmedError if the account was registered here and never logged in
 *   here), and KdfRefusedError for costs out of bounds
 */
export async function refuseDowngrade(
  pin: LoginPin | undefined,
  { email, kdf, method }: { email: string; kdf: KdfParameters; method: AuthMethod },
  accept: AcceptAuthKey = () => false,
): Promise<void> {
  // Its costs are the protocol's own, and are looked at where it begins.
  if (method === 'opaque') return
  const refuse = (why: keyof typeof refusals) =>
    // Of addresses without an account, servers say credible things; so they do of a registration that waits.
    pin?.isUnused ? new UnconfirmedError() : new RefusedError(refusals[why])
  if (pin?.method === 'opaque') throw refuse('method')
  if (pin && isAsDear(kdf, pin.costs)) return
  requireAcceptableKdf(kdf)
  if (await accept({ email, kdf, pinned: pin?.costs })) return
  throw refuse(pin ? 'costs' : 'unknown')
}

/** Refuses an account key that is older than the newest one that opened here. Throws RefusedError. */
export function refuseOlderAccountKey(pin: LoginPin | undefined, accountKeyVersion: number): void {
  if (accountKeyVersion < (pin?.accountKeyVersion ?? 1))
    throw new RefusedError(
      'The server shows an older account key than before. It was restored from a backup, or it is not honest.',
    )
}
