// What mails say. Plain text: nothing in them is fetched, and nothing can be hidden.
import type { MailKind } from '../../store/schema.ts'
import { toTimestamp } from '../encoding.ts'
import { hasItsAddress } from '../identity/accounts.ts'
import type { ServerKeys } from '../server-keys.ts'
import {
  type LinkPurpose,
  linkToken,
  linkValidForMs,
  toChangeEmail,
  toConfirm,
  toDelete,
  toKeep,
} from './links.ts'
import { type AccountChange, accountChanges, type Mail } from './outbox.ts'

/** A registration that waits for its confirmation. Times are milliseconds since 1970. */
interface Registration {
  readonly accountId: string
  readonly email: string
  readonly createdAt: number
  readonly expiresAt: number
}

interface Account {
  readonly id: string
  readonly email: string
  readonly emailVerified: boolean
  readonly hint: string | null
  readonly createdAt: number
  readonly disabledAt: number | null
  readonly lastLoginAt: number | null
}

/** What a mail is written from, as it is when it is sent. */
export interface About {
  /** The account that the mail is about, if it is about one. */
  readonly account: Account | undefined
  /** The account that the address has to which the mail goes. */
  readonly holder: Account | undefined
  /** Those of the address that wait, newest first. */
  readonly registrations: readonly Registration[]
  /** The address that the account is to have. */
  readonly newEmail: string | undefined
  /** When the account goes. */
  readonly deletesAt: number | undefined
}

export interface Message {
  readonly subject: string
  readonly text: string
}

export interface MessageSettings {
  /** Where links lead, without a slash at the end. */
  readonly publicUrl: string
  /** Undefined if no account can be deleted by mail. */
  readonly accountDeletion: object | undefined
}

interface Context {
  readonly config: MessageSettings
  readonly keys: ServerKeys
  readonly now: number
}

type Writer = (about: About, mail: Mail, context: Context) => Message | undefined

const link = (
  page: 'confirm' | 'delete-account' | 'keep-account',
  to: LinkPurpose,
  { config, keys, now }: Context,
  expiresAt = now + linkValidForMs,
) =>
  `${config.publicUrl}/${page}#${linkToken(keys.emailConfirmations, to, Math.min(expiresAt, now + linkValidForMs))}`

const registrationLink = ({ accountId, email, expiresAt }: Registration, context: Context) =>
  link('confirm', toConfirm({ id: accountId, email }), context, expiresAt)

const confirmSubject = 'Confirm your e-mail address'

/** Other people can register the address too; their link would give them an account under it. */
const ownAlone =
  'Open a link only for an account that you made yourself, at that time: it belongs to the person who chose its password. If it was not you, do nothing.'

const confirmOwn = (account: Account, context: Context): Message => ({
  subject: confirmSubject,
  text: `Somebody, most likely you, made an account at ${context.config.publicUrl} with this address.\n\nTo confirm that the address is yours, open this link within a day:\n\n${link('confirm', toConfirm(account), context)}\n\nIf it was not you, do nothing.`,
})

const alreadyRegistered = (account: Account, context: Context): Message => {
  const { publicUrl } = context.config
  const next = account.emailVerified
    ? 'If it was you, log in with your master password. If it was not, nothing happened, and there is nothing to do.'
    : `The address of that account was never confirmed. If the account is yours, open this link within a day, and log in with its master password:\n\n${link('confirm', toConfirm(account), context)}\n\nIf it is not, do nothing.`
  return {
    subject: 'You have an account already',
    text: `Somebody tried to make an account at ${publicUrl} with this address, or to give the address to one. It has an account already. ${next}`,
  }
}

const changeSentences: Record<AccountChange, string> = {
  'password-changed': 'The master password was changed, and every other session ended.',
  'second-factor-added': 'A second factor was added: logins ask for it from now on.',
  'second-factor-removed': 'A second factor was removed.',
  'recovery-codes-replaced': 'New recovery codes were made; the old ones work no more.',
  'token-created': 'A personal access token was made, with which a script uses the account.',
  'token-revoked': 'A personal access token was revoked.',
  'vault-deleted': 'A vault was deleted with everything in it, for good.',
  'hint-changed': 'The hint to the master password was changed.',
  'email-change-started':
    'A session of the account wants to give it another e-mail address. This one stays until the other one is confirmed.',
  'email-changed': 'The account has another e-mail address now, and mail about it no longer comes here.',
}

/** Mail to the confirmed address of an account, and to no other: a stranger's address may have been given at registration. */
const toOwner =
  (write: (account: Account, mail: Mail, context: Context, about: About) => Message | undefined): Writer =>
  (about, mail, context) => {
    const { account } = about
    // Where an address stands in the mail itself, it was confirmed when the mail was ordered.
    if (!account || !(account.emailVerified || mail.email !== null)) return undefined
    return write(account, mail, context, about)
  }

const writers: Record<MailKind, Writer> = {
  confirm({ account, holder, registrations }, { registrationId }, context) {
    if (registrationId === null)
      return account && !account.emailVerified ? confirmOwn(account, context) : undefined
    const registration = registrations.find(({ accountId }) => accountId === registrationId)
    if (holder && hasItsAddress(holder)) return alreadyRegistered(holder, context)
    return (
      registration && {
        subject: confirmSubject,
        text: `Somebody, most likely you, made an account at ${context.config.publicUrl} with this address, on ${toTimestamp(registration.createdAt)}.\n\nTo confirm that the address is yours, open this link within a day:\n\n${registrationLink(registration, context)}\n\n${ownAlone}`,
      }
    )
  },
  'confirm-again'({ holder, registrations }, _mail, context) {
    if ((holder && hasItsAddress(holder)) || registrations.length === 0) return undefined
    const made = (at: number, url: string) => `Made on ${toTimestamp(at)}:\n${url}`
    const links = registrations.map((one) => made(one.createdAt, registrationLink(one, context)))
    if (holder) links.push(made(holder.createdAt, link('confirm', toConfirm(holder), context)))
    return {
      subject: confirmSubject,
      text: `You asked for the confirmation once more. With this address an account was made at ${context.config.publicUrl}. To confirm that the address is yours, open the link within a day:\n\n${links.join('\n\n')}\n\n${ownAlone}`,
    }
  },
  'confirm-change'({ account, holder, newEmail }, { email }, context) {
    if (!account || newEmail === undefined || newEmail !== email) return undefined
    if (holder && hasItsAddress(holder) && holder.id !== account.id) return alreadyRegistered(holder, context)
    return {
      subject: 'Confirm your new e-mail address',
      text: `Somebody, most likely you, wants to use this address for their account at ${context.config.publicUrl}.\n\nTo confirm that the address is yours, open this link within a day:\n\n${link('confirm', toChangeEmail({ id: account.id, email: newEmail }), context)}\n\nIf it was not you, do nothing.`,
    }
  },
  hint: toOwner(({ hint }) => ({
    subject: 'Your password hint',
    text: hint
      ? `You asked for the hint to your master password. It is:\n\n${hint}\n\nIf it was not you who asked, do nothing: the hint was sent to nobody else.`
      : `You asked for the hint to your master password. The account has none, and nobody can recover the password.`,
  })),
  'new-device': toOwner((_account, { createdAt, detail }, { config }) => ({
    subject: 'A new device logged in',
    text: `A device that calls itself "${detail}" logged in to your account at ${config.publicUrl} on ${toTimestamp(createdAt)}, for the first time.\n\nIf it was not you, log in, end its session, and change your master password.`,
  })),
  'account-changed': toOwner((_account, { createdAt, detail }, { config }) => {
    const change = accountChanges.find((one) => one === detail)
    return (
      change && {
        subject: 'Your account was changed',
        text: `${changeSentences[change]} This was on ${toTimestamp(createdAt)}, in your account at ${config.publicUrl}.\n\nIf it was not you, log in, end all other sessions, revoke what you do not know, and change your master password. If you cannot log in, ask the operator of the server at once.`,
      }
    )
  }),
  'delete-account': toOwner((account, _mail, context) => {
    const { publicUrl, accountDeletion } = context.config
    if (!accountDeletion || account.disabledAt !== null) return undefined
    return {
      subject: 'Delete your account?',
      text: `Somebody, most likely you, asked to delete your account at ${publicUrl}, with everything in it. Nobody can bring it back then.\n\nIf you have lost the master password and want to begin anew, open this link within a day:\n\n${link('delete-account', toDelete(account), context)}\n\nThe account is then deleted after a waiting time, unless you log in before. If it was not you, do nothing.`,
    }
  }),
  'deletion-started': toOwner((account, _mail, context, { deletesAt }) => {
    if (deletesAt === undefined) return undefined
    return {
      subject: 'Your account will be deleted',
      text: `Your account at ${context.config.publicUrl} will be deleted on ${toTimestamp(deletesAt)}, with everything in it: somebody opened the link for that in a mail to this address.\n\nTo keep it, log in before that, or open this link:\n\n${keepLink(account, deletesAt, context)}\n\nIf it was not you, somebody else can read your mail.`,
    }
  }),
  'deletion-cancelled': toOwner((_account, { createdAt }, { config }) => ({
    subject: 'Your account stays',
    text: `Your account at ${config.publicUrl} was to be deleted and stays: somebody logged in to it, or asked to keep it, on ${toTimestamp(createdAt)}.`,
  })),
  'account-deleted': (_about, { createdAt }, { config }) => ({
    subject: 'Your account was deleted',
    text: `Your account at ${config.publicUrl} was deleted on ${toTimestamp(createdAt)}, with everything in it, as was asked for by this address. You can register anew.`,
  }),
}

/** Works until the account goes, and not for a day alone. */
const keepLink = (account: Account, dueAt: number, { config, keys }: Context) =>
  `${config.publicUrl}/keep-account#${linkToken(keys.emailConfirmations, toKeep({ ...account, dueAt }), dueAt)}`

const goodbye = (publicUrl: string) =>
  `\n\nThis mail comes from the password vault at ${publicUrl}. It cannot be answered.\n`

/**
 * A mail as it is now to be sent.
 * @returns undefined if there is no reason for it any more: the address is confirmed by now, or was never, and nothing else may go
 * there
 */
export function writeMessage(mail: Mail, about: About, context: Context): Message | undefined {
  const message = writers[mail.kind](about, mail, context)
  return message && { ...message, text: message.text + goodbye(context.config.publicUrl) }
}
