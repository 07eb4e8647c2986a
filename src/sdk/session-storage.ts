// Where a session is kept between calls, and between runs of a program.
import * as z from 'zod'
import { AuthMethod, KdfParameters } from '../contract/accounts.ts'
import type { LoginPin, LoginPins } from './pins.ts'

/** Everything that a program keeps of a session. The tokens are secrets; nothing in it opens a vault. */
export const SessionState = z.object({
  server: z.string(),
  accountId: z.string(),
  email: z.string(),
  /** The address that the owner chose here, until the server says that the account has it. */
  nextEmail: z.string().optional(),
  sessionId: z.string(),
  accessToken: z.string(),
  refreshToken: z.string(),
  /**
   * What unlocking needs beside the password. With `authKey` both are as the server keeps them; with `opaque` the account key
   * is sealed once more, for this device, because OPAQUE's own key can only be had from the server.
   */
  kdf: KdfParameters,
  accountKey: z.string(),
  /** Raised by each change of the account key; without one it is the first. */
  accountKeyVersion: z.int().min(1).optional(),
  /** The method of the last login. */
  method: AuthMethod,
})

export type SessionState = z.infer<typeof SessionState>

/**
 * What stays of a session that is over, unless the owner logged out: what the next login is compared with. Otherwise a server
 * could end a session to have its downgrade taken for a first login.
 */
export const ended = (state: SessionState): SessionState => ({ ...state, accessToken: '', refreshToken: '' })

/** Whether a session is over, so that only a login helps. */
export const isEnded = ({ refreshToken }: SessionState): boolean => refreshToken === ''

/** Several processes may share one; the newest state wins. */
export interface SessionStorage {
  load(): Promise<SessionState | undefined>
  save(state: SessionState): Promise<void>
  /** Also when the owner logs out: the pins stay. */
  clear(): Promise<void>
  /** How accounts logged in here before. Not secret, and kept for as long as the device is used. */
  readonly pins: LoginPins
}

/** Keeps the session and the pins for as long as the object lives. */
export function memorySessionStorage(): SessionStorage {
  let kept: SessionState | undefined
  const pins = new Map<string, LoginPin>()
  const keyOf = (server: string, email: string) => JSON.stringify([server, email])
  return {
    load: async () => kept,
    save: async (state) => {
      kept = state
    },
    clear: async () => {
      kept = undefined
    },
    pins: {
      load: async (server, email) => pins.get(keyOf(server, email)),
      save: async (pin) => {
        pins.set(keyOf(pin.server, pin.email), pin)
      },
      remove: async (server, email) => {
        pins.delete(keyOf(server, email))
      },
    },
  }
}
