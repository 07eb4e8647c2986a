// The first half of OPAQUE over HTTP. What follows is in /register, /login, and wherever a password is proved.

import {
  OpaqueLoginStarted,
  OpaqueRegistrationStarted,
  StartOpaqueLogin,
  StartOpaquePasswordChange,
  StartOpaqueRegistration,
} from '../../contract/opaque.ts'
import { accountPaths, opaquePaths } from '../../contract/paths.ts'
import { requireNotClosed } from '../../domain/identity/admission.ts'
import { startOpaqueLogin } from '../../domain/identity/login.ts'
import { startRegistration } from '../../domain/identity/opaque-registrations.ts'
import { noOpaqueMessage } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Accounts'

const noMessage = () => noOpaqueMessage('request', 'Expected a message of OPAQUE (RFC 9807)')

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
    const started = await startRegistration({ newAccount: email }, request, services)
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
    const started = await startRegistration({ account: caller.accountId }, request, services)
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
    const started = await startOpaqueLogin({ address, email, request }, services)
    if (!started) throw noMessage()
    return { status: 200, body: started }
  },
})

export const opaqueRoutes = [register, changePassword, startLogin]
