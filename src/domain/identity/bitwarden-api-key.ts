// The API key of an account of Bitwarden's apps: a secret with which scripts log in without a second factor. It is made when its owner asks for it
// first, and apps show it again; so it is kept sealed. It opens nothing: what is encrypted takes the password all the same.
import type { KeyObject } from 'node:crypto'
import { nonceBytes, openBytes, sealBytes } from '../../aes-gcm.ts'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import { noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import { toBase64url } from '../encoding.ts'
import type { MailSettings } from '../mail/settings.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { AccountRow } from './accounts.ts'
import {
  type BitwardenAccount,
  type BitwardenRow,
  getBitwardenAccount,
  noteBitwardenChange,
  setBitwardenColumns,
} from './bitwarden-accounts.ts'
import type { AppCaller } from './bitwarden-settings.ts'
import { wrongPassword } from './passwords.ts'
import { holdProved } from './proved-accounts.ts'

const keyBytes = 24

interface Needs {
  readonly clock: Clock
  readonly config: MailSettings
  readonly keys: Pick<ServerKeys, 'bitwardenSecrets'>
  readonly random: Random
  readonly store: Store
}

const contextOf = (accountId: string) => `api-key ${accountId}`

/** @returns undefined if the account has none, or the server has other keys than when it was sealed */
const openKey = (key: KeyObject, { accountId, sealedApiKey }: BitwardenRow): string | undefined =>
  sealedApiKey === null ? undefined : openBytes(key, contextOf(accountId), sealedApiKey)?.toString()

/** Whether this is the API key of an account. */
export function isApiKey(
  own: BitwardenRow,
  given: string,
  { keys }: { readonly keys: Pick<ServerKeys, 'bitwardenSecrets'> },
): boolean {
  const kept = openKey(keys.bitwardenSecrets, own)
  return kept !== undefined && isSameHash(hashSecret(kept), hashSecret(given))
}

/**
 * The API key of an account whose owner has proved to be it. Throws `invalid-credentials` if the password is another one by now.
 * @param replaces whether a new one is made in place of the one that there is
 */
export function readApiKey(
  caller: AppCaller & SessionCaller,
  verified: AccountRow,
  { replaces }: { readonly replaces: boolean },
  needs: Needs,
): Promise<{ readonly apiKey: string; readonly account: BitwardenAccount }> {
  const { clock, keys, random, store } = needs
  return store.write(async (tx) => {
    const now = clock.now()
    const before = await getBitwardenAccount(tx, caller)
    const kept = replaces ? undefined : openKey(keys.bitwardenSecrets, before.own)
    if (kept !== undefined) return { apiKey: kept, account: before }
    await noteBitwardenChange(tx, caller, { now, what: 'settings' })
    // Another request may have made one before this one held the row.
    const account = await getBitwardenAccount(tx, caller)
    const made = replaces ? undefined : openKey(keys.bitwardenSecrets, account.own)
    if (made !== undefined) return { apiKey: made, account }
    if (!(await holdProved(tx, verified))) throw wrongPassword()
    const apiKey = toBase64url(random.bytes(keyBytes))
    const sealedApiKey = sealBytes(
      keys.bitwardenSecrets,
      random.bytes(nonceBytes),
      contextOf(caller.accountId),
      Buffer.from(apiKey),
    )
    await setBitwardenColumns(tx, caller, { sealedApiKey })
    await noteChange(tx, caller, 'token-created', needs)
    return { apiKey, account }
  })
}
