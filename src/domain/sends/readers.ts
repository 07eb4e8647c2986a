// Sends for certain people: a reader shows by a mailed code that one of the addresses is theirs. Which addresses those are, nobody learns who
// has the link: whatever is asked about an address costs the same and is answered alike, and mail goes out after the answer.
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import type { Visitor } from '../caller.ts'
import type { DeferredTasks } from '../deferred-tasks.ts'
import { Failure } from '../failure.ts'
import { type CodeSubject, checkCode, prepareCode, readerPurpose } from '../identity/mailed-codes.ts'
import { mayAsk } from '../mail/limits.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import { countGuess } from '../rate-limits/guesses.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { SendRow } from './rows.ts'

/** Throws `email-off` where no code can be mailed. */
export function requireReaderMail({ smtp }: MailSettings): void {
  if (!smtp)
    throw new Failure(
      'email-off',
      'This server sends no e-mail, so it cannot ask readers for codes. Choose a password instead.',
    )
}

/** @param emails in their normalized form, in which there is no comma @returns what is kept of them */
export const toReaderEmails = (emails: readonly string[]): string => emails.join(',')

const isFor = ({ readerEmails }: SendRow, email: string): boolean =>
  readerEmails?.split(',').includes(email) ?? false

const subjectOf = ({ accountId, id }: SendRow, email: string): CodeSubject => ({
  accountId,
  purpose: readerPurpose(id, email),
  detail: null,
})

interface Needs {
  readonly clock: Clock
  readonly config: MailSettings
  readonly deferredTasks: DeferredTasks
  readonly keys: Pick<ServerKeys, 'mailedCodes'>
  readonly limiter: RateLimiter
  readonly random: Random
  readonly store: Store
}

/** Every address gets a code, and those that are listed a mail with it. */
async function prepare(needs: Needs, { address }: Visitor, send: SendRow, email: string): Promise<void> {
  const { clock, limiter, random, store } = needs
  if (!(await mayAsk({ limiter }, { address, email }))) return
  await store.write(async (tx) => {
    const isReady = await prepareCode(tx, subjectOf(send, email), needs)
    if (!isReady || !isFor(send, email)) return
    const { accountId, id: detail } = send
    const mail = { id: random.uuid(), accountId, email, kind: 'send-code', detail, now: clock.now() } as const
    await enqueueMail(tx, mail)
  })
}

/**
 * Has a code mailed to an address, if the send is for it. Throws `email-off`, and `too-many-requests`.
 * @param email in its normalized form
 */
export async function requestReaderCode(
  needs: Needs,
  visitor: Visitor,
  send: SendRow,
  email: string,
): Promise<void> {
  requireReaderMail(needs.config)
  await needs.limiter.count('mail', visitor.address)
  needs.deferredTasks.add('mail', () => prepare(needs, visitor, send, email))
}

/**
 * Whether a visitor has the code that was mailed to one of those whom a send is for; it is used up by this. Throws `too-many-requests`.
 * @param given.email in its normalized form
 */
export const isReader = (
  needs: Needs,
  visitor: Visitor,
  send: SendRow,
  { email, code }: { readonly email: string; readonly code: string },
): Promise<boolean> =>
  countGuess(needs.limiter, visitor, send.id, () =>
    needs.store.write(async (tx) => {
      const subject = subjectOf(send, email)
      // Also where no code was asked for: a wrong one is counted for every address, and takes as long.
      await prepareCode(tx, subject, needs)
      const now = needs.clock.now()
      const isRight = await checkCode(tx, subject, { code, isLast: true }, { keys: needs.keys, now })
      return isRight && isFor(send, email)
    }),
  )
