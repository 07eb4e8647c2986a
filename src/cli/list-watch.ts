// `limpet list --watch`: a list that follows the vaults.
import { isDeepStrictEqual } from 'node:util'
import { type OpenVault, Replica } from '../sdk/index.ts'
import { printJsonLine, redrawScreen, remark } from '../terminal/output.ts'
import type { Surroundings } from './command.ts'
import { follow, now, printStatus, statusRemarks } from './following.ts'
import { type Summary, summaryTable } from './views.ts'
import {
  type Broken,
  type Copies,
  decrypt,
  type Entry,
  type VaultSource,
  warnOfBroken,
  warnOfRefused,
} from './workspace.ts'

export interface ListWatch {
  readonly source: VaultSource
  readonly copies: Copies
  readonly untilSignal: Surroundings['untilSignal']
  readonly json: boolean
  /** What of all entries the list shows, in its order. */
  readonly choose: (entries: readonly Entry[]) => readonly Summary[]
  /** Throws a CliError where the vaults have not what the list is to show. */
  readonly check: (vaults: readonly OpenVault[]) => void
}

/** The entries of every vault, in which a change touches only what changed. */
class Entries {
  readonly #vaults = new Map<string, { vault: OpenVault; entries: ReadonlyMap<string, Entry> }>()

  get all(): Entry[] {
    return [...this.#vaults.values()].flatMap(({ entries }) => [...entries.values()])
  }

  get vaults(): OpenVault[] {
    return [...this.#vaults.values()].map(({ vault }) => vault)
  }

  forget(vaultId: string): void {
    this.#vaults.delete(vaultId)
  }

  /**
   * Takes in a vault, or what changed in it.
   * @returns what came in that cannot be shown
   */
  async take(vault: OpenVault, { items }: Replica, changed?: readonly string[]): Promise<Broken[]> {
    const known = changed && this.#vaults.get(vault.id)?.entries
    const anew = new Set(known ? changed : items.keys())
    const opened = await decrypt(vault, { items: new Map([...items].filter(([id]) => anew.has(id))) })
    // The others are as they were, and their vault may have another name.
    const entries = new Map([...(known ?? [])].map(([id, { item }]) => [id, { vault, item }]))
    for (const id of anew) entries.delete(id)
    for (const entry of opened.entries) entries.set(entry.item.id, entry)
    this.#vaults.set(vault.id, { vault, entries })
    return opened.broken
  }
}

/** Says for scripts what the list has now that it had not, or had otherwise. */
function differences() {
  let last = new Map<string, Summary>()
  return (summaries: readonly Summary[]) => {
    const next = new Map(summaries.map((summary) => [summary.id, summary]))
    for (const item of summaries)
      if (!isDeepStrictEqual(last.get(item.id), item)) printJsonLine({ time: now(), event: 'item', item })
    for (const id of last.keys()) if (!next.has(id)) printJsonLine({ time: now(), event: 'gone', id })
    last = next
  }
}

/** Draws the list anew for people, if it is another one. */
function drawings() {
  let last: readonly Summary[] | undefined
  return (summaries: readonly Summary[]) => {
    if (last && isDeepStrictEqual(last, summaries)) return
    redrawScreen(
      summaries.length > 0 ? summaryTable(summaries) : ['There is nothing that fits.'],
      last === undefined,
    )
    last = summaries
  }
}

/**
 * Shows the list, and each of its changes, until a signal comes. Begins with the copies that are here, so that there is a list without
 * the server too.
 */
export async function watchList({
  source,
  copies,
  untilSignal,
  json,
  choose,
  check,
}: ListWatch): Promise<void> {
  const entries = new Entries()
  const show = json ? differences() : drawings()
  const status = json ? printStatus : statusRemarks()
  const stored = await copies.vaults(source.accountId)
  for (const { vault, replica } of stored)
    await entries.take(await source.openVault(vault), new Replica(replica))
  if (stored.length > 0) show(choose(entries.all))
  let isReady = false
  await follow({
    source,
    copies,
    untilSignal,
    stored,
    async take(event) {
      if (event.kind === 'vault') {
        const { vault, replica, changed, refused, before } = event
        const broken = await entries.take(vault, replica, before && changed)
        warnOfBroken(broken)
        warnOfRefused(refused.filter((id) => changed.includes(id)))
      } else if (event.kind === 'vault-gone') entries.forget(event.vaultId)
      else if (event.kind === 'ready') {
        check(entries.vaults)
        isReady = true
      } else status(event)
      if (isReady) show(choose(entries.all))
      if (json && event.kind === 'ready') printJsonLine({ time: now(), event: 'ready' })
    },
    async resync() {
      remark(
        'The server was restored from a backup. Shown is the copy that is here; "limpet sync" compares, and puts back what the server lost.',
      )
      return false
    },
  })
}
