// Command that signs for SSH with keys of the vault: ssh-agent.
import { isItemContent } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, remark } from '../../terminal/output.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { placeForSocket } from '../agent/place.ts'
import { type Listening, listenAt } from '../agent/private-socket.ts'
import { runProgramWith } from '../child.ts'
import { command, type Surroundings } from '../command.ts'
import { lockWatch } from '../lock-watch.ts'
import type { SigningKey } from '../ssh-agent/keys.ts'
import { chosenVaults, openWorkspace, type Workspace } from '../workspace.ts'

/** The answer that lists more does not fit into one message of the protocol. */
const mostKeys = 200

async function keysOf(workspace: Workspace, vaultName: string | undefined): Promise<SigningKey[]> {
  const { readSigningKey } = await import('../ssh-agent/keys.ts')
  const vaults = new Set(chosenVaults(workspace, vaultName))
  const keys = new Map<string, SigningKey>()
  for (const { vault, item } of workspace.entries) {
    const { content, deletedAt } = item
    if (!vaults.has(vault) || deletedAt !== null) continue
    if (!isItemContent(content) || content.kind !== 'ssh-key' || !content.privateKey) continue
    const key = readSigningKey(content.name, content.privateKey)
    if (typeof key === 'string') remark(`"${safeLine(content.name)}" is left out. ${key}`)
    else keys.set(key.blob.toString('base64'), key)
  }
  if (keys.size === 0)
    throw new CliError(
      'notFound',
      'There is no SSH key that could sign. "limpet add ssh-key NAME < FILE" adds one.',
    )
  if (keys.size > mostKeys)
    throw new CliError(
      'usage',
      `There are ${counted(keys.size, 'SSH key')}, and an agent can list ${mostKeys}. --vault takes those of one vault.`,
    )
  return [...keys.values()]
}

/** In a folder that is this user's alone. @param name later agents of the same name take the socket's path over */
async function listen(
  { environment, state }: Surroundings,
  name: string,
  keys: () => Promise<readonly SigningKey[]>,
): Promise<{ path: string; listening: Listening }> {
  const { serveConnection } = await import('../ssh-agent/connection.ts')
  const path = await placeForSocket(name, environment, state.path)
  return { path, listening: await listenAt(path, (socket) => void serveConnection(socket, keys)) }
}

/** How often it looks whether the session was locked, in milliseconds; it does so at each request too. */
const lookEvery = 5000

/** Keys in memory, until they are forgotten. */
class ForgettableKeys {
  readonly #keys: SigningKey[]
  readonly #isLocked: () => Promise<boolean>
  readonly #looking = setInterval(() => void this.present().catch(() => this.#forget()), lookEvery)
  readonly forgotten: Promise<void>
  #finish = () => {}

  constructor(keys: SigningKey[], isLocked: () => Promise<boolean>) {
    this.#keys = keys
    this.#isLocked = isLocked
    this.forgotten = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  /** Those that may be used: none any more once the session was locked. */
  async present(): Promise<readonly SigningKey[]> {
    if (await this.#isLocked()) this.#forget()
    return this.#keys
  }

  #forget() {
    this.#keys.length = 0
    this.close()
    this.#finish()
  }

  close() {
    clearInterval(this.#looking)
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

export const sshAgent = command({
  name: 'ssh-agent',
  operands: ['[COMMAND]', '[ARGUMENT...]'],
  summary: "sign for ssh with the vault's keys",
  details:
    'Holds the items of the kind ssh-key in memory, as they are now, and signs with them for ssh, git and others that SSH_AUTH_SOCK leads here. With a command, that variable is set for the command, and the agent ends as the command ends, with its exit code. Without one, the agent prints the variable for other shells, and goes on until Ctrl-C or a signal. The keys are forgotten when the session is locked or logged out, or its time without a command is over. No program can read a private key, or add or remove one. Write -- before the command.',
  example: 'limpet ssh-agent -- ssh deploy@example.com',
  options: { vault: { type: 'string', value: 'NAME', help: 'only the keys of this vault, by name or id' } },
  async run(surroundings, operands, { vault }) {
    const [program, ...args] = operands
    if (!surroundings.agent.isOffered)
      throw new CliError('unexpected', 'This system has no sockets that only one user can reach.')
    const keys = await keysOf(await openWorkspace(surroundings, 'read'), vault)
    const name = program === undefined ? 'ssh' : `ssh-${process.pid}`
    const count = counted(keys.length, 'key')
    const held = new ForgettableKeys(keys, await lockWatch(surroundings))
    const { path, listening } = await listen(surroundings, name, () => held.present())
    try {
      if (program !== undefined) {
        await runProgramWith(surroundings, program, args, { SSH_AUTH_SOCK: path }, undefined)
        return
      }
      await surroundings.untilSignal(async (signal) => {
        print(`export SSH_AUTH_SOCK=${quoted(path)}`)
        remark(`Signs with ${count}, until Ctrl-C, "limpet lock" or "limpet logout".`)
        const stopped = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        )
        await Promise.race([stopped, held.forgotten])
        if (!signal.aborted) remark('Locked: the keys are forgotten.')
      })
    } finally {
      held.close()
      await listening.hide()
      await listening.close()
    }
  },
})
