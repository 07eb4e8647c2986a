// Where a session is kept between calls, and between runs of a program.
import * as z from 'zod'
import { AuthMethod, KdfParameters } from '../contract/accounts.ts'

/** Everything that a program keeps of a session. The tokens are secrets; nothing in it opens a vault. */
export const SessionState = z.object({
  server: z.string(),
  accountId: z.string(),
  email: z.string(),
  sessionId: z.string(),
  accessToken: z.string(),
  refreshToken: z.string(),
  /**
   * What unlocking needs beside the password. With `authKey` both are as the server keeps them; with `opaque` the account key
   * is sealed once more, for this device, because OPAQUE's own key can only be had from the server.
   */
  kdf: KdfParameters,
  accountKey: z.string(),
  /** The method of the last login; a weaker one is refused from then on. */
  method: AuthMethod,
})

export type SessionState = z.infer<typeof SessionState>

/**
 * What stays of a session that is over, unless the owner logged out: what the next login is compared with. Otherwise a server
 * could end a session to have its downgrade taken for a first login.
 */
export const ended = (state: SessionState): SessionState => ({ ...state, accessToken: '', refreshToken: '' })

export const isEnded = ({ refreshToken }: SessionState): boolean => refreshToken === ''

/** Several processes may share one; the newest state wins. */
export interface SessionStorage {
  load(): Promise<SessionState | undefined>
  save(state: SessionState): Promise<void>
  clear(): Promise<void>
}

/** Keeps the session for as long as the object lives. */
export function memorySessionStorage(): SessionStorage {
  let kept: SessionState | undefined
  return {
    load: async () => kept,
    save: async (state) => {
      kept = state
    },
    clear: async () => {
      kept = undefined
    },
  }
}
