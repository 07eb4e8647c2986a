// Accounts of Bitwarden's apps: the rows that they consist of, and the revision that every change raises. Who changes several rows of an
// account takes them in this order, so that no two wait for each other: its vault, its row of `bitwarden_accounts`, its row of `accounts`.
import { and, type Column, eq, type InferSelectModel, isNotNull, type Placeholder, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { Failure, notFound } from '../failure.ts'
import { announceToHubs, type BitwardenChange } from '../live/announcements.ts'
import { type AccountRow, createAccount, type NewAccount } from './accounts.ts'
import type { Kdf } from './kdf.ts'

export type BitwardenRow = InferSelectModel<Tables['bitwardenAccounts']>

/** Both rows of an account. */
export interface BitwardenAccount {
  readonly account: AccountRow
  readonly own: BitwardenRow
}

/** How clients derive a key from the password. Memory is in KiB. */
export type BitwardenKdf =
  | { readonly kind: 'pbkdf2'; readonly iterations: number }
  | {
      readonly kind: 'argon2id'
      readonly iterations: number
      readonly memoryKiB: number
      readonly parallelism: number
    }

const noBytes = new Uint8Array()

/** The columns of `accounts` for the costs of a KDF; there is no salt, because clients take the address. */
const kdfInAccount = (kdf: BitwardenKdf): Kdf => ({
  iterations: kdf.iterations,
  memoryKiB: kdf.kind === 'pbkdf2' ? 0 : kdf.memoryKiB,
  parallelism: kdf.kind === 'pbkdf2' ? 0 : kdf.parallelism,
  salt: noBytes,
})

/** From the row of `accounts`: only PBKDF2 takes no memory. */
export const bitwardenKdfOf = ({
  kdfIterations: iterations,
  kdfMemoryKiB: memoryKiB,
  kdfParallelism: parallelism,
}: Pick<AccountRow, 'kdfIterations' | 'kdfMemoryKiB' | 'kdfParallelism'>): BitwardenKdf =>
  memoryKiB === 0 ? { kind: 'pbkdf2', iterations } : { kind: 'argon2id', iterations, memoryKiB, parallelism }

/** The costs that an app takes where a KDF is chosen: those of the official ones, which take no less. */
const least = {
  pbkdf2: { iterations: 600_000 },
  argon2id: { iterations: 2, memoryKiB: 16 * 1024, parallelism: 1 },
} as const

/** Refuses a KDF that is chosen now and is weaker than the apps take; throws `kdf-too-weak`. */
export function requireStrongBitwardenKdf(kdf: BitwardenKdf): void {
  const isStrong =
    kdf.kind === 'pbkdf2'
      ? kdf.iterations >= least.pbkdf2.iterations
      : kdf.iterations >= least.argon2id.iterations && kdf.memoryKiB >= least.argon2id.memoryKiB
  if (!isStrong)
    throw new Failure(
      'kdf-too-weak',
      'The key derivation is too weak. The least is PBKDF2 with 600,000 iterations, or Argon2id with 2 iterations and 16 MiB.',
    )
}

/** What only an account of these apps has. Encrypted texts are as the client has written them. */
export const BitwardenData = z.object({
  kdfKind: z.enum(['pbkdf2', 'argon2id']),
  name: z.string().nullable(),
  /** The user key, wrapped by a key of the password. */
  userKey: z.string(),
  userKeyId: z.string().nullable(),
  publicKey: z.string(),
  privateKey: z.string(),
  securityStamp: z.string(),
})
export type BitwardenData = z.output<typeof BitwardenData>

/** What an account of these apps has of what every account is made of: its vault has its own id, and no keys that the server could tell from others. */
export const bitwardenParts = (
  accountId: string,
  kdf: BitwardenKdf,
): Pick<NewAccount, 'accountId' | 'kdf' | 'accountKey' | 'vault'> => ({
  accountId,
  kdf: kdfInAccount(kdf),
  accountKey: noBytes,
  vault: { id: accountId, key: noBytes, data: noBytes },
})

/**
 * Makes an account of either kind, with its first vault. Throws `email-taken` and `id-taken`.
 * @param account.bitwarden undefined for a native one
 * @param stamp.epoch of the vault; random
 */
export async function createRegistered(
  tx: Tx,
  { bitwarden, ...account }: NewAccount & { readonly bitwarden?: BitwardenData },
  stamp: { now: number; epoch: string },
): Promise<void> {
  await createAccount(tx, account, stamp)
  if (bitwarden)
    await tx.db
      .insert(tx.tables.bitwardenAccounts)
      .values({ ...bitwarden, accountId: account.accountId, revisionAt: stamp.now })
}

const bitwardenAccountStatement = statement(({ db, tables: { accounts, bitwardenAccounts } }: Reader) =>
  db
    .select({ account: accounts, own: bitwardenAccounts })
    .from(bitwardenAccounts)
    .innerJoin(accounts, eq(accounts.id, bitwardenAccounts.accountId))
    .where(eq(bitwardenAccounts.accountId, sql.placeholder('accountId')))
    .prepare('bitwarden_account'),
)

/** Both rows of an account. */
export async function findBitwardenAccount(
  reader: Reader,
  { accountId }: { accountId: string },
): Promise<BitwardenAccount | undefined> {
  const [found] = await bitwardenAccountStatement(reader).execute({ accountId })
  return found
}

/** Both rows of an account; throws `not-found`. */
export async function getBitwardenAccount(
  reader: Reader,
  of: { accountId: string },
): Promise<BitwardenAccount> {
  const found = await findBitwardenAccount(reader, of)
  if (!found) throw notFound()
  return found
}

const revisionStatement = statement(({ db, tables: { bitwardenAccounts } }: Reader) =>
  db
    .select({ revisionAt: bitwardenAccounts.revisionAt })
    .from(bitwardenAccounts)
    .where(eq(bitwardenAccounts.accountId, sql.placeholder('accountId')))
    .prepare('bitwarden_revision'),
)

/** When anything of the account changed last, in milliseconds since 1970; throws `not-found`. */
export async function bitwardenRevision(
  reader: Reader,
  { accountId }: { accountId: string },
): Promise<number> {
  const [found] = await revisionStatement(reader).execute({ accountId })
  if (!found) throw notFound()
  return found.revisionAt
}

/** Now, or the millisecond after if that is later. Postgres calls it greatest, SQLite max. */
const laterThan = (revisionAt: Column, now: Placeholder | number) =>
  sql`case when ${revisionAt} >= ${now} then ${revisionAt} + 1 else ${now} end`

const raiseStatement = statement(({ db, tables: { bitwardenAccounts } }: Tx) =>
  db
    .update(bitwardenAccounts)
    .set({ revisionAt: laterThan(bitwardenAccounts.revisionAt, sql.placeholder('now')) })
    .where(and(eq(bitwardenAccounts.accountId, sql.placeholder('accountId'))))
    .returning({ revisionAt: bitwardenAccounts.revisionAt })
    .prepare('raise_bitwarden_revision'),
)

/**
 * Raises the revision of the account, and holds its row of `bitwarden_accounts` until the commit. Throws `not-found`.
 * @returns the revision, in milliseconds since 1970: later than every one before, also if the clock was set back
 */
async function raiseBitwardenRevision(tx: Tx, accountId: string, now: number): Promise<number> {
  const [raised] = await raiseStatement(tx).execute({ accountId, now })
  if (!raised) throw notFound()
  return raised.revisionAt
}

/**
 * Raises the revision of the account for a change, and tells the hubs of it: every change of anything of an account begins with this
 * (after the vault's row is held, if it is about items). Throws `not-found`.
 * @param caller.deviceIdentifier of the device that changes it, which ignores what hubs say of it
 * @returns the revision, in milliseconds since 1970
 */
export async function noteBitwardenChange(
  tx: Tx,
  { accountId, deviceIdentifier }: { accountId: string; deviceIdentifier: string | null },
  { now, ...change }: Pick<BitwardenChange, 'what' | 'id' | 'reason'> & { now: number },
): Promise<number> {
  const at = await raiseBitwardenRevision(tx, accountId, now)
  announceToHubs(tx, { ...change, accountId, at, by: deviceIdentifier })
  return at
}

/** Changes columns of an account that no other row depends on. */
export async function setBitwardenColumns(
  { db, tables: { bitwardenAccounts } }: Tx,
  { accountId }: { readonly accountId: string },
  change: Partial<Omit<BitwardenRow, 'accountId' | 'revisionAt'>>,
): Promise<void> {
  await db.update(bitwardenAccounts).set(change).where(eq(bitwardenAccounts.accountId, accountId))
}

/**
 * After a restore: raises the revision of every account, so that clients load what was restored, and ends API keys, which may have been replaced since.
 * @param restoring.keepAccess leaves API keys as they were
 * @returns how many API keys have ended
 */
export async function resyncBitwardenAccounts(
  { db, tables: { bitwardenAccounts } }: Tx,
  { now, keepAccess }: { readonly now: number; readonly keepAccess: boolean },
): Promise<number> {
  await db.update(bitwardenAccounts).set({ revisionAt: laterThan(bitwardenAccounts.revisionAt, now) })
  if (keepAccess) return 0
  const ended = await db
    .update(bitwardenAccounts)
    .set({ sealedApiKey: null })
    .where(isNotNull(bitwardenAccounts.sealedApiKey))
    .returning({ accountId: bitwardenAccounts.accountId })
  return ended.length
}
