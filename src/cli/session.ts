// The session of this installation, and the ways to unlock it.
import {
  decodeBase64url,
  Limpet,
  LoggedOutError,
  OpenError,
  open,
  type SessionState,
  type UnlockedAccount,
  unlockContext,
} from '../client/index.ts'
import type { Surroundings } from './command.ts'
import { CliError } from './exit-codes.ts'
import { withProgress } from './progress.ts'
import type { StateFolder } from './state-folder.ts'
import { safeLine } from './terminal.ts'

const defaultServer = 'http://localhost:8080'
const unlockKeyBytes = 32

/** A client of a server. Throws a CliError where its address must not be used. */
export async function connect(server: string, state: StateFolder): Promise<Limpet> {
  try {
    return new Limpet({ server, device: await state.device(), storage: state.session })
  } catch (error) {
    if (error instanceof TypeError) throw new CliError('usage', `${safeLine(error.message)}.`)
    throw error
  }
}

/** The server that a command without a session talks to. */
export async function chosenServer(
  { environment, state }: Surroundings,
  option: string | undefined,
): Promise<string> {
  return option ?? environment.LIMPET_SERVER ?? (await state.session.load())?.server ?? defaultServer
}

export async function requireSession({ state }: Surroundings): Promise<SessionState> {
  const session = await state.session.load()
  if (!session) throw new LoggedOutError('There is no session.')
  return session
}

/** Why `LIMPET_UNLOCK_KEY` does not work any more: sentence and remedy. */
const staleKey = () =>
  new CliError(
    'wrongPassword',
    'LIMPET_UNLOCK_KEY does not open anything here any more. Run eval "$(limpet unlock)" again, or "unset LIMPET_UNLOCK_KEY" to be asked for the password.',
  )

function decodeUnlockKey(text: string): Uint8Array {
  try {
    const key = decodeBase64url(text)
    if (key.length === unlockKeyBytes) return key
  } catch {
    // Said below.
  }
  throw staleKey()
}

/** The account key that `limpet unlock` left under the key in this shell's environment. Throws a CliError. */
export async function accountKeyFromEnvironment({ state }: Surroundings, text: string, accountId: string) {
  const unlocked = await state.unlock.load()
  if (!unlocked || unlocked.accountId !== accountId) throw staleKey()
  try {
    return await open(decodeUnlockKey(text), unlockContext(accountId), unlocked.accountKey)
  } catch (error) {
    throw error instanceof OpenError ? staleKey() : error
  }
}

/** Asks for the master password and unlocks with it. */
export async function unlockWithPassword(
  { prompter }: Surroundings,
  limpet: Limpet,
): Promise<UnlockedAccount> {
  const password = await prompter.secret('Master password')
  try {
    return await withProgress('Unlocking', () => limpet.unlock(password), { atOnce: true })
  } catch (error) {
    if (!(error instanceof OpenError)) throw error
    throw new CliError(
      'wrongPassword',
      'The master password is wrong. If it was changed on another device, "limpet login EMAIL" comes first.',
    )
  }
}

/** The unlocked account: by the key in the environment, or by the password. Does not ask the server. */
export async function unlock(surroundings: Surroundings): Promise<UnlockedAccount> {
  const { accountId, server } = await requireSession(surroundings)
  const limpet = await connect(server, surroundings.state)
  const key = surroundings.environment.LIMPET_UNLOCK_KEY
  if (!key) return unlockWithPassword(surroundings, limpet)
  return limpet.unlockWith(await accountKeyFromEnvironment(surroundings, key, accountId))
}
