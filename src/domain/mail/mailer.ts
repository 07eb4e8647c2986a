// Sends what waits in the outbox, again and again until it is taken. Nothing else waits for it.
import type { Transporter } from 'nodemailer'
import type { Logger } from 'pino'
import { type Clock, seconds } from '../../clock.ts'
import type { Reader, Store } from '../../store/store.ts'
import type { MailKind } from '../../store/tables/mail.ts'
import { listen } from '../live/announcements.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import { maySend } from './limits.ts'
import { type Mail, postponeMail, removeMail, takeDueMail } from './outbox.ts'
import type { MailSettings, SmtpSettings } from './settings.ts'

/** How often the outbox is looked at for mail of other processes, and for what is due again. */
const lookEvery = seconds(5)

export interface Message {
  readonly subject: string
  /** Plain text, without what stands below every mail. */
  readonly text: string
}

/** A mail with the address that it goes to. */
export interface Composed extends Message {
  readonly to: string
}

/**
 * Composes a mail of one kind, as it is now to be sent.
 * @param now milliseconds since 1970
 * @returns undefined if there is no reason for it any more: the address is confirmed by now, or was never, and nothing else may go
 * there
 */
export type Composer = (reader: Reader, mail: Mail, now: number) => Promise<Composed | undefined>
export type Composers = Readonly<Record<MailKind, Composer>>

interface Needs {
  readonly clock: Clock
  readonly config: MailSettings & { readonly publicUrl: string }
  /** One for each kind of mail: they know what it is about. */
  readonly composers: Composers
  readonly limiter: RateLimiter
  readonly store: Store
  readonly logger: Logger
}

export interface Mailer {
  /** Waits for what is being sent. */
  stop(): Promise<void>
}

const memberOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined

/** What a log may say of a failure: nodemailer's own code and the server's number; its words name addresses. */
const safeFailure = (error: unknown) => ({
  code: memberOf(error, 'code'),
  responseCode: memberOf(error, 'responseCode'),
})

/** The server has said that it never takes this mail, to this address. */
const isRefused = (error: unknown) => {
  const code = memberOf(error, 'responseCode')
  const command = memberOf(error, 'command')
  return (
    typeof code === 'number' && code >= 550 && code < 560 && (command === 'RCPT TO' || command === 'DATA')
  )
}

/**
 * What sends mail: `smtps://` over TLS from the start, `smtp://` after STARTTLS (RFC 3207). A stranger who can change the connection
 * could take the offer of STARTTLS out of it and read links and the login, so a server without it gets neither.
 */
export async function openTransport({ url, allowPlaintext }: SmtpSettings): Promise<Transporter> {
  // Loaded with the first mail, because it is large and many servers send none.
  const { createTransport } = await import('nodemailer')
  return createTransport({
    url,
    requireTLS: !allowPlaintext,
    connectionTimeout: seconds(10),
    greetingTimeout: seconds(10),
    socketTimeout: seconds(30),
    // Text is all that is sent; no part of a mail is read from elsewhere.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

interface Sender {
  readonly from: string
  /** The one transport, opened with its first use. */
  open(): Promise<Transporter>
}

const footer = (publicUrl: string) =>
  `\n\nThis mail comes from the password vault at ${publicUrl}. It cannot be answered.\n`

/** Sends a mail, if there still is a reason for it. Beyond what the address may be sent it is left out. */
async function send(needs: Needs, { from, open }: Sender, mail: Mail): Promise<void> {
  const { clock, composers, config, logger, store } = needs
  const { kind } = mail
  const composed = await store.read((reader) => composers[kind](reader, mail, clock.now()))
  if (!composed) return
  const { to, subject, text } = composed
  if (mail.attempts === 1 && !(await maySend(needs, mail, to))) {
    logger.warn({ kind }, 'mail left out: its address was sent many of the kind')
    return
  }
  const transport = await open()
  // As objects, which are not parsed: an address stays one address.
  const address = { name: '', address: to }
  await transport.sendMail({ from, to: address, subject, text: text + footer(config.publicUrl) })
}

async function sendDue(needs: Needs, by: Sender): Promise<void> {
  const { clock, logger, store } = needs
  for (;;) {
    const due = await store.write((tx) => takeDueMail(tx, clock.now()))
    if (due.length === 0) return
    for (const mail of due) {
      const { kind, attempts } = mail
      try {
        await send(needs, by, mail)
        await store.write((tx) => removeMail(tx, mail))
      } catch (error) {
        const isKept = !isRefused(error) && (await store.write((tx) => postponeMail(tx, mail, clock.now())))
        if (!isKept) await store.write((tx) => removeMail(tx, mail))
        logger.warn({ kind, attempts, ...safeFailure(error) }, isKept ? 'mail waits' : 'mail given up')
      }
    }
  }
}

/** Sends at once, when it hears of mail, and every few seconds. Without SMTP_URL there is nothing to do. */
export function startMailer(needs: Needs): Mailer {
  const { smtp } = needs.config
  if (!smtp) return { stop: async () => {} }
  let transport: Promise<Transporter> | undefined
  const by = { from: smtp.from, open: () => (transport ??= openTransport(smtp)) }
  let stopped = false
  let running: Promise<void> | undefined
  let isWoken = false
  const run = async () => {
    do {
      isWoken = false
      await sendDue(needs, by).catch((error: unknown) =>
        needs.logger.error(safeFailure(error), 'the outbox cannot be read'),
      )
    } while (isWoken && !stopped)
    running = undefined
  }
  const wake = () => {
    isWoken = true
    if (!stopped) running ??= run()
  }
  const timer = setInterval(wake, lookEvery).unref()
  const endListening = listen(needs.store, {
    heard({ kind }) {
      if (kind === 'mail-waits') wake()
    },
    missed: wake,
  })
  wake()
  return {
    async stop() {
      stopped = true
      endListening()
      clearInterval(timer)
      await running
      void transport?.then((opened) => opened.close())
    },
  }
}
