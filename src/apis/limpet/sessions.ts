// Sessions over HTTP: login, refresh, logout, list and end.

import { z } from 'zod'
import { Login, Refresh, Session, SessionList, SessionTokens } from '../../contract/accounts.ts'
import { sessionPaths } from '../../contract/paths.ts'
import { SessionId } from '../../contract/primitives.ts'
import { fromBase64url, toBase64url, toTimestamp } from '../../domain/encoding.ts'
import { Failure, notFound, PassingFailure } from '../../domain/failure.ts'
import { type LoginOutcome, login as logIn } from '../../domain/identity/login.ts'
import { refreshSession } from '../../domain/identity/refresh-tokens.ts'
import type { SessionTokens as Tokens } from '../../domain/identity/session-tokens.ts'
import {
  endOtherSessions,
  endSession,
  type ListedSession,
  listSessions,
} from '../../domain/identity/sessions.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Sessions'

const toTokens = ({ accessToken, accessTokenTtl, refreshToken, sessionId }: Tokens): SessionTokens => ({
  accessToken,
  tokenType: 'Bearer',
  expiresIn: Math.floor(accessTokenTtl / 1000),
  refreshToken: toBase64url(refreshToken),
  sessionId,
})

const toSession = ({ account, tokens }: Extract<LoginOutcome, { kind: 'session' }>): Session => ({
  ...toTokens(tokens),
  account: { ...account, accountKey: toBase64url(account.accountKey) },
})

/** What is answered where a login got no session. */
function failureOf(outcome: Exclude<LoginOutcome, { kind: 'session' }>): Failure {
  switch (outcome.kind) {
    case 'wrong-password':
    // Only accounts of Bitwarden's apps know their devices, and none of those logs in here.
    case 'device-unverified':
      return new Failure('invalid-credentials', 'The e-mail address or the password is wrong.')
    case 'email-unverified':
      return new Failure('email-unverified', 'Open the link in the mail that was sent to the address.')
    case 'second-factor-required':
      return new Failure(
        'second-factor-required',
        'The account asks for a second factor as well.',
        outcome.challenge,
      )
    case 'second-factor-wrong':
      return new Failure(
        'invalid-second-factor',
        'The second factor is wrong, or was used before.',
        outcome.challenge,
      )
    case 'second-factor-added':
      return new PassingFailure('unavailable', 'A second factor was added at this moment. Log in again.', 1)
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
    const { device, email, secondFactor } = body
    const request = { email, password: proofIn(body), secondFactor, device, address }
    const outcome = await logIn(request, services)
    if (outcome.kind !== 'session') throw failureOf(outcome)
    return { status: 200, body: toSession(outcome) }
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
    const tokens = await refreshSession({ refreshToken: fromBase64url(body.refreshToken), address }, services)
    if (!tokens)
      throw new Failure('invalid-refresh-token', 'The refresh token is not valid, or its session has ended.')
    return { status: 200, body: toTokens(tokens) }
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
    const toSummary = ({ id, device, createdAt, lastUsedAt, expiresAt }: ListedSession) => ({
      id,
      device,
      createdAt: toTimestamp(createdAt),
      lastUsedAt: toTimestamp(lastUsedAt),
      expiresAt: toTimestamp(expiresAt),
      current: id === caller.sessionId,
    })
    return { status: 200, body: { sessions: sessions.map(toSummary) } }
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
