// Every command, in the order in which help shows them; and the overview, which is made from them.
import type { Command, Surroundings } from './command.ts'
import { login, logout, register, status } from './commands/account.ts'
import { confirm, hint, resend } from './commands/email.ts'
import { events } from './commands/events.ts'
import { open } from './commands/opening.ts'
import { get, list } from './commands/reading.ts'
import { secondFactor } from './commands/second-factor.ts'
import { share } from './commands/sharing.ts'
import { sync } from './commands/sync.ts'
import { token } from './commands/token.ts'
import { derive, generate } from './commands/tools.ts'
import { lock, unlock } from './commands/unlocking.ts'
import { add, edit, restore, rm } from './commands/writing.ts'
import { exitCodes } from './exit-codes.ts'
import { columns } from './help.ts'

const commands: readonly Command<Surroundings>[] = [
  register,
  login,
  logout,
  status,
  events,
  confirm,
  resend,
  hint,
  unlock,
  lock,
  add,
  get,
  list,
  edit,
  rm,
  restore,
  sync,
  share,
  open,
  token,
  secondFactor,
  generate,
  derive,
]

export const findCommand = (name: string) => commands.find((command) => command.name === name)

export const overview = (): string[] => [
  'limpet: a password vault that its server cannot open',
  '',
  ...columns(commands.map(({ name, summary }) => [name, summary])),
  '',
  'limpet help COMMAND   what a command takes, with an example',
  'limpet help exit      the exit codes',
  'limpet --version',
]

export const exitCodeHelp = (): string[] =>
  columns(Object.values(exitCodes).map(({ code, means }) => [String(code), means]))
