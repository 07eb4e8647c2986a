// Accounts over HTTP: register, prelogin, the account itself, its password, its end.
import {
  Account,
  ChangePassword,
  isStrongEnough,
  type KdfParameters,
  leastKdf,
  PasswordProof,
  Prelogin,
  PreloginAnswer,
  Register,
  Registered,
} from '../../contract/accounts.ts'
import { PasswordChanged } from '../../contract/tokens.ts'
import { HttpProblem, problem } from '../../http/problem.ts'
import { maySendTo } from '../email/limits.ts'
import { enqueueMail } from '../email/outbox.ts'
import { toTimestamp } from '../encoding.ts'
import { noteChange } from '../events/changes.ts'
import { noteSessionsAct } from '../events/repository.ts'
import { requireAdmission, spendInvite } from '../invites/admission.ts'
import { route, type Services } from '../route.ts'
import { endOtherSessions } from '../sessions/repository.ts'
import { endTokens, listTokens } from '../tokens/repository.ts'
import { crediblePrelogin, preloginOf } from './prelogin.ts'
import { proveAccount, verifierOf, wrongPassword } from './proof.ts'
import {
  createAccount,
  deleteAccount,
  findAccountByEmail,
  getAccount,
  replaceCredentials,
  toAccount,
} from './repository.ts'

const tag = 'Accounts'

function requireStrongKdf(kdf: KdfParameters) {
  if (!isStrongEnough(kdf))
    throw problem(
      'kdf-too-weak',
      `The least is memoryKiB=${leastKdf.memoryKiB}, iterations=${leastKdf.iterations}, parallelism=${leastKdf.parallelism}.`,
    )
}

/**
 * Where an address has to be confirmed, its owner is told by mail that it has an account already; whoever registers is answered
 * as if it had none, and so learns nothing.
 */
async function hideTaken(error: unknown, email: string, services: Services) {
  const { clock, config, random, store } = services
  const isTaken = error instanceof HttpProblem && error.code === 'email-taken'
  if (config.emailVerification === 'off' || !isTaken) throw error
  if (!(await maySendTo(services, email))) return
  await store.write(async (tx) => {
    const owner = await findAccountByEmail(tx, email)
    const mail = { id: random.uuid(), kind: 'already-registered', now: clock.now() } as const
    if (owner) await enqueueMail(tx, { ...mail, accountId: owner.id })
  })
}

const register = route({
  method: 'post',
  path: '/api/v1/register',
  operationId: 'registerAccount',
  tag,
  summary: 'Make an account with its first vault',
  description: 'The client makes the ids and the keys, and seals the keys before it sends them.',
  auth: 'public',
  limit: 'register',
  request: { body: Register },
  success: { 201: Registered },
  problems: [
    'kdf-too-weak',
    'stale-opaque-registration',
    'registration-closed',
    'invite-required',
    'invalid-invite',
    'email-taken',
    'id-taken',
  ],
  async handler({ body }, services) {
    const { clock, config, random, store } = services
    const admission = await requireAdmission(body, services)
    requireStrongKdf(body.kdf)
    const verifier = await verifierOf(body, { newAccount: body.email }, services)
    const now = clock.now()
    const stamp = { now, epoch: random.uuid() }
    const { accountId, email } = body
    await store
      .write(async (tx) => {
        await spendInvite(tx, admission, { ...body, now }, () => createAccount(tx, body, verifier, stamp))
        if (config.smtp) await enqueueMail(tx, { id: random.uuid(), accountId, kind: 'confirm', now })
      })
      .catch((error: unknown) => hideTaken(error, email, services))
    services.mailer.wake()
    return { status: 201, body: { accountId, email, emailVerified: false, createdAt: toTimestamp(now) } }
  },
})

const prelogin = route({
  method: 'post',
  path: '/api/v1/prelogin',
  operationId: 'getLoginParameters',
  tag,
  summary: 'How to derive the keys of an account',
  description: 'For an address without an account the answer has the same form, and is the same each time.',
  auth: 'public',
  limit: 'login',
  request: { body: Prelogin },
  success: { 200: PreloginAnswer },
  problems: [],
  async handler({ body: { email } }, { keys, store }) {
    const found = await store.read((reader) => findAccountByEmail(reader, email))
    // Made up for everybody: otherwise it would take longer for addresses without an account.
    const made = crediblePrelogin(keys.prelogin, email)
    return { status: 200, body: preloginOf(found ?? made) }
  },
})

const readAccount = route({
  method: 'get',
  path: '/api/v1/account',
  operationId: 'getAccount',
  tag,
  summary: 'The account of the caller',
  description: 'With what a client needs to derive the keys and to unlock.',
  auth: 'session',
  limit: 'read',
  request: {},
  success: { 200: Account },
  problems: [],
  async handler({ caller }, { store }) {
    return { status: 200, body: toAccount(await store.read((reader) => getAccount(reader, caller))) }
  },
})

const changePassword = route({
  method: 'post',
  path: '/api/v1/account/password',
  operationId: 'changePassword',
  tag,
  summary: 'Change the password, and the method with it where wanted; every other session ends',
  description:
    '`accountKey` is the same account key, sealed under a key of the new password. Nothing else is sealed anew. Personal access tokens end too, unless `keepTokens` is true; the answer says which there were.',
  auth: 'session',
  limit: 'proof',
  request: { body: ChangePassword },
  success: { 200: PasswordChanged },
  problems: ['kdf-too-weak', 'stale-opaque-registration', 'invalid-credentials'],
  async handler({ caller, body }, services) {
    const { clock, liveness, store } = services
    const { current, kdf, accountKey, keepTokens } = body
    requireStrongKdf(kdf)
    const account = await proveAccount(caller, current, services)
    const verifier = await verifierOf(body, { account: caller.accountId }, services)
    const tokens = await store.write(async (tx) => {
      const now = clock.now()
      if (!(await replaceCredentials(tx, account, { ...verifier, kdf, accountKey }))) throw wrongPassword()
      await noteChange(tx, caller, 'password-changed', services)
      await endOtherSessions(tx, caller, now, 'password-change')
      const tokens = await listTokens(tx, caller, now)
      if (keepTokens || tokens.length === 0) return tokens
      await endTokens(tx, caller)
      await noteSessionsAct(tx, caller, 'tokens-ended', now)
      return tokens
    })
    liveness.forget()
    return {
      status: 200,
      body: keepTokens ? { endedTokens: [], keptTokens: tokens } : { endedTokens: tokens, keptTokens: [] },
    }
  },
})

const removeAccount = route({
  method: 'delete',
  path: '/api/v1/account',
  operationId: 'deleteAccount',
  tag,
  summary: 'Delete the account with everything in it, for good',
  description: 'Nothing of the account is left, and its address can be registered again.',
  auth: 'session',
  limit: 'proof',
  request: { body: PasswordProof },
  success: { 204: null },
  problems: ['invalid-credentials'],
  async handler({ caller, body }, services) {
    const account = await proveAccount(caller, body, services)
    if (!(await services.store.write((tx) => deleteAccount(tx, account)))) throw wrongPassword()
    services.liveness.forget()
    return { status: 204 }
  },
})

export const accountRoutes = [register, prelogin, readAccount, changePassword, removeAccount]
