// Making and revoking personal access tokens.
import type { Allowed } from '../../contract/quotas.ts'
import type { Random } from '../../random.ts'
import { Unchanged } from '../../store/store.ts'
import { noteChange } from '../audit/noted-changes.ts'
import { type SessionCaller, VaultCaller } from '../caller.ts'
import { toBase64url } from '../encoding.ts'
import { notFound } from '../failure.ts'
import type { MailSettings } from '../mail/settings.ts'
import { quotaExceeded } from '../quotas/usage.ts'
import { hashSecret } from '../secret-hash.ts'
import { type KeyChanged, rotationOf, type Vault } from '../vaults/rows.ts'
import { withCount } from '../vaults/vault-lists.ts'
import { getVault } from '../vaults/vault-row.ts'
import { type PasswordProof, type ProofNeeds, proveAccount, wrongPassword } from './passwords.ts'
import {
  countTokens,
  insertToken,
  type NewToken,
  type PersonalToken,
  removeToken,
} from './personal-tokens.ts'
import { holdProved } from './proved-accounts.ts'

const tokenBytes = 32

/** Secret scanners find it by the prefix. */
const newTokenText = (random: Random): string => `lmp_${toBase64url(random.bytes(tokenBytes))}`

interface Needs extends ProofNeeds {
  readonly config: MailSettings & { readonly quotas: Pick<Allowed, 'tokens'> }
  readonly random: Random
}

export type TokenOutcome =
  /** `text` is what the bearer sends; only its hash is kept. */
  | { readonly kind: 'created'; readonly token: PersonalToken; readonly text: string }
  /** Its end is not in the future. */
  | { readonly kind: 'expired' }
  /** The key of its vault is another one than it was made with, or is being changed. Nothing was changed. */
  | KeyChanged
  | { readonly kind: 'under-way'; readonly current: Vault }

/**
 * Makes a token. A key that it brings has to be the present one of its vault: a token holds one key, and ends when that is changed.
 * Throws `invalid-credentials`, `not-found` if its vault is not the caller's, and `quota-exceeded`.
 */
export async function createToken(
  caller: SessionCaller,
  { proof, keyVersion, ...wanted }: NewToken & { readonly proof: PasswordProof; readonly keyVersion: number },
  needs: Needs,
): Promise<TokenOutcome> {
  const { clock, config, random, store } = needs
  const now = clock.now()
  if (wanted.expiresAt !== null && wanted.expiresAt <= now) return { kind: 'expired' }
  const account = await proveAccount(caller, proof, needs)
  const text = newTokenText(random)
  const stamp = { id: random.uuid(), hash: hashSecret(text), now }
  return store.write<TokenOutcome>(async (tx) => {
    const created = await insertToken(tx, caller, wanted, stamp)
    if (wanted.vaultId !== null && wanted.vaultKey !== null) {
      // The vault's row is held.
      const vault = await getVault(tx, VaultCaller.bySession(caller), wanted.vaultId)
      const isBeingChanged = rotationOf(vault) !== null
      if (isBeingChanged || vault.keyVersion !== keyVersion) {
        const kind = isBeingChanged ? 'under-way' : 'key-changed'
        return new Unchanged<TokenOutcome>({ kind, current: await withCount(tx, vault) })
      }
    }
    if (!(await holdProved(tx, account))) throw wrongPassword()
    // The account's row is held from here on: of two at the same time, one counts the other.
    const tokens = await countTokens(tx, caller.accountId, now)
    const allowed = config.quotas.tokens
    if (tokens > allowed) throw quotaExceeded('tokens', tokens - 1, allowed)
    await noteChange(tx, caller, 'token-created', needs)
    return { kind: 'created', token: created, text }
  })
}

/** Revokes a token of the caller's account. Throws `not-found`. */
export async function revokeToken(
  caller: SessionCaller,
  id: string,
  needs: Pick<Needs, 'clock' | 'random' | 'store'> & { readonly config: MailSettings },
): Promise<void> {
  await needs.store.write(async (tx) => {
    if (!(await removeToken(tx, caller, id))) throw notFound()
    await noteChange(tx, caller, 'token-revoked', needs)
  })
}
