// Every command, in the order in which help shows them; and the overview, which is made from them.

import type { Command } from '../terminal/command.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { columns } from '../terminal/help.ts'
import type { Surroundings } from './command.ts'

type Loaded = Promise<Command<Surroundings>>

/** Each is loaded when it is called, because loading all of them takes longer than most of them run. */
const commands: Readonly<Record<string, () => Loaded>> = {
  register: async () => (await import('./commands/account.ts')).register,
  login: async () => (await import('./commands/account.ts')).login,
  logout: async () => (await import('./commands/account.ts')).logout,
  status: async () => (await import('./commands/account.ts')).status,
  events: async () => (await import('./commands/events.ts')).events,
  confirm: async () => (await import('./commands/email.ts')).confirm,
  resend: async () => (await import('./commands/email.ts')).resend,
  hint: async () => (await import('./commands/email.ts')).hint,
  'change-hint': async () => (await import('./commands/email.ts')).changeHint,
  'change-email': async () => (await import('./commands/email.ts')).changeEmail,
  'delete-by-mail': async () => (await import('./commands/email.ts')).deleteByMail,
  unlock: async () => (await import('./commands/unlocking.ts')).unlock,
  lock: async () => (await import('./commands/unlocking.ts')).lock,
  add: async () => (await import('./commands/writing.ts')).add,
  get: async () => (await import('./commands/reading.ts')).get,
  list: async () => (await import('./commands/reading.ts')).list,
  edit: async () => (await import('./commands/writing.ts')).edit,
  rm: async () => (await import('./commands/writing.ts')).rm,
  restore: async () => (await import('./commands/writing.ts')).restore,
  attach: async () => (await import('./commands/files.ts')).attach,
  attachment: async () => (await import('./commands/files.ts')).attachment,
  sync: async () => (await import('./commands/sync.ts')).sync,
  share: async () => (await import('./commands/sharing.ts')).share,
  open: async () => (await import('./commands/opening.ts')).open,
  token: async () => (await import('./commands/token.ts')).token,
  'second-factor': async () => (await import('./commands/second-factor.ts')).secondFactor,
  vault: async () => (await import('./commands/keys.ts')).vault,
  account: async () => (await import('./commands/keys.ts')).account,
  password: async () => (await import('./commands/password.ts')).password,
  generate: async () => (await import('./commands/tools.ts')).generate,
  derive: async () => (await import('./commands/tools.ts')).derive,
}

/** @returns undefined if there is no command of this name */
export const findCommand = async (name: string): Promise<Command<Surroundings> | undefined> =>
  Object.hasOwn(commands, name) ? commands[name]?.() : undefined

/** Every command, by the name under which it is called. */
export const loadCommands = async (): Promise<[string, Command<Surroundings>][]> => {
  const loaded: [string, Command<Surroundings>][] = []
  for (const [name, load] of Object.entries(commands)) loaded.push([name, await load()])
  return loaded
}

export const overview = async (): Promise<string[]> => [
  'limpet: a password vault that its server cannot open',
  '',
  ...columns((await loadCommands()).map(([name, { summary }]) => [name, summary])),
  '',
  'limpet help COMMAND   what a command takes, with an example',
  'limpet help exit      the exit codes',
  'limpet --version',
]

export const exitCodeHelp = (): string[] =>
  columns(Object.values(exitCodes).map(({ code, means }) => [String(code), means]))
