// Commands about the account's e-mail address: confirm, resend, hint.
import { command, type Surroundings } from '../command.ts'
import { CliError } from '../exit-codes.ts'
import { remark } from '../output.ts'
import { chosenServer, connect } from '../session.ts'
import { emailFrom, server } from './account.ts'

const connectTo = async (surroundings: Surroundings, option: string | undefined) =>
  connect(await chosenServer(surroundings, option), surroundings.state)

export const confirm = command({
  name: 'confirm',
  operands: [],
  summary: 'confirm the e-mail address by the link that was sent there',
  details:
    'Asks for the link, or takes it as the first line of standard input. Its page in a browser does the same.',
  example: 'limpet confirm --server https://vault.example.com',
  options: { server },
  async run(surroundings, _operands, { server: option }) {
    const link = await surroundings.prompter.secret('The link from the mail')
    const token = /#([\w-]{72})$/.exec(link.trim())?.[1]
    if (token === undefined)
      throw new CliError('usage', 'That is not the whole link from the mail. Copy it again, to its end.')
    await (await connectTo(surroundings, option)).confirmEmail(token)
    remark('The address is confirmed. "limpet login EMAIL" is next.')
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
    remark('If the address has an account that is not confirmed, a mail is on its way.')
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
