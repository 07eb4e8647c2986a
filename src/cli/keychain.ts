// Keeps a login session unlocked by the system's keychain: a key in there alone, and in the state folder the account key sealed
// under that key. Beside it stands sealed when it was last used, because a keychain lets nothing end by itself.
import { z } from 'zod'
import { type Clock, minutes } from '../clock.ts'
import { newKey, OpenError, open, seal, unlockAssociatedData, unlockUseAssociatedData } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import type { HeldAccountKey } from './account-key.ts'
import type { KeychainState, StateFolder } from './state-folder.ts'

/** What a system keeps for the programs of one user, by names. Each function throws a CliError that says why it could not. */
export interface SecretStore {
  save(name: string, secret: Uint8Array): Promise<void>
  /** @returns undefined if there is none of this name */
  load(name: string): Promise<Uint8Array | undefined>
  /** Without one of this name, nothing happens. */
  remove(name: string): Promise<void>
}

/** What stands sealed beside the account key; both in milliseconds. */
const Use = z.object({ usedAt: z.int(), idle: z.int().min(1) })

/** How far a clock may go back without a reason to ask for the password, in milliseconds. */
const clockTolerance = minutes(1)

export class Keychain {
  readonly #state: StateFolder
  readonly #store: SecretStore
  readonly #clock: Clock

  constructor(state: StateFolder, store: SecretStore, clock: Clock) {
    this.#state = state
    this.#store = store
    this.#clock = clock
  }

  /** The entry belongs to this state folder, and is replaced with every unlocking. */
  async #name(): Promise<string> {
    return (await this.#state.device()).id
  }

  /** Keeps a key in place of an earlier one. Throws a CliError if the system has no keychain that takes it. */
  async hold({ accountId, bytes, version, idle }: HeldAccountKey): Promise<void> {
    const key = newKey()
    await this.#store.save(await this.#name(), key)
    await this.#state.keychain.save({
      accountId,
      accountKey: await seal(key, unlockAssociatedData(accountId), bytes),
      accountKeyVersion: version,
      use: await this.#sealUse(key, accountId, idle),
    })
  }

  #sealUse(key: Uint8Array, accountId: string, idle: number): Promise<string> {
    const use: z.input<typeof Use> = { usedAt: this.#clock.now(), idle }
    return seal(key, unlockUseAssociatedData(accountId), new TextEncoder().encode(JSON.stringify(use)))
  }

  /** The key, whose time then begins anew. @returns undefined if there is none, or if its time is over, which ends it */
  async key(): Promise<HeldAccountKey | undefined> {
    const held = await this.#look().catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error
      remark(error.message)
      return undefined
    })
    if (!held) return undefined
    const { state, key, idle } = held
    const { accountId, accountKey, accountKeyVersion: version } = state
    const bytes = await open(key, unlockAssociatedData(accountId), accountKey)
    const use = await this.#sealUse(key, accountId, idle)
    // Another command may have locked meanwhile.
    if (await this.#state.keychain.load()) await this.#state.keychain.save({ ...state, use })
    return { accountId, bytes, version, idle }
  }

  /** Whether there is one; its time goes on. A keychain that does not answer has ended nothing. */
  async isHeld(): Promise<boolean> {
    try {
      return (await this.#look()) !== undefined
    } catch (error) {
      if (error instanceof CliError) return true
      throw error
    }
  }

  /** Throws a CliError where the keychain cannot be used. @returns undefined if there is no key whose time is not over */
  async #look(): Promise<{ state: KeychainState; key: Uint8Array; idle: number } | undefined> {
    const state = await this.#state.keychain.load()
    if (!state) return undefined
    try {
      const key = await this.#store.load(await this.#name())
      const use = key && (await open(key, unlockUseAssociatedData(state.accountId), state.use))
      if (key && use) {
        const { usedAt, idle } = Use.parse(JSON.parse(new TextDecoder().decode(use)))
        const unused = this.#clock.now() - usedAt
        if (unused >= -clockTolerance && unused <= idle) return { state, key, idle }
      }
    } catch (error) {
      // The keychain has another key than this file is for.
      if (!(error instanceof OpenError)) throw error
    }
    await this.end()
    return undefined
  }

  /** Forgets the key. @returns false if there was none */
  async end(): Promise<boolean> {
    if (!(await this.#state.keychain.load())) return false
    await this.#state.keychain.clear()
    try {
      await this.#store.remove(await this.#name())
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      remark(`${error.message} What stays in it opens nothing any more.`)
    }
    return true
  }
}
