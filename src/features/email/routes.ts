// E-mail over HTTP: confirming an address, and asking for mail. Asking is answered alike for every address.
import { ConfirmEmail, MailRequest } from '../../contract/email.ts'
import { problem } from '../../http/problem.ts'
import {
  type AccountRow,
  confirmAddress,
  findAccountByEmail,
  findAccountById,
} from '../accounts/repository.ts'
import { route, type Services } from '../route.ts'
import { accountIdIn, confirms } from './confirmation.ts'
import { maySendTo } from './limits.ts'
import { enqueueMail, type MailKind } from './outbox.ts'

const tag = 'E-mail'

const confirm = route({
  method: 'post',
  path: '/api/v1/email/confirm',
  operationId: 'confirmEmail',
  tag,
  summary: 'Confirm an e-mail address by the token of the link that was sent there',
  description: 'The link of the mail opens a page that sends this request.',
  auth: 'public',
  limit: 'mail',
  request: { body: ConfirmEmail },
  success: { 204: null },
  problems: ['invalid-confirmation'],
  async handler({ body: { token } }, { clock, keys, store }) {
    const account = await store.read((reader) => findAccountById(reader, accountIdIn(token)))
    if (!account || !confirms(keys.emailConfirmations, token, account, clock.now()))
      throw problem('invalid-confirmation', 'The link is not valid, or not any more.')
    await store.write((tx) => confirmAddress(tx, account))
    return { status: 204 }
  },
})

interface Order {
  readonly kind: MailKind
  /** Whether there is a reason for the mail. */
  isFor(account: AccountRow): boolean
}

/** Puts mail into the outbox if there is a reason for it, and few were asked for this address lately. */
async function prepare(email: string, { kind, isFor }: Order, services: Services): Promise<void> {
  const { clock, mailer, random, store } = services
  if (!(await maySendTo(services, email))) return
  const account = await store.read((reader) => findAccountByEmail(reader, email))
  if (!account || !isFor(account)) return
  const mail = { id: random.uuid(), accountId: account.id, kind, now: clock.now() }
  await store.write((tx) => enqueueMail(tx, mail))
  mailer.wake()
}

/** A route by which anybody asks for mail to an address. */
const mailRequest = ({
  path,
  operationId,
  summary,
  ...order
}: Order & { path: `/${string}`; operationId: string; summary: string }) =>
  route({
    method: 'post',
    path,
    operationId,
    tag,
    summary,
    description: 'The answer is the same for every address, and comes before anything is looked up.',
    auth: 'public',
    limit: 'mail',
    request: { body: MailRequest },
    success: { 202: null },
    problems: ['email-off'],
    async handler({ body: { email } }, services) {
      if (!services.config.smtp) throw problem('email-off', 'This server sends no e-mail.')
      // Not now: how long it takes, or how long what is asked next has to wait, would tell whether there is an account.
      services.postponed.add('mail', () => prepare(email, order, services))
      return { status: 202 }
    },
  })

const resend = mailRequest({
  path: '/api/v1/email/resend',
  operationId: 'resendConfirmation',
  summary: 'Send the confirmation once more, if the address has an account that is not confirmed',
  kind: 'confirm',
  isFor: ({ emailVerified }) => !emailVerified,
})

const hint = mailRequest({
  path: '/api/v1/email/hint',
  operationId: 'sendHint',
  summary: 'Send the password hint to the address, if it is the confirmed one of an account',
  kind: 'hint',
  isFor: ({ emailVerified }) => emailVerified,
})

export const emailRoutes = [confirm, resend, hint]
