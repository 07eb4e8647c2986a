// Every command of `limpet-server`, in the order in which help shows them; and the overview, which is made from them.
import type { Command } from '../cli/command.ts'
import { columns } from '../cli/help.ts'
import { backup, restore, verify } from './backups.ts'
import type { Surroundings } from './command.ts'
import * as credentials from './credentials.ts'
import { doctor } from './doctor/command.ts'
import * as invites from './invites.ts'
import { move } from './moving.ts'
import { migrate, newOpaqueSetup, start } from './serving.ts'
import * as users from './users.ts'

const commands: readonly Command<Surroundings>[] = [
  start,
  migrate,
  newOpaqueSetup,
  credentials.init,
  credentials.get,
  credentials.show,
  credentials.edit,
  credentials.encrypt,
  credentials.decrypt,
  backup,
  restore,
  verify,
  move,
  doctor,
  invites.create,
  invites.list,
  invites.revoke,
  users.list,
  users.disable,
  users.enable,
  users.resetFactors,
  users.remove,
]

/** The command of the first one or two words, and what stands behind them. */
export function findCommand([first, second, ...rest]: readonly string[]) {
  const one = commands.find(({ name }) => name === first)
  if (one) return { command: one, args: second === undefined ? [] : [second, ...rest] }
  const two = commands.find(({ name }) => name === `${first} ${second}`)
  return two && { command: two, args: rest }
}

export const overview = (): string[] => [
  'limpet-server: the server, and the command line of whoever runs it',
  '',
  ...columns(commands.map(({ name, summary }) => [name, summary])),
  '',
  'limpet-server help COMMAND   what a command takes, with an example',
  'limpet-server --version',
  '',
  'The configuration comes from the environment; .env.example lists every setting.',
]
