// The first half of OPAQUE over HTTP. What follows is in /register, /login, and wherever a password is proved.
import {
  OpaqueLoginStarted,
  OpaqueRegistrationStarted,
  StartOpaqueLogin,
  StartOpaqueRegistration,
} from '../../contract/opaque.ts'
import { problem } from '../../http/problem.ts'
import { findAccountByEmail } from '../accounts/repository.ts'
import { route } from '../route.ts'
import { countStartedLogin } from '../sessions/guard-login.ts'
import { startHandshake } from './handshakes.ts'

const tag = 'Accounts'

const noMessage = () =>
  problem('malformed-request', 'The request is not as the contract says.', {
    errors: [{ path: 'body.request', message: 'Expected a message of OPAQUE (RFC 9807)' }],
  })

const startRegistration = route({
  method: 'post',
  path: '/api/v1/opaque/register',
  operationId: 'startOpaqueRegistration',
  tag,
  summary: 'Choose a password by OPAQUE: the first half',
  description:
    'For a new account and for a new password. Then POST /register or /account/password with `opaque: {record}`. Whether the address has an account makes no difference.',
  auth: 'public',
  // A guess of a password needs one of these or of the other: both count as logins.
  limit: 'login',
  request: { body: StartOpaqueRegistration },
  success: { 200: OpaqueRegistrationStarted },
  problems: [],
  async handler({ body: { email, request } }, { opaque }) {
    const response = opaque.startRegistration(email, request)
    if (response === undefined) throw noMessage()
    return { status: 200, body: { response } }
  },
})

const startLogin = route({
  method: 'post',
  path: '/api/v1/opaque/login',
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
    const account = await services.store.read((reader) => findAccountByEmail(reader, email))
    const started = startHandshake(email, account, request, services)
    if (!started) throw noMessage()
    const { accountId, handshake, id, response } = started
    if (accountId !== undefined) startedLogins.note({ id, accountId, at: clock.now(), address })
    return { status: 200, body: { handshake, response } }
  },
})

export const opaqueRoutes = [startRegistration, startLogin]
