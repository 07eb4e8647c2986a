// What a client needs before it can log in, also for addresses that have no account.
import { createHmac, type KeyObject } from 'node:crypto'
import { defaultKdf, type PreloginAnswer } from '../../contract/accounts.ts'
import { type AccountRow, kdfOf, methodOf } from './repository.ts'

export const preloginOf = (account: AccountRow): PreloginAnswer => ({
  kdf: kdfOf(account),
  method: methodOf(account),
})

/** Of 256 addresses without an account, so many are said to have the method `authKey`. */
const authKeyOf256 = 32

/**
 * The same answer each time and of the same form as a real one, so that nobody learns who has an account. The method is mostly
 * the usual one, and sometimes the other, so that neither proves anything.
 */
export function crediblePrelogin(key: KeyObject, email: string): PreloginAnswer {
  const digest = createHmac('sha256', key).update(email).digest()
  return {
    kdf: { algorithm: 'argon2id', ...defaultKdf, salt: digest.subarray(0, 16).toString('base64url') },
    method: digest.readUInt8(16) < authKeyOf256 ? 'authKey' : 'opaque',
  }
}
