// Keeps replicas up to date while a program runs. The server's events say when to look; what came is in its lists, as for every pull.
import { ProblemError, ResyncRequiredError } from './errors.ts'
import { abortWith, type FeedListener, isPassing, LiveFeed, waitAfter } from './live-feed.ts'
import { Replica } from './replica.ts'
import { Backoff, systemTiming, type Timing } from './timing.ts'
import type { Transport } from './transport.ts'
import type { OpenVault } from './vault.ts'

/** What a watch says of what came. */
export type WatchEvent =
  /** A vault at the beginning, a new one, or one with changes: its replica has them. `changed` and `refused` are as of `Replica.pull`. */
  | {
      readonly kind: 'vault'
      readonly vault: OpenVault
      readonly replica: Replica
      readonly changed: string[]
      readonly refused: string[]
    }
  /** A vault was deleted, or the server does not show it any more. Its replica is as it was. */
  | { readonly kind: 'vault-gone'; readonly vaultId: string; readonly replica: Replica }
  /** The server was restored from a backup: `Replica.resync` before the loop goes on, or the replica stays as it is. */
  | { readonly kind: 'resync-required'; readonly vault: OpenVault; readonly replica: Replica }
  /** Every vault that there is has come; said once. */
  | { readonly kind: 'ready' }
  /** The account's keys, method, password or address changed on another device: `details` says how. */
  | { readonly kind: 'account' }
  /** Changes arrive. `live` is false where no stream comes through: then they are asked for, and arrive within half a minute. */
  | { readonly kind: 'online'; readonly live: boolean }
  /** The server does not answer, or asked to wait. It is tried again by itself; said once until it is online again. */
  | { readonly kind: 'offline'; readonly error: Error; readonly retryInMs: number }

export interface WatchOptions {
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal
  /** What there is of a vault from before; a new replica without it. */
  readonly replicaOf?: (vaultId: string) => Replica | undefined | Promise<Replica | undefined>
  /** Time and chance; those of the platform unless a test hands in others. */
  readonly timing?: Timing
}

/** Whose vaults are watched. */
interface VaultSource {
  vaults(signal?: AbortSignal): Promise<OpenVault[]>
  /** Told when the account's key may have been changed: `vaults` then compares it first. */
  accountMayHaveChanged?(): void
}

/** A vault that is being watched. */
interface Followed {
  readonly replica: Replica
  /** Up to where it was pulled; undefined before the first time. */
  readonly revision: number | undefined
}

/** Milliseconds from one look to the next: many changes in a row come together. */
const pace = { afterChangesMs: 500, longestMs: 60_000 } as const

/** What the feed has said and the loop has not taken yet. However much comes, it stays as small as the list of vaults. */
class Inbox implements FeedListener {
  readonly followed = new Map<string, Followed>()
  /** Of vaults that are known: the newest revision that was announced. */
  readonly #wanted = new Map<string, number>()
  #isListWanted = true
  #isClaimed = false
  #isLooking = false
  #hasLooked = false
  #hasAccountChanged = false
  #failure: { readonly error: unknown } | undefined
  #connection: { readonly live: boolean } | { readonly error: Error; readonly retryInMs: number } | undefined
  #lookError: { readonly error: Error; readonly retryInMs: number } | undefined
  #told: 'offline' | 'live' | 'asking' | undefined
  #resolve = () => {}
  readonly #waitingForLook: (() => void)[] = []
  /** Called when the server is there again: then there is nothing to wait for. */
  onReturn = () => {}
  readonly #source: VaultSource

  constructor(source: VaultSource) {
    this.#source = source
  }

  state(revisions: ReadonlyMap<string, number>, isWhole: boolean): void {
    const isSame =
      isWhole &&
      revisions.size === this.followed.size &&
      [...this.followed].every(([id, { revision }]) => revisions.get(id) === revision)
    if (!isSame) this.look(true)
  }

  vault(id: string, revision: number): void {
    if (this.followed.has(id)) this.#wanted.set(id, Math.max(revision, this.#wanted.get(id) ?? 0))
    else this.look(true)
    this.wake()
  }

  vaultGone(id: string): void {
    if (this.followed.has(id)) this.look(true)
  }

  account(): void {
    this.#hasAccountChanged = true
    this.#source.accountMayHaveChanged?.()
    this.look(false)
  }

  online(live: boolean): void {
    const wasOffline = this.#connection !== undefined && 'error' in this.#connection
    this.#connection = { live }
    if (wasOffline) {
      // What happened meanwhile was not told.
      this.#source.accountMayHaveChanged?.()
      this.onReturn()
    }
    this.wake()
  }

  offline(error: Error, retryInMs: number): void {
    this.#connection = { error, retryInMs }
    this.wake()
  }

  look(claimed: boolean): void {
    this.#isListWanted = true
    if (claimed) this.#isClaimed = true
    this.wake()
  }

  looked(): Promise<void> {
    if (!this.#isLooking && !this.isLookWanted) return Promise.resolve()
    return new Promise((resolve) => this.#waitingForLook.push(resolve))
  }

  cursors(): { vaultId: string; since: string }[] {
    return [...this.followed].flatMap(
      ([
        vaultId,
        {
          replica: { cursor },
        },
      ]) => (cursor === undefined ? [] : [{ vaultId, since: cursor }]),
    )
  }

  fail(error: unknown): void {
    this.#failure = { error }
    this.wake()
  }

  /** Ends the waiting of `looked`, at the end. */
  close(): void {
    for (const resolve of this.#waitingForLook.splice(0)) resolve()
  }

  get isLookWanted(): boolean {
    return this.#isListWanted || [...this.#wanted].some(([id, revision]) => this.#isNews(id, revision))
  }

  #isNews(id: string, revision: number): boolean {
    const known = this.followed.get(id)?.revision
    return known === undefined || revision > known
  }

  /** A look begins. @returns whether the server said that there is something */
  beginLook(): boolean {
    const claimed = this.#isClaimed || this.#wanted.size > 0
    this.#isLooking = true
    this.#isListWanted = false
    this.#isClaimed = false
    this.#wanted.clear()
    return claimed
  }

  /** A look came to its end. @returns whether it was the first one */
  endLook(): boolean {
    const isFirst = !this.#hasLooked
    this.#hasLooked = true
    this.#isLooking = false
    this.#lookError = undefined
    for (const [id, revision] of this.#wanted) if (!this.#isNews(id, revision)) this.#wanted.delete(id)
    if (!this.isLookWanted) this.close()
    return isFirst
  }

  failLook(error: Error, retryInMs: number): void {
    this.#isLooking = false
    this.#isListWanted = true
    this.#lookError = { error, retryInMs }
  }

  /** The next thing to tell. Throws what ended the feed. */
  take(): WatchEvent | undefined {
    if (this.#failure) throw this.#failure.error
    if (this.#hasAccountChanged) {
      this.#hasAccountChanged = false
      return { kind: 'account' }
    }
    return this.#status()
  }

  #status(): WatchEvent | undefined {
    const connection = this.#connection
    const trouble = connection && 'error' in connection ? connection : this.#lookError
    if (trouble) {
      if (this.#told === 'offline') return undefined
      this.#told = 'offline'
      return { kind: 'offline', ...trouble }
    }
    if (!connection || !('live' in connection)) return undefined
    const told = connection.live ? 'live' : 'asking'
    if (this.#told === told) return undefined
    this.#told = told
    return { kind: 'online', live: connection.live }
  }

  /** Resolves when something comes in, or the signal is aborted. */
  news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve
      if (signal.aborted) resolve()
    })
  }

  wake(): void {
    this.#resolve()
  }
}

/** The time between looks. */
class Pause {
  readonly #timing: Timing
  readonly #onEnd: () => void
  readonly #errors: Backoff
  #takeBack: (() => void) | undefined
  /** Looks in a row for which the server said that there was something, and there was nothing. */
  #idle = 0

  /** @param onEnd called when a pause is over, and when it is ended */
  constructor(timing: Timing, onEnd: () => void) {
    this.#timing = timing
    this.#onEnd = onEnd
    this.#errors = new Backoff(timing)
  }

  get isOn(): boolean {
    return this.#takeBack !== undefined
  }

  end(): void {
    this.#takeBack?.()
    this.#takeBack = undefined
    this.#onEnd()
  }

  #begin(ms: number) {
    this.#takeBack = this.#timing.after(ms, () => this.end())
  }

  /** After a look. Claims that nothing stands behind are followed less and less often. */
  afterLook({ isNews, isClaimed }: { isNews: boolean; isClaimed: boolean }): void {
    this.#errors.reset()
    if (isNews) this.#idle = 0
    else if (isClaimed) this.#idle += 1
    this.#begin(Math.min(pace.longestMs, pace.afterChangesMs * 2 ** this.#idle))
  }

  /** After a look that failed. @returns milliseconds to the next one */
  afterError(error: Error): number {
    const ms = waitAfter(error, this.#errors)
    this.#begin(ms)
    return ms
  }
}

interface Look {
  readonly inbox: Inbox
  readonly pause: Pause
  readonly source: VaultSource
  readonly replicaOf: NonNullable<WatchOptions['replicaOf']>
  readonly signal: AbortSignal
}

/** Asks for the list of vaults, and pulls those that are at another revision than their replicas. */
async function* look({ inbox, pause, source, replicaOf, signal }: Look) {
  const isClaimed = inbox.beginLook()
  let isNews = false
  try {
    const vaults = await source.vaults(signal)
    const ids = new Set(vaults.map(({ id }) => id))
    for (const [vaultId, { replica }] of inbox.followed)
      if (!ids.has(vaultId)) {
        inbox.followed.delete(vaultId)
        isNews = true
        yield { kind: 'vault-gone', vaultId, replica } as const
      }
    for (const vault of vaults) {
      const known = inbox.followed.get(vault.id)
      if (known?.revision === vault.sealed.revision) continue
      const replica = known?.replica ?? (await replicaOf(vault.id)) ?? new Replica()
      const before = known && replica.vaultData
      const pulled = await pull(vault, replica, signal)
      if (pulled === 'gone') {
        inbox.look(true)
        continue
      }
      inbox.followed.set(vault.id, { replica, revision: pulled.revision })
      const { event } = pulled
      isNews ||= event.kind === 'resync-required' || event.changed.length > 0 || before !== vault.sealed.data
      yield event
    }
    if (inbox.endLook()) yield { kind: 'ready' } as const
    pause.afterLook({ isNews, isClaimed })
  } catch (error) {
    if (signal.aborted) return
    if (!isPassing(error)) throw error
    inbox.failLook(error, pause.afterError(error))
  }
}

/** Pulls one vault. @returns `gone` if it was deleted since it was listed */
async function pull(vault: OpenVault, replica: Replica, signal: AbortSignal) {
  try {
    const pulled = await replica.pull(vault, undefined, signal)
    return { event: { kind: 'vault', vault, replica, ...pulled } as const, revision: replica.revision }
  } catch (error) {
    if (error instanceof ResyncRequiredError)
      return { event: { kind: 'resync-required', vault, replica } as const, revision: vault.sealed.revision }
    if (error instanceof ProblemError && error.code === 'not-found') return 'gone'
    throw error
  }
}

/** Follows a source's vaults, see `UnlockedAccount.watch`. */
export async function* watch(
  transport: Transport,
  source: VaultSource,
  { signal, replicaOf = () => undefined, timing = systemTiming }: WatchOptions,
): AsyncGenerator<WatchEvent, void, undefined> {
  const stop = new AbortController()
  const untie = abortWith(signal, stop)
  const inbox = new Inbox(source)
  const pause = new Pause(timing, () => inbox.wake())
  inbox.onReturn = () => pause.end()
  const feed = new LiveFeed(transport, timing, inbox)
  const following = feed.run(stop.signal).catch((error: unknown) => inbox.fail(error))
  stop.signal.addEventListener('abort', () => inbox.wake())
  try {
    while (!stop.signal.aborted) {
      const told = inbox.take()
      if (told) yield told
      else if (inbox.isLookWanted && !pause.isOn)
        yield* look({ inbox, pause, source, replicaOf, signal: stop.signal })
      else await inbox.news(stop.signal)
    }
  } finally {
    stop.abort()
    untie()
    pause.end()
    inbox.close()
    await following
  }
}
