// The session of this installation, and the ways to unlock it.
import {
  type AcceptAuthKey,
  isEnded,
  Limpet,
  LoggedOutError,
  OpenError,
  type SessionState,
  type Shares,
  sharesOf,
  TokenClient,
  type UnlockedAccount,
} from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import { withProgress } from '../terminal/progress.ts'
import { safeLine } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'
import { loadConfiguration } from './configuration.ts'
import { fetchOverHttp } from './http-client.ts'
import type { StateFolder } from './state-folder.ts'
import { heldKey } from './unlock-keys.ts'

const defaultServer = 'http://localhost:8080'

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
  return session?.server ?? (await loadConfiguration(environment)).server ?? defaultServer
}

/** A client of the server that a command without a session talks to. */
export const connectTo = async (surroundings: Surroundings, option: string | undefined): Promise<Limpet> =>
  connect(await chosenServer(surroundings, option), surroundings.state)

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
  return server === own ? client.shares : strangerShares(server)
}

/** The shares of a server for who has no account there. */
export const strangerShares = (server: string): Shares =>
  refusingAddress(() => sharesOf(server, { fetch: fetchOverHttp }))

export async function requireSession({ state }: Pick<Surroundings, 'state'>): Promise<SessionState> {
  const session = await state.session.load()
  if (!session) throw new LoggedOutError('There is no session.')
  // Before a password is asked for.
  if (isEnded(session)) throw new LoggedOutError('The session has ended. Log in again.')
  return session
}

/** A sentence in which the hint to log in names the address and the server of the session that was here, so that it can be pasted. */
export async function naming({ state }: Pick<Surroundings, 'state'>, sentence: string): Promise<string> {
  const session = await state.session.load().catch(() => undefined)
  if (!session) return sentence
  const { email, server } = session
  const option = server === defaultServer ? '' : ` --server ${server}`
  return sentence.replaceAll('limpet login EMAIL', `limpet login ${email}${option}`)
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

/** Before a question for the password: why the key in the environment does not spare it. Throws a CliError without a terminal. */
function explainStaleKey({ environment, prompter }: Surroundings) {
  if (!environment.LIMPET_UNLOCK_KEY) return
  const why = 'LIMPET_UNLOCK_KEY opens nothing here any more.'
  // The next line of a script's input is not meant to be the password.
  if (!prompter.interactive)
    throw new CliError(
      'wrongPassword',
      `${why} Run eval "$(limpet unlock)" again, or "unset LIMPET_UNLOCK_KEY" to be asked for the password.`,
    )
  remark(`${why} eval "$(limpet unlock)" makes a new one for this shell.`)
}

/** The account that this shell or login session has unlocked. Asks nothing. @returns undefined without a session, beside a token, and if it is locked */
export async function unlockedHere(surroundings: Surroundings): Promise<UnlockedAccount | undefined> {
  const { state, environment } = surroundings
  const session = await state.session.load()
  if (!session || isEnded(session) || environment.LIMPET_TOKEN) return undefined
  const key = await heldKey(surroundings, session.accountId)
  return key && (await connect(session.server, state)).unlockWith(key.bytes, key.version)
}

/** The unlocked account: by the key of this shell or login session, or by the password. Does not ask the server. */
export async function unlock(surroundings: Surroundings): Promise<UnlockedAccount> {
  await requireSession(surroundings)
  const unlocked = await unlockedHere(surroundings)
  if (unlocked) return unlocked
  explainStaleKey(surroundings)
  return (await unlockWithPassword(surroundings)).account
}
