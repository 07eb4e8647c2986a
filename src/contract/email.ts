// Wire shapes about e-mail: confirming an address, changing it, and asking for what is only ever sent there.
import * as z from 'zod'
import { PasswordProof } from './accounts.ts'
import { base64urlOf, Email, line, Timestamp } from './primitives.ts'
import { linkTokenBytes } from './sizes.ts'

export const LinkToken = base64urlOf(linkTokenBytes).meta({
  description: 'What stands after "#" in the link of the mail',
})

export const ConfirmEmail = z.strictObject({ token: LinkToken }).meta({ id: 'ConfirmEmail' })

export const MailRequest = z.strictObject({ email: Email }).meta({ id: 'MailRequest' })

export const ChangeEmail = z
  .strictObject({ current: PasswordProof, email: Email })
  .meta({ id: 'ChangeEmail', description: 'A proof of the password, and the address to have from now on' })

export const ChangeHint = z
  .strictObject({
    current: PasswordProof,
    hint: line(200).nullable().meta({ description: 'Kept for being sent by e-mail; null for none' }),
  })
  .meta({ id: 'ChangeHint' })

export const DeletionLink = z.strictObject({ token: LinkToken }).meta({ id: 'DeletionLink' })

export const DeletionStarted = z
  .object({
    deletesAt: Timestamp.meta({ description: 'When the account goes, unless its owner logs in before' }),
  })
  .meta({ id: 'DeletionStarted' })

export type DeletionStarted = z.infer<typeof DeletionStarted>
