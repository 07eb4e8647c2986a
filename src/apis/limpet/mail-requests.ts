// How routes are declared by which a stranger asks for mail to an address, and how links of mails are refused.
import { MailRequest } from '../../contract/email.ts'
import type { ProblemCode } from '../../contract/problems.ts'
import { Failure } from '../../domain/failure.ts'
import { type MailRequest as Requested, requestMail } from '../../domain/identity/mail-requests.ts'
import { route } from './route.ts'

/** The same for every link that does not work. */
export const invalidLink = () =>
  new Failure('invalid-confirmation', 'The link is not valid, or not any more.')

/** A route by which a stranger asks for mail to an address. */
export const mailRequest = (
  request: Requested,
  {
    path,
    operationId,
    summary,
    problems = [],
  }: { path: `/${string}`; operationId: string; summary: string; problems?: readonly ProblemCode[] },
) =>
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
      requestMail(request, { email, address }, services)
      return { status: 202 }
    },
  })
