// The session of this installation, and the ways to unlock it.
import {
  type AcceptAuthKey,
  decodeBase64url,
  Limpet,
  LoggedOutError,
  OpenError,
  open,
  type SessionState,
  type Shares,
  sharesOf,
  TokenClient,
  type UnlockedAccount,
  unlockAssociatedData,
} from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { withProgress } from '../terminal/progress.ts'
import { safeLine } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'
import { fetchOverHttp } from './http-client.ts'
import type { StateFolder } from './state-folder.ts'

const defaultServer = 'http://localhost:8080'
const unlockKeyBytes = 32

/** What a client's constructor says of an address that must not be used, as a CliError. */
function refusingAddress<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof TypeError) throw new CliError('usage', `${safeLine(error.message)}.`)
    throw error
  }
}

/** A client of a server. Throws a CliError where its address must not be used. */
export async function connect(
  server: string,
  state: StateFolder,
  acceptAuthKey?: AcceptAuthKey,
): Promise<Limpet> {
  const device = await state.device()
  return refusingAddress(
    () =>
      new Limpet({
        server,
        device,
        storage: state.session,
        fetch: fetchOverHttp,
        ...(acceptAuthKey && { acceptAuthKey }),
      }),
  )
}

/** The server that a command without a session talks to. A token in the environment is not for the server of a session. */
export async function chosenServer(
  { environment, state }: Surroundings,
  option: string | undefined,
): Promise<string> {
  const known = option ?? environment.LIMPET_SERVER
  if (known !== undefined) return known
  const session = environment.LIMPET_TOKEN ? undefined : await state.session.load()
  return session?.server ?? defaultServer
}

/** The client of the token in the environment, or undefined without one. Throws a CliError where it must not be used. */
export async function tokenClient(surroundings: Surroundings): Promise<TokenClient | undefined> {
  const { LIMPET_TOKEN: bearerToken } = surroundings.environment
  if (!bearerToken) return undefined
  const server = await chosenServer(surroundings, undefined)
  return refusingAddress(() => new TokenClient({ server, bearerToken, fetch: fetchOverHttp }))
}

/** The shares of a server, by the session or by the token, which is for its own server and is not sent to another. */
export async function sharesOn(surroundings: Surroundings, option: string | undefined): Promise<Shares> {
  const server = await chosenServer(surroundings, option)
  const client = await tokenClient(surroundings)
  if (!client) return (await connect(server, surroundings.state)).shares
  const own = await chosenServer(surroundings, undefined)
  return server === own ? client.shares : refusingAddress(() => sharesOf(server, { fetch: fetchOverHttp }))
}

export async function requireSession({ state }: Pick<Surroundings, 'state'>): Promise<SessionState> {
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
  const [unlocked, session] = [await state.unlock.load(), await state.session.load()]
  if (!unlocked || unlocked.accountId !== accountId) throw staleKey()
  const { accountKeyVersion: version } = unlocked
  // The account key was changed, and this shell was unlocked with the one of before.
  if (version < (session?.accountKeyVersion ?? 1)) throw staleKey()
  try {
    const bytes = await open(decodeUnlockKey(text), unlockAssociatedData(accountId), unlocked.accountKey)
    return { bytes, version }
  } catch (error) {
    throw error instanceof OpenError ? staleKey() : error
  }
}

/** Asks for the master password and unlocks with it, also where something else could: the password is for what takes a proof. */
export async function unlockWithPassword({
  prompter,
  state,
}: Surroundings): Promise<{ account: UnlockedAccount; password: string }> {
  const { server } = await requireSession({ state })
  const limpet = await connect(server, state)
  const password = await prompter.secret('Master password')
  try {
    const account = await withProgress('Unlocking', () => limpet.unlock(password), { atOnce: true })
    return { account, password }
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
  const key = surroundings.environment.LIMPET_UNLOCK_KEY
  if (!key) return (await unlockWithPassword(surroundings)).account
  const limpet = await connect(server, surroundings.state)
  const { bytes, version } = await accountKeyFromEnvironment(surroundings, key, accountId)
  return limpet.unlockWith(bytes, version)
}
