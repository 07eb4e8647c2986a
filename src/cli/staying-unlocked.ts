// Keeps a login session unlocked: one entry of the password is enough for all of its shells.
import { seconds } from '../clock.ts'
import type { UnlockedAccount } from '../sdk/index.ts'
import { duration } from '../terminal/command.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import { formatDuration, parseDuration } from '../units.ts'
import type { Surroundings } from './command.ts'
import { loadConfiguration } from './configuration.ts'
import { defaultIdle, idleBounds } from './idle.ts'
import { heldKey } from './unlock-keys.ts'

/** Options of the commands that ask for the password anyway. */
export const stayingOptions = {
  agent: {
    type: 'boolean',
    help: 'keeps every shell of this login session unlocked, and does not ask about it',
  },
  idle: {
    type: 'string',
    value: 'TIME',
    help: 'how long it stays so without a command, such as 1h; otherwise as in "limpet config", then 15m',
  },
} as const

/** Their values. */
export interface Staying {
  readonly agent?: boolean | undefined
  readonly idle?: string | undefined
}

/** @returns milliseconds */
async function idleOf({ environment }: Surroundings, { idle: option }: Staying): Promise<number> {
  if (option !== undefined) return seconds(duration('idle', option, idleBounds))
  const { idle } = await loadConfiguration(environment)
  return idle === undefined ? defaultIdle : parseDuration(idle)
}

/** Keeps the login session unlocked from now on. Throws a CliError if the system does not have what it takes. */
export async function stayUnlocked(
  surroundings: Surroundings,
  account: UnlockedAccount,
  values: Staying,
): Promise<void> {
  const { agent } = surroundings
  if (!agent.isOffered)
    throw new CliError(
      'usage',
      'On Windows no process keeps the key. "limpet unlock" without --agent prints the key for one shell.',
    )
  const { accountId, accountKeyVersion: version } = account
  const idle = await idleOf(surroundings, values)
  await agent.hold({ accountId, bytes: account.exportKey(), version, idle })
  remark(
    `Unlocked for this login session: until "limpet lock", "limpet logout" or ${formatDuration(idle)} without a command.`,
  )
}

/** Asks a person whether the login session is to stay unlocked, unless it is, or an option has decided it. */
export async function offerToStayUnlocked(
  surroundings: Surroundings,
  account: UnlockedAccount,
  values: Staying,
): Promise<void> {
  const { agent, prompter } = surroundings
  if (values.agent) return stayUnlocked(surroundings, account, values)
  if (!agent.isOffered || !prompter.interactive || (await heldKey(surroundings, account.accountId))) return
  const idle = formatDuration(await idleOf(surroundings, values))
  const question = `Stay unlocked until "limpet lock", "limpet logout" or ${idle} without a command?`
  if (await prompter.confirm(question, { byDefault: true })) await stayUnlocked(surroundings, account, values)
  else remark('Commands ask for the master password. eval "$(limpet unlock)" unlocks one shell.')
}
