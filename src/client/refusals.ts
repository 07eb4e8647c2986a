// What the client compares an answer with, before it goes along with it (docs/protocol.md, "What a client must refuse").
import type { AuthMethod, PreloginAnswer } from '../contract/accounts.ts'
import { RefusedError } from './errors.ts'
import type { SessionState } from './session-storage.ts'

/** Throws RefusedError where the server answers about another item or vault than the one it was asked for. */
export function refuseOther(answered: { readonly id: string }, id: string): void {
  if (answered.id !== id)
    throw new RefusedError('The server answered with something else than what it was asked for.')
}

/** How strong each method of login is: one below what an account used last is a downgrade by a hostile server. */
const strength: Record<AuthMethod, number> = { authKey: 1, opaque: 2 }

/**
 * Refuses to prove the password in a weaker way, or by a key that is cheaper to guess from, than at the last login. Whoever
 * did choose that on another device logs out here first. With OPAQUE the costs are not the server's to name.
 */
export function refuseDowngrade(
  last: Pick<SessionState, 'kdf' | 'method'>,
  { kdf, method }: PreloginAnswer,
): void {
  const cheaper = kdf.memoryKiB < last.kdf.memoryKiB || kdf.iterations < last.kdf.iterations
  const weaker = strength[method] < strength[last.method]
  if (weaker || (method === 'authKey' && cheaper))
    throw new RefusedError(
      'The server asks for a weaker way to log in than last time. Nothing was sent to it. If you chose that yourself on another device, log out here first.',
    )
}
