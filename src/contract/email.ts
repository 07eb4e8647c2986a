// Wire shapes about e-mail: confirming an address, and asking for what is only ever sent there.
import * as z from 'zod'
import { base64urlOf, Email } from './primitives.ts'

/** An account's id, a time and a signature; opaque to clients. */
export const confirmationBytes = 16 + 6 + 32

export const ConfirmEmail = z
  .strictObject({
    token: base64urlOf(confirmationBytes).meta({
      description: 'What stands after "#" in the link of the mail',
    }),
  })
  .meta({ id: 'ConfirmEmail' })

export const MailRequest = z.strictObject({ email: Email }).meta({ id: 'MailRequest' })
