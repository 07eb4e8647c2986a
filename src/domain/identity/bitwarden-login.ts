// Logins of Bitwarden's apps: the same as every other, with tokens of their own.
import type { Device } from '../../contract/accounts.ts'
import { type Tx, Unchanged } from '../../store/store.ts'
import type { SessionCaller } from '../caller.ts'
import { enqueueMail } from '../mail/outbox.ts'
import { type BitwardenAccount, findBitwardenAccount, getBitwardenAccount } from './bitwarden-accounts.ts'
import { isApiKey } from './bitwarden-api-key.ts'
import { type BitwardenApp, noteDevice } from './bitwarden-devices.ts'
import { accessTokenOf, type BitwardenSigning } from './bitwarden-sessions.ts'
import { bitwardenTokenTtl } from './bitwarden-tokens.ts'
import { guardLogin } from './guard-login.ts'
import { beginSession, type LoginRefusal, type LoginRequest, type SessionNeeds } from './login.ts'
import { holdProved } from './proved-accounts.ts'
import { apiKeyClient, createSession, useApiKeySession } from './sessions.ts'

export type BitwardenLoginRequest = LoginRequest & { readonly app: BitwardenApp }

/** A session of an app, with the token that it is used with. */
export interface OpenedSession {
  readonly kind: 'session'
  readonly account: BitwardenAccount
  /** A JWT (see bitwarden-tokens.ts). */
  readonly accessToken: string
}

/** A session that lasts, with its tokens. */
export interface BitwardenSession extends OpenedSession {
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

export interface ApiKeyRequest {
  readonly accountId: string
  readonly apiKey: string
  readonly app: Pick<BitwardenApp, 'type'>
  readonly device: Device
  /** Where the request came from. */
  readonly address: string
}

/**
 * The session of a login by the API key: it ends with its token, and a login of the same device goes on with it, because scripts log in
 * each time. The login of a script is none of the owner's: it keeps no account that is about to be deleted.
 * @returns whether the account may still be logged in to
 */
async function writeApiKeyLogin(
  tx: Tx,
  { account }: BitwardenAccount,
  { caller, device, type, now }: { caller: SessionCaller; device: Device; type: number; now: number },
  needs: SessionNeeds,
): Promise<string | undefined | Unchanged<undefined>> {
  const { config, random } = needs
  const { accountId } = caller
  if (!(await holdProved(tx, account))) return new Unchanged(undefined)
  const isNew = await noteDevice(tx, accountId, { id: random.uuid(), device, type, now })
  const expiresAt = now + bitwardenTokenTtl
  const used = await useApiKeySession(tx, accountId, device, { now, expiresAt })
  if (used !== undefined) return used
  await createSession(tx, caller, {
    device,
    clientId: apiKeyClient(accountId),
    refreshToken: null,
    now,
    expiresAt,
    allowed: config.quotas.sessions,
  })
  if (config.smtp && isNew)
    await enqueueMail(tx, { id: random.uuid(), accountId, kind: 'new-device', detail: device.name, now })
  return caller.sessionId
}

/** Logs a script in by the account's API key. Throws `too-many-requests`. @returns undefined if it is not the account's key */
export async function logInByApiKey(
  { accountId, apiKey, app: { type }, device, address }: ApiKeyRequest,
  needs: SessionNeeds & BitwardenSigning,
): Promise<OpenedSession | undefined> {
  const { clock, failedLogins, random, store } = needs
  const clientId = apiKeyClient(accountId)
  const prove = async (): Promise<OpenedSession | undefined> => {
    const now = clock.now()
    const account = await store.read((reader) => findBitwardenAccount(reader, { accountId }))
    if (!account) return undefined
    if (!isApiKey(account.own, apiKey, needs)) {
      failedLogins.note(accountId, { type: 'login-failed', at: now, device, address })
      return undefined
    }
    const caller = { accountId, sessionId: random.uuid(), address }
    const login = { caller, device, type, now }
    const sessionId = await store.write((tx) => writeApiKeyLogin(tx, account, login, needs))
    if (sessionId === undefined) return undefined
    const signed = { ...account, sessionId, deviceIdentifier: device.id, deviceType: type, clientId }
    return { kind: 'session', account, accessToken: accessTokenOf(signed, now, needs) }
  }
  return guardLogin(needs, { address, email: clientId, isFinish: false }, prove, (session) =>
    session ? 'right' : 'wrong',
  )
}
