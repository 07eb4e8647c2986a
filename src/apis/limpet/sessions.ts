// Sessions over HTTP: login, refresh, logout, list and end.

import { z } from 'zod'
import { Login, Refresh, Session, SessionList, SessionTokens } from '../../contract/accounts.ts'
import { sessionPaths } from '../../contract/paths.ts'
import { SessionId } from '../../contract/primitives.ts'
import type { Caller } from '../../domain/caller.ts'
import { fromBase64url, toBase64url } from '../../domain/encoding.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { signAccessToken } from '../../domain/identity/access-tokens.ts'
import { cancelDeletion } from '../../domain/identity/account-deletion.ts'
import { type AccountRow, findAccountByEmail, noteLogin } from '../../domain/identity/accounts.ts'
import { guardLogin } from '../../domain/identity/guard-login.ts'
import { provesPassword } from '../../domain/identity/password-proof.ts'
import { familyHashOf, successorOf } from '../../domain/identity/refresh-tokens.ts'
import { checkSecondFactor, forgetGuesses } from '../../domain/identity/second-factor-login.ts'
import {
  createSession,
  endOfSession,
  endOtherSessions,
  endSession,
  isFirstLoginOf,
  listSessions,
  useRefreshToken,
} from '../../domain/identity/sessions.ts'
import { enqueueMail } from '../../domain/mail/outbox.ts'
import { hashSecret } from '../../domain/secret-hash.ts'
import { route, type Services } from './route.ts'

const tag = 'Sessions'

const tokensOf = (
  caller: Caller,
  refreshToken: Uint8Array,
  now: number,
  { config, keys, random }: Services,
): SessionTokens => ({
  accessToken: signAccessToken({ key: keys.accessTokens, issuer: config.publicUrl }, caller, {
    now,
    ttl: config.accessTokenTtl,
    id: random.uuid(),
  }),
  tokenType: 'Bearer',
  expiresIn: Math.floor(config.accessTokenTtl / 1000),
  refreshToken: toBase64url(refreshToken),
  sessionId: caller.sessionId,
})

/** After the proof and never before: strangers learn nothing of an account. */
function requireConfirmed({ emailVerified }: AccountRow, { emailVerification }: Services['config']) {
  if (emailVerification === 'required' && !emailVerified)
    throw new Failure('email-unverified', 'Open the link in the mail that was sent to the address.')
}

const wrongCredentials = () =>
  new Failure('invalid-credentials', 'The e-mail address or the password is wrong.')

/** The account whose password the login proves, if it may log in. */
async function proveLogin(body: Login, address: string, services: Services): Promise<AccountRow> {
  const { clock, config, failedLogins, store } = services
  const { device, email } = body
  const found = await store.read((reader) => findAccountByEmail(reader, email))
  const proved = await provesPassword(found, body, services)
  if (found && !proved)
    failedLogins.note(found.id, { type: 'login-failed', at: clock.now(), device, address })
  if (!found || !proved || found.disabledAt !== null) throw wrongCredentials()
  requireConfirmed(found, config)
  return found
}

/** Makes the session of a login whose password was proved, once its second factor is as well. */
async function beginSession(
  account: AccountRow,
  { device, secondFactor }: Login,
  address: string,
  services: Services,
): Promise<Session> {
  const { clock, config, random, store } = services
  const now = clock.now()
  const caller = { accountId: account.id, sessionId: random.uuid(), address }
  const factor = await checkSecondFactor(caller, secondFactor, services)
  const refreshToken = random.bytes(32)
  await store.write(async (tx) => {
    const isNewDevice = config.smtp && (await isFirstLoginOf(tx, account, device))
    if (!(await noteLogin(tx, account, now))) throw wrongCredentials()
    if (!(await factor.use(tx))) throw factor.refusal
    await cancelDeletion(tx, account.id, { now, address, services })
    await createSession(tx, caller, {
      device,
      refreshToken: { hash: hashSecret(refreshToken), familyHash: familyHashOf(refreshToken) },
      now,
      expiresAt: endOfSession(config, { createdAt: now, now }),
      allowed: config.quotas.sessions,
    })
    if (isNewDevice)
      await enqueueMail(tx, {
        id: random.uuid(),
        accountId: account.id,
        kind: 'new-device',
        detail: device.name,
        now,
      })
  })
  if (secondFactor) await forgetGuesses(caller, services)
  return {
    ...tokensOf(caller, refreshToken, now, services),
    account: { id: account.id, email: account.email, accountKey: toBase64url(account.accountKey) },
  }
}

const login = route({
  method: 'post',
  path: sessionPaths.login,
  operationId: 'login',
  tag,
  summary: 'Prove the password, and the second factor where the account has one, and get a session',
  description: 'A client asks `POST /prelogin` first, which says how the account proves its password.',
  auth: 'visitor',
  limit: 'login',
  request: { body: Login },
  success: { 200: Session },
  problems: ['invalid-credentials', 'email-unverified', 'second-factor-required', 'invalid-second-factor'],
  async handler({ caller: { address }, body }, services) {
    const { clock, failedLogins } = services
    const { device, email } = body
    const session = await guardLogin(services, { address, email, isFinish: 'opaque' in body }, async () => {
      const account = await proveLogin(body, address, services)
      return beginSession(account, body, address, services).catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'invalid-second-factor')
          failedLogins.note(account.id, { type: 'second-factor-failed', at: clock.now(), device, address })
        throw error
      })
    })
    return { status: 200, body: session }
  },
})

const refresh = route({
  method: 'post',
  path: sessionPaths.refresh,
  operationId: 'refreshSession',
  tag,
  summary: 'Replace the tokens of a session',
  description:
    'Each refresh token is for one use. The same use may be repeated for 60 seconds, for an answer that was lost; a later second use ends the session.',
  auth: 'visitor',
  limit: 'refresh',
  request: { body: Refresh },
  success: { 200: SessionTokens },
  problems: ['invalid-refresh-token'],
  async handler({ body, caller: { address } }, services) {
    const { clock, config, keys, store } = services
    const token = fromBase64url(body.refreshToken)
    const successor = successorOf(keys.refreshTokens, token)
    const now = clock.now()
    const caller = await store.write((tx) =>
      useRefreshToken(tx, {
        hash: hashSecret(token),
        familyHash: familyHashOf(token),
        successorHash: hashSecret(successor),
        now,
        lifetime: config,
        address,
      }),
    )
    if (!caller) {
      throw new Failure('invalid-refresh-token', 'The refresh token is not valid, or its session has ended.')
    }
    return { status: 200, body: tokensOf(caller, successor, now, services) }
  },
})

const logout = route({
  method: 'post',
  path: sessionPaths.logout,
  operationId: 'logout',
  tag,
  summary: 'End the session of the caller',
  description: 'Its tokens are refused everywhere within a second.',
  auth: 'session',
  limit: 'write',
  request: {},
  success: { 204: null },
  problems: [],
  async handler({ caller }, { clock, store }) {
    await store.write((tx) => endSession(tx, caller, caller.sessionId, clock.now()))
    return { status: 204 }
  },
})

const list = route({
  method: 'get',
  path: sessionPaths.sessions,
  operationId: 'listSessions',
  tag,
  summary: 'The sessions of the account, last used first',
  description: 'Sessions that have ended are not in the list.',
  auth: 'session',
  limit: 'read',
  request: {},
  success: { 200: SessionList },
  problems: [],
  async handler({ caller }, { clock, store }) {
    const sessions = await store.read((reader) => listSessions(reader, caller, clock.now()))
    return { status: 200, body: { sessions } }
  },
})

const endOne = route({
  method: 'delete',
  path: sessionPaths.session,
  operationId: 'endSession',
  tag,
  summary: 'End one session',
  description: 'Its tokens are refused everywhere within a second.',
  auth: 'session',
  limit: 'write',
  request: { params: z.strictObject({ sessionId: SessionId }) },
  success: { 204: null },
  problems: ['not-found'],
  async handler({ caller, params }, { clock, store }) {
    if (!(await store.write((tx) => endSession(tx, caller, params.sessionId, clock.now())))) throw notFound()
    return { status: 204 }
  },
})

const endOthers = route({
  method: 'delete',
  path: sessionPaths.sessions,
  operationId: 'endOtherSessions',
  tag,
  summary: 'End every session but the one that asks',
  description: 'Their tokens are refused everywhere within a second.',
  auth: 'session',
  limit: 'write',
  request: {},
  success: { 204: null },
  problems: [],
  async handler({ caller }, { clock, store }) {
    await store.write((tx) => endOtherSessions(tx, caller, clock.now(), 'owner'))
    return { status: 204 }
  },
})

export const sessionRoutes = [login, refresh, logout, list, endOne, endOthers]
