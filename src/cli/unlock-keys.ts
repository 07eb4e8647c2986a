// What keeps a shell unlocked: a key in its environment alone, and in the state folder the account key sealed under that key. Each
// shell has its own.
import {
  decodeBase64url,
  encodeBase64url,
  newKey,
  OpenError,
  open,
  seal,
  type UnlockedAccount,
  unlockAssociatedData,
} from '../sdk/index.ts'
import { type AccountKey, type Keeper, keepers } from './account-key.ts'
import type { Surroundings } from './command.ts'
import type { StateFolder } from './state-folder.ts'

/** What `LIMPET_UNLOCK_KEY` holds: which of the sealed account keys is meant, and the key that it is sealed under. */
interface UnlockKey {
  /** 16 hexadecimal digits. */
  readonly id: string
  readonly key: Uint8Array
}

const idBytes = 8
const keyBytes = 32

const textOf = ({ id, key }: UnlockKey) => encodeBase64url(Buffer.concat([Buffer.from(id, 'hex'), key]))

/** @returns undefined if it is not the text of an unlock key */
function parse(text: string): UnlockKey | undefined {
  let bytes: Uint8Array
  try {
    bytes = decodeBase64url(text)
  } catch {
    return undefined
  }
  if (bytes.length !== idBytes + keyBytes) return undefined
  return { id: Buffer.from(bytes.subarray(0, idBytes)).toString('hex'), key: bytes.subarray(idBytes) }
}

async function keep(state: StateFolder, { id, key }: UnlockKey, account: UnlockedAccount): Promise<void> {
  const { accountId, accountKeyVersion } = account
  const accountKey = await seal(key, unlockAssociatedData(accountId), account.exportKey())
  await state.unlock.save(id, { accountId, accountKey, accountKeyVersion })
}

/** Unlocks for shells that have the text that this returns as `LIMPET_UNLOCK_KEY`. */
export async function makeUnlockKey(state: StateFolder, account: UnlockedAccount): Promise<string> {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(idBytes))).toString('hex')
  const made = { id, key: newKey() }
  await keep(state, made, account)
  return textOf(made)
}

/** Keeps unlocked what is so by `held`, after the account key changed. Other shells have to unlock again. */
export async function renewHeldKey(
  surroundings: Surroundings,
  account: UnlockedAccount,
  held: HeldKey | undefined,
): Promise<void> {
  const { state, environment } = surroundings
  const own = parse(environment.LIMPET_UNLOCK_KEY ?? '')
  await state.unlock.clearAll()
  if (held?.by === 'shell' && own) await keep(state, own, account)
  if (held?.by === 'agent' || held?.by === 'keychain')
    await holdForSession(surroundings, account, { keeper: held.by, idle: held.idle })
  else await endHolding(surroundings)
}

/** Forgets what is kept for another account, whose session was here before. */
export async function endHoldingOfOthers(surroundings: Surroundings, accountId: string): Promise<void> {
  for (const keeper of keepers)
    if ((await surroundings[keeper].key())?.accountId !== accountId) await surroundings[keeper].end()
}

/** Keeps the login session unlocked by one of them, and by the other one no more. Throws a CliError if it cannot. @param idle milliseconds */
export async function holdForSession(
  surroundings: Surroundings,
  account: UnlockedAccount,
  { keeper, idle }: { keeper: Keeper; idle: number },
): Promise<void> {
  const { accountId, accountKeyVersion: version } = account
  await surroundings[keeper].hold({ accountId, bytes: account.exportKey(), version, idle })
  for (const other of keepers) if (other !== keeper) await surroundings[other].end()
}

/** Forgets what is kept for the login session. @returns false if there was nothing */
export async function endHolding({ agent, keychain }: Surroundings): Promise<boolean> {
  const ended = [await agent.end(), await keychain.end()]
  return ended.includes(true)
}

/** Forgets what is sealed under this shell's key. @returns false if there was nothing */
export async function forgetUnlockKey({ state, environment }: Surroundings): Promise<boolean> {
  const own = parse(environment.LIMPET_UNLOCK_KEY ?? '')
  if (!own || !(await state.unlock.load(own.id))) return false
  await state.unlock.clear(own.id)
  return true
}

/** The account key that this shell's key opens. @returns undefined if there is no such key, or if it opens nothing any more */
async function keyOfThisShell(
  { state, environment }: Surroundings,
  accountId: string,
): Promise<AccountKey | undefined> {
  const own = parse(environment.LIMPET_UNLOCK_KEY ?? '')
  const sealed = own && (await state.unlock.load(own.id))
  if (!sealed || sealed.accountId !== accountId) return undefined
  const { accountKeyVersion: version, accountKey } = sealed
  try {
    const bytes = await open(own.key, unlockAssociatedData(accountId), accountKey)
    await state.unlock.touch(own.id)
    return { bytes, version }
  } catch (error) {
    if (error instanceof OpenError) return undefined
    throw error
  }
}

/** What spares the password: the key of this shell, or that of the login session. */
export type HeldKey = AccountKey & ({ readonly by: 'shell' } | { readonly by: Keeper; readonly idle: number })

/** The account key that can be had without the password. @returns undefined if there is none, or only one of before a change */
export async function heldKey(surroundings: Surroundings, accountId: string): Promise<HeldKey | undefined> {
  const newest = (await surroundings.state.session.load())?.accountKeyVersion ?? 1
  const ofShell = await keyOfThisShell(surroundings, accountId)
  if (ofShell && ofShell.version >= newest) return { ...ofShell, by: 'shell' }
  for (const by of keepers) {
    const ofSession = await surroundings[by].key()
    if (ofSession?.accountId === accountId && ofSession.version >= newest) return { ...ofSession, by }
  }
  return undefined
}
