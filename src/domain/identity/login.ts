// Login: a password of either kind, then the second factor if the account has one, then the session.
import type { Allowed } from '../../contract/quotas.ts'
import { type Tx, Unchanged } from '../../store/store.ts'
import type { FailedLogins } from '../audit/failed-logins.ts'
import type { StartedLogins } from '../audit/started-logins.ts'
import type { SessionCaller } from '../caller.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import { hashSecret } from '../secret-hash.ts'
import { cancelDeletion } from './account-deletion.ts'
import { type AccountRow, findAccountByEmail } from './accounts.ts'
import { type AuthRequestProof, isLetIn, useAuthRequest } from './auth-requests.ts'
import { type BitwardenApp, noteDevice } from './bitwarden-devices.ts'
import { hashBitwardenRefreshToken } from './bitwarden-sessions.ts'
import { countStartedLogin, guardLogin, type LoginAttempt, type PasswordVerdict } from './guard-login.ts'
import { findSubject } from './opaque-credential-ids.ts'
import type { CheckedPassword } from './opaque-handshakes.ts'
import { startHandshake } from './opaque-handshakes.ts'
import { checkPassword, type PasswordNeeds, type PasswordProof, useUp } from './passwords.ts'
import { noteLogin } from './proved-accounts.ts'
import { familyHashOf } from './refresh-tokens.ts'
import {
  type CheckedFactor,
  checkSecondFactor,
  type FactorNeeds,
  type FactorRefusal,
  type FactorRequest,
} from './second-factor-login.ts'
import { endOfSession, type SessionLifetime } from './session-lifetime.ts'
import { issueTokens, type SessionTokens, type SigningNeeds } from './session-tokens.ts'
import { createSession, isFirstLoginOf } from './sessions.ts'

interface LoginSettings extends SessionLifetime, MailSettings {
  /** Whether an account can be used before its address is confirmed: EMAIL_VERIFICATION. */
  readonly emailVerification: 'off' | 'required'
  readonly quotas: Pick<Allowed, 'sessions'>
}

/** What a login takes, whichever tokens its session has. */
export type SessionNeeds = PasswordNeeds &
  FactorNeeds & {
    readonly config: LoginSettings
    readonly failedLogins: FailedLogins
  }

export type LoginNeeds = SessionNeeds & SigningNeeds

export interface LoginRequest extends LoginAttempt, FactorRequest {
  /** In its normalized form. */
  readonly email: string
  /** The password, or what another device has let in. */
  readonly password: PasswordProof | AuthRequestProof
  /** Which of Bitwarden's apps logs in; undefined for a native client. */
  readonly app?: BitwardenApp | undefined
  /** Where the request came from. */
  readonly address: string
}

/** Why a login whose password is right gets no session. */
export type LoginRefusal =
  /** The account does not exist or is disabled, or its password is another one: it is not said which. */
  | { readonly kind: 'wrong-password' }
  /** The address has to be confirmed first. */
  | { readonly kind: 'email-unverified' }
  | FactorRefusal

/** A login that has its session, and no tokens yet. */
export interface BegunSession {
  readonly kind: 'begun'
  readonly account: AccountRow
  readonly caller: SessionCaller
  /** 32 bytes. */
  readonly refreshToken: Uint8Array
  /** By which the device logs in without its second factor for a while, if it asked for that and showed one; base64url. */
  readonly rememberToken: string | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

export type LoginOutcome =
  | {
      readonly kind: 'session'
      readonly tokens: SessionTokens
      /** What a client needs to unlock; `accountKey` is sealed by a key of the password. */
      readonly account: Pick<AccountRow, 'id' | 'email' | 'accountKey' | 'accountKeyVersion'>
    }
  | LoginRefusal

const wrongPassword = { kind: 'wrong-password' } as const

/** Whether another device has let in this one. For no account the work is the same. */
const checkLetIn = async (
  account: AccountRow | undefined,
  proof: AuthRequestProof,
  { device, now }: { readonly device: LoginRequest['device']; readonly now: number },
  { store }: SessionNeeds,
): Promise<CheckedPassword> => ({
  isRight: await store.read((reader) =>
    isLetIn(reader, { accountId: account?.id ?? '' }, proof, { identifier: device.id, now }),
  ),
})

/** What the server keeps of a refresh token. That of an app is none for a native client, and the other way round. */
const keptOf = (refreshToken: Uint8Array, app: BitwardenApp | undefined) =>
  app
    ? { hash: hashBitwardenRefreshToken(refreshToken), familyHash: null }
    : { hash: hashSecret(refreshToken), familyHash: familyHashOf(refreshToken) }

/** What a login has shown, of which some works once. */
interface Shown {
  readonly password: CheckedPassword
  readonly factor: CheckedFactor
}

/**
 * What a login writes, all of it or nothing. What needs no answer of what stands before it is sent together.
 * @returns why it may not go on, or undefined if it may
 */
async function writeLogin(
  tx: Tx,
  { account, caller, refreshToken, now }: BegunSession,
  { app, device, password }: Pick<LoginRequest, 'app' | 'device' | 'password'>,
  shown: Shown,
  needs: SessionNeeds,
): Promise<LoginRefusal | undefined | Unchanged<LoginRefusal | undefined>> {
  const { config, random } = needs
  const hasNoSession = !app && config.smtp && (await isFirstLoginOf(tx, account, device))
  await shown.factor.hold(tx)
  const held = await Promise.all([shown.password.use?.(tx), noteLogin(tx, account, now)])
  if (held.includes(false)) return new Unchanged(wrongPassword)
  const isNewApp =
    app && (await noteDevice(tx, account.id, { id: random.uuid(), device, type: app.type, now }))
  const login = { identifier: device.id, now }
  const [hasFactor, isLetIn] = await Promise.all([
    shown.factor.use(tx),
    'authRequest' in password ? useAuthRequest(tx, caller, password, login) : true,
    cancelDeletion(tx, account.id, { now, address: caller.address }, needs),
    createSession(tx, caller, {
      device,
      clientId: app?.clientId ?? null,
      refreshToken: keptOf(refreshToken, app),
      now,
      expiresAt: endOfSession(config, { createdAt: now, now }),
      allowed: config.quotas.sessions,
    }),
  ])
  if (!hasFactor) return new Unchanged(shown.factor.refusal)
  if (!isLetIn) return new Unchanged(wrongPassword)
  if (config.smtp && (hasNoSession || (isNewApp && account.lastLoginAt !== null))) {
    const mail = { id: random.uuid(), accountId: account.id, kind: 'new-device', now } as const
    await enqueueMail(tx, { ...mail, detail: device.name })
  }
  return undefined
}

/** Makes the session of a login whose password is right, once its second factor is proved as well. */
async function makeSession(
  account: AccountRow,
  password: CheckedPassword,
  request: LoginRequest,
  needs: SessionNeeds,
): Promise<BegunSession | LoginRefusal> {
  const { clock, random, store } = needs
  const { address } = request
  const now = clock.now()
  const caller = { accountId: account.id, sessionId: random.uuid(), address }
  const factor = await checkSecondFactor(account, request, needs)
  if (factor.kind !== 'checked') return factor
  const refreshToken = random.bytes(32)
  const { rememberToken } = factor
  const begun = { kind: 'begun', account, caller, refreshToken, rememberToken, now } as const
  const refusal = await store.write((tx) => writeLogin(tx, begun, request, { password, factor }, needs))
  if (refusal) return refusal
  await factor.forgetGuesses?.()
  return begun
}

/** What becomes of a login whose password was checked. What a stranger may not learn is looked at after the proof. */
async function goOn(
  account: AccountRow | undefined,
  password: CheckedPassword,
  request: LoginRequest,
  needs: SessionNeeds,
): Promise<BegunSession | LoginRefusal> {
  const { config } = needs
  if (!account || !password.isRight || account.disabledAt !== null) return wrongPassword
  if (config.emailVerification === 'required' && !account.emailVerified) return { kind: 'email-unverified' }
  return makeSession(account, password, request, needs)
}

/**
 * Checks the password and makes the session. A proof that works once is used in the transaction that makes the session; or by itself,
 * before a second factor is looked at, and before every answer but a session.
 */
async function proveLogin(request: LoginRequest, needs: SessionNeeds): Promise<BegunSession | LoginRefusal> {
  const { clock, failedLogins, store } = needs
  const { address, device, deviceCode, email, password: proof, secondFactor } = request
  const account = await store.read((reader) => findAccountByEmail(reader, email))
  const checked =
    'authRequest' in proof
      ? await checkLetIn(account, proof, { device, now: clock.now() }, needs)
      : await checkPassword(account, proof, needs)
  const showsMore = secondFactor !== undefined || deviceCode !== undefined
  let isUnused = !showsMore || (await useUp(checked, needs))
  const password = showsMore ? { isRight: checked.isRight && isUnused } : checked
  const attempt = await goOn(account, password, request, needs).catch(async (error: unknown) => {
    await useUp(password, needs)
    throw error
  })
  if (attempt.kind !== 'begun') isUnused &&= await useUp(password, needs)
  const outcome = isUnused ? attempt : wrongPassword
  if (account && !(checked.isRight && isUnused))
    failedLogins.note(account.id, { type: 'login-failed', at: clock.now(), device, address })
  if (outcome.kind === 'second-factor-wrong' || (outcome.kind === 'device-unverified' && outcome.isWrong))
    if (account)
      failedLogins.note(account.id, { type: 'second-factor-failed', at: clock.now(), device, address })
  return outcome
}

/** A login that gets to the second factor had the right password; guesses of the factor are counted where it is checked. */
const verdictOf = ({ kind }: BegunSession | LoginRefusal): PasswordVerdict =>
  kind === 'wrong-password'
    ? 'wrong'
    : kind === 'begun' ||
        kind === 'second-factor-required' ||
        kind === 'second-factor-wrong' ||
        kind === 'device-unverified'
      ? 'right'
      : 'unsaid'

/**
 * Proves the password and makes the session: what every login is, whatever tokens are handed out for it. Throws `too-many-requests` after
 * too many failures, and `unavailable` while too many passwords are being checked. Every other end of it is a value.
 */
export const beginSession = (
  request: LoginRequest,
  needs: SessionNeeds,
): Promise<BegunSession | LoginRefusal> => {
  const { email, address, password } = request
  const attempt = { email, address, isFinish: 'opaque' in password }
  return guardLogin(needs, attempt, () => proveLogin(request, needs), verdictOf)
}

/** Logs a native client in: `beginSession`, and its tokens. Throws what that throws. */
export async function login(request: LoginRequest, needs: LoginNeeds): Promise<LoginOutcome> {
  const begun = await beginSession(request, needs)
  if (begun.kind !== 'begun') return begun
  const { caller, now, refreshToken } = begun
  const { id, email, accountKey, accountKeyVersion } = begun.account
  return {
    kind: 'session',
    tokens: issueTokens(caller, refreshToken, now, needs),
    account: { id, email, accountKey, accountKeyVersion },
  }
}

/**
 * The first half of a login by OPAQUE, or of another proof of a password by it. The answer has the same form for every address.
 * Throws `too-many-requests`, and `unavailable` while too many people log in.
 * @param start.request KE1 (RFC 9807), base64url
 * @returns KE2, and what the second half has to give back; undefined if the request is no message of OPAQUE
 */
export async function startOpaqueLogin(
  { address, email, request }: LoginAttempt & { readonly request: string },
  needs: PasswordNeeds & Pick<FactorNeeds, 'limiter' | 'random'> & { readonly startedLogins: StartedLogins },
): Promise<{ handshake: string; response: string } | undefined> {
  const { clock, opaque, startedLogins, store } = needs
  await countStartedLogin(needs, { address, email })
  const subject = await store.read((reader) => findSubject(reader, email, opaque))
  const started = await startHandshake(subject, request, needs)
  if (!started) return undefined
  const { accountId, handshake, id, response } = started
  if (accountId !== undefined) startedLogins.note({ id, accountId, at: clock.now(), address })
  return { handshake, response }
}
