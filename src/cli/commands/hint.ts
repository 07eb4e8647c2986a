// Commands about the reminder of the master password: hint set, remove, send.
import { CliError } from '../../terminal/exit-codes.ts'
import { remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { command, type Surroundings } from '../command.ts'
import { connectTo, unlockWithPassword } from '../session.ts'
import { emailFrom, server } from './account.ts'

async function change(surroundings: Surroundings, hint: string | null) {
  const { account, password } = await unlockWithPassword(surroundings)
  if (hint?.includes(password))
    throw new CliError('usage', 'The hint contains the password, and the server can read the hint.')
  await withProgress('Changing the hint', () => account.setHint(password, hint))
}

export const set = command({
  name: 'hint set',
  accountOnly: true,
  operands: ['TEXT'],
  summary: 'replace the password hint, which the server can read',
  details: 'Asks for the master password.',
  example: 'limpet hint set "the usual, with a snail"',
  options: {},
  async run(surroundings, [text = '']) {
    await change(surroundings, text)
    remark('The hint is changed. "limpet hint send EMAIL" has it sent.')
  },
})

export const remove = command({
  name: 'hint remove',
  accountOnly: true,
  operands: [],
  summary: 'remove the password hint',
  details: 'Asks for the master password.',
  example: 'limpet hint remove',
  options: {},
  async run(surroundings) {
    await change(surroundings, null)
    remark('The hint is removed.')
  },
})

export const send = command({
  name: 'hint send',
  operands: ['EMAIL'],
  summary: 'have the password hint sent to the e-mail address',
  details:
    'It goes to the confirmed address of the account and nowhere else. The password itself nobody can recover.',
  example: 'limpet hint send ada@example.com',
  options: { server },
  async run(surroundings, [address = ''], { server: option }) {
    const email = emailFrom(address)
    await (await connectTo(surroundings, option)).sendHint(email)
    remark('If the address is the confirmed one of an account, its hint is on its way.')
  },
})
