// Deletion by mail over HTTP, for an owner who has the mailbox and has lost the password.

import { DeletionLink, DeletionStarted } from '../../contract/email.ts'
import { accountPaths, emailPaths } from '../../contract/paths.ts'
import { toTimestamp } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { cancelDeletion, deletionOf, startDeletion } from '../../domain/identity/account-deletion.ts'
import { findAccountById } from '../../domain/identity/accounts.ts'
import { idInLink, isLinkFor, toDelete, toKeep } from '../../domain/mail/links.ts'
import { invalidLink, mailRequest } from './mail-requests.ts'
import { route, type Services } from './route.ts'

const tag = 'E-mail'

function requireOn({ config }: Services): { wait: number } {
  if (config.accountDeletion) return config.accountDeletion
  throw new Failure('account-deletion-off', 'This server does not delete accounts by mail.')
}

const ask = mailRequest({
  path: emailPaths.deletion,
  operationId: 'askForDeletion',
  summary: 'Send a link that deletes the account, if the address is the confirmed one of an account',
  problems: ['account-deletion-off'],
  requireOn,
  async findReason({ account }) {
    const isFor = account?.emailVerified && account.disabledAt === null
    return isFor ? { kind: 'delete-account', accountId: account.id } : undefined
  },
})

const start = route({
  method: 'post',
  path: emailPaths.confirmDeletion,
  operationId: 'startDeletion',
  tag,
  summary: 'Have an account deleted after a waiting time, by the token of the link that was sent',
  description:
    'The link of the mail opens a page that sends this request. Until the time that the answer says, a login of the owner keeps the account, and so does the link of the mail that now goes out. A second time answers the same.',
  auth: 'visitor',
  limit: 'mail',
  request: { body: DeletionLink },
  success: { 200: DeletionStarted },
  problems: ['invalid-confirmation', 'account-deletion-off'],
  async handler({ body: { token }, caller: { address } }, services) {
    const { clock, keys, store } = services
    const { wait } = requireOn(services)
    const now = clock.now()
    const deletesAt = await store.write(async (tx) => {
      const account = await findAccountById(tx, idInLink(token))
      if (!account?.emailVerified || account.disabledAt !== null) return undefined
      if (!isLinkFor(keys.emailConfirmations, token, toDelete(account), now)) return undefined
      return startDeletion(tx, account, { now, address, services }, wait)
    })
    if (deletesAt === undefined) throw invalidLink()
    return { status: 200, body: { deletesAt: toTimestamp(deletesAt) } }
  },
})

const keep = route({
  method: 'post',
  path: emailPaths.cancelDeletion,
  operationId: 'cancelDeletionByMail',
  tag,
  summary: 'Keep an account that is to be deleted, by the token of the link that was sent',
  description: 'The link of the mail opens a page that sends this request.',
  auth: 'visitor',
  limit: 'mail',
  request: { body: DeletionLink },
  success: { 204: null },
  problems: ['invalid-confirmation'],
  async handler({ body: { token }, caller: { address } }, services) {
    const { clock, keys, store } = services
    const now = clock.now()
    const isKept = await store.write(async (tx) => {
      const account = await findAccountById(tx, idInLink(token))
      const dueAt = account && (await deletionOf(tx, account.id))
      if (!account || dueAt === undefined) return false
      if (!isLinkFor(keys.emailConfirmations, token, toKeep({ ...account, dueAt }), now)) return false
      return cancelDeletion(tx, account.id, { now, address, services })
    })
    if (!isKept) throw invalidLink()
    return { status: 204 }
  },
})

const keepFromSession = route({
  method: 'delete',
  path: accountPaths.deletion,
  operationId: 'cancelDeletion',
  tag: 'Accounts',
  summary: 'Keep the account of the caller, if it is to be deleted',
  description:
    'GET /account says in `deletesAt` when that would be. A session that goes on does not keep the account by itself: a device whose owner has lost the password uses it too.',
  auth: 'session',
  limit: 'write',
  request: {},
  success: { 204: null },
  problems: [],
  async handler({ caller: { accountId, address } }, services) {
    const { clock, store } = services
    await store.write((tx) => cancelDeletion(tx, accountId, { now: clock.now(), address, services }))
    return { status: 204 }
  },
})

export const deletionRoutes = [ask, start, keep, keepFromSession]
