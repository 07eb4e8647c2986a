// What somebody without a session has mailed: the hint to the password, and the link that deletes an account.
import { bitwardenAccountPaths, bitwardenLoginPaths } from '../../contract/bitwarden-paths.ts'
import { Email } from '../../contract/primitives.ts'
import { type MailRequest, requestMail } from '../../domain/identity/mail-requests.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

/** The answer is the same for every address, and comes before anything is looked up. */
const mailAt = (path: `/${string}`, kind: MailRequest) =>
  route({
    method: 'post',
    path,
    auth: 'public',
    limit: 'mail',
    request: {
      query: anyQuery,
      client: requestClient.pick({ address: true }),
      body: caseless({ email: Email }),
    },
    success: { 200: null },
    async handler({ body: { email }, client: { address } }, services) {
      requestMail(kind, { email, address }, services)
      return { status: 200 }
    },
  })

export const mailRoutes = [
  mailAt(bitwardenLoginPaths.hint, 'hint'),
  mailAt(bitwardenAccountPaths.deletionByMail, 'deletion'),
]
