// What mails say. Plain text: nothing in them is fetched, and nothing can be hidden.
import type { Config } from '../../config.ts'
import { toTimestamp } from '../encoding.ts'
import type { ServerKeys } from '../keys.ts'
import { confirmationToken } from './confirmation.ts'
import { type AccountChange, accountChanges, type Mail } from './outbox.ts'

export interface Addressee {
  readonly id: string
  readonly email: string
  readonly emailVerified: boolean
  readonly hint: string | null
}

export interface Message {
  readonly subject: string
  readonly text: string
}

const goodbye = (publicUrl: string) =>
  `\n\nThis mail comes from the password vault at ${publicUrl}. It cannot be answered.\n`

function confirm(to: Addressee, publicUrl: string, keys: ServerKeys, now: number): Message {
  return {
    subject: 'Confirm your e-mail address',
    text: `Somebody, most likely you, made an account at ${publicUrl} with this address.\n\nTo confirm that the address is yours, open this link within a day:\n\n${publicUrl}/confirm#${confirmationToken(keys.emailConfirmations, to, now)}\n\nIf it was not you, do nothing.`,
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
}

const accountChanged = (sentence: string, publicUrl: string, at: number): Message => ({
  subject: 'Your account was changed',
  text: `${sentence} This was on ${toTimestamp(at)}, in your account at ${publicUrl}.\n\nIf it was not you, log in, end all other sessions, revoke what you do not know, and change your master password.`,
})

/**
 * A mail as it is now to be sent, or undefined where there is no reason for it any more: the address is confirmed by now, or
 * was never, and nothing else may go there.
 */
export function writeMessage(
  { kind, detail, createdAt }: Mail,
  to: Addressee,
  { config, keys, now }: { config: Pick<Config, 'publicUrl'>; keys: ServerKeys; now: number },
): Message | undefined {
  const { publicUrl } = config
  const write = (): Message | undefined => {
    if (kind === 'confirm') return to.emailVerified ? undefined : confirm(to, publicUrl, keys, now)
    if (kind === 'already-registered')
      return {
        subject: 'You have an account already',
        text: `Somebody tried to make an account at ${publicUrl} with this address, which has one already. If it was you, log in with your master password. If it was not, nothing happened, and there is nothing to do.`,
      }
    // A stranger's address may have been given at registration; it learns nothing of the account.
    if (!to.emailVerified) return undefined
    if (kind === 'hint')
      return {
        subject: 'Your password hint',
        text: to.hint
          ? `You asked for the hint to your master password. It is:\n\n${to.hint}\n\nIf it was not you who asked, do nothing: the hint was sent to nobody else.`
          : `You asked for the hint to your master password. The account has none, and nobody can recover the password.`,
      }
    if (kind === 'account-changed') {
      const change = accountChanges.find((one) => one === detail)
      return change && accountChanged(changeSentences[change], publicUrl, createdAt)
    }
    return {
      subject: 'A new device logged in',
      text: `A device that calls itself "${detail}" logged in to your account at ${publicUrl} on ${toTimestamp(createdAt)}, for the first time.\n\nIf it was not you, log in, end its session, and change your master password.`,
    }
  }
  const message = write()
  return message && { ...message, text: message.text + goodbye(publicUrl) }
}
