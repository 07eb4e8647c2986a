// For what goes on with secrets in its memory: whether a person has locked or logged out since it began, or a time has run out.
import { isEnded } from '../sdk/index.ts'
import { keepers } from './account-key.ts'
import type { Surroundings } from './command.ts'
import { heldKey } from './unlock-keys.ts'

/**
 * @returns whether the session that is here now is locked by then: by "limpet lock" in any shell, by a logout, and where a process
 * or the keychain keeps it unlocked now also by the end of that. A token knows no lock.
 */
export async function lockWatch(surroundings: Surroundings): Promise<() => Promise<boolean>> {
  const { environment, state } = surroundings
  const session = environment.LIMPET_TOKEN ? undefined : await state.session.load()
  if (!session) return async () => false
  const { accountId } = session
  const held = await heldKey(surroundings, accountId)
  const lock = await state.lastLock.load()

  const isHeld = async () => {
    for (const keeper of keepers) if (await surroundings[keeper].isHeld()) return true
    return false
  }
  return async () => {
    const now = await state.session.load()
    if (!now || isEnded(now) || now.accountId !== accountId) return true
    if ((await state.lastLock.load()) !== lock) return true
    return held !== undefined && held.by !== 'shell' && !(await isHeld())
  }
}
