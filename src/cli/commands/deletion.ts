// Commands that delete the account: account delete, account delete-by-mail.
import { CliError } from '../../terminal/exit-codes.ts'
import { remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { connectTo, requireSession, unlockWithPassword } from '../session.ts'
import { endHolding } from '../unlock-keys.ts'
import { emailFrom, server } from './account.ts'

export const deleteNow = command({
  name: 'account delete',
  accountOnly: true,
  operands: [],
  summary: 'delete the account and everything in it from the server, for good',
  details:
    'Asks for the master password, and for the address of the account as a second line. Vaults, items, files, sessions and tokens go at once, and the copies here too. Nobody can bring them back: "limpet export" keeps a copy.',
  example: 'limpet account delete',
  options: {},
  async run(surroundings) {
    const { prompter, state } = surroundings
    const { server: url } = await requireSession(surroundings)
    const { account, password } = await unlockWithPassword(surroundings)
    const { email, quotas } = await withProgress('Asking the server', () => account.details())
    const content = `${counted(quotas.vaults.used, 'vault')} with ${counted(quotas.items.used, 'item')}`
    remark(
      `This deletes the account ${safeLine(email)} at ${url} for good, with everything in it: ${content}.`,
    )
    const typed = await prompter.line('Type the address of the account to delete it')
    if (typed.trim().toLowerCase() !== email.toLowerCase())
      throw new CliError('usage', 'That is not the address of the account. Nothing was deleted.')
    await withProgress('Deleting the account', () => account.delete(password), { atOnce: true })
    await endHolding(surroundings)
    await state.forget()
    remark(`The account ${safeLine(email)} is deleted, and so are the copies that were here.`)
  },
})

export const deleteByMail = command({
  name: 'account delete-by-mail',
  operands: ['EMAIL'],
  summary: 'have a link sent that deletes the account, for when the password is lost',
  details:
    'It goes to the confirmed address of the account and nowhere else. "limpet confirm" takes the link; the account goes after a waiting time, unless somebody logs in to it. Nobody can bring it back.',
  example: 'limpet account delete-by-mail ada@example.com',
  options: { server },
  async run(surroundings, [address = ''], { server: option }) {
    const email = emailFrom(address)
    await (await connectTo(surroundings, option)).askForDeletion(email)
    remark('If the address is the confirmed one of an account, a mail is on its way.')
  },
})
