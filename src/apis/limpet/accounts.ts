// Accounts over HTTP: register, prelogin, the account itself, its password, its end.

import {
  Account,
  AccountKeyChanged,
  ChangeAccountKey,
  ChangePassword,
  type KdfParameters,
  PasswordProof,
  Prelogin,
  PreloginAnswer,
  Register,
  Registered,
} from '../../contract/accounts.ts'
import { accountPaths, sessionPaths } from '../../contract/paths.ts'
import { limits } from '../../contract/sizes.ts'
import { PasswordChanged } from '../../contract/tokens.ts'
import { fromBase64url, toBase64url, toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import { deleteOwnAccount, deletionOf } from '../../domain/identity/account-deletion.ts'
import { changeAccountKey } from '../../domain/identity/account-key.ts'
import { quotasOf } from '../../domain/identity/account-quotas.ts'
import { getAccount, methodOf } from '../../domain/identity/accounts.ts'
import { type Kdf, kdfOf } from '../../domain/identity/kdf.ts'
import { changePassword as replacePassword } from '../../domain/identity/password-change.ts'
import { loginParametersOf } from '../../domain/identity/prelogin.ts'
import { register as registerAccount } from '../../domain/identity/registration.ts'
import { newPasswordIn, noOpaqueMessage, proofIn } from './passwords.ts'
import { route } from './route.ts'
import { toTokenSummary } from './tokens.ts'

const tag = 'Accounts'

const toKdf = ({ salt, ...costs }: Kdf): KdfParameters => ({
  algorithm: 'argon2id',
  ...costs,
  salt: toBase64url(salt),
})

const kdfIn = ({ memoryKiB, iterations, parallelism, salt }: KdfParameters): Kdf => ({
  memoryKiB,
  iterations,
  parallelism,
  salt: fromBase64url(salt),
})

const noRecord = () => noOpaqueMessage('opaque.record', 'Expected a record of OPAQUE (RFC 9807)')

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
    const { accountId, email, kdf, accountKey, hint = null, vault, invite } = body
    const outcome = await registerAccount(
      {
        accountId,
        email,
        kdf: kdfIn(kdf),
        accountKey: fromBase64url(accountKey),
        hint,
        vault: { id: vault.id, key: fromBase64url(vault.key), data: fromBase64url(vault.data) },
        password: newPasswordIn(body),
        invite,
        address,
      },
      services,
    )
    if (outcome.kind === 'not-a-record') throw noRecord()
    const createdAt = toTimestamp(outcome.createdAt)
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
  async handler({ body: { email } }, services) {
    const { method, kdf } = await loginParametersOf(email, services)
    return { status: 200, body: { kdf: toKdf(kdf), method } }
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
      const deletesAt = await deletionOf(reader, account.id)
      return {
        id: account.id,
        email: account.email,
        emailVerified: account.emailVerified,
        createdAt: toTimestamp(account.createdAt),
        method: methodOf(account),
        kdf: toKdf(kdfOf(account)),
        accountKey: toBase64url(account.accountKey),
        accountKeyVersion: account.accountKeyVersion,
        deletesAt: toTimestampOrNull(deletesAt ?? null),
        quotas,
      }
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
  problems: ['kdf-too-weak', 'stale-opaque-registration', 'invalid-credentials', 'key-changed'],
  async handler({ caller, body }, services) {
    const { current, kdf, accountKey, accountKeyVersion, keepTokens } = body
    const change = {
      current: proofIn(current),
      password: newPasswordIn(body),
      kdf: kdfIn(kdf),
      accountKey: fromBase64url(accountKey),
      accountKeyVersion,
      keepTokens,
    }
    const outcome = await replacePassword(caller, change, services)
    if (outcome.kind === 'not-a-record') throw noRecord()
    const { endedTokens, keptTokens } = outcome
    return {
      status: 200,
      body: { endedTokens: endedTokens.map(toTokenSummary), keptTokens: keptTokens.map(toTokenSummary) },
    }
  },
})

const changeKey = route({
  method: 'post',
  path: accountPaths.key,
  operationId: 'changeAccountKey',
  tag,
  summary: 'Change the account key, with the keys of all vaults under it',
  description:
    'The client makes a new account key, seals it under a key of the password, and seals the key of every vault under it. All of it is stored, or nothing. Sessions and tokens stay.',
  auth: 'session',
  limit: 'proof',
  // Each vault is an object of up to four members, which count by name and value.
  bodyBounds: { bytes: limits.batchBodyBytes, values: 100_000 },
  request: { body: ChangeAccountKey },
  success: { 200: AccountKeyChanged },
  problems: ['invalid-credentials', 'key-changed'],
  async handler({ caller, body }, services) {
    const { current, accountKey, accountKeyVersion, vaults } = body
    const change = {
      current: proofIn(current),
      accountKey: fromBase64url(accountKey),
      accountKeyVersion,
      vaults: vaults.map(({ key, nextKey, ...vault }) => ({
        ...vault,
        key: fromBase64url(key),
        nextKey: nextKey === undefined ? undefined : fromBase64url(nextKey),
      })),
    }
    await changeAccountKey(caller, change, services)
    return { status: 200, body: { accountKeyVersion } }
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
    await deleteOwnAccount(caller, proofIn(body), services)
    return { status: 204 }
  },
})

export const accountRoutes = [register, prelogin, readAccount, changePassword, changeKey, removeAccount]
