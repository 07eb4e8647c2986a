// The token endpoint (OAuth 2.0, RFC 6749, section 3.2): logins and refreshes. Its answers mix spellings, and its errors have a form of
// their own: apps know by a word of theirs what to do next.
import { z } from 'zod'
import { bitwardenLoginPaths } from '../../contract/bitwarden-paths.ts'
import { AccountId, Email } from '../../contract/primitives.ts'
import { fromBase64url, toBase64url } from '../../domain/encoding.ts'
import { PassingFailure } from '../../domain/failure.ts'
import {
  type BitwardenLoginRequest,
  type BitwardenSession,
  logInApp,
  logInByApiKey,
  type OpenedSession,
} from '../../domain/identity/bitwarden-login.ts'
import { refreshBitwardenSession } from '../../domain/identity/bitwarden-sessions.ts'
import { bitwardenTokenTtl } from '../../domain/identity/bitwarden-tokens.ts'
import type { LoginRefusal } from '../../domain/identity/login.ts'
import { form } from '../../http/form-body.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { loginKeysOf } from './account-shapes.ts'
import { DeviceIdentifier, DeviceKind, DeviceName, deviceTypeOf } from './device-shapes.ts'
import { challengeAnswer, factorProofIn } from './factor-proofs.ts'
import { route, type Services } from './route.ts'
import { ClientHash } from './secret.ts'
import { answerSendAccess } from './send-access.ts'

/** The fields of a form by their names without case and underscores: clients spell them in several ways. */
function plainNames(fields: Readonly<Record<string, string>>) {
  const plain = new Map<string, string>()
  for (const [name, value] of Object.entries(fields)) {
    const known = name.toLowerCase().replaceAll('_', '')
    if (!plain.has(known)) plain.set(known, value)
  }
  return Object.fromEntries(plain)
}

const TokenForm = form(z.record(z.string(), z.string()).transform(plainNames))

type Form = z.output<typeof TokenForm>

type Members = Readonly<Record<string, unknown>>

type Answer =
  | { readonly status: 200; readonly body: Members }
  | { readonly status: 400; readonly body: Members & { readonly error: string } }

const refused = (error: string, members: Members = {}): Answer => ({
  status: 400,
  body: { error, ...members },
})

const withMessage = (description: string, message: string) => ({
  error_description: description,
  ErrorModel: { Message: message, Object: 'error' },
})

/** What is answered where a login is refused because the form lacks something. */
const invalidRequest = (message: string) =>
  refused('invalid_request', withMessage('invalid_request', message))

const tokens = (accessToken: string) => ({
  access_token: accessToken,
  expires_in: bitwardenTokenTtl / 1000,
  token_type: 'Bearer',
})

const scope = 'api offline_access'

/** What every login is answered with. */
const sessionMembers = ({ account, accessToken }: OpenedSession) => ({
  ...tokens(accessToken),
  scope,
  ...loginKeysOf(account),
  ForcePasswordReset: false,
  ResetMasterPassword: false,
  ApiUseKeyConnector: false,
  MasterPasswordPolicy: { Object: 'masterPasswordPolicy' },
  unofficialServer: true,
})

const sessionAnswer = (session: BitwardenSession): Answer => ({
  status: 200,
  body: {
    ...sessionMembers(session),
    refresh_token: toBase64url(session.refreshToken),
    ...(session.rememberToken !== undefined && { TwoFactorToken: session.rememberToken }),
  },
})

/** The same for every address. Where addresses have to be confirmed, the first login often comes before that. */
const wrongPassword = ({ config }: Services) =>
  refused(
    'invalid_grant',
    withMessage(
      'invalid_username_or_password',
      config.emailVerification === 'required'
        ? 'Username or password is incorrect. Try again. If you have just made the account, open the link in the mail first.'
        : 'Username or password is incorrect. Try again.',
    ),
  )

/** What is answered where a login gets no session. */
function refusalAnswer(outcome: LoginRefusal, email: string, services: Services): Answer {
  switch (outcome.kind) {
    case 'wrong-password':
      return wrongPassword(services)
    case 'email-unverified':
      return refused(
        'invalid_grant',
        withMessage('email_unverified', 'Open the link in the mail that was sent to your address first.'),
      )
    case 'second-factor-required':
      return refused('invalid_grant', {
        error_description: 'Two factor required.',
        ...challengeAnswer(outcome.challenge, email, services),
        MasterPasswordPolicy: { Object: 'masterPasswordPolicy' },
      })
    case 'second-factor-wrong':
      return refused('invalid_grant', withMessage('invalid_grant', 'Two-step token is invalid. Try again.'))
    case 'device-unverified':
      return outcome.isWrong
        ? refused('device_error', withMessage('invalid new device otp', 'invalid new device otp'))
        : refused(
            'device_error',
            withMessage('New device verification required', 'new device verification required'),
          )
    case 'second-factor-added':
      throw new PassingFailure('unavailable', 'A second factor was added at this moment. Log in again.', 1)
  }
}

const clientForm = /^[a-z]{1,20}$/

/** Who logs in, as far as every kind of login says it. */
const AppForm = z
  .object({
    clientid: z.string().regex(clientForm).catch('other'),
    deviceidentifier: DeviceIdentifier,
    devicetype: DeviceKind,
    devicename: DeviceName,
  })
  .transform(({ clientid: clientId, deviceidentifier: id, devicetype: type, devicename: name }) => ({
    app: { clientId, type },
    device: { id, name, type: deviceTypeOf(type) },
  }))

interface Grant {
  readonly fields: Form
  readonly address: string
  readonly services: Services
}

/** The password, or the code with which the device has asked to be let in by another one. */
function proofIn({ authrequest: id, password = '' }: Form): BitwardenLoginRequest['password'] | undefined {
  if (id) return { authRequest: { id: id.toLowerCase(), accessCode: password } }
  const clientHash = ClientHash.safeParse(password)
  return clientHash.success ? { clientHash: clientHash.data } : undefined
}

async function byPassword({ fields, address, services }: Grant): Promise<Answer> {
  await services.limiter.count('login', address)
  const from = AppForm.safeParse(fields)
  if (!from.success) return invalidRequest('Send deviceIdentifier, deviceType and deviceName.')
  const email = Email.safeParse(fields.username)
  const password = proofIn(fields)
  // What no account has is wrong, whatever accounts there are.
  if (!email.success || !password) return wrongPassword(services)
  const outcome = await logInApp(
    {
      email: email.data,
      password,
      secondFactor: factorProofIn(fields.twofactorprovider, fields.twofactortoken),
      remembersDevice: fields.twofactorremember === '1',
      deviceCode: fields.newdeviceotp,
      address,
      ...from.data,
    },
    services,
  )
  return outcome.kind === 'session' ? sessionAnswer(outcome) : refusalAnswer(outcome, email.data, services)
}

const ApiKeyForm = z.object({
  clientid: z
    .string()
    .startsWith('user.')
    .transform((text) => text.slice('user.'.length).toLowerCase())
    .pipe(AccountId),
  clientsecret: z.string().min(1).max(200),
})

/** Apps know a wrong key by this word. */
async function byApiKey({ fields, address, services }: Grant): Promise<Answer> {
  await services.limiter.count('login', address)
  const key = ApiKeyForm.safeParse(fields)
  if (!key.success) return refused('invalid_client')
  const from = AppForm.safeParse(fields)
  if (!from.success) return invalidRequest('Send deviceIdentifier, deviceType and deviceName.')
  const { clientid: accountId, clientsecret: apiKey } = key.data
  const session = await logInByApiKey({ accountId, apiKey, address, ...from.data }, services)
  return session
    ? { status: 200, body: { ...sessionMembers(session), scope: 'api' } }
    : refused('invalid_client')
}

const RefreshToken = z.base64url().length(43)

/** Apps log out at this answer and at no other one: so it is given only if the session is over. */
async function byRefreshToken({ fields, address, services }: Grant): Promise<Answer> {
  await services.limiter.count('refresh', address)
  const given = RefreshToken.safeParse(fields.refreshtoken)
  if (!given.success) return refused('invalid_grant')
  const use = { refreshToken: fromBase64url(given.data), clientId: fields.clientid }
  const accessToken = await refreshBitwardenSession(use, services)
  if (accessToken === undefined) return refused('invalid_grant')
  return { status: 200, body: { ...tokens(accessToken), scope, refresh_token: given.data } }
}

/** Opens a Send: of somebody without an account. */
async function bySendAccess({ fields, address, services }: Grant): Promise<Answer> {
  await services.limiter.count('read', address)
  const { sendid: sendId, passwordhashb64: passwordHash, email, otp: code } = fields
  return answerSendAccess({ sendId, passwordHash, email, code }, { address }, services)
}

const grants: Readonly<Record<string, (grant: Grant) => Promise<Answer>>> = {
  password: byPassword,
  refresh_token: byRefreshToken,
  client_credentials: byApiKey,
  send_access: bySendAccess,
}

const token = route({
  method: 'post',
  path: bitwardenLoginPaths.token,
  auth: 'public',
  // Counted by each grant.
  limit: 'none',
  request: { query: anyQuery, client: requestClient.pick({ address: true }), body: TokenForm },
  success: { 200: z.looseObject({}), 400: z.looseObject({ error: z.string() }) },
  async handler({ body: fields, client: { address } }, services) {
    const name = fields.granttype ?? ''
    const grant = Object.hasOwn(grants, name) ? grants[name] : undefined
    if (!grant) return refused('unsupported_grant_type')
    return grant({ fields, address, services })
  },
})

export const tokenRoutes = [token]
