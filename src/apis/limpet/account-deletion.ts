// Deletion by mail over HTTP, for an owner who has the mailbox and has lost the password.

import { DeletionLink, DeletionStarted } from '../../contract/email.ts'
import { accountPaths, emailPaths } from '../../contract/paths.ts'
import { toTimestamp } from '../../domain/encoding.ts'
import {
  keepAccountByLink,
  keepOwnAccount,
  startDeletionByLink,
} from '../../domain/identity/account-deletion.ts'
import { invalidLink, mailRequest } from './mail-requests.ts'
import { route } from './route.ts'

const tag = 'E-mail'

const ask = mailRequest('deletion', {
  path: emailPaths.deletion,
  operationId: 'askForDeletion',
  summary: 'Send a link that deletes the account, if the address is the confirmed one of an account',
  problems: ['account-deletion-off'],
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
    const deletesAt = await startDeletionByLink(token, address, services)
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
    if (!(await keepAccountByLink(token, address, services))) throw invalidLink()
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
  async handler({ caller }, services) {
    await keepOwnAccount(caller, services)
    return { status: 204 }
  },
})

export const deletionRoutes = [ask, start, keep, keepFromSession]
