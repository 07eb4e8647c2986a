// How routes are declared by which anybody asks for mail to an address, and how links of mails are refused.
import { MailRequest } from '../../contract/email.ts'
import type { ProblemCode } from '../../contract/problems.ts'
import { Failure } from '../../domain/failure.ts'
import { type AccountRow, findAccountByEmail } from '../../domain/identity/accounts.ts'
import { mayAsk } from '../../domain/mail/limits.ts'
import { enqueueMail } from '../../domain/mail/outbox.ts'
import type { Reader } from '../../store/store.ts'
import type { MailKind } from '../../store/tables/mail.ts'
import { route, type Services } from './route.ts'

/** The same for every link that does not work. */
export const invalidLink = () =>
  new Failure('invalid-confirmation', 'The link is not valid, or not any more.')

/** What a mail that was asked for is about; undefined where there is no reason for one. */
type MailReason =
  | ({ readonly kind: MailKind } & ({ readonly accountId: string } | { readonly registrationId: string }))
  | undefined

/** Finds out whether there is a reason for mail to an address. */
type FindReason = (
  asked: { email: string; account: AccountRow | undefined; now: number },
  reader: Reader,
) => Promise<MailReason>

/** Puts mail into the outbox if there is a reason for it, and the asker seldom asked for it lately. */
async function prepare(
  asked: { email: string; address: string },
  findReason: FindReason,
  services: Services,
): Promise<void> {
  const { clock, random, store } = services
  if (!(await mayAsk(services, asked))) return
  const { email } = asked
  const now = clock.now()
  const reason = await store.read(async (reader) =>
    findReason({ email, account: await findAccountByEmail(reader, email), now }, reader),
  )
  if (!reason) return
  await store.write((tx) => enqueueMail(tx, { ...reason, id: random.uuid(), now }))
}

/** A route by which anybody asks for mail to an address. */
export const mailRequest = ({
  path,
  operationId,
  summary,
  problems = [],
  findReason,
  requireOn = () => {},
}: {
  path: `/${string}`
  operationId: string
  summary: string
  problems?: readonly ProblemCode[]
  findReason: FindReason
  /** Throws where the operator has this off. */
  requireOn?: (services: Services) => void
}) =>
  route({
    method: 'post',
    path,
    operationId,
    tag: 'E-mail',
    summary,
    description: 'The answer is the same for every address, and comes before anything is looked up.',
    auth: 'visitor',
    limit: 'mail',
    request: { body: MailRequest },
    success: { 202: null },
    problems: ['email-off', ...problems],
    async handler({ body: { email }, caller: { address } }, services) {
      if (!services.config.smtp) throw new Failure('email-off', 'This server sends no e-mail.')
      requireOn(services)
      // Not now: how long it takes, or how long what is asked next has to wait, would tell whether there is an account.
      services.postponed.add('mail', () => prepare({ email, address }, findReason, services))
      return { status: 202 }
    },
  })
