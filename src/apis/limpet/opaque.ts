// The first half of OPAQUE over HTTP. What follows is in /register, /login, and wherever a password is proved.

import {
  OpaqueLoginStarted,
  OpaqueRegistrationStarted,
  StartOpaqueLogin,
  StartOpaquePasswordChange,
  StartOpaqueRegistration,
} from '../../contract/opaque.ts'
import { accountPaths, opaquePaths } from '../../contract/paths.ts'
import { Failure } from '../../domain/failure.ts'
import { requireNotClosed } from '../../domain/identity/admission.ts'
import { countStartedLogin } from '../../domain/identity/guard-login.ts'
import { findSubject } from '../../domain/identity/opaque-credential-ids.ts'
import { startHandshake } from '../../domain/identity/opaque-handshakes.ts'
import { startRegistration } from '../../domain/identity/opaque-registrations.ts'
import { route } from './route.ts'

const tag = 'Accounts'

const noMessage = () =>
  new Failure('malformed-request', 'The request is not as the contract says.', {
    errors: [{ path: 'body.request', message: 'Expected a message of OPAQUE (RFC 9807)' }],
  })

const register = route({
  method: 'post',
  path: opaquePaths.register,
  operationId: 'startOpaqueRegistration',
  tag,
  summary: 'Choose a password by OPAQUE for a new account: the first half',
  description:
    'Then POST /register with `opaque: {record, registration}`, for the same address and within ten minutes. Whether the address has an account makes no difference.',
  auth: 'public',
  limit: 'login',
  request: { body: StartOpaqueRegistration },
  success: { 200: OpaqueRegistrationStarted },
  problems: ['registration-closed'],
  async handler({ body: { email, request } }, services) {
    requireNotClosed(services.config)
    const started = startRegistration({ newAccount: email }, request, services)
    if (!started) throw noMessage()
    return { status: 200, body: started }
  },
})

const changePassword = route({
  method: 'post',
  path: accountPaths.passwordByOpaque,
  operationId: 'startOpaquePasswordChange',
  tag,
  summary: 'Choose a new password by OPAQUE: the first half',
  description: 'Then POST /account/password with `opaque: {record, registration}`, within ten minutes.',
  auth: 'session',
  limit: 'proof',
  request: { body: StartOpaquePasswordChange },
  success: { 200: OpaqueRegistrationStarted },
  problems: [],
  async handler({ caller, body: { request } }, services) {
    const started = startRegistration({ account: caller.accountId }, request, services)
    if (!started) throw noMessage()
    return { status: 200, body: started }
  },
})

const startLogin = route({
  method: 'post',
  path: opaquePaths.login,
  operationId: 'startOpaqueLogin',
  tag,
  summary: 'Prove a password by OPAQUE: the first half',
  description:
    'Then POST /login, or wherever a password is proved, with `opaque: {handshake, finish}`. The answer has the same form for everybody. A handshake works once, for a minute.',
  auth: 'visitor',
  limit: 'login',
  request: { body: StartOpaqueLogin },
  success: { 200: OpaqueLoginStarted },
  problems: [],
  async handler({ caller: { address }, body: { email, request } }, services) {
    const { clock, startedLogins } = services
    await countStartedLogin(services, { address, email })
    const subject = await services.store.read((reader) => findSubject(reader, email, services.opaque))
    const started = startHandshake(subject, request, services)
    if (!started) throw noMessage()
    const { accountId, handshake, id, response } = started
    if (accountId !== undefined) startedLogins.note({ id, accountId, at: clock.now(), address })
    return { status: 200, body: { handshake, response } }
  },
})

export const opaqueRoutes = [register, changePassword, startLogin]
