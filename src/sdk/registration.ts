// A new account: its keys, sealed under a password that was chosen, and what registration sends.
import type { KdfParameters, NewVerifier } from '../contract/accounts.ts'
import { normalizeEmail } from '../contract/primitives.ts'
import {
  accountKeyAssociatedData,
  vaultDataAssociatedData,
  vaultKeyAssociatedData,
} from '../protocol/associated-data.ts'
import { seal } from '../protocol/envelope.ts'
import { encodeContent } from '../protocol/item-content.ts'
import { type KdfCosts, newKey } from '../protocol/keys.ts'
import { chooseByAuthKey, type MethodChoice } from './proofs.ts'

interface NewAccount {
  readonly email: string
  readonly hint?: string
  /** The code that the operator handed out, if registration is by invite. */
  readonly invite?: string
  /** What the first vault is called. */
  readonly vaultName?: string
}

export type Registration = NewAccount & { readonly password: string } & MethodChoice

/** Seals new keys under a password that was chosen: the body of POST /register, and the keys that stay with the client. */
export async function sealAccount<Verifier extends NewVerifier>(
  { email, hint, invite, vaultName }: NewAccount,
  { kdf, verifier, wrapKey }: { kdf: KdfParameters; verifier: Verifier; wrapKey: Uint8Array },
) {
  const [accountId, vaultId] = [crypto.randomUUID(), crypto.randomUUID()]
  const [accountKey, vaultKey] = [newKey(), newKey()]
  const vaultData = encodeContent({ name: vaultName ?? 'Personal' }, 1)
  const body = {
    accountId,
    email: normalizeEmail(email),
    kdf,
    ...verifier,
    accountKey: await seal(wrapKey, accountKeyAssociatedData(accountId, kdf), accountKey),
    vault: {
      id: vaultId,
      key: await seal(accountKey, vaultKeyAssociatedData(accountId, vaultId), vaultKey),
      data: await seal(vaultKey, vaultDataAssociatedData(vaultId), vaultData),
    },
    ...(hint !== undefined && { hint }),
    ...(invite !== undefined && { invite }),
  }
  return { body, accountKey, vaultKey }
}

/**
 * Makes everything that registration by `authKey` sends, without asking a server: keys and salt are fresh, and nothing in it
 * opens anything without the password.
 * @returns the body of POST /register, and the keys that stay with the client
 * @throws PasswordRefusedError if the password must not be chosen
 */
export async function prepareRegistration({
  password,
  kdf,
  ...account
}: NewAccount & { readonly password: string; readonly kdf?: KdfCosts }) {
  return sealAccount(account, await chooseByAuthKey(account.email, password, kdf))
}
