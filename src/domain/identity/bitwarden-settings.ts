// What the owner of an account of Bitwarden's apps sets without a proof: name, colour, equivalent domains, the id of the user key.
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import { Failure } from '../failure.ts'
import {
  type BitwardenAccount,
  getBitwardenAccount,
  noteBitwardenChange,
  setBitwardenColumns,
} from './bitwarden-accounts.ts'

interface Needs {
  readonly clock: Clock
  readonly store: Store
}

/** Who changes something, and on which device. */
export interface AppCaller {
  readonly accountId: string
  readonly deviceIdentifier: string
}

interface Settings {
  readonly name: string | null
  /** `#rrggbb` */
  readonly avatarColor: string | null
  /** Groups of domains that count as one, besides the well-known ones. */
  readonly equivalentDomains: readonly (readonly string[])[]
  /** The numbers of the well-known groups that do not count. */
  readonly excludedGlobalDomains: readonly number[]
}

const columnsOf = ({ equivalentDomains, excludedGlobalDomains, ...rest }: Partial<Settings>) => ({
  ...rest,
  ...(equivalentDomains && { equivalentDomains: JSON.stringify(equivalentDomains) }),
  ...(excludedGlobalDomains && { excludedGlobalDomains: JSON.stringify(excludedGlobalDomains) }),
})

/** Changes settings; those that are left out stay. @returns the account as it is then */
export const changeSettings = (
  caller: AppCaller,
  settings: Partial<Settings>,
  { clock, store }: Needs,
): Promise<BitwardenAccount> =>
  store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'settings' })
    await setBitwardenColumns(tx, caller, columnsOf(settings))
    return getBitwardenAccount(tx, caller)
  })

/**
 * Notes by which id clients know the user key. Another one is refused, because devices would then disagree: only a new key has a new
 * id. Throws `malformed-request`.
 * @param userKeyId 32 characters of hex, in lower case
 */
export async function nameUserKey(
  caller: AppCaller,
  userKeyId: string,
  { clock, store }: Needs,
): Promise<void> {
  const { own } = await store.read((reader) => getBitwardenAccount(reader, caller))
  if (own.userKeyId === userKeyId) return
  await store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'settings' })
    const { own } = await getBitwardenAccount(tx, caller)
    if (own.userKeyId === null) await setBitwardenColumns(tx, caller, { userKeyId })
    else if (own.userKeyId !== userKeyId)
      throw new Failure('malformed-request', 'The user key of this account has another id already.', {
        errors: [{ path: 'userKeyId', message: 'The user key of this account has another id already' }],
      })
  })
}

/** Puts another key pair in place of one that cannot be opened. */
export const replaceKeyPair = (
  caller: AppCaller,
  keyPair: { readonly publicKey: string; readonly privateKey: string },
  { clock, store }: Needs,
): Promise<void> =>
  store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'settings' })
    await setBitwardenColumns(tx, caller, keyPair)
  })
