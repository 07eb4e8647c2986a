// The mail server: whether it takes a connection and the login.

import { openTransport } from '../../domain/mail/mailer.ts'
import type { Config } from '../../server/config.ts'
import { error, type Finding, ok, warning } from './finding.ts'

export async function checkMail({ smtp }: Config): Promise<Finding> {
  if (!smtp) return ok('mail', 'No mail is sent: there is no SMTP_URL.')
  const transport = await openTransport(smtp)
  const { host } = new URL(smtp.url)
  try {
    await transport.verify()
    if (smtp.allowPlaintext && smtp.url.startsWith('smtp:'))
      return warning(
        'mail',
        `${host} takes mail from this server, which would send it without TLS as well (SMTP_ALLOW_PLAINTEXT=on).`,
        'On any network, others can read links and passwords then. Remove SMTP_ALLOW_PLAINTEXT if the mail server has STARTTLS or smtps://.',
      )
    return ok('mail', `${host} takes mail from this server.`)
  } catch (failure) {
    // Its words may hold the user or the password.
    const code = failure instanceof Error && 'code' in failure ? String(failure.code) : 'no code'
    return error(
      'mail',
      `${host} does not take mail from this server (${code}).`,
      'EAUTH is a wrong user or password, ESOCKET and ETIMEDOUT a wrong host, port or scheme: smtps:// is for port 465, smtp:// for 587. ETLS: it has no STARTTLS, or its certificate is not good; SMTP_ALLOW_PLAINTEXT=on sends without. Mail waits meanwhile.',
    )
  } finally {
    transport.close()
  }
}
