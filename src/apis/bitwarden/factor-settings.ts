// What the settings of all kinds of second factors have in common: how a change is proved, and what says that a kind is off.
import { z } from 'zod'
import { Failure } from '../../domain/failure.ts'
import { disableFactors } from '../../domain/identity/bitwarden-factors.ts'
import { type FactorType, isFactorGrant } from '../../domain/identity/factor-grants.ts'
import { anyQuery } from '../../http/route.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'
import { proveSecret, secretMembers } from './secret.ts'
import { caseless } from './wire.ts'

/** The numbers by which clients name the kinds of factors. */
export const providers = { totp: 0, email: 1, webauthn: 7 } as const satisfies Record<FactorType, number>

export const settings = { auth: 'account', limit: 'proof' } as const

/** A proof of the password, or the token that stands for one. */
export const grantMembers = { ...secretMembers, userVerificationToken: z.string().max(500).nullish() }

type Grant = z.infer<z.ZodObject<typeof grantMembers>>

/** Throws `invalid-credentials` unless the caller may change factors of this kind. */
export async function requireGrant(
  caller: BitwardenCaller,
  type: FactorType,
  grant: Grant,
  services: Services,
): Promise<void> {
  const { userVerificationToken: token } = grant
  if (!token) return void (await proveSecret(caller, grant, services))
  if (!isFactorGrant(caller, type, token, services))
    throw new Failure('invalid-credentials', 'This page was open for too long. Enter your password again.')
}

export const refused = (sentence: string) => new Failure('invalid-credentials', sentence)

export const notOffered = () =>
  new Failure('invalid-credentials', 'This server does not offer this kind of two-step login.')

export const DisabledAnswer = z.object({
  enabled: z.literal(false),
  type: z.int(),
  object: z.literal('twoFactorProvider'),
})

export const disabled = (type: FactorType): z.infer<typeof DisabledAnswer> => ({
  enabled: false,
  type: providers[type],
  object: 'twoFactorProvider',
})

export const grantBody = caseless(grantMembers)

/** Switches one kind off, with all factors of it. */
export const disableKind = (type: 'totp' | 'email', path: `/${string}`) =>
  route({
    ...settings,
    method: 'delete',
    path,
    request: { query: anyQuery, body: grantBody },
    success: { 200: DisabledAnswer },
    async handler({ body, caller }, services) {
      await requireGrant(caller, type, body, services)
      await disableFactors(caller, type, services)
      return { status: 200, body: disabled(type) }
    },
  })
