// Mails about accounts and registrations, composed from the database in the moment in which they are sent.
import type { Reader } from '../../store/store.ts'
import { accountChanges } from '../audit/noted-changes.ts'
import type { Composed, Composer, Composers, Message } from '../mail/mailer.ts'
import type { Mail } from '../mail/outbox.ts'
import type { ServerKeys } from '../server-keys.ts'
import { deletionOf } from './account-deletion.ts'
import { type AccountRow, findAccountByEmail, findAccountById, hasItsAddress } from './accounts.ts'
import { findEmailChange } from './email-changes.ts'
import {
  accountChangedText,
  accountDeletedText,
  alreadyRegisteredText,
  codeText,
  confirmAgainText,
  confirmChangeText,
  confirmOwnText,
  confirmRegistrationText,
  deleteAccountText,
  deletionCancelledText,
  deletionStartedText,
  hintText,
  newDeviceText,
  readerCodeText,
  type TextContext,
} from './mail-texts.ts'
import { codePurposes, codeToMail, readerPurpose } from './mailed-codes.ts'
import { findPendingRegistration, pendingRegistrationsOf } from './pending-registrations.ts'

const findAccountOf = async (reader: Reader, { accountId }: Mail): Promise<AccountRow | undefined> =>
  accountId === null ? undefined : findAccountById(reader, accountId)

/** The account that has an address for good. @param but an account that does not count */
async function holderOf(reader: Reader, email: string, but?: string): Promise<AccountRow | undefined> {
  const holder = await findAccountByEmail(reader, email)
  return holder && holder.id !== but && hasItsAddress(holder) ? holder : undefined
}

export function accountMailComposers({
  config,
  keys,
}: {
  config: {
    readonly publicUrl: string
    /** Undefined if no account can be deleted by mail. */
    readonly accountDeletion: object | undefined
  }
  keys: Pick<ServerKeys, 'emailConfirmations' | 'mailedCodes'>
}): Composers {
  const contextAt = (now: number): TextContext => ({ publicUrl: config.publicUrl, keys, now })

  /** Mail to the confirmed address of an account, and to no other: a stranger's address may have been given at registration. */
  const toOwner =
    (
      write: (
        account: AccountRow,
        mail: Mail,
        context: TextContext,
        reader: Reader,
      ) => Promise<Message | undefined>,
    ): Composer =>
    async (reader, mail, now) => {
      const account = await findAccountOf(reader, mail)
      // An address that stands in the mail itself was confirmed when the mail was put into the outbox.
      if (!account || !(account.emailVerified || mail.email !== null)) return undefined
      const message = await write(account, mail, contextAt(now), reader)
      return message && { to: mail.email ?? account.email, ...message }
    }

  async function confirmOwn(reader: Reader, mail: Mail, now: number): Promise<Composed | undefined> {
    const account = await findAccountOf(reader, mail)
    if (!account || account.emailVerified) return undefined
    return { to: account.email, ...confirmOwnText(account, contextAt(now)) }
  }

  return {
    async confirm(reader, mail, now) {
      if (mail.registrationId === null) return confirmOwn(reader, mail, now)
      const registration = await findPendingRegistration(reader, mail.registrationId, now)
      if (!registration) return undefined
      const { email } = registration
      const holder = await holderOf(reader, email)
      const context = contextAt(now)
      const message = holder
        ? alreadyRegisteredText(holder, context)
        : confirmRegistrationText(registration, context)
      return { to: email, ...message }
    },
    async 'confirm-again'(reader, { registrationId }, now) {
      const registration =
        registrationId === null ? undefined : await findPendingRegistration(reader, registrationId, now)
      if (!registration) return undefined
      const { email } = registration
      const holder = await findAccountByEmail(reader, email)
      if (holder && hasItsAddress(holder)) return undefined
      const registrations = await pendingRegistrationsOf(reader, email, now)
      return { to: email, ...confirmAgainText(registrations, holder, contextAt(now)) }
    },
    async 'confirm-change'(reader, mail, now) {
      const account = await findAccountOf(reader, mail)
      const change = account && (await findEmailChange(reader, account.id, now))
      if (!change || change.email !== mail.email) return undefined
      const { email } = change
      const holder = await holderOf(reader, email, account.id)
      const context = contextAt(now)
      const message = holder
        ? alreadyRegisteredText(holder, context)
        : confirmChangeText({ id: account.id, email }, context)
      return { to: email, ...message }
    },
    hint: toOwner(async ({ hint }) => hintText(hint)),
    'new-device': toOwner(async (_account, { createdAt, detail }, context) =>
      newDeviceText(createdAt, detail ?? '', context),
    ),
    'account-changed': toOwner(async (_account, { createdAt, detail }, context) => {
      const change = accountChanges.find((one) => one === detail)
      return change && accountChangedText(createdAt, change, context)
    }),
    'delete-account': toOwner(async (account, _mail, context) =>
      config.accountDeletion && account.disabledAt === null ? deleteAccountText(account, context) : undefined,
    ),
    'deletion-started': toOwner(async (account, _mail, context, reader) => {
      const dueAt = await deletionOf(reader, account.id)
      return dueAt === undefined ? undefined : deletionStartedText(account, dueAt, context)
    }),
    'deletion-cancelled': toOwner(async (_account, { createdAt }, context) =>
      deletionCancelledText(createdAt, context),
    ),
    code: toOwner(async ({ id }, { detail, email }, context, reader) => {
      const purpose = codePurposes.find((one) => one === detail)
      if (!purpose) return undefined
      const holder =
        purpose === 'new-address' && email !== null ? await holderOf(reader, email, id) : undefined
      if (holder) return alreadyRegisteredText(holder, context)
      const code = await codeToMail(reader, { accountId: id, purpose }, { keys, now: context.now })
      return code === undefined ? undefined : codeText(code, purpose, context)
    }),
    async 'send-code'(reader, { accountId, email, detail: sendId }, now) {
      if (accountId === null || email === null || sendId === null) return undefined
      const subject = { accountId, purpose: readerPurpose(sendId, email) }
      const code = await codeToMail(reader, subject, { keys, now })
      return code === undefined ? undefined : { to: email, ...readerCodeText(code, contextAt(now)) }
    },
    async 'account-deleted'(_reader, { email, createdAt }, now) {
      return email === null ? undefined : { to: email, ...accountDeletedText(createdAt, contextAt(now)) }
    },
  }
}
