// From the password to the keys (docs/protocol.md, "Keys"), and new keys.
import { argon2id } from 'hash-wasm'
import { defaultKdf, type KdfParameters, maxKdf, minKdf } from '../contract/accounts.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { hkdfSha256 } from './hkdf.ts'
import { encodePassword } from './password.ts'
import { platformRandom, type Random, takeRandom } from './random.ts'

const keyBytes = 32
const kdfSaltBytes = 16
const authInfo = 'limpet/v1/auth'
const wrapInfo = 'limpet/v1/wrap'
const noSalt = new Uint8Array(0)
const costNames = ['memoryKiB', 'iterations', 'parallelism'] as const

/** What a derivation costs: memory in KiB, passes over it, lanes. */
export type KdfCosts = Pick<KdfParameters, (typeof costNames)[number]>

/** The parameters of a key derivation are not acceptable; the message says which, and nothing has been derived. */
export class KdfRefusedError extends Error {
  override readonly name = 'KdfRefusedError'
}

/** Below the floor a hostile server could guess the password from what login sends; above the ceiling it could freeze us. */
function requireAcceptableCosts(costs: KdfCosts) {
  for (const name of costNames) {
    const cost = costs[name]
    if (!Number.isInteger(cost) || cost < minKdf[name] || cost > maxKdf[name])
      throw new KdfRefusedError(
        `The key derivation has ${name} ${cost}; from ${minKdf[name]} to ${maxKdf[name]} is acceptable`,
      )
  }
}

function decodeSalt(salt: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = decodeBase64url(salt)
  } catch {
    throw new KdfRefusedError('The salt of the key derivation is not base64url without padding')
  }
  if (bytes.length !== kdfSaltBytes)
    throw new KdfRefusedError(
      `The salt of the key derivation has ${bytes.length} bytes; it must have ${kdfSaltBytes}`,
    )
  return bytes
}

/**
 * Looks at the parameters that a server names, before anything is derived.
 *
 * @returns the salt, 16 bytes
 * @throws KdfRefusedError for an algorithm, costs or a salt that are not acceptable
 */
export function requireAcceptableKdf(kdf: KdfParameters): Uint8Array {
  if (kdf.algorithm !== 'argon2id')
    throw new KdfRefusedError('The key derivation is not argon2id, which is the only one of this protocol')
  requireAcceptableCosts(kdf)
  return decodeSalt(kdf.salt)
}

/** The wrap key of a master key, or of OPAQUE's export key, which takes its place. */
export const wrapKeyOf = (input: Uint8Array): Promise<Uint8Array> =>
  hkdfSha256(input, noSalt, wrapInfo, keyBytes)

/**
 * Argon2id version 1.3 (RFC 9106) of a password or passphrase (docs/protocol.md, "Keys"). Takes as long as the parameters make it, and
 * holds up its thread meanwhile.
 *
 * @returns 32 bytes
 * @throws KdfRefusedError for parameters out of bounds, before anything is derived
 * @throws PasswordRefusedError for an empty password or one that is not well-formed Unicode
 */
export async function deriveMasterKey(
  password: string,
  kdf: KdfParameters,
  kind?: 'password' | 'passphrase',
): Promise<Uint8Array> {
  const salt = requireAcceptableKdf(kdf)
  return argon2id({
    password: encodePassword(password, kind),
    salt,
    memorySize: kdf.memoryKiB,
    iterations: kdf.iterations,
    parallelism: kdf.parallelism,
    hashLength: keyBytes,
    outputType: 'binary',
  })
}

/**
 * The two keys of a password: Argon2id version 1.3 (RFC 9106) to a master key, and from that HKDF-SHA-256 (RFC 5869) once
 * for each key (docs/protocol.md, "Keys"). Takes as long as the parameters make it, and holds up its thread meanwhile.
 *
 * @returns two keys of 32 bytes: `authKey` for the server, `wrapKey` for the account key and never sent
 * @throws KdfRefusedError for parameters out of bounds, before anything is derived
 * @throws PasswordRefusedError for an empty password or one that is not well-formed Unicode
 */
export async function deriveKeys(
  password: string,
  kdf: KdfParameters,
): Promise<{ authKey: Uint8Array; wrapKey: Uint8Array }> {
  const masterKey = await deriveMasterKey(password, kdf)
  const [authKey, wrapKey] = await Promise.all([
    hkdfSha256(masterKey, noSalt, authInfo, keyBytes),
    wrapKeyOf(masterKey),
  ])
  masterKey.fill(0)
  return { authKey, wrapKey }
}

/**
 * Parameters with a fresh salt, for a new account or a new password; never use a salt for a second password.
 *
 * @throws KdfRefusedError for costs that no client would accept
 */
export function newKdf(costs: KdfCosts = defaultKdf, random: Random = platformRandom): KdfParameters {
  requireAcceptableCosts(costs)
  const { memoryKiB, iterations, parallelism } = costs
  const salt = encodeBase64url(takeRandom(random, kdfSaltBytes))
  return { algorithm: 'argon2id', memoryKiB, iterations, parallelism, salt }
}

/** A new account key or vault key: 32 random bytes. */
export const newKey = (random: Random = platformRandom): Uint8Array => takeRandom(random, keyBytes)
