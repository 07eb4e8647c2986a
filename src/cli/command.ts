// `command`: how every command of `limpet` is declared, and what they all work with.
import { commandOf, type Purpose } from '../terminal/command.ts'
import { CliError } from '../terminal/exit-codes.ts'
import type { Prompter } from '../terminal/prompter.ts'
import type { Agent } from './agent/agent.ts'
import type { Keychain } from './keychain.ts'
import type { StateFolder } from './state-folder.ts'

/** What a command of `limpet` works with. */
export interface Surroundings {
  readonly state: StateFolder
  readonly prompter: Prompter
  readonly environment: NodeJS.ProcessEnv
  /** The process that keeps this login session unlocked. */
  readonly agent: Agent
  /** The system's keychain, which can do so too. */
  readonly keychain: Keychain
  /** Does what goes on until a signal ends the program, see `terminal/until-signal.ts`. */
  readonly untilSignal: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>
}

/** A token in the environment would otherwise be passed over, and the command would be about another account. */
function refuseToken({ name, accountOnly }: Purpose, { environment }: Surroundings) {
  if (accountOnly && environment.LIMPET_TOKEN)
    throw new CliError(
      'usage',
      `"limpet ${name}" is about the account, and LIMPET_TOKEN is set, which stands for one vault only. "unset LIMPET_TOKEN" comes first.`,
    )
}

export const command = commandOf<Surroundings>('limpet', refuseToken)
