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
import { problem } from '../../http/problem.ts'
import type { Caller } from '../caller.ts'
import { fromBase64url, toTimestamp } from '../encoding.ts'
import { route, type Services } from '../route.ts'
import { endOtherSessions } from '../sessions/repository.ts'
import { crediblePrelogin, preloginOf } from './prelogin.ts'
import {
  type AccountRow,
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

const wrongPassword = () => problem('invalid-credentials', 'The password is wrong.')

/** The caller's account, after the caller has proved to know its password right now. */
async function proveAccount(
  caller: Caller,
  proof: PasswordProof,
  { store, passwordHasher }: Services,
): Promise<AccountRow> {
  const account = await store.read((reader) => getAccount(reader, caller))
  if (!(await passwordHasher.verify(account.authVerifier, fromBase64url(proof.authKey))))
    throw wrongPassword()
  return account
}

const register = route({
  method: 'post',
  path: '/api/v1/register',
  tag,
  summary: 'Make an account with its first vault',
  auth: 'public',
  limit: 'register',
  request: { body: Register },
  success: { 201: Registered },
  problems: ['kdf-too-weak', 'registration-closed', 'email-taken', 'id-taken'],
  async handler({ body }, { clock, config, passwordHasher, random, store }) {
    if (config.registration === 'closed')
      throw problem('registration-closed', 'This server does not take new accounts.')
    requireStrongKdf(body.kdf)
    const verifier = await passwordHasher.hash(fromBase64url(body.authKey))
    const now = clock.now()
    const stamp = { now, epoch: random.uuid() }
    await store.write((tx) => createAccount(tx, body, verifier, stamp))
    const { accountId, email } = body
    return { status: 201, body: { accountId, email, emailVerified: false, createdAt: toTimestamp(now) } }
  },
})

const prelogin = route({
  method: 'post',
  path: '/api/v1/prelogin',
  tag,
  summary: 'How to derive the keys of an account',
  description: 'For an address without an account the answer has the same form, and is the same each time.',
  auth: 'public',
  limit: 'login',
  request: { body: Prelogin },
  success: { 200: PreloginAnswer },
  problems: [],
  async handler({ body: { email } }, { keys, store }) {
    const account = await store.read((reader) => findAccountByEmail(reader, email))
    return { status: 200, body: account ? preloginOf(account) : crediblePrelogin(keys.prelogin, email) }
  },
})

const readAccount = route({
  method: 'get',
  path: '/api/v1/account',
  tag,
  summary: 'The account of the caller',
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
  tag,
  summary: 'Change the password; every other session ends',
  auth: 'session',
  limit: 'login',
  request: { body: ChangePassword },
  success: { 204: null },
  problems: ['kdf-too-weak', 'invalid-credentials'],
  async handler({ caller, body: { current, kdf, authKey, accountKey } }, services) {
    const { liveness, passwordHasher, store } = services
    requireStrongKdf(kdf)
    const account = await proveAccount(caller, current, services)
    const authVerifier = await passwordHasher.hash(fromBase64url(authKey))
    await store.write(async (tx) => {
      if (!(await replaceCredentials(tx, account, { authVerifier, kdf, accountKey }))) throw wrongPassword()
      await endOtherSessions(tx, caller)
    })
    liveness.forget()
    return { status: 204 }
  },
})

const removeAccount = route({
  method: 'delete',
  path: '/api/v1/account',
  tag,
  summary: 'Delete the account with everything in it, for good',
  auth: 'session',
  limit: 'login',
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
