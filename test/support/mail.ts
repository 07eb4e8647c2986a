// A real SMTP server that keeps what it is given, for tests.
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { freePort } from './free-port.ts'

/** Whom the mail of servers under test comes from. */
export const mailFrom = 'vault@example.com'

interface ReceivedMail {
  readonly from: string
  readonly to: string[]
  readonly subject: string
  readonly text: string
  /** Whether it came over TLS. */
  readonly secure: boolean
  /** As it came, headers and all. */
  readonly raw: string
}

/** The tokens of the links in a mail. */
export const tokensIn = ({ text }: Pick<ReceivedMail, 'text'>): string[] =>
  [...text.matchAll(/\/[a-z-]+#([\w-]{72})/g)].map(([, token = '']) => token)

/** The token of its only link, or of the first. */
export const tokenIn = (mail: Pick<ReceivedMail, 'text'>): string => tokensIn(mail)[0] ?? ''

export interface MailServer {
  readonly url: string
  /** The settings of a server that sends its mail here. */
  readonly settings: { SMTP_URL: string; MAIL_FROM: string; SMTP_ALLOW_PLAINTEXT: 'on' | 'off' }
  /** The next mail that has not been asked for yet; waits for it. */
  next(): Promise<ReceivedMail>
  /** All mail so far. */
  readonly received: readonly ReceivedMail[]
  close(): Promise<void>
}

/** Quoted-printable (RFC 2045, section 6.7), which is how long lines travel. */
const unquote = (body: string) =>
  Buffer.from(
    body
      .replaceAll(/=\r?\n/g, '')
      .replaceAll(/=([\dA-F]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8')

function parse(raw: string, from: string, to: string[], secure: boolean): ReceivedMail {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  const isQuoted = /^content-transfer-encoding: quoted-printable/im.test(head)
  const subject = /^Subject: (.*)$/im.exec(head)?.[1] ?? ''
  return { from, to, subject, text: (isQuoted ? unquote(body) : body).replaceAll('\r\n', '\n'), secure, raw }
}

/**
 * @param options.port where it listens; a free one if left out
 * @param options.refuse addresses that it never takes mail for
 * @param options.tls offers STARTTLS, with a certificate that nobody has signed
 */
export async function startMailServer({
  port,
  refuse = [],
  tls = false,
}: {
  port?: number
  refuse?: string[]
  tls?: boolean
} = {}): Promise<MailServer> {
  const at = port ?? (await freePort())
  const received: ReceivedMail[] = []
  let asked = 0
  let arrived = () => {}
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: tls ? ['AUTH'] : ['STARTTLS', 'AUTH'],
    logger: false,
    onRcptTo({ address }, _session, done) {
      if (!refuse.includes(address)) return done()
      done(Object.assign(new Error('No such mailbox'), { responseCode: 550 }))
    },
    onData(stream, { envelope, secure }, done) {
      void text(stream).then((raw) => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : ''
        received.push(
          parse(
            raw,
            from,
            envelope.rcptTo.map(({ address }) => address),
            secure,
          ),
        )
        done()
        arrived()
      })
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, '127.0.0.1', resolve)
  })
  const url = `smtp://127.0.0.1:${at}${tls ? '?tls.rejectUnauthorized=false' : ''}`
  return {
    url,
    settings: { SMTP_URL: url, MAIL_FROM: mailFrom, SMTP_ALLOW_PLAINTEXT: tls ? 'off' : 'on' },
    received,
    async next() {
      for (;;) {
        const mail = received[asked]
        if (mail) {
          asked++
          return mail
        }
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
    },
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  }
}
