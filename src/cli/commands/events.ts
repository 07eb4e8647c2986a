// The command for the account's security log: events.
import { command } from '../command.ts'
import { print, printJson } from '../output.ts'
import { withProgress } from '../progress.ts'
import { unlock } from '../session.ts'
import { localTime, table } from '../terminal.ts'

export const events = command({
  name: 'events',
  accountOnly: true,
  operands: [],
  summary: 'show the security log of the account for 90 days, newest first',
  details:
    'Logins, failed logins, password changes and ended sessions, with device and address. A device is called what it called itself, also where its login failed.',
  example: 'limpet events --json',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  async run(surroundings, _operands, { json }) {
    const account = await unlock(surroundings)
    const log = await withProgress('Asking the server', () => account.events())
    if (json) printJson(log.map(({ type, at, device, address }) => ({ type, at, device, address })))
    else
      print(
        ...table(
          ['TIME', 'EVENT', 'DEVICE', 'ADDRESS'],
          log.map(({ type, at, device, address }) => [
            localTime(at),
            type,
            device?.name ?? '',
            address ?? '',
          ]),
        ),
      )
  },
})
