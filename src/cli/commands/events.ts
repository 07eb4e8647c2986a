// The command for the account's security log: events.
import type { AccountEvent } from '../../sdk/index.ts'
import { print, printJson } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { table } from '../../terminal/table.ts'
import { localTime } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { unlock } from '../session.ts'

/** What happened, how often, and why. */
const named = ({ type, count, reason }: AccountEvent) =>
  [type, ...(count > 1 ? [`(${count} times)`] : []), ...(reason === null ? [] : [`(${reason})`])].join(' ')

export const events = command({
  name: 'events',
  accountOnly: true,
  operands: [],
  summary: 'show the security log of the account for 90 days, newest first',
  details:
    'Logins, failed logins and proofs of the password, changes of password, factors and tokens, deleted vaults and ended sessions, with device and address. Of each kind the last 100 are kept. Failures of one hour and address are one line with their number. A device is called what it called itself, also where its login failed.',
  example: 'limpet events --json',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  async run(surroundings, _operands, { json }) {
    const account = await unlock(surroundings)
    const log = await withProgress('Asking the server', () => account.events())
    if (json)
      printJson(
        log.map(({ type, at, device, address, count, reason }) => ({
          type,
          at,
          device,
          address,
          count,
          reason,
        })),
      )
    else
      print(
        ...table(
          ['TIME', 'EVENT', 'DEVICE', 'ADDRESS'],
          log.map((event) => [
            localTime(event.at),
            named(event),
            event.device?.name ?? '',
            event.address ?? '',
          ]),
        ),
      )
  },
})
