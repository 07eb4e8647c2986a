// Logins of Bitwarden's apps: the same as every other, with tokens of their own.
import { type BitwardenAccount, getBitwardenAccount } from './bitwarden-accounts.ts'
import type { BitwardenApp } from './bitwarden-devices.ts'
import { accessTokenOf, type BitwardenSigning } from './bitwarden-sessions.ts'
import { beginSession, type LoginRefusal, type LoginRequest, type SessionNeeds } from './login.ts'

export type BitwardenLoginRequest = LoginRequest & { readonly app: BitwardenApp }

/** A session with its tokens. */
export interface BitwardenSession {
  readonly kind: 'session'
  readonly account: BitwardenAccount
  /** A JWT (see bitwarden-tokens.ts). */
  readonly accessToken: string
  /** 32 bytes; the same until the session ends. */
  readonly refreshToken: Uint8Array
  /** By which the device logs in without its second factor for a while, if it asked for that and showed one; base64url. */
  readonly rememberToken: string | undefined
}

/** Logs an app in by the password. Throws what `beginSession` throws. */
export async function logInApp(
  request: BitwardenLoginRequest,
  needs: SessionNeeds & BitwardenSigning,
): Promise<BitwardenSession | LoginRefusal> {
  const begun = await beginSession(request, needs)
  if (begun.kind !== 'begun') return begun
  const { caller, now, refreshToken, rememberToken } = begun
  const { app, device } = request
  const account = await needs.store.read((reader) => getBitwardenAccount(reader, caller))
  const accessToken = accessTokenOf(
    {
      ...account,
      sessionId: caller.sessionId,
      deviceIdentifier: device.id,
      deviceType: app.type,
      clientId: app.clientId,
    },
    now,
    needs,
  )
  return { kind: 'session', account, accessToken, refreshToken, rememberToken }
}
