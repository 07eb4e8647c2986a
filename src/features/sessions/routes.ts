// Sessions over HTTP: login, refresh, logout, list and end.
import { z } from 'zod'
import { Login, Refresh, Session, SessionList, SessionTokens } from '../../contract/accounts.ts'
import { SessionId } from '../../contract/primitives.ts'
import { notFound, problem } from '../../http/problem.ts'
import { provesPassword } from '../accounts/proof.ts'
import { type AccountRow, findAccountByEmail, noteLogin } from '../accounts/repository.ts'
import type { Caller } from '../caller.ts'
import { enqueueMail } from '../email/outbox.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import { route, type Services } from '../route.ts'
import { hashSecret } from '../secret-hash.ts'
import { signAccessToken } from './access-token.ts'
import { guardLogin } from './guard-login.ts'
import { successorOf } from './refresh-token.ts'
import {
  createSession,
  endOtherSessions,
  endSession,
  isFirstLoginOf,
  listSessions,
  useRefreshToken,
} from './repository.ts'

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
    throw problem('email-unverified', 'Open the link in the mail that was sent to the address.')
}

const login = route({
  method: 'post',
  path: '/api/v1/login',
  tag,
  summary: 'Prove the password and get a session',
  auth: 'visitor',
  limit: 'login',
  request: { body: Login },
  success: { 200: Session },
  problems: ['invalid-credentials', 'email-unverified'],
  async handler({ caller: { address }, body }, services) {
    const { email, device } = body
    const { clock, config, mailer, random, store } = services
    const refused = problem('invalid-credentials', 'The e-mail address or the password is wrong.')
    const account = await guardLogin(services, { address, email, isFinish: 'opaque' in body }, async () => {
      const found = await store.read((reader) => findAccountByEmail(reader, email))
      const proved = await provesPassword(found, body, services)
      if (found && !proved) services.failedLogins.note(found.id, { at: clock.now(), device, address })
      if (!found || !proved || found.disabledAt !== null) throw refused
      return found
    })
    requireConfirmed(account, config)
    const now = clock.now()
    const caller = { accountId: account.id, sessionId: random.uuid(), address }
    const refreshToken = random.bytes(32)
    await store.write(async (tx) => {
      const isNewDevice = config.smtp && (await isFirstLoginOf(tx, account, device))
      if (!(await noteLogin(tx, account, now))) throw refused
      await createSession(tx, caller, {
        device,
        refreshTokenHash: hashSecret(refreshToken),
        now,
        expiresAt: now + config.sessionTtl,
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
    mailer.wake()
    return {
      status: 200,
      body: {
        ...tokensOf(caller, refreshToken, now, services),
        account: { id: account.id, email, accountKey: toBase64url(account.accountKey) },
      },
    }
  },
})

const refresh = route({
  method: 'post',
  path: '/api/v1/token/refresh',
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
    const { clock, config, keys, liveness, store } = services
    const token = fromBase64url(body.refreshToken)
    const successor = successorOf(keys.refreshTokens, token)
    const now = clock.now()
    const caller = await store.write((tx) =>
      useRefreshToken(tx, {
        hash: hashSecret(token),
        successorHash: hashSecret(successor),
        now,
        expiresAt: now + config.sessionTtl,
        address,
      }),
    )
    if (!caller) {
      liveness.forget()
      throw problem('invalid-refresh-token', 'The refresh token is not valid, or its session has ended.')
    }
    return { status: 200, body: tokensOf(caller, successor, now, services) }
  },
})

const logout = route({
  method: 'post',
  path: '/api/v1/logout',
  tag,
  summary: 'End the session of the caller',
  auth: 'session',
  limit: 'write',
  request: {},
  success: { 204: null },
  problems: [],
  async handler({ caller }, { clock, liveness, store }) {
    await store.write((tx) => endSession(tx, caller, caller.sessionId, clock.now()))
    liveness.forget()
    return { status: 204 }
  },
})

const list = route({
  method: 'get',
  path: '/api/v1/sessions',
  tag,
  summary: 'The sessions of the account, last used first',
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
  path: '/api/v1/sessions/{sessionId}',
  tag,
  summary: 'End one session',
  auth: 'session',
  limit: 'write',
  request: { params: z.strictObject({ sessionId: SessionId }) },
  success: { 204: null },
  problems: ['not-found'],
  async handler({ caller, params }, { clock, liveness, store }) {
    if (!(await store.write((tx) => endSession(tx, caller, params.sessionId, clock.now())))) throw notFound()
    liveness.forget()
    return { status: 204 }
  },
})

const endOthers = route({
  method: 'delete',
  path: '/api/v1/sessions',
  tag,
  summary: 'End every session but the one that asks',
  auth: 'session',
  limit: 'write',
  request: {},
  success: { 204: null },
  problems: [],
  async handler({ caller }, { clock, liveness, store }) {
    await store.write((tx) => endOtherSessions(tx, caller, clock.now()))
    liveness.forget()
    return { status: 204 }
  },
})

export const sessionRoutes = [login, refresh, logout, list, endOne, endOthers]
