// What the mails to owners and to new addresses say. Plain text: nothing in them is fetched, and nothing can be hidden.
import { pagePaths } from '../../contract/paths.ts'
import type { AccountChange } from '../audit/noted-changes.ts'
import { toTimestamp } from '../encoding.ts'
import {
  type LinkPurpose,
  linkToken,
  linkValidForMs,
  toChangeEmail,
  toConfirm,
  toDelete,
  toKeep,
} from '../mail/links.ts'
import type { Message } from '../mail/mailer.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { AccountRow } from './accounts.ts'
import type { CodePurpose } from './mailed-codes.ts'
import type { PendingRegistration } from './pending-registrations.ts'

type Registration = Pick<PendingRegistration, 'accountId' | 'email' | 'createdAt' | 'expiresAt'>

/** What links in a text are made from. */
export interface TextContext {
  /** Where links lead, without a slash at the end. */
  readonly publicUrl: string
  readonly keys: Pick<ServerKeys, 'emailConfirmations'>
  /** When the mail is sent, in milliseconds since 1970. */
  readonly now: number
}

const link = (
  page: typeof pagePaths.confirm | typeof pagePaths.deleteAccount,
  to: LinkPurpose,
  { publicUrl, keys, now }: TextContext,
  expiresAt = now + linkValidForMs,
) =>
  `${publicUrl}${page}#${linkToken(keys.emailConfirmations, to, Math.min(expiresAt, now + linkValidForMs))}`

const registrationLink = ({ accountId, email, expiresAt }: Registration, context: TextContext) =>
  link(pagePaths.confirm, toConfirm({ id: accountId, email }), context, expiresAt)

const confirmSubject = 'Confirm your e-mail address'

/** Other people can register the address too; their link would give them an account under it. */
const ownAlone =
  'Open a link only for an account that you made yourself, at that time: it belongs to the person who chose its password. If it was not you, do nothing.'

/** To the address that an account was registered with, where the account can be used before it is confirmed. */
export const confirmOwnText = (account: AccountRow, context: TextContext): Message => ({
  subject: confirmSubject,
  text: `Somebody, most likely you, made an account at ${context.publicUrl} with this address.\n\nTo confirm that the address is yours, open this link within a day:\n\n${link(pagePaths.confirm, toConfirm(account), context)}\n\nIf it was not you, do nothing.`,
})

/** To the address of an account, with which somebody else or its owner wanted to make another one. */
export function alreadyRegisteredText(account: AccountRow, context: TextContext): Message {
  const next = account.emailVerified
    ? 'If it was you, log in with your master password. If it was not, nothing happened, and there is nothing to do.'
    : `The address of that account was never confirmed. If the account is yours, open this link within a day, and log in with its master password:\n\n${link(pagePaths.confirm, toConfirm(account), context)}\n\nIf it is not, do nothing.`
  return {
    subject: 'You have an account already',
    text: `Somebody tried to make an account at ${context.publicUrl} with this address, or to give the address to one. It has an account already. ${next}`,
  }
}

export const confirmRegistrationText = (registration: Registration, context: TextContext): Message => ({
  subject: confirmSubject,
  text: `Somebody, most likely you, made an account at ${context.publicUrl} with this address, on ${toTimestamp(registration.createdAt)}.\n\nTo confirm that the address is yours, open this link within a day:\n\n${registrationLink(registration, context)}\n\n${ownAlone}`,
})

/**
 * Every link once more.
 * @param registrations newest first
 * @param account the one that was made for the address before addresses had to be confirmed, if there is one
 */
export function confirmAgainText(
  registrations: readonly Registration[],
  account: AccountRow | undefined,
  context: TextContext,
): Message {
  const made = (at: number, url: string) => `Made on ${toTimestamp(at)}:\n${url}`
  const links = registrations.map((one) => made(one.createdAt, registrationLink(one, context)))
  if (account) links.push(made(account.createdAt, link(pagePaths.confirm, toConfirm(account), context)))
  return {
    subject: confirmSubject,
    text: `You asked for the confirmation once more. With this address an account was made at ${context.publicUrl}. To confirm that the address is yours, open the link within a day:\n\n${links.join('\n\n')}\n\n${ownAlone}`,
  }
}

export const confirmChangeText = (change: { id: string; email: string }, context: TextContext): Message => ({
  subject: 'Confirm your new e-mail address',
  text: `Somebody, most likely you, wants to use this address for their account at ${context.publicUrl}.\n\nTo confirm that the address is yours, open this link within a day:\n\n${link(pagePaths.confirm, toChangeEmail(change), context)}\n\nIf it was not you, do nothing.`,
})

/** @param hint null if the account has none */
export const hintText = (hint: string | null): Message => ({
  subject: 'Your password hint',
  text: hint
    ? `You asked for the hint to your master password. It is:\n\n${hint}\n\nIf it was not you who asked, do nothing: the hint was sent to nobody else.`
    : `You asked for the hint to your master password. The account has none, and nobody can recover the password.`,
})

/** @param at milliseconds since 1970 @param device how it calls itself */
export const newDeviceText = (at: number, device: string, { publicUrl }: TextContext): Message => ({
  subject: 'A new device logged in',
  text: `A device that calls itself "${device}" logged in to your account at ${publicUrl} on ${toTimestamp(at)}, for the first time.\n\nIf it was not you, log in, end its session, and change your master password.`,
})

const changeSentences: Record<AccountChange, string> = {
  'password-changed': 'The master password was changed, and every other session ended.',
  'second-factor-added': 'A second factor was added: logins ask for it from now on.',
  'second-factor-removed': 'A second factor was removed.',
  'recovery-codes-replaced': 'New recovery codes were made; the old ones work no more.',
  'token-created': 'A personal access token was made, with which a script uses the account.',
  'token-revoked': 'A personal access token was revoked.',
  'vault-deleted': 'A vault was deleted with everything in it, for good.',
  'vault-key-change-started':
    'A device began to change the key of a vault, and the personal access tokens for it ended.',
  'account-key-changed': 'The account key was changed.',
  'key-derivation-changed':
    'How keys are derived from the master password was changed, and every other session ended.',
  'hint-changed': 'The hint to the master password was changed.',
  'email-change-started':
    'A session of the account wants to give it another e-mail address. This one stays until the other one is confirmed.',
  'email-changed': 'The account has another e-mail address now, and mail about it no longer comes here.',
}

/** @param at milliseconds since 1970 */
export const accountChangedText = (
  at: number,
  change: AccountChange,
  { publicUrl }: TextContext,
): Message => ({
  subject: 'Your account was changed',
  text: `${changeSentences[change]} This was on ${toTimestamp(at)}, in your account at ${publicUrl}.\n\nIf it was not you, log in, end all other sessions, revoke what you do not know, and change your master password. If you cannot log in, ask the operator of the server at once.`,
})

export const deleteAccountText = (account: AccountRow, context: TextContext): Message => ({
  subject: 'Delete your account?',
  text: `Somebody, most likely you, asked to delete your account at ${context.publicUrl}, with everything in it. Nobody can bring it back then.\n\nIf you have lost the master password and want to begin anew, open this link within a day:\n\n${link(pagePaths.deleteAccount, toDelete(account), context)}\n\nThe account is then deleted after a waiting time, unless you log in before. If it was not you, do nothing.`,
})

/** Works until the account goes, and not for a day alone. */
const keepLink = (account: AccountRow, dueAt: number, { publicUrl, keys }: TextContext) =>
  `${publicUrl}${pagePaths.keepAccount}#${linkToken(keys.emailConfirmations, toKeep({ ...account, dueAt }), dueAt)}`

const codeSentences: Record<CodePurpose, string> = {
  proof: 'An app asked to make sure that it is you who uses your account. Enter this code in it:',
  'new-address':
    'Somebody, most likely you, wants to use this address for their account. Enter this code in the app that asks for it:',
  'second-factor':
    'A person with your master password, most likely you, is logging in to your account. Enter this code to go on:',
  'factor-address':
    'Somebody, most likely you, wants codes for their logins to be mailed to this address. Enter this code in the app that asks for it:',
  'new-device':
    'A person with your master password, most likely you, is logging in to your account on a device that it does not know. Enter this code there:',
}

/** A code for an app of Bitwarden's. */
export const codeText = (code: string, purpose: CodePurpose, { publicUrl }: TextContext): Message => ({
  subject: 'Your code',
  text: `${codeSentences[purpose]}\n\n${code}\n\nIt is for ${publicUrl}, and works for a quarter of an hour at the most. Tell it to nobody. If it was not you who asked, do not use it, and change your master password.`,
})

/** A code for somebody who opens a Send that is for them. */
export const readerCodeText = (code: string, { publicUrl }: TextContext): Message => ({
  subject: 'Your code for a Send',
  text: `Somebody, most likely you, opens a Send at ${publicUrl} that is for this address. Enter this code where its link was opened:\n\n${code}\n\nIt works for a quarter of an hour at the most. Tell it to nobody: it shows the Send to whoever has it and the link. If it was not you, do nothing.`,
})

/** @param dueAt when the account goes, in milliseconds since 1970 */
export const deletionStartedText = (account: AccountRow, dueAt: number, context: TextContext): Message => ({
  subject: 'Your account will be deleted',
  text: `Your account at ${context.publicUrl} will be deleted on ${toTimestamp(dueAt)}, with everything in it: somebody opened the link for that in a mail to this address.\n\nTo keep it, log in before that, or open this link:\n\n${keepLink(account, dueAt, context)}\n\nIf it was not you, somebody else can read your mail.`,
})

/** @param at milliseconds since 1970 */
export const deletionCancelledText = (at: number, { publicUrl }: TextContext): Message => ({
  subject: 'Your account stays',
  text: `Your account at ${publicUrl} was to be deleted and stays: somebody logged in to it, or asked to keep it, on ${toTimestamp(at)}.`,
})

/** @param at milliseconds since 1970 */
export const accountDeletedText = (at: number, { publicUrl }: TextContext): Message => ({
  subject: 'Your account was deleted',
  text: `Your account at ${publicUrl} was deleted on ${toTimestamp(at)}, with everything in it, as was asked for by this address. You can register anew.`,
})
