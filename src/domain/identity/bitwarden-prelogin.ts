// What one of Bitwarden's apps needs before it can log in, also for addresses that have no account.
import { createHmac, type KeyObject } from 'node:crypto'
import type { Store } from '../../store/store.ts'
import type { ServerKeys } from '../server-keys.ts'
import { findAccountByEmail } from './accounts.ts'
import { type BitwardenKdf, bitwardenKdfOf } from './bitwarden-accounts.ts'

const usual: BitwardenKdf = { kind: 'pbkdf2', iterations: 600_000 }
const other: BitwardenKdf = { kind: 'argon2id', iterations: 6, memoryKiB: 32 * 1024, parallelism: 4 }

/** Of 256 addresses without an account, so many are said to have the other one. */
const otherOf256 = 16

/** The same each time. Mostly what apps choose by themselves, and sometimes the other, so that neither proves anything. */
function credibleKdf(key: KeyObject, email: string): BitwardenKdf {
  const digest = createHmac('sha256', key).update(`bitwarden\0${email}`).digest()
  return digest.readUInt8(0) < otherOf256 ? other : usual
}

/** Answers for every address in the same form, and each time the same. @param email in its normalized form */
export async function bitwardenLoginParametersOf(
  email: string,
  { keys, store }: { keys: Pick<ServerKeys, 'prelogin'>; store: Store },
): Promise<BitwardenKdf> {
  const found = await store.read((reader) => findAccountByEmail(reader, email))
  // Made up for everybody: otherwise it would take longer for addresses without an account.
  const made = credibleKdf(keys.prelogin, email)
  return found?.authMethod === 'bitwarden' ? bitwardenKdfOf(found) : made
}
