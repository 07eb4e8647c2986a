// Commands about the account's e-mail address: email, resend; and about the links in mails: confirm.

import { pagePaths } from '../../contract/paths.ts'
import { encodedLength, linkTokenBytes } from '../../contract/sizes.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { connectTo, unlockWithPassword } from '../session.ts'
import { emailFrom, server } from './account.ts'

/** The page that a link of a mail opens, and the token. What stands after "#" alone is taken for a confirmation. */
const linkForm = new RegExp(`([^#]*)#([\\w-]{${encodedLength(linkTokenBytes)}})$`)

export const confirm = command({
  name: 'confirm',
  operands: [],
  summary: 'do what the link of a mail is for: confirm an address, delete an account, keep it',
  details:
    'Asks for the link, or takes it as the first line of standard input. Its page in a browser does the same. A link that deletes an account starts the waiting time of the server, in which a login keeps the account.',
  example: 'limpet confirm --server https://vault.example.com',
  options: { server },
  async run(surroundings, _operands, { server: option }) {
    const link = await surroundings.prompter.secret('The link from the mail')
    const [, page = '', token] = linkForm.exec(link.trim()) ?? []
    if (token === undefined)
      throw new CliError('usage', 'That is not the whole link from the mail. Copy it again, to its end.')
    const limpet = await connectTo(surroundings, option)
    if (page.endsWith(pagePaths.deleteAccount)) {
      const { deletesAt } = await limpet.startDeletion(token)
      remark(
        `The account goes on ${localTime(deletesAt)}, with everything in it. Logging in before keeps it.`,
      )
    } else if (page.endsWith(pagePaths.keepAccount)) {
      await limpet.cancelDeletion(token)
      remark('The account stays. Nothing was deleted.')
    } else {
      await limpet.confirmEmail(token)
      remark('The address is confirmed. "limpet login EMAIL" is next.')
    }
  },
})

export const resend = command({
  name: 'resend',
  operands: ['EMAIL'],
  summary: 'have the confirmation mail sent again',
  example: 'limpet resend ada@example.com',
  options: { server },
  async run(surroundings, [address = ''], { server: option }) {
    const email = emailFrom(address)
    await (await connectTo(surroundings, option)).resendConfirmation(email)
    remark('If an account of the address waits for its confirmation, a mail is on its way.')
  },
})

export const email = command({
  name: 'email',
  accountOnly: true,
  operands: ['EMAIL'],
  summary: 'give the account another e-mail address',
  details:
    'Asks for the master password. Where the server sends mail, the account has the new address once the link was opened that is sent there.',
  example: 'limpet email ada@example.org',
  options: {},
  async run(surroundings, [address = '']) {
    const next = emailFrom(address)
    const { account, password } = await unlockWithPassword(surroundings)
    const { isConfirmationNeeded } = await withProgress('Changing the address', () =>
      account.changeEmail(password, next),
    )
    if (isConfirmationNeeded)
      remark(`A mail is on its way to ${next}. Open its link within a day, or give it to "limpet confirm".`)
    else remark(`The account has the address ${next} now. Logins take it from now on.`)
  },
})
