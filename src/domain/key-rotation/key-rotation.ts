// A new user key for an account of Bitwarden's apps, in one request: everything that lies under the old one comes with it, under the new one.

import { noteChange } from '../audit/noted-changes.ts'
import { VaultCaller } from '../caller.ts'
import { type RotatedCipher, replaceCiphers } from '../ciphers/rotation.ts'
import { Failure } from '../failure.ts'
import type { AccountRow } from '../identity/accounts.ts'
import { getBitwardenAccount, noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import {
  bitwardenVerifier,
  type CredentialCaller,
  type CredentialNeeds,
  type NewCredentials,
  replaceCredentials,
} from '../identity/bitwarden-credentials.ts'
import { setHint } from '../identity/proved-accounts.ts'
import { endOwnSessions } from '../identity/sessions.ts'
import { replaceSends } from '../sends/rotation.ts'
import { raiseRevision } from '../vaults/vault-row.ts'

export interface KeyRotation {
  readonly credentials: NewCredentials
  /** Undefined if it stays. */
  readonly hint: string | null | undefined
  /** Has to be the one that the account has: others have encrypted under it. */
  readonly publicKey: string
  /** Wrapped by the new user key. */
  readonly privateKey: string
  readonly userKeyId: string | null
  readonly ciphers: readonly RotatedCipher[]
  readonly folders: readonly { readonly id: string; readonly name: string }[]
  readonly sends: Parameters<typeof replaceSends>[2]
}

const anotherPublicKey = () =>
  new Failure('malformed-request', 'The public key of the account is another one.', {
    errors: [
      { path: 'accountKeys.accountPublicKey', message: 'The public key of the account is another one' },
    ],
  })

/**
 * Changes the user key, and the password if it is another one, all or nothing; ends all sessions and the API key. Throws
 * `malformed-request` if anything of the account is missing, and `invalid-credentials` if the password is another one than was proved.
 */
export async function rotateUserKey(
  caller: CredentialCaller,
  verified: AccountRow,
  { credentials, hint, publicKey, privateKey, userKeyId, ciphers, folders, sends }: KeyRotation,
  needs: CredentialNeeds,
): Promise<void> {
  const { accountId } = caller
  const { clock, store } = needs
  const verifier = await bitwardenVerifier(caller, credentials, needs)
  await store.write(async (tx) => {
    const now = clock.now()
    // Every write of an item holds the vault and then looks whether its session goes on: none comes after this under the old key.
    const { revision } = await raiseRevision(tx, VaultCaller.bySession(caller).owned(accountId))
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'log-out', reason: 'key-rotated' })
    const { own } = await getBitwardenAccount(tx, caller)
    if (own.publicKey !== publicKey) throw anotherPublicKey()
    await replaceCiphers(tx, accountId, { ciphers, folders }, { now, revision, revisionAt })
    await replaceSends(tx, accountId, sends, { revisionAt })
    if (hint !== undefined) await setHint(tx, verified, hint)
    const columns = { privateKey, userKeyId, sealedApiKey: null }
    await replaceCredentials(tx, caller, { verified, verifier, credentials, own: columns }, needs)
    await noteChange(tx, caller, 'account-key-changed', needs)
    await endOwnSessions(tx, caller, now)
  })
}
