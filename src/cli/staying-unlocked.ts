// Keeps a login session unlocked: one entry of the password is enough for all of its shells.
import { seconds } from '../clock.ts'
import type { UnlockedAccount } from '../sdk/index.ts'
import { duration } from '../terminal/command.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import { formatDuration, parseDuration } from '../units.ts'
import { type Keeper, keeperNamed } from './account-key.ts'
import type { Surroundings } from './command.ts'
import { loadConfiguration } from './configuration.ts'
import { defaultIdle, idleBounds } from './idle.ts'
import { heldKey, holdForSession } from './unlock-keys.ts'

/** Options of the commands that ask for the password anyway. */
export const stayingOptions = {
  agent: {
    type: 'boolean',
    help: 'keeps every shell of this login session unlocked, and does not ask about it',
  },
  keychain: {
    type: 'boolean',
    help: "the same by the system's keychain in place of a process, also after a restart",
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
  readonly keychain?: boolean | undefined
  readonly idle?: string | undefined
}

/** By what the login session is to be kept unlocked, and for how many milliseconds without a command. Throws a CliError. */
async function choose(
  { environment }: Surroundings,
  values: Staying,
): Promise<{ keeper: Keeper; idle: number }> {
  if (values.agent && values.keychain)
    throw new CliError('usage', '--agent and --keychain exclude each other: one of them keeps the key.')
  const set = await loadConfiguration(environment)
  const keeper =
    (values.agent && 'agent') || (values.keychain && 'keychain') || keeperNamed(set.unlock) || 'agent'
  if (values.idle !== undefined) return { keeper, idle: seconds(duration('idle', values.idle, idleBounds)) }
  return { keeper, idle: set.idle === undefined ? defaultIdle : parseDuration(set.idle) }
}

/** Whether it can be tried: of a keychain only its use tells. */
const isOffered = ({ agent }: Surroundings, keeper: Keeper) => keeper === 'keychain' || agent.isOffered

/** Whether "limpet unlock" is for the login session unless its options or its output say otherwise. */
export const unlocksSession = async (surroundings: Surroundings, values: Staying): Promise<boolean> =>
  isOffered(surroundings, (await choose(surroundings, values)).keeper)

/** Keeps the login session unlocked from now on. Throws a CliError if the system does not have what it takes. */
export async function stayUnlocked(
  surroundings: Surroundings,
  account: UnlockedAccount,
  values: Staying,
): Promise<void> {
  const chosen = await choose(surroundings, values)
  if (!isOffered(surroundings, chosen.keeper))
    throw new CliError(
      'usage',
      'On Windows no process keeps the key. --keychain puts it into the Credential Manager; "limpet unlock" without --agent prints a key for one shell.',
    )
  await holdForSession(surroundings, account, chosen)
  remark(
    `Unlocked ${chosen.keeper === 'agent' ? 'for this login session' : "by the system's keychain"}: until "limpet lock", "limpet logout" or ${formatDuration(chosen.idle)} without a command.`,
  )
}

/** Asks a person whether the login session is to stay unlocked, unless it is, or an option has decided it. */
export async function offerToStayUnlocked(
  surroundings: Surroundings,
  account: UnlockedAccount,
  values: Staying,
): Promise<void> {
  const { prompter } = surroundings
  if (values.agent || values.keychain) return stayUnlocked(surroundings, account, values)
  const { keeper, idle } = await choose(surroundings, values)
  if (!isOffered(surroundings, keeper) || !prompter.interactive) return
  if (await heldKey(surroundings, account.accountId)) return
  const by = keeper === 'keychain' ? " by the system's keychain" : ''
  const question = `Stay unlocked${by} until "limpet lock", "limpet logout" or ${formatDuration(idle)} without a command?`
  if (await prompter.confirm(question, { byDefault: true })) await stayUnlocked(surroundings, account, values)
  else remark('Commands ask for the master password. eval "$(limpet unlock)" unlocks one shell.')
}
