// Commands about mail: confirm, resend, hint, delete-by-mail; and what mail needs: change-email, change-hint.

import { pagePaths } from '../../contract/paths.ts'
import { encodedLength, linkTokenBytes } from '../../contract/sizes.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { chosenServer, connect, unlockWithPassword } from '../session.ts'
import { emailFrom, server } from './account.ts'

const connectTo = async (surroundings: Surroundings, option: string | undefined) =>
  connect(await chosenServer(surroundings, option), surroundings.state)

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

export const hint = command({
  name: 'hint',
  operands: ['EMAIL'],
  summary: 'have the password hint sent to the e-mail address',
  details:
    'It goes to the confirmed address of the account and nowhere else. The password itself nobody can recover.',
  example: 'limpet hint ada@example.com',
  options: { server },
  async run(surroundings, [address = ''], { server: option }) {
    const email = emailFrom(address)
    await (await connectTo(surroundings, option)).sendHint(email)
    remark('If the address is the confirmed one of an account, its hint is on its way.')
  },
})

export const deleteByMail = command({
  name: 'delete-by-mail',
  operands: ['EMAIL'],
  summary: 'have a link sent that deletes the account, for when the password is lost',
  details:
    'It goes to the confirmed address of the account and nowhere else. "limpet confirm" takes the link; the account goes after a waiting time, unless somebody logs in to it. Nobody can bring it back.',
  example: 'limpet delete-by-mail ada@example.com',
  options: { server },
  async run(surroundings, [address = ''], { server: option }) {
    const email = emailFrom(address)
    await (await connectTo(surroundings, option)).askForDeletion(email)
    remark('If the address is the confirmed one of an account, a mail is on its way.')
  },
})

export const changeEmail = command({
  name: 'change-email',
  accountOnly: true,
  operands: ['EMAIL'],
  summary: 'give the account another e-mail address',
  details:
    'Asks for the master password. Where the server sends mail, the account has the new address once the link was opened that is sent there.',
  example: 'limpet change-email ada@example.org',
  options: {},
  async run(surroundings, [address = '']) {
    const email = emailFrom(address)
    const { account, password } = await unlockWithPassword(surroundings)
    const { isConfirmationNeeded } = await withProgress('Changing the address', () =>
      account.changeEmail(password, email),
    )
    if (isConfirmationNeeded)
      remark(`A mail is on its way to ${email}. Open its link within a day, or give it to "limpet confirm".`)
    else remark(`The account has the address ${email} now. Logins take it from now on.`)
  },
})

export const changeHint = command({
  name: 'change-hint',
  accountOnly: true,
  operands: ['[TEXT]'],
  summary: 'replace the password hint, which the server can read; without a text, remove it',
  details: 'Asks for the master password.',
  example: 'limpet change-hint "the usual, with a snail"',
  options: {},
  async run(surroundings, [hint]) {
    const { account, password } = await unlockWithPassword(surroundings)
    if (hint?.includes(password))
      throw new CliError('usage', 'The hint contains the password, and the server can read the hint.')
    await withProgress('Changing the hint', () => account.setHint(password, hint ?? null))
    remark(
      hint === undefined ? 'The hint is removed.' : 'The hint is changed. "limpet hint EMAIL" has it sent.',
    )
  },
})
