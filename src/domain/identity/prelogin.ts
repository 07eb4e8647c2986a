// What a client needs before it can log in, also for addresses that have no account.
import { createHmac, type KeyObject } from 'node:crypto'
import { type AuthMethod, defaultKdf } from '../../contract/accounts.ts'
import type { Store } from '../../store/store.ts'
import type { ServerKeys } from '../server-keys.ts'
import { findAccountByEmail, methodOf } from './accounts.ts'
import { type Kdf, kdfOf } from './kdf.ts'

/** How an account proves its password, and how its client derives the keys for that. */
export interface LoginParameters {
  readonly method: AuthMethod
  readonly kdf: Kdf
}

/** Of 256 addresses without an account, so many are said to have the method `authKey`. */
const authKeyOf256 = 32

/**
 * The same answer each time and of the same form as a real one, so that a stranger does not learn who has an account. The method is mostly
 * the usual one, and sometimes the other, so that neither proves anything.
 */
function credibleParameters(key: KeyObject, email: string): LoginParameters {
  const digest = createHmac('sha256', key).update(email).digest()
  return {
    method: digest.readUInt8(16) < authKeyOf256 ? 'authKey' : 'opaque',
    kdf: { ...defaultKdf, salt: digest.subarray(0, 16) },
  }
}

/** Answers for every address in the same form, and each time the same. @param email in its normalized form */
export async function loginParametersOf(
  email: string,
  { keys, store }: { keys: Pick<ServerKeys, 'prelogin'>; store: Store },
): Promise<LoginParameters> {
  const found = await store.read((reader) => findAccountByEmail(reader, email))
  // Made up for everybody: otherwise it would take longer for addresses without an account.
  const made = credibleParameters(keys.prelogin, email)
  // Accounts of Bitwarden's apps are none for a native client.
  return found && found.authMethod !== 'bitwarden' ? { method: methodOf(found), kdf: kdfOf(found) } : made
}
