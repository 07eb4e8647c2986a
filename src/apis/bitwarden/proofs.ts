// Proofs within a session that are asked for alone: of the password, and by a code that is mailed.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { requestOwnersCode, verifyOwnersCode } from '../../domain/identity/bitwarden-proofs.ts'
import { anyQuery } from '../../http/route.ts'
import { route } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'
import { caseless } from './wire.ts'

/** What organizations could demand of passwords; there are none, and so it is empty. */
const PasswordPolicy = z.object({ object: z.literal('masterPasswordPolicy') })

const verifyPassword = route({
  ...bySecret,
  path: bitwardenAccountPaths.verifyPassword,
  success: { 200: PasswordPolicy },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    return { status: 200, body: { object: 'masterPasswordPolicy' } }
  },
})

const requestCode = route({
  method: 'post',
  path: bitwardenAccountPaths.requestCode,
  auth: 'account',
  limit: 'proof',
  request: { query: anyQuery },
  success: { 200: null },
  async handler({ caller }, services) {
    await requestOwnersCode(caller, services)
    return { status: 200 }
  },
})

const verifyCode = route({
  method: 'post',
  path: bitwardenAccountPaths.verifyCode,
  auth: 'account',
  limit: 'proof',
  request: { query: anyQuery, body: caseless({ otp: z.string().max(50) }) },
  success: { 200: null },
  async handler({ body, caller }, services) {
    await verifyOwnersCode(caller, body.otp, services)
    return { status: 200 }
  },
})

export const proofRoutes = [verifyPassword, requestCode, verifyCode]
