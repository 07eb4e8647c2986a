// What a client needs before it can log in, also for addresses that have no account.
import { createHmac, type KeyObject } from 'node:crypto'
import { defaultKdf, type PreloginAnswer } from '../../contract/accounts.ts'
import { type AccountRow, kdfOf, methodOf } from './repository.ts'

export const preloginOf = (account: AccountRow): PreloginAnswer => ({
  kdf: kdfOf(account),
  method: methodOf(account),
})

/** The same answer each time and of the same form as a real one, so that nobody learns who has an account. */
export const crediblePrelogin = (key: KeyObject, email: string): PreloginAnswer => ({
  kdf: {
    algorithm: 'argon2id',
    ...defaultKdf,
    salt: createHmac('sha256', key).update(email).digest().subarray(0, 16).toString('base64url'),
  },
  method: 'authKey',
})
