// How much mail there is: what somebody may ask for, and what one address is sent.

import type { MailKind } from '../../store/tables/mail.ts'
import type { RateLimit, RateLimiter } from '../rate-limits/budgets.ts'
import type { Mail } from './outbox.ts'

/**
 * The budget of each kind. Each kind has one of its own for each address: who asks for hints without end keeps no notice from the
 * owner.
 */
const budgets: Readonly<Record<MailKind, RateLimit>> = {
  confirm: 'askedMail',
  'confirm-again': 'askedMail',
  'confirm-change': 'askedMail',
  hint: 'askedMail',
  'delete-account': 'askedMail',
  'new-device': 'notices',
  'account-changed': 'notices',
  'deletion-started': 'notices',
  'deletion-cancelled': 'notices',
  'account-deleted': 'notices',
}

interface Needs {
  readonly limiter: RateLimiter
}

const isWithin = async ({ limiter }: Needs, limit: RateLimit, key: string): Promise<boolean> =>
  (await limiter.tryCount(limit, key)).ok

/** Counts a mail that is about to be sent. @returns whether the address was sent few of its kind lately */
export const maySend = (needs: Needs, { kind, detail }: Mail, email: string): Promise<boolean> =>
  // Of changes each one for itself: a hundred new tokens do not hide that the password was changed.
  isWithin(needs, budgets[kind], `${kind} ${kind === 'account-changed' ? detail : ''} ${email}`)

/** Under what it is counted that somebody causes mail to an address. */
export const aboutAddress = ({ address, email }: { address: string; email: string }): string =>
  `${address} ${email}`

/**
 * Counts that somebody causes mail to an address. One asker has less than the whole budget of the address, so that the owner gets
 * mail as well. @returns whether they did so seldom lately
 */
export const mayAsk = (needs: Needs, asked: { address: string; email: string }): Promise<boolean> =>
  isWithin(needs, 'mailAbout', aboutAddress(asked))
