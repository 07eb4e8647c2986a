// Who watches vaults at this moment, in this process: streams of events, requests that wait for a change, and hubs. What is announced is
// handed to those that it is about; with nobody watching, nothing is done with it. A watch ends with the session or the token
// that it was opened with.
import { type Clock, minutes } from '../../clock.ts'
import { limits } from '../../contract/sizes.ts'
import type { Reader, Store } from '../../store/store.ts'
import type { Access, VaultCaller } from '../caller.ts'
import { type Announcement, type BitwardenChange, listen } from './announcements.ts'
import { type WatchBounds, WatchCounts, type WatchKind } from './watch-counts.ts'

/** Why a watch ends that its holder has not closed. */
export type WatchEnd = 'session-ended' | 'server-stopping'

/** Revisions of vaults, by their ids; null for a vault that is gone. */
export type VaultNews = ReadonlyMap<string, number | null>

/** The caller's vaults at one moment. */
interface VaultState {
  readonly vaults: readonly { readonly id: string; readonly revision: number }[]
  /** Whether there are more than `limits.stateVaults`. */
  readonly more: boolean
  /** When the session or the token ends, in milliseconds since 1970; infinity for never. */
  readonly endsAt: number
}

/** What is done with what a watch learns. Nothing is told any more once it was closed or has ended. */
export interface WatchListener {
  /** Told first, and again whenever something may have been missed; without it, `changed` is told of no vault in its place. */
  state?(state: VaultState): void
  changed?(news: VaultNews): void
  /** Told to hubs of Bitwarden's apps. */
  bitwardenChanged?(change: BitwardenChange): void
  /** Asked first, and again whenever something may have been missed: looks for itself. */
  catchUp?(reader: Reader): Promise<void>
  /** Told to sessions only. */
  accountChanged?(): void
  ended(reason: WatchEnd): void
}

/** A place for one watch. */
export interface WatchPlace {
  /** Begins to watch; once. */
  start(listener: WatchListener): void
  /** Ends the watch and gives the place back. */
  close(): void
}

interface Watch {
  readonly caller: VaultCaller
  readonly accountId: string
  /** The one vault that it may learn of; null for all of the account's. */
  readonly onlyVaultId: string | null
  readonly listener: WatchListener
  /** In milliseconds since 1970; known once the database was asked. */
  endsAt: number
  /** While the state is being read for it. What happens meanwhile may be in it or not. */
  isReading: boolean
  /** Whether it was told a state. */
  isBegun: boolean
  /** Whether the account changed before that. */
  hasAccountChanged: boolean
}

/** Those who watch one account, and what they are to be told. */
interface Audience {
  readonly watches: Set<Watch>
  news: Map<string, number | null>
  isPausing: boolean
  /** What `revisionMarks` said of its vaults when they were last looked at. */
  mark: string | undefined
}

/** What happens to one account within this time after something was told is told together. */
const pauseMs = 100

/** How often it is looked whether a session has run out, and whether anything was lost on its way here. */
const [lookMs, sweepMs] = [500, minutes(1)]

/** How many sessions, tokens or accounts one statement asks about, and how many states are read at the same time. */
const [perStatement, statesAtOnce] = [500, 4]

const noNews: VaultNews = new Map()

interface Needs {
  readonly clock: Clock
  readonly config: { readonly watches: WatchBounds }
  /** Aborted when the server stops. */
  readonly ending: AbortSignal
  readonly store: Store
  /** When those end that live, by their ids. */
  accessEnds(reader: Reader, accesses: readonly Access[], now: number): Promise<Map<string, number>>
  /** The revisions of a caller's vaults, up to so many. */
  listRevisions(reader: Reader, caller: VaultCaller, limit: number): Promise<Omit<VaultState, 'endsAt'>>
  /** For each account, what is another text after every write to its vaults. */
  revisionMarks(reader: Reader, accountIds: readonly string[]): Promise<Map<string, string>>
}

/** Takes some of the members out of a set, up to so many. */
function takeFrom<T>(set: Set<T>, most: number): T[] {
  const taken: T[] = []
  for (const member of set) {
    if (taken.length === most) break
    taken.push(member)
    set.delete(member)
  }
  return taken
}

export class Watches {
  readonly #needs: Needs
  readonly #counts: WatchCounts
  readonly #audiences = new Map<string, Audience>()
  /** Watches of which it is to be found out whether they may go on. */
  readonly #toCheck = new Set<Watch>()
  /** Watches that are to be told the state. */
  readonly #toTell = new Set<Watch>()
  #isWorking = false
  #sweptAt: number
  #looking: NodeJS.Timeout | undefined

  constructor(needs: Needs) {
    this.#needs = needs
    this.#counts = new WatchCounts(needs.config.watches)
    this.#sweptAt = needs.clock.monotonic()
    listen(needs.store, { heard: (announcement) => this.#hear(announcement), missed: () => this.#missed() })
    needs.ending.addEventListener('abort', () => this.#end(this.#all(), 'server-stopping'), { once: true })
  }

  /** How many there are at this moment. */
  counts(): Readonly<Record<WatchKind, number>> {
    return this.#counts.byKind()
  }

  /**
   * Reserves a place. Throws `too-many-requests` and `unavailable` if there is none.
   * @param address as rate limits count it
   */
  reserve(kind: WatchKind, caller: VaultCaller, address: string): WatchPlace {
    const giveBack = this.#counts.take(kind, { accountId: caller.reach().accountId, address })
    let watch: Watch | undefined
    return {
      start: (listener) => {
        watch = this.#begin(caller, listener)
      },
      close: () => {
        if (watch) this.#remove(watch)
        giveBack()
      },
    }
  }

  #begin(caller: VaultCaller, listener: WatchListener): Watch {
    const watch: Watch = {
      caller,
      ...caller.reach(),
      listener,
      endsAt: Number.POSITIVE_INFINITY,
      isReading: false,
      isBegun: false,
      hasAccountChanged: false,
    }
    const audience = this.#audiences.get(watch.accountId)
    if (audience) audience.watches.add(watch)
    else
      this.#audiences.set(watch.accountId, {
        watches: new Set([watch]),
        news: new Map(),
        isPausing: false,
        mark: undefined,
      })
    if (this.#needs.ending.aborted) this.#end([watch], 'server-stopping')
    else {
      this.#looking ??= setInterval(() => this.#look(), lookMs).unref()
      this.#toCheck.add(watch)
      if (listener.state || listener.catchUp) this.#toTell.add(watch)
      this.#work()
    }
    return watch
  }

  #remove(watch: Watch): void {
    this.#toCheck.delete(watch)
    this.#toTell.delete(watch)
    const audience = this.#audiences.get(watch.accountId)
    if (!audience?.watches.delete(watch) || audience.watches.size > 0) return
    this.#audiences.delete(watch.accountId)
    if (this.#audiences.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  #all(): Watch[] {
    return [...this.#audiences.values()].flatMap(({ watches }) => [...watches])
  }

  #isOver(watch: Watch): boolean {
    return this.#audiences.get(watch.accountId)?.watches.has(watch) !== true
  }

  #end(watches: readonly Watch[], reason: WatchEnd): void {
    for (const watch of watches) {
      this.#remove(watch)
      watch.listener.ended(reason)
    }
  }

  #hear(announcement: Announcement): void {
    switch (announcement.kind) {
      case 'access-changed': {
        const { accountId } = announcement
        const meant = accountId === null ? this.#all() : (this.#audiences.get(accountId)?.watches ?? [])
        for (const watch of meant) this.#toCheck.add(watch)
        this.#work()
        break
      }
      case 'vault-changed': {
        const audience = this.#audiences.get(announcement.accountId)
        if (!audience) break
        const { revision, vaultId } = announcement
        const known = audience.news.get(vaultId)
        // Processes tell of one vault in any order, and what is gone does not come back.
        if (known !== null)
          audience.news.set(vaultId, revision === null ? null : Math.max(revision, known ?? revision))
        if (!audience.isPausing) this.#tellNews(audience)
        break
      }
      case 'account-changed':
        for (const watch of this.#audiences.get(announcement.accountId)?.watches ?? [])
          if (watch.isBegun) this.#tellOfAccount(watch)
          else watch.hasAccountChanged = true
        break
      case 'bitwarden-changed':
        for (const { listener } of this.#audiences.get(announcement.accountId)?.watches ?? [])
          listener.bitwardenChanged?.(announcement)
        break
      case 'mail-waits':
    }
  }

  #tellOfAccount({ caller, listener }: Watch): void {
    if (caller.access.kind === 'session') listener.accountChanged?.()
  }

  #tellNews(audience: Audience): void {
    const { news } = audience
    audience.news = new Map()
    for (const watch of audience.watches) {
      const { listener, onlyVaultId } = watch
      if (news.size > limits.stateVaults || watch.isReading) this.#askForState(watch)
      else if (!this.#toTell.has(watch)) {
        const own = onlyVaultId === null ? news : new Map([...news].filter(([id]) => id === onlyVaultId))
        if (own.size > 0) listener.changed?.(own)
      }
    }
    audience.isPausing = true
    setTimeout(() => {
      audience.isPausing = false
      if (audience.news.size > 0) this.#tellNews(audience)
    }, pauseMs).unref()
    this.#work()
  }

  #askForState(watch: Watch): void {
    if (watch.listener.state || watch.listener.catchUp) this.#toTell.add(watch)
    else watch.listener.changed?.(noNews)
  }

  #missed(): void {
    for (const watch of this.#all()) {
      this.#toCheck.add(watch)
      this.#askForState(watch)
    }
    this.#work()
  }

  #look(): void {
    const { clock, store } = this.#needs
    const now = clock.now()
    for (const watch of this.#all())
      if (watch.endsAt > now) continue
      else if (watch.caller.access.kind === 'token') this.#end([watch], 'session-ended')
      else {
        // One that was used has another end by now.
        this.#toCheck.add(watch)
        this.#askForState(watch)
      }
    if (clock.monotonic() - this.#sweptAt >= sweepMs) {
      this.#sweptAt = clock.monotonic()
      for (const watch of this.#all()) this.#toCheck.add(watch)
      // If the database does not answer, the next time comes.
      store.read((reader) => this.#sweep(reader)).catch(() => {})
    }
    this.#work()
  }

  /** Has the state told to those whose vaults were written to since the last time: an announcement of it may have been lost. */
  async #sweep(reader: Reader): Promise<void> {
    const audiences = [...this.#audiences]
    for (let from = 0; from < audiences.length; from += perStatement) {
      const some = audiences.slice(from, from + perStatement)
      const marks = await this.#needs.revisionMarks(
        reader,
        some.map(([accountId]) => accountId),
      )
      for (const [accountId, audience] of some) {
        const mark = marks.get(accountId)
        if (mark !== audience.mark) for (const watch of audience.watches) this.#askForState(watch)
        audience.mark = mark
      }
    }
    this.#work()
  }

  /** Does what is to be done with the database: one thing at a time, so that thousands of watches leave it to others. */
  #work(): void {
    if (this.#isWorking || this.#toCheck.size + this.#toTell.size === 0) return
    this.#isWorking = true
    void this.#workOff()
  }

  async #workOff(): Promise<void> {
    for (;;) {
      const checked = takeFrom(this.#toCheck, perStatement)
      const told = checked.length > 0 ? [] : takeFrom(this.#toTell, statesAtOnce)
      if (checked.length + told.length === 0) break
      try {
        await this.#check(checked)
        await Promise.all(told.map((watch) => this.#tellState(watch)))
      } catch {
        // The database does not answer: `#look` tries again.
        for (const watch of checked) if (!this.#isOver(watch)) this.#toCheck.add(watch)
        for (const watch of told) if (!this.#isOver(watch)) this.#toTell.add(watch)
        break
      }
    }
    this.#isWorking = false
  }

  async #check(watches: readonly Watch[]): Promise<void> {
    if (watches.length === 0) return
    const { accessEnds, clock, store } = this.#needs
    const accesses = watches.map(({ caller }) => caller.access)
    const ends = await store.read((reader) => accessEnds(reader, accesses, clock.now()))
    for (const watch of watches) {
      const endsAt = ends.get(watch.caller.access.id)
      if (endsAt !== undefined) watch.endsAt = endsAt
      else if (!this.#isOver(watch)) this.#end([watch], 'session-ended')
    }
  }

  async #tellState(watch: Watch): Promise<void> {
    const { listRevisions, store } = this.#needs
    const { catchUp } = watch.listener
    if (catchUp) return store.read(catchUp)
    watch.isReading = true
    const state = await store
      .read((reader) => listRevisions(reader, watch.caller, limits.stateVaults))
      .finally(() => {
        watch.isReading = false
      })
    if (this.#isOver(watch)) return
    watch.isBegun = true
    watch.listener.state?.({ ...state, endsAt: watch.endsAt })
    if (watch.hasAccountChanged) this.#tellOfAccount(watch)
    watch.hasAccountChanged = false
  }
}
