// Every command, in the order in which help shows them; and the overview, which is made from them.

import { CommandList } from '../terminal/command-list.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { columns } from '../terminal/help.ts'
import type { Line } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'

export const commands: CommandList<Surroundings> = new CommandList<Surroundings>('limpet', {
  Session: {
    register: async () => (await import('./commands/account.ts')).register,
    login: async () => (await import('./commands/account.ts')).login,
    logout: async () => (await import('./commands/account.ts')).logout,
    unlock: async () => (await import('./commands/unlocking.ts')).unlock,
    lock: async () => (await import('./commands/unlocking.ts')).lock,
    status: async () => (await import('./commands/status.ts')).status,
    sync: async () => (await import('./commands/sync.ts')).sync,
  },
  Items: {
    add: async () => (await import('./commands/writing.ts')).add,
    get: async () => (await import('./commands/reading.ts')).get,
    list: async () => (await import('./commands/reading.ts')).list,
    totp: async () => (await import('./commands/totp.ts')).totp,
    edit: async () => (await import('./commands/writing.ts')).edit,
    rm: async () => (await import('./commands/writing.ts')).rm,
    history: async () => (await import('./commands/history.ts')).history,
    restore: async () => (await import('./commands/writing.ts')).restore,
    attach: async () => (await import('./commands/attaching.ts')).attach,
    'attachment list': async () => (await import('./commands/attachments.ts')).list,
    'attachment get': async () => (await import('./commands/attachments.ts')).get,
    'attachment rm': async () => (await import('./commands/attachments.ts')).remove,
  },
  Vaults: {
    'vault list': async () => (await import('./commands/vaults.ts')).list,
    'vault create': async () => (await import('./commands/vaults.ts')).create,
    'vault rename': async () => (await import('./commands/vaults.ts')).rename,
    'vault rm': async () => (await import('./commands/vaults.ts')).remove,
    'vault rotate-key': async () => (await import('./commands/keys.ts')).rotateVaultKey,
  },
  'Moving in and out': {
    import: async () => (await import('./commands/import.ts')).importFile,
    export: async () => (await import('./commands/export.ts')).exportCommand,
  },
  'One-time links': {
    share: async () => (await import('./commands/sharing.ts')).share,
    'share list': async () => (await import('./commands/kept-shares.ts')).list,
    'share receipt': async () => (await import('./commands/kept-shares.ts')).receipt,
    'share revoke': async () => (await import('./commands/kept-shares.ts')).revoke,
    open: async () => (await import('./commands/opening.ts')).open,
  },
  'Secrets for programs': {
    run: async () => (await import('./commands/programs.ts')).run,
    inject: async () => (await import('./commands/programs.ts')).inject,
    'ssh-agent': async () => (await import('./commands/ssh-agent.ts')).sshAgent,
  },
  'Tokens for scripts': {
    'token create': async () => (await import('./commands/token.ts')).create,
    'token list': async () => (await import('./commands/token.ts')).list,
    'token revoke': async () => (await import('./commands/token.ts')).revoke,
  },
  Account: {
    password: async () => (await import('./commands/password.ts')).password,
    email: async () => (await import('./commands/email.ts')).email,
    'hint set': async () => (await import('./commands/hint.ts')).set,
    'hint remove': async () => (await import('./commands/hint.ts')).remove,
    'hint send': async () => (await import('./commands/hint.ts')).send,
    confirm: async () => (await import('./commands/email.ts')).confirm,
    resend: async () => (await import('./commands/email.ts')).resend,
    'sessions list': async () => (await import('./commands/sessions.ts')).list,
    'sessions end': async () => (await import('./commands/sessions.ts')).end,
    'second-factor list': async () => (await import('./commands/second-factor.ts')).list,
    'second-factor add': async () => (await import('./commands/second-factor.ts')).add,
    'second-factor remove': async () => (await import('./commands/second-factor.ts')).remove,
    'second-factor recovery-codes': async () => (await import('./commands/second-factor.ts')).recoveryCodes,
    events: async () => (await import('./commands/events.ts')).events,
    'account rotate-key': async () => (await import('./commands/keys.ts')).rotateAccountKey,
    'account delete': async () => (await import('./commands/deletion.ts')).deleteNow,
    'account delete-by-mail': async () => (await import('./commands/deletion.ts')).deleteByMail,
  },
  Tools: {
    generate: async () => (await import('./commands/tools.ts')).generate,
    derive: async () => (await import('./commands/tools.ts')).derive,
    'config list': async () => (await import('./commands/config.ts')).list,
    'config get': async () => (await import('./commands/config.ts')).get,
    'config set': async () => (await import('./commands/config.ts')).set,
    'config unset': async () => (await import('./commands/config.ts')).unset,
    completion: async () => (await import('./commands/completion.ts')).completionOf(() => commands.load()),
  },
})

export const overview = async (): Promise<Line[]> => [
  'limpet: a password vault that its server cannot open',
  ...(await commands.overview()),
  '',
  'limpet help COMMAND   what a command takes, with an example',
  'limpet help exit      the exit codes',
  'limpet --version',
]

export const exitCodeHelp = (): string[] =>
  columns(Object.values(exitCodes).map(({ code, means }) => [String(code), means])).flat()
