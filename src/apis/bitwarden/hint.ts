// The hint to the password, by mail.
import { bitwardenLoginPaths } from '../../contract/bitwarden-paths.ts'
import { Email } from '../../contract/primitives.ts'
import { requestMail } from '../../domain/identity/mail-requests.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

/** The answer is the same for every address, and comes before anything is looked up. */
const sendHint = route({
  method: 'post',
  path: bitwardenLoginPaths.hint,
  auth: 'public',
  limit: 'mail',
  request: {
    query: anyQuery,
    client: requestClient.pick({ address: true }),
    body: caseless({ email: Email }),
  },
  success: { 200: null },
  async handler({ body: { email }, client: { address } }, services) {
    requestMail('hint', { email, address }, services)
    return { status: 200 }
  },
})

export const hintRoutes = [sendHint]
