// Every command of `limpet-server`, in the order in which help shows them; and the overview, which is made from them.
import { CommandList } from '../terminal/command-list.ts'
import type { Line } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'

export const commands = new CommandList<Surroundings>('limpet-server', {
  Server: {
    start: async () => (await import('./serving.ts')).start,
    migrate: async () => (await import('./serving.ts')).migrate,
    doctor: async () => (await import('./doctor/command.ts')).doctor,
    'new-opaque-setup': async () => (await import('./serving.ts')).newOpaqueSetup,
  },
  'Settings that are secret': {
    'credentials init': async () => (await import('./credentials.ts')).init,
    'credentials get': async () => (await import('./credentials.ts')).get,
    'credentials show': async () => (await import('./credentials.ts')).show,
    'credentials edit': async () => (await import('./credentials.ts')).edit,
    'credentials encrypt': async () => (await import('./credentials.ts')).encrypt,
    'credentials decrypt': async () => (await import('./credentials.ts')).decrypt,
  },
  Data: {
    backup: async () => (await import('./backups.ts')).backup,
    restore: async () => (await import('./backups.ts')).restore,
    verify: async () => (await import('./backups.ts')).verify,
    move: async () => (await import('./moving.ts')).move,
    partition: async () => (await import('./partitioning.ts')).partition,
    'items history': async () => (await import('./items.ts')).history,
    'items bring-back': async () => (await import('./items.ts')).bringBackOne,
  },
  People: {
    'invite create': async () => (await import('./invites.ts')).create,
    'invite list': async () => (await import('./invites.ts')).list,
    'invite revoke': async () => (await import('./invites.ts')).revoke,
    'users list': async () => (await import('./users.ts')).list,
    'users disable': async () => (await import('./users.ts')).disable,
    'users enable': async () => (await import('./users.ts')).enable,
    'users reset-factors': async () => (await import('./users.ts')).resetFactors,
    'users delete': async () => (await import('./users.ts')).remove,
    'sessions end': async () => (await import('./sessions.ts')).end,
  },
})

export const overview = async (): Promise<Line[]> => [
  "limpet-server: the server, and the operator's command line",
  ...(await commands.overview()),
  '',
  'limpet-server help COMMAND   what a command takes, with an example',
  'limpet-server --version',
  '',
  'The configuration comes from the environment; .env.example lists every setting.',
]
