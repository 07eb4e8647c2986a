// How a client derives its keys from a password: what an account keeps of it, and what the server accepts at the least.
import { isStrongEnough, minKdf } from '../../contract/accounts.ts'
import { Failure } from '../failure.ts'

/** Argon2id (RFC 9106). Memory in KiB; a salt of 16 bytes. */
export interface Kdf {
  readonly memoryKiB: number
  readonly iterations: number
  readonly parallelism: number
  readonly salt: Uint8Array
}

interface KdfColumns {
  readonly kdfMemoryKiB: number
  readonly kdfIterations: number
  readonly kdfParallelism: number
  readonly kdfSalt: Uint8Array
}

export const kdfColumns = ({ memoryKiB, iterations, parallelism, salt }: Kdf) => ({
  kdfMemoryKiB: memoryKiB,
  kdfIterations: iterations,
  kdfParallelism: parallelism,
  kdfSalt: salt,
})

export const kdfOf = (row: KdfColumns): Kdf => ({
  memoryKiB: row.kdfMemoryKiB,
  iterations: row.kdfIterations,
  parallelism: row.kdfParallelism,
  salt: row.kdfSalt,
})

/** Throws `kdf-too-weak`. */
export function requireStrongKdf(kdf: Kdf): void {
  if (!isStrongEnough(kdf))
    throw new Failure(
      'kdf-too-weak',
      `The least is memoryKiB=${minKdf.memoryKiB}, iterations=${minKdf.iterations}, parallelism=${minKdf.parallelism}.`,
    )
}
