// What the operator decides about mail.

/** A mail server. */
export interface SmtpSettings {
  /** `smtps://` or `smtp://`, with a user and a password if the server wants them. */
  readonly url: string
  /** The address that mail comes from. */
  readonly from: string
  /** Whether mail is also given to a server without TLS. */
  readonly allowPlaintext: boolean
}

export interface MailSettings {
  /** How mail is sent; undefined if this server sends none. */
  readonly smtp: SmtpSettings | undefined
}
