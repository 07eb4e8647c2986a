// The recovery code of an account of Bitwarden's apps: one, which its owner can be shown again, and which removes every second factor.
import { eq } from 'drizzle-orm'
import { nonceBytes, openBytes, sealBytes } from '../../aes-gcm.ts'
import type { Random } from '../../random.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'
import type { ServerKeys } from '../server-keys.ts'

/** Base32 (RFC 4648, section 6) of 160 bits. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const characters = 32

interface Owner {
  readonly accountId: string
}

interface Needs {
  readonly keys: Pick<ServerKeys, 'bitwardenSecrets'>
}

const contextOf = ({ accountId }: Owner) => `recovery-code:${accountId}`

async function sealedCodeOf({ db, tables: { bitwardenAccounts } }: Reader, { accountId }: Owner) {
  const [row] = await db
    .select({ sealed: bitwardenAccounts.sealedRecoveryCode })
    .from(bitwardenAccounts)
    .where(eq(bitwardenAccounts.accountId, accountId))
  return row?.sealed ?? undefined
}

/** The code that the account has. @returns undefined if it was never asked for, or was used */
export async function findRecoveryCode(
  reader: Reader,
  owner: Owner,
  { keys }: Needs,
): Promise<string | undefined> {
  const sealed = await sealedCodeOf(reader, owner)
  return sealed && openBytes(keys.bitwardenSecrets, contextOf(owner), sealed)?.toString()
}

/** The account's code, which is made if there is none. The account's row of `bitwarden_accounts` has to be held. */
export async function recoveryCodeOf(
  tx: Tx,
  owner: Owner,
  needs: Needs & { readonly random: Random },
): Promise<string> {
  const known = await findRecoveryCode(tx, owner, needs)
  if (known !== undefined) return known
  const { keys, random } = needs
  // 256 is a multiple of 32: no character is more likely than another.
  const code = [...random.bytes(characters)].map((byte) => alphabet[byte % alphabet.length]).join('')
  const sealed = sealBytes(
    keys.bitwardenSecrets,
    random.bytes(nonceBytes),
    contextOf(owner),
    Buffer.from(code),
  )
  const { bitwardenAccounts } = tx.tables
  await tx.db
    .update(bitwardenAccounts)
    .set({ sealedRecoveryCode: sealed })
    .where(eq(bitwardenAccounts.accountId, owner.accountId))
  return code
}

/** @param given as a person has typed it: spaces, dashes and case do not matter */
export async function isRecoveryCode(
  reader: Reader,
  owner: Owner,
  given: string,
  needs: Needs,
): Promise<boolean> {
  const code = await findRecoveryCode(reader, owner, needs)
  const normalized = given.replaceAll(/[\s-]/g, '').toUpperCase()
  return code !== undefined && isSameHash(hashSecret(code), hashSecret(normalized))
}

/** The next one that is asked for is another. */
export async function forgetRecoveryCode(
  { db, tables: { bitwardenAccounts } }: Tx,
  { accountId }: Owner,
): Promise<void> {
  await db
    .update(bitwardenAccounts)
    .set({ sealedRecoveryCode: null })
    .where(eq(bitwardenAccounts.accountId, accountId))
}
