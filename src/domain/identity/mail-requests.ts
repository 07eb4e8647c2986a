// Mail that a stranger asks for to an address. Only the owner of the mailbox learns whether there was a reason for it.
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Reader, Store } from '../../store/store.ts'
import type { DeferredTasks } from '../deferred-tasks.ts'
import { Failure } from '../failure.ts'
import { mayAsk } from '../mail/limits.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import { type DeletionSettings, requireDeletionByMail } from './account-deletion.ts'
import { type AccountRow, findAccountByEmail, hasItsAddress } from './accounts.ts'
import { pendingRegistrationsOf } from './pending-registrations.ts'

/** What a mail is about. */
type Reason =
  | { readonly kind: 'confirm' | 'hint' | 'delete-account'; readonly accountId: string }
  | { readonly kind: 'confirm-again'; readonly registrationId: string }

/** @returns undefined if there is no reason for mail */
type FindReason = (
  asked: { email: string; account: AccountRow | undefined; now: number },
  reader: Reader,
) => Promise<Reason | undefined>

/** The confirmation once more, of everything that waits for it at the address. */
const findUnconfirmed: FindReason = async ({ email, account, now }, reader) => {
  if (account?.emailVerified) return undefined
  const [newest] = account && hasItsAddress(account) ? [] : await pendingRegistrationsOf(reader, email, now)
  if (newest) return { kind: 'confirm-again', registrationId: newest.accountId }
  return account && { kind: 'confirm', accountId: account.id }
}

const reasons = {
  confirmation: findUnconfirmed,
  hint: async ({ account }) => (account?.emailVerified ? { kind: 'hint', accountId: account.id } : undefined),
  deletion: async ({ account }) =>
    account?.emailVerified && account.disabledAt === null
      ? { kind: 'delete-account', accountId: account.id }
      : undefined,
} satisfies Record<string, FindReason>

export type MailRequest = keyof typeof reasons

interface Needs {
  readonly clock: Clock
  readonly config: MailSettings & DeletionSettings
  readonly limiter: RateLimiter
  readonly deferredTasks: DeferredTasks
  readonly random: Random
  readonly store: Store
}

/** Puts mail into the outbox if there is a reason for it, and the asker seldom asked for it lately. */
async function prepare(
  asked: { email: string; address: string },
  findReason: FindReason,
  needs: Needs,
): Promise<void> {
  const { clock, random, store } = needs
  if (!(await mayAsk(needs, asked))) return
  const { email } = asked
  const now = clock.now()
  const reason = await store.read(async (reader) =>
    findReason({ email, account: await findAccountByEmail(reader, email), now }, reader),
  )
  if (!reason) return
  await store.write((tx) => enqueueMail(tx, { ...reason, id: random.uuid(), now }))
}

/**
 * Has mail sent to an address if there is a reason for it. Throws `email-off`, and `account-deletion-off` where that is what is asked for.
 * @param asked.email in its normalized form
 * @param asked.address where the request came from
 */
export function requestMail(
  request: MailRequest,
  asked: { email: string; address: string },
  needs: Needs,
): void {
  if (!needs.config.smtp) throw new Failure('email-off', 'This server sends no e-mail.')
  if (request === 'deletion') requireDeletionByMail(needs.config)
  // Not now: how long it takes, or how long what is asked next has to wait, would tell whether there is an account.
  needs.deferredTasks.add('mail', () => prepare(asked, reasons[request], needs))
}
