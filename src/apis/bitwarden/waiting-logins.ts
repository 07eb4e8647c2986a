// What a login asks for that waits for a code by mail. It has no session yet.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { Email } from '../../contract/primitives.ts'
import { mailDeviceCodeAgain, mailLoginCode, type WaitingLogin } from '../../domain/identity/login-mails.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { route } from './route.ts'
import { ClientHash } from './secret.ts'
import { caseless } from './wire.ts'

/** Clients that prove nothing by the password send an empty one. */
const LoginBody = caseless({
  email: Email,
  masterPasswordHash: z
    .union([ClientHash, z.literal('').transform(() => undefined)])
    .nullish()
    .transform((hash) => hash ?? undefined),
  ssoEmail2faSessionToken: z.string().max(500).nullish(),
})

const visitor = {
  method: 'post',
  auth: 'public',
  limit: 'login',
  request: { query: anyQuery, client: requestClient.pick({ address: true }), body: LoginBody },
  success: { 200: null },
} as const

function waitingLoginIn(body: z.output<typeof LoginBody>, address: string): WaitingLogin {
  const { email, masterPasswordHash: clientHash, ssoEmail2faSessionToken: ticket } = body
  if (clientHash) return { email, address, proof: { clientHash } }
  return { email, address, proof: ticket ? { ticket } : undefined }
}

const mailFactor = route({
  ...visitor,
  path: bitwardenFactorPaths.mailLoginCode,
  async handler({ body, client: { address } }, services) {
    await mailLoginCode(waitingLoginIn(body, address), services)
    return { status: 200 }
  },
})

const mailDevice = route({
  ...visitor,
  path: bitwardenFactorPaths.mailDeviceCode,
  async handler({ body, client: { address } }, services) {
    await mailDeviceCodeAgain(waitingLoginIn(body, address), services)
    return { status: 200 }
  },
})

export const waitingLoginRoutes = [mailFactor, mailDevice]
