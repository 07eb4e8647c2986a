// How the owner is reached and reminded, over HTTP: the account's e-mail address and the hint.

import { ChangeEmail, ChangeHint } from '../../contract/email.ts'
import { accountPaths } from '../../contract/paths.ts'
import { changeEmail as giveAddress, changeHint as replaceHint } from '../../domain/identity/email-changes.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Accounts'

const changeEmail = route({
  method: 'post',
  path: accountPaths.email,
  operationId: 'changeEmail',
  tag,
  summary: 'Give the account another e-mail address',
  description:
    'Where the server sends mail, a link goes to the new address (202, whether it is taken or not), and the account has the new one once the link was opened; the old one is told by mail. Where it sends none, the change is made at once (204). Sessions go on, and a new password ends a change that waits.',
  auth: 'session',
  limit: 'proof',
  request: { body: ChangeEmail },
  success: { 202: null, 204: null },
  problems: ['invalid-credentials', 'email-taken'],
  async handler({ caller, body: { current, email } }, services) {
    const { isWaiting } = await giveAddress(caller, { current: proofIn(current), email }, services)
    return { status: isWaiting ? 202 : 204 }
  },
})

const changeHint = route({
  method: 'put',
  path: accountPaths.hint,
  operationId: 'changeHint',
  tag,
  summary: 'Replace the password hint, or remove it',
  description:
    'It is sent to the confirmed address alone, on request. It takes a proof of the password: who has a stolen session must not write what the server mails to the owner.',
  auth: 'session',
  limit: 'proof',
  request: { body: ChangeHint },
  success: { 204: null },
  problems: ['invalid-credentials'],
  async handler({ caller, body: { current, hint } }, services) {
    await replaceHint(caller, { current: proofIn(current), hint }, services)
    return { status: 204 }
  },
})

export const contactRoutes = [changeEmail, changeHint]
