// Registration: a token first, then everything that the account is made of. Older apps send that at once.
import { z } from 'zod'
import { InviteCode } from '../../contract/accounts.ts'
import { bitwardenLoginPaths } from '../../contract/bitwarden-paths.ts'
import { LinkToken } from '../../contract/email.ts'
import { Email, line } from '../../contract/primitives.ts'
import { Failure } from '../../domain/failure.ts'
import {
  accountIdOfSignUp,
  beginSignUp,
  registerWithApp,
} from '../../domain/identity/bitwarden-registration.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { encStringOf } from './enc-string.ts'
import { AccountKeysRequest, KeyPair } from './key-shapes.ts'
import {
  type ChosenPassword,
  chosenPasswordIn,
  chosenPasswordShape,
  failingIn,
  SaltedEmail,
} from './password-shapes.ts'
import { route, type Services } from './route.ts'
import { caseless } from './wire.ts'

const client = requestClient.pick({ address: true })

/** One line, or nothing: an empty text is no name and no hint. */
const lineOrNull = (most: number) =>
  z
    .union([z.literal('').transform(() => null), line(most)])
    .nullish()
    .transform((text) => text ?? null)

const account = { email: SaltedEmail, name: lineOrNull(50), masterPasswordHint: lineOrNull(50) } as const

/** What a registration says, whichever way. */
interface Asked {
  readonly email: string
  readonly name: string | null
  readonly hint: string | null
  readonly password: ChosenPassword
  readonly keyPair: z.output<typeof KeyPair>
}

const FinishRequest = caseless({
  ...account,
  ...chosenPasswordShape,
  emailVerificationToken: z.string(),
  userSymmetricKey: encStringOf(64).nullish(),
  userAsymmetricKeys: KeyPair.nullish(),
  accountKeys: AccountKeysRequest.nullish(),
}).transform((body, context) => {
  const { email, name, masterPasswordHint: hint, emailVerificationToken: token } = body
  const password = chosenPasswordIn(body, { email, flatUserKey: body.userSymmetricKey }, failingIn(context))
  const keyPair = body.userAsymmetricKeys ?? body.accountKeys
  if (!keyPair)
    context.addIssue({ code: 'custom', path: ['userAsymmetricKeys'], message: 'This member is missing' })
  return password && keyPair ? { token, asked: { email, name, hint, password, keyPair } } : z.NEVER
})

const OlderRequest = caseless({
  ...account,
  ...chosenPasswordShape,
  key: encStringOf(64),
  keys: KeyPair,
}).transform((body, context): Asked => {
  const { email, name, masterPasswordHint: hint, keys: keyPair } = body
  const password = chosenPasswordIn(body, { email, flatUserKey: body.key }, failingIn(context))
  return password ? { email, name, hint, password, keyPair } : z.NEVER
})

/** Android knows the words "expired link". */
const expiredLink = () =>
  new Failure('invalid-confirmation', 'This is an expired link. Begin the registration anew in the app.')

/** What a token stands for: the account's id, or an invite. Throws `invalid-confirmation`. */
function readToken(token: string, email: string, services: Services) {
  if (InviteCode.safeParse(token).success) return { accountId: services.random.uuid(), invite: token }
  const accountId = LinkToken.safeParse(token).success ? accountIdOfSignUp(token, email, services) : undefined
  if (accountId === undefined) throw expiredLink()
  return { accountId, invite: undefined }
}

const registerAs = (
  { accountId, invite }: { accountId: string; invite: string | undefined },
  { email, name, hint, password, keyPair }: Asked,
  address: string,
  services: Services,
) =>
  registerWithApp(
    {
      accountId,
      email,
      name,
      hint,
      ...password,
      publicKey: keyPair.publicKey,
      privateKey: keyPair.encryptedPrivateKey,
      invite,
      address,
    },
    services,
  )

/** The app goes on at once with the token: where the address has to be confirmed, that follows the registration. */
const sendVerification = route({
  method: 'post',
  path: bitwardenLoginPaths.sendVerification,
  auth: 'public',
  limit: 'login',
  request: { query: anyQuery, body: caseless({ email: Email }) },
  success: { 200: z.string() },
  async handler({ body: { email } }, services) {
    return { status: 200, body: beginSignUp(email, services) }
  },
})

const verificationClicked = route({
  method: 'post',
  path: bitwardenLoginPaths.verificationClicked,
  auth: 'public',
  limit: 'login',
  request: { query: anyQuery, body: caseless({ email: Email, emailVerificationToken: z.string() }) },
  success: { 200: null },
  async handler({ body: { email, emailVerificationToken } }, services) {
    readToken(emailVerificationToken, email, services)
    return { status: 200 }
  },
})

const finish = route({
  method: 'post',
  path: bitwardenLoginPaths.finish,
  auth: 'public',
  limit: 'register',
  request: { query: anyQuery, client, body: FinishRequest },
  success: { 200: z.object({ object: z.literal('registerFinish'), captchaBypassToken: z.literal('') }) },
  async handler({ body: { token, asked }, client: { address } }, services) {
    await registerAs(readToken(token, asked.email, services), asked, address, services)
    return { status: 200, body: { object: 'registerFinish', captchaBypassToken: '' } }
  },
})

const registerAt = (path: (typeof bitwardenLoginPaths.register)[number]) =>
  route({
    method: 'post',
    path,
    auth: 'public',
    limit: 'register',
    request: { query: anyQuery, client, body: OlderRequest },
    success: { 200: z.object({ object: z.literal('register'), captchaBypassToken: z.literal('') }) },
    async handler({ body, client: { address } }, services) {
      await registerAs({ accountId: services.random.uuid(), invite: undefined }, body, address, services)
      return { status: 200, body: { object: 'register', captchaBypassToken: '' } }
    },
  })

export const registrationRoutes = [
  sendVerification,
  verificationClicked,
  finish,
  ...bitwardenLoginPaths.register.map(registerAt),
]
