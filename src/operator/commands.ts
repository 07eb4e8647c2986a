// Every command of `limpet-server`, in the order in which help shows them; and the overview, which is made from them.
import type { Command } from '../terminal/command.ts'
import { columns } from '../terminal/help.ts'
import type { Surroundings } from './command.ts'

type Loaded = Promise<Command<Surroundings>>

/** Each is loaded when it is called, because loading all of them takes longer than most of them run. */
const commands: Readonly<Record<string, () => Loaded>> = {
  start: async () => (await import('./serving.ts')).start,
  migrate: async () => (await import('./serving.ts')).migrate,
  'new-opaque-setup': async () => (await import('./serving.ts')).newOpaqueSetup,
  'credentials init': async () => (await import('./credentials.ts')).init,
  'credentials get': async () => (await import('./credentials.ts')).get,
  'credentials show': async () => (await import('./credentials.ts')).show,
  'credentials edit': async () => (await import('./credentials.ts')).edit,
  'credentials encrypt': async () => (await import('./credentials.ts')).encrypt,
  'credentials decrypt': async () => (await import('./credentials.ts')).decrypt,
  backup: async () => (await import('./backups.ts')).backup,
  restore: async () => (await import('./backups.ts')).restore,
  verify: async () => (await import('./backups.ts')).verify,
  move: async () => (await import('./moving.ts')).move,
  doctor: async () => (await import('./doctor/command.ts')).doctor,
  'invite create': async () => (await import('./invites.ts')).create,
  'invite list': async () => (await import('./invites.ts')).list,
  'invite revoke': async () => (await import('./invites.ts')).revoke,
  'users list': async () => (await import('./users.ts')).list,
  'users disable': async () => (await import('./users.ts')).disable,
  'users enable': async () => (await import('./users.ts')).enable,
  'users reset-factors': async () => (await import('./users.ts')).resetFactors,
  'users delete': async () => (await import('./users.ts')).remove,
  'items history': async () => (await import('./items.ts')).history,
  'items bring-back': async () => (await import('./items.ts')).bringBackOne,
  'sessions end': async () => (await import('./sessions.ts')).end,
}

/** @returns undefined if there is no command of this name */
const load = async (name: string): Promise<Command<Surroundings> | undefined> =>
  Object.hasOwn(commands, name) ? commands[name]?.() : undefined

/** The command of the first one or two words, and what stands behind them. */
export async function findCommand([first = '', second, ...rest]: readonly string[]) {
  const one = await load(first)
  if (one) return { command: one, args: second === undefined ? [] : [second, ...rest] }
  const two = await load(`${first} ${second}`)
  return two && { command: two, args: rest }
}

/** Every command, by the name under which it is called. */
export const loadCommands = async (): Promise<[string, Command<Surroundings>][]> => {
  const loaded: [string, Command<Surroundings>][] = []
  for (const [name, loadOne] of Object.entries(commands)) loaded.push([name, await loadOne()])
  return loaded
}

export const overview = async (): Promise<string[]> => [
  "limpet-server: the server, and the operator's command line",
  '',
  ...columns((await loadCommands()).map(([name, { summary }]) => [name, summary])),
  '',
  'limpet-server help COMMAND   what a command takes, with an example',
  'limpet-server --version',
  '',
  'The configuration comes from the environment; .env.example lists every setting.',
]
