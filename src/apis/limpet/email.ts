// E-mail over HTTP: confirming an address, and asking for mail. Asking is answered alike for every address.

import { ConfirmEmail } from '../../contract/email.ts'
import { emailPaths } from '../../contract/paths.ts'
import { confirmBy } from '../../domain/identity/email-confirmation.ts'
import { invalidLink, mailRequest } from './mail-requests.ts'
import { route } from './route.ts'

const tag = 'E-mail'

const confirm = route({
  method: 'post',
  path: emailPaths.confirm,
  operationId: 'confirmEmail',
  tag,
  summary: 'Confirm an e-mail address by the token of the link that was sent there',
  description:
    'The link of the mail opens a page that sends this request. Of a registration it makes the account, of a change of the address the account has the new one from then on.',
  auth: 'visitor',
  limit: 'mail',
  request: { body: ConfirmEmail },
  success: { 204: null },
  problems: ['invalid-confirmation', 'registration-closed', 'invite-required', 'invalid-invite', 'id-taken'],
  async handler({ body: { token }, caller: { address } }, services) {
    if (!(await confirmBy(token, address, services))) throw invalidLink()
    return { status: 204 }
  },
})

const resend = mailRequest('confirmation', {
  path: emailPaths.resend,
  operationId: 'resendConfirmation',
  summary: 'Send the confirmation once more, of everything that waits for it at the address',
})

const hint = mailRequest('hint', {
  path: emailPaths.hint,
  operationId: 'sendHint',
  summary: 'Send the password hint to the address, if it is the confirmed one of an account',
})

export const emailRoutes = [confirm, resend, hint]
