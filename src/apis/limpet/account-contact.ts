// How the owner is reached and reminded, over HTTP: the account's e-mail address and the hint.

import { ChangeEmail, ChangeHint } from '../../contract/email.ts'
import { accountPaths } from '../../contract/paths.ts'
import { noteChange } from '../../domain/audit/noted-changes.ts'
import { cancelDeletion } from '../../domain/identity/account-deletion.ts'
import { emailTaken, holdProved, setHint } from '../../domain/identity/accounts.ts'
import { moveToAddress, startEmailChange } from '../../domain/identity/email-changes.ts'
import { proveAccount, wrongPassword } from '../../domain/identity/passwords.ts'
import { aboutAddress } from '../../domain/mail/limits.ts'
import { enqueueMail } from '../../domain/mail/outbox.ts'
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
    const { clock, config, limiter, opaque, random, store } = services
    const { accountId, address } = caller
    const account = await proveAccount(caller, proofIn(current), services)
    const now = clock.now()
    if (config.smtp) await limiter.count('mailAbout', aboutAddress({ address, email }))
    await store.write(async (tx) => {
      if (!(await holdProved(tx, account))) throw wrongPassword()
      await cancelDeletion(tx, accountId, { now, address, services })
      if (config.smtp) {
        await startEmailChange(tx, { accountId, email, now })
        await enqueueMail(tx, { id: random.uuid(), accountId, email, kind: 'confirm-change', now })
        await noteChange(tx, caller, 'email-change-started', services)
      } else {
        if (!(await moveToAddress(tx, { accountId, email }, { isConfirmed: false, opaque })))
          throw emailTaken()
        await noteChange(tx, caller, 'email-changed', services)
      }
    })
    return { status: config.smtp ? 202 : 204 }
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
    const account = await proveAccount(caller, proofIn(current), services)
    await services.store.write(async (tx) => {
      if (!(await setHint(tx, account, hint))) throw wrongPassword()
      await noteChange(tx, caller, 'hint-changed', services)
    })
    return { status: 204 }
  },
})

export const contactRoutes = [changeEmail, changeHint]
