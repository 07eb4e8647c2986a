// How commands use the process that holds the account key for a login session.
import { decodeBase64url, encodeBase64url } from '../../sdk/index.ts'
import type { HeldAccountKey } from '../account-key.ts'
import { type Held, HeldKey, type Question } from './key-holder.ts'
import { findSocket, placeForSocket } from './place.ts'
import { askAt } from './private-socket.ts'

export class Agent {
  /** Whether this system has what it takes: sockets in a folder that is this user's alone. */
  readonly isOffered = process.platform !== 'win32'
  readonly #environment: NodeJS.ProcessEnv
  readonly #statePath: string
  readonly #start: (input: string) => Promise<void>

  /** @param start starts the process with this standard input. @returns once it listens */
  constructor(environment: NodeJS.ProcessEnv, statePath: string, start: (input: string) => Promise<void>) {
    this.#environment = environment
    this.#statePath = statePath
    this.#start = start
  }

  async #ask(question: Question): Promise<string | undefined> {
    if (!this.isOffered) return undefined
    const socket = await findSocket('key', this.#environment, this.#statePath)
    return socket === undefined ? undefined : askAt(socket, question)
  }

  /** The key, whose time then begins anew. @returns undefined if no process has one */
  async key(): Promise<HeldAccountKey | undefined> {
    const answer = HeldKey.safeParse(JSON.parse((await this.#ask('key')) ?? '{}'))
    if (!answer.success) return undefined
    const { accountId, accountKey, accountKeyVersion: version, idle } = answer.data
    return { accountId, bytes: decodeBase64url(accountKey), version, idle }
  }

  /** Whether a process has one; its time goes on. */
  async isHeld(): Promise<boolean> {
    return HeldKey.safeParse(JSON.parse((await this.#ask('look')) ?? '{}')).success
  }

  /** Has a new process hold the key; one that holds another ends. Throws a CliError if it cannot. */
  async hold({ accountId, bytes, version, idle }: HeldAccountKey): Promise<void> {
    const held: Held = {
      socket: await placeForSocket('key', this.#environment, this.#statePath),
      accountId,
      accountKey: encodeBase64url(bytes),
      accountKeyVersion: version,
      idle,
    }
    await this.end()
    await this.#start(JSON.stringify(held))
  }

  /** @returns false if no process held a key */
  async end(): Promise<boolean> {
    return (await this.#ask('end')) !== undefined
  }
}
