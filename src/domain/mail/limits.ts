// How much mail there is: what a stranger may ask for, and what one address is sent.
import type { MailKind } from '../../store/tables/mail.ts'
import type { RateLimit } from '../rate-limits/budgets.ts'
import { mailRequestKey, sentMailKey } from '../rate-limits/keys.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { Mail } from './outbox.ts'

/** The budget of each kind. */
const budgets: Readonly<Record<MailKind, RateLimit>> = {
  confirm: 'askedMail',
  'confirm-again': 'askedMail',
  'confirm-change': 'askedMail',
  'send-code': 'askedMail',
  hint: 'askedMail',
  'delete-account': 'askedMail',
  'new-device': 'notices',
  'account-changed': 'notices',
  'deletion-started': 'notices',
  'deletion-cancelled': 'notices',
  'account-deleted': 'notices',
  code: 'notices',
}

interface Needs {
  readonly limiter: RateLimiter
}

const isWithin = async ({ limiter }: Needs, limit: RateLimit, key: string): Promise<boolean> =>
  (await limiter.tryCount(limit, key)).ok

/** Counts a mail that is about to be sent. @returns whether the address was sent few of its kind lately */
export const maySend = (needs: Needs, mail: Mail, email: string): Promise<boolean> =>
  isWithin(needs, budgets[mail.kind], sentMailKey(mail, email))

/**
 * Counts a request that causes mail to an address. One sender of requests has less than the whole budget of the address, so that the owner gets
 * mail as well. @returns whether there were few of them lately
 */
export const mayAsk = (needs: Needs, asked: { address: string; email: string }): Promise<boolean> =>
  isWithin(needs, 'mailAbout', mailRequestKey(asked))
