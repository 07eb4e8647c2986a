// What a client needs before it can log in, also for addresses that have no account.
import { createHmac, type KeyObject } from 'node:crypto'
import { defaultKdf, type PreloginAnswer } from '../../contract/accounts.ts'
import { kdfOf, methodOf, type PreloginRow } from './accounts.ts'

export const preloginOf = (row: PreloginRow): PreloginAnswer => ({ kdf: kdfOf(row), method: methodOf(row) })

/** Of 256 addresses without an account, so many are said to have the method `authKey`. */
const authKeyOf256 = 32

/**
 * The same answer each time and of the same form as a real one, so that nobody learns who has an account. The method is mostly
 * the usual one, and sometimes the other, so that neither proves anything.
 */
export function crediblePrelogin(key: KeyObject, email: string): PreloginRow {
  const digest = createHmac('sha256', key).update(email).digest()
  return {
    authMethod: digest.readUInt8(16) < authKeyOf256 ? 'authKey' : 'opaque',
    kdfMemoryKiB: defaultKdf.memoryKiB,
    kdfIterations: defaultKdf.iterations,
    kdfParallelism: defaultKdf.parallelism,
    kdfSalt: digest.subarray(0, 16),
  }
}
