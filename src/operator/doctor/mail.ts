// The mail server: whether it takes a connection and the login.
import type { Config } from '../../config.ts'
import { transportOf } from '../../features/email/mailer.ts'
import { error, type Finding, ok } from './finding.ts'

export async function checkMail({ smtp }: Config): Promise<Finding> {
  if (!smtp) return ok('mail', 'No mail is sent: there is no SMTP_URL.')
  const transport = transportOf(smtp)
  const { host } = new URL(smtp.url)
  try {
    await transport.verify()
    return ok('mail', `${host} takes mail from this server.`)
  } catch (failure) {
    // Its words may hold the user or the password.
    const code = failure instanceof Error && 'code' in failure ? String(failure.code) : 'no code'
    return error(
      'mail',
      `${host} does not take mail from this server (${code}).`,
      'EAUTH is a wrong user or password, ESOCKET and ETIMEDOUT a wrong host, port or scheme: smtps:// is for port 465, smtp:// for 587. Mail waits meanwhile.',
    )
  } finally {
    transport.close()
  }
}
