// Password, costs of the KDF, address, stamp and deletion of an account. The address is the salt: with another one everything under the password
// is another one too.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { line } from '../../contract/primitives.ts'
import type { AccountRow } from '../../domain/identity/accounts.ts'
import { bitwardenKdfOf } from '../../domain/identity/bitwarden-accounts.ts'
import {
  changeBitwardenEmail,
  changeBitwardenKdf,
  changeBitwardenPassword,
  deleteBitwardenAccount,
  endAllAccess,
  requestAddressCode,
} from '../../domain/identity/bitwarden-credentials.ts'
import { anyQuery } from '../../http/route.ts'
import { encStringOf } from './enc-string.ts'
import {
  type ChosenPassword,
  chosenPasswordShape,
  requireChosenPassword,
  SaltedEmail,
} from './password-shapes.ts'
import { route } from './route.ts'
import { bySecret, ClientHash, proveSecret } from './secret.ts'
import { caseless } from './wire.ts'

/** The members by which a new password is chosen beside the present one, in both ways. */
const newPassword = {
  masterPasswordHash: ClientHash,
  newMasterPasswordHash: chosenPasswordShape.masterPasswordHash,
  key: encStringOf(64).nullish(),
  kdf: chosenPasswordShape.kdf,
  kdfIterations: chosenPasswordShape.kdfIterations,
  kdfMemory: chosenPasswordShape.kdfMemory,
  kdfParallelism: chosenPasswordShape.kdfParallelism,
  authenticationData: chosenPasswordShape.masterPasswordAuthentication,
  unlockData: chosenPasswordShape.masterPasswordUnlock,
} as const

const NewPasswordBody = z.object(newPassword)

/**
 * The new password, with the salt that belongs to it.
 * @param around.email that the account has then
 * @param around.account if the costs are to stay as they are: whose
 */
function newPasswordIn(
  body: z.output<typeof NewPasswordBody>,
  { email, account }: { email: string; account?: AccountRow },
): ChosenPassword {
  const { newMasterPasswordHash, authenticationData, unlockData, key, ...flat } = body
  return requireChosenPassword(
    {
      ...flat,
      masterPasswordHash: newMasterPasswordHash,
      masterPasswordAuthentication: authenticationData,
      masterPasswordUnlock: unlockData,
    },
    { email, flatUserKey: key, ...(account && { kdf: bitwardenKdfOf(account) }) },
  )
}

/** Null and an empty text take the hint away; without the member it stays. */
const Hint = z.union([z.literal('').transform(() => null), line(50)]).nullish()

const changePassword = route({
  method: 'post',
  path: bitwardenAccountPaths.password,
  auth: 'account',
  limit: 'proof',
  request: { query: anyQuery, body: caseless({ ...newPassword, masterPasswordHint: Hint }) },
  success: { 200: null },
  async handler({ body: { masterPasswordHint: hint, ...body }, caller }, services) {
    const account = await proveSecret(caller, body, services)
    const chosen = newPasswordIn(body, { email: account.email, account })
    await changeBitwardenPassword(caller, account, { ...chosen, hint }, services)
    return { status: 200 }
  },
})

const changeKdf = route({
  method: 'post',
  path: bitwardenAccountPaths.kdf,
  auth: 'account',
  limit: 'proof',
  request: { query: anyQuery, body: caseless(newPassword) },
  success: { 200: null },
  async handler({ body, caller }, services) {
    const account = await proveSecret(caller, body, services)
    await changeBitwardenKdf(caller, account, newPasswordIn(body, account), services)
    return { status: 200 }
  },
})

const requestEmailCode = route({
  method: 'post',
  path: bitwardenAccountPaths.emailCode,
  auth: 'account',
  limit: 'proof',
  request: {
    query: anyQuery,
    body: caseless({ newEmail: SaltedEmail, masterPasswordHash: ClientHash }),
  },
  success: { 200: null },
  async handler({ body, caller }, services) {
    const account = await proveSecret(caller, body, services)
    await requestAddressCode(caller, account, body.newEmail, services)
    return { status: 200 }
  },
})

const changeEmail = route({
  method: 'post',
  path: bitwardenAccountPaths.email,
  auth: 'account',
  limit: 'proof',
  request: {
    query: anyQuery,
    body: caseless({ ...newPassword, newEmail: SaltedEmail, token: z.string().max(50) }),
  },
  success: { 200: null },
  async handler({ body: { newEmail: email, token: code, ...body }, caller }, services) {
    const account = await proveSecret(caller, body, services)
    const chosen = newPasswordIn(body, { email, account })
    await changeBitwardenEmail(caller, account, { ...chosen, email, code }, services)
    return { status: 200 }
  },
})

const endAllSessions = route({
  ...bySecret,
  path: bitwardenAccountPaths.stamp,
  success: { 200: null },
  async handler({ body, caller }, services) {
    await endAllAccess(caller, await proveSecret(caller, body, services), services)
    return { status: 200 }
  },
})

const deleteBy = (method: 'delete' | 'post', path: `/${string}`) =>
  route({
    ...bySecret,
    method,
    path,
    success: { 200: null },
    async handler({ body, caller }, services) {
      await deleteBitwardenAccount(caller, await proveSecret(caller, body, services), services)
      return { status: 200 }
    },
  })

export const credentialRoutes = [
  changePassword,
  changeKdf,
  requestEmailCode,
  changeEmail,
  endAllSessions,
  deleteBy('delete', bitwardenAccountPaths.account),
  deleteBy('post', bitwardenAccountPaths.deletion),
]
