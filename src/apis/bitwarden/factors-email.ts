// The settings of codes by mail.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { Email } from '../../contract/primitives.ts'
import { enableEmail, mailAddressCode } from '../../domain/identity/bitwarden-factors.ts'
import { grantFactorChange } from '../../domain/identity/factor-grants.ts'
import { factorsOf } from '../../domain/identity/second-factors.ts'
import { anyQuery } from '../../http/route.ts'
import { disableKind, grantMembers, refused, requireGrant, settings } from './factor-settings.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'
import { caseless } from './wire.ts'

const EmailFactor = z.object({ email: z.string().nullable(), enabled: z.boolean() })

const EmailAnswer = z.object({
  email: z.union([z.string(), EmailFactor]).nullable(),
  enabled: z.boolean(),
  userVerificationToken: z.string().nullable(),
  object: z.literal('twoFactorEmail'),
})

/** From this version on web vaults read an object where a string was before: the one name of both shapes that means two things. */
const isNested = ({ client: { version } }: BitwardenCaller): boolean => {
  const [year = 0, month = 0] = version ?? []
  return year > 2026 || (year === 2026 && month >= 8)
}

async function emailAnswer(
  caller: BitwardenCaller,
  userVerificationToken: string | null,
  { store }: Services,
): Promise<z.infer<typeof EmailAnswer>> {
  const { email: factors } = await store.read((reader) => factorsOf(reader, caller))
  const email = factors[0]?.email ?? null
  const enabled = email !== null
  return {
    email: isNested(caller) ? { email, enabled } : email,
    enabled,
    userVerificationToken,
    object: 'twoFactorEmail',
  }
}

const readEmail = route({
  ...bySecret,
  path: bitwardenFactorPaths.readEmail,
  success: { 200: EmailAnswer },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    const token = grantFactorChange(caller, 'email', services)
    return { status: 200, body: await emailAnswer(caller, token, services) }
  },
})

const mailCodeToAddress = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.mailAddressCode,
  request: { query: anyQuery, body: caseless({ ...grantMembers, email: Email }) },
  success: { 200: null },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'email', body, services)
    await mailAddressCode(caller, body.email, services)
    return { status: 200 }
  },
})

const enableEmailBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.email,
    request: {
      query: anyQuery,
      body: caseless({ ...grantMembers, email: Email, token: z.string().max(50) }),
    },
    success: { 200: EmailAnswer },
    async handler({ body, caller }, services) {
      await requireGrant(caller, 'email', body, services)
      const { email, token: code } = body
      if (!(await enableEmail(caller, { email, code }, services)))
        throw refused('The code is wrong, or has expired.')
      return { status: 200, body: await emailAnswer(caller, null, services) }
    },
  })

export const emailFactorRoutes = [
  readEmail,
  mailCodeToAddress,
  enableEmailBy('put'),
  enableEmailBy('post'),
  disableKind('email', bitwardenFactorPaths.email),
]
