// Accounts over HTTP: register, prelogin, the account itself, its password, its end.

import {
  Account,
  ChangePassword,
  isStrongEnough,
  type KdfParameters,
  minKdf,
  type NewVerifier,
  PasswordProof,
  Prelogin,
  PreloginAnswer,
  Register,
  Registered,
} from '../../contract/accounts.ts'
import { accountPaths, sessionPaths } from '../../contract/paths.ts'
import { limits } from '../../contract/primitives.ts'
import { PasswordChanged } from '../../contract/tokens.ts'
import { noteSessionsAct } from '../../domain/audit/audit-log.ts'
import { noteChange } from '../../domain/audit/noted-changes.ts'
import { toTimestamp } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { cancelDeletion, deletionOf } from '../../domain/identity/account-deletion.ts'
import { quotasOf } from '../../domain/identity/account-quotas.ts'
import {
  createAccount,
  decideOnAddresses,
  deleteAccount,
  findAccountByEmail,
  getAccount,
  replaceCredentials,
  toAccount,
  type Verifier,
} from '../../domain/identity/accounts.ts'
import { type Admission, requireAdmission, spendInvite } from '../../domain/identity/admission.ts'
import { endEmailChange } from '../../domain/identity/email-changes.ts'
import type { Choice } from '../../domain/identity/opaque-registrations.ts'
import { proveAccount, verifierOf, wrongPassword } from '../../domain/identity/passwords.ts'
import { addPendingRegistration } from '../../domain/identity/pending-registrations.ts'
import { endTokens, listTokens } from '../../domain/identity/personal-tokens.ts'
import { crediblePrelogin, preloginOf } from '../../domain/identity/prelogin.ts'
import { endOtherSessions } from '../../domain/identity/sessions.ts'
import { aboutAddress } from '../../domain/mail/limits.ts'
import { enqueueMail } from '../../domain/mail/outbox.ts'
import { newPasswordIn, noOpaqueMessage, proofIn } from './passwords.ts'
import { route, type Services } from './route.ts'

const tag = 'Accounts'

function requireStrongKdf(kdf: KdfParameters) {
  if (!isStrongEnough(kdf))
    throw new Failure(
      'kdf-too-weak',
      `The least is memoryKiB=${minKdf.memoryKiB}, iterations=${minKdf.iterations}, parallelism=${minKdf.parallelism}.`,
    )
}

async function verifierIn(body: NewVerifier, choice: Choice, services: Services): Promise<Verifier> {
  const verifier = await verifierOf(newPasswordIn(body), choice, services)
  if (!verifier) throw noOpaqueMessage('opaque.record', 'Expected a record of OPAQUE (RFC 9807)')
  return verifier
}

/** Makes the account at once, where addresses need no confirmation. Throws `email-taken`, `id-taken` and `invalid-invite`. */
async function registerAtOnce(
  body: Register,
  verifier: Verifier,
  admission: Admission,
  { clock, config, random, store }: Services,
): Promise<void> {
  const { accountId } = body
  const now = clock.now()
  const stamp = { now, epoch: random.uuid() }
  await store.write(async (tx) => {
    await decideOnAddresses(tx)
    await spendInvite(tx, admission, { ...body, now }, () =>
      createAccount(tx, { ...body, emailVerified: false }, verifier, stamp),
    )
    if (config.smtp) await enqueueMail(tx, { id: random.uuid(), accountId, kind: 'confirm', now })
  })
}

/** Keeps the registration until its address is confirmed, whether it has an account or not. Throws `id-taken`. */
async function registerOnConfirmation(
  body: Register,
  verifier: Verifier,
  admission: Admission,
  { clock, random, store }: Services,
): Promise<void> {
  const now = clock.now()
  const registrationId = body.accountId
  await store.write(async (tx) => {
    await addPendingRegistration(tx, body, verifier, { now, inviteId: admission?.inviteId ?? null })
    await enqueueMail(tx, { id: random.uuid(), registrationId, kind: 'confirm', now })
  })
}

const register = route({
  method: 'post',
  path: accountPaths.register,
  operationId: 'registerAccount',
  tag,
  summary: 'Make an account with its first vault',
  description:
    'The client makes the ids and the keys, and seals the keys before it sends them. Where addresses have to be confirmed, the account exists once the link of the mail was opened; until then each registration of an address stands beside the others, for three days, and the answer is the same for an address that has an account.',
  auth: 'visitor',
  limit: 'register',
  // The first vault has data, of as many bytes as that of any other.
  bodyBounds: { bytes: limits.bodyBytes },
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
  async handler({ body, caller: { address } }, services) {
    const { clock, config, limiter } = services
    const { accountId, email } = body
    const admission = await requireAdmission(body, services)
    requireStrongKdf(body.kdf)
    const isRequired = config.emailVerification === 'required'
    // Each one is mail to the address, and one asker must not use up what it is sent.
    if (isRequired) await limiter.count('mailAbout', aboutAddress({ address, email }))
    const verifier = await verifierIn(body, { newAccount: email }, services)
    const register = isRequired ? registerOnConfirmation : registerAtOnce
    await register(body, verifier, admission, services)
    const createdAt = toTimestamp(clock.now())
    return { status: 201, body: { accountId, email, emailVerified: false, createdAt } }
  },
})

const prelogin = route({
  method: 'post',
  path: sessionPaths.prelogin,
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
  path: accountPaths.account,
  operationId: 'getAccount',
  tag,
  summary: 'The account of the caller',
  description:
    'With what a client needs to derive the keys and to unlock, and with what the account has and may have of everything that it stores.',
  auth: 'session',
  limit: 'read',
  request: {},
  success: { 200: Account },
  problems: [],
  async handler({ caller }, { clock, config, store }) {
    const body = await store.read(async (reader) => {
      const account = await getAccount(reader, caller)
      const quotas = await quotasOf(reader, account, { allowed: config.quotas, now: clock.now() })
      return { ...toAccount(account, await deletionOf(reader, account.id)), quotas }
    })
    return { status: 200, body }
  },
})

const changePassword = route({
  method: 'post',
  path: accountPaths.password,
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
    const { clock, store } = services
    const { current, kdf, accountKey, keepTokens } = body
    requireStrongKdf(kdf)
    const account = await proveAccount(caller, proofIn(current), services)
    const verifier = await verifierIn(body, { account: caller.accountId }, services)
    const tokens = await store.write(async (tx) => {
      const now = clock.now()
      if (!(await replaceCredentials(tx, account, { ...verifier, kdf, accountKey }))) throw wrongPassword()
      await noteChange(tx, caller, 'password-changed', services)
      await endEmailChange(tx, caller)
      await cancelDeletion(tx, caller.accountId, { now, address: caller.address, services })
      await endOtherSessions(tx, caller, now, 'password-change')
      const tokens = await listTokens(tx, caller, now)
      if (keepTokens || tokens.length === 0) return tokens
      await endTokens(tx, caller)
      await noteSessionsAct(tx, caller, 'tokens-ended', now)
      return tokens
    })
    return {
      status: 200,
      body: keepTokens ? { endedTokens: [], keptTokens: tokens } : { endedTokens: tokens, keptTokens: [] },
    }
  },
})

const removeAccount = route({
  method: 'delete',
  path: accountPaths.account,
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
    const account = await proveAccount(caller, proofIn(body), services)
    if (!(await services.store.write((tx) => deleteAccount(tx, account)))) throw wrongPassword()
    return { status: 204 }
  },
})

export const accountRoutes = [register, prelogin, readAccount, changePassword, removeAccount]
