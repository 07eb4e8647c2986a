// `limpet sync --watch`: keeps the copies up to date, and says one line for each change.
import { ContentError, type Item, OpenError, type OpenVault } from '../sdk/index.ts'
import { print, printJsonLine, remark } from '../terminal/output.ts'
import { counted, localTime, safeLine } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'
import { type Followed, follow, now, printStatus, statusRemarks } from './following.ts'
import { lostFilesNote } from './views.ts'
import type { Copies, VaultSource } from './workspace.ts'

type Change = 'added' | 'changed' | 'trashed' | 'restored' | 'deleted' | 'refused'

interface ItemChange {
  readonly change: Change
  readonly id: string
  /** Null if the item does not open, or is malformed inside. */
  readonly name: string | null
  /** Of the item as it is here; null if it was deleted. */
  readonly revision: number | null
}

interface Kept {
  readonly id: string
  readonly name: string
  /** Names of files that the server does not have any more. */
  readonly lostFiles?: readonly string[]
}

interface Repaired {
  readonly putBack: readonly Kept[]
  readonly recovered: readonly Kept[]
}

async function nameIn(vault: OpenVault, item: Item): Promise<string | null> {
  try {
    return (await vault.openItem(item)).content.name
  } catch (error) {
    if (error instanceof OpenError || error instanceof ContentError) return null
    throw error
  }
}

function changeOf(before: Item | undefined, item: Item | undefined, isRefused: boolean): Change | undefined {
  if (isRefused) return 'refused'
  if (!item) return before && 'deleted'
  const isTrashed = item.deletedAt !== null
  if (!before) return isTrashed ? 'trashed' : 'added'
  if ((before.deletedAt !== null) === isTrashed) return 'changed'
  return isTrashed ? 'trashed' : 'restored'
}

type VaultEvent = Extract<Followed, { kind: 'vault' }>

/** What became of each item that changed. */
async function changesIn({ vault, replica, changed, refused, before }: VaultEvent): Promise<ItemChange[]> {
  const { items } = replica
  const changes: ItemChange[] = []
  for (const id of new Set(changed)) {
    const [old, item] = [before?.items.get(id), items.get(id)]
    const change = changeOf(old, item, refused.includes(id))
    const known = item ?? old
    if (change)
      changes.push({
        change,
        id,
        name: known ? await nameIn(vault, known) : null,
        revision: item?.revision ?? null,
      })
  }
  return changes
}

/** Says what came. */
interface Teller {
  vault(
    change: 'added' | 'renamed' | 'deleted',
    vault: { id: string; name: string | null },
    items: number,
  ): void
  item(vault: OpenVault, change: ItemChange): void
  repaired(vault: OpenVault, repaired: Repaired): void
  ready(): void
  status: ReturnType<typeof statusRemarks>
}

const forScripts: Teller = {
  vault: (change, vault, items) => printJsonLine({ time: now(), event: 'vault', change, vault, items }),
  item: ({ id, name }, change) =>
    printJsonLine({ time: now(), event: 'item', ...change, vault: { id, name } }),
  repaired: ({ id, name }, { putBack, recovered }) =>
    printJsonLine({ time: now(), event: 'resynced', putBack, recovered, vault: { id, name } }),
  ready: () => printJsonLine({ time: now(), event: 'ready' }),
  status: printStatus,
}

const line = (change: string, what: string) =>
  print(`${localTime(now())}  ${change.padEnd(8)}  ${safeLine(what)}`)

const forPeople = (): Teller => ({
  vault: (change, { id, name }, items) =>
    line(change, `vault ${name ?? id}${change === 'added' ? `, with ${counted(items, 'item')}` : ''}`),
  item(vault, { change, id, name }) {
    line(change, `${name ?? id}  (${vault.name})`)
    if (change === 'refused')
      remark(
        'The server shows an older state of it, or that it was deleted, and nothing tells that you did that. "limpet sync --put-back" or "limpet sync --accept" decides.',
      )
  },
  repaired(vault, { putBack, recovered }) {
    remark('The server was restored from a backup; everything was compared.')
    const say = (change: string, { name, lostFiles }: Kept) =>
      line(change, `${name}${lostFilesNote(lostFiles)}  (${vault.name})`)
    for (const one of putBack) say('put back', one)
    for (const one of recovered) say('kept', one)
  },
  ready: () => remark('Everything is here. Changes follow; Ctrl-C ends it.'),
  status: statusRemarks(),
})

export interface SyncWatch {
  readonly source: VaultSource
  readonly copies: Copies
  readonly untilSignal: Surroundings['untilSignal']
  readonly json: boolean
  /** Compares with a server that was restored from a backup, and puts back what it lost. */
  readonly repair: (vault: OpenVault, replica: VaultEvent['replica']) => Promise<Repaired>
}

/** Keeps the copies up to date until a signal comes. */
export async function watchAndSync({ source, copies, untilSignal, json, repair }: SyncWatch): Promise<void> {
  const tell = json ? forScripts : forPeople()
  const names = new Map<string, string>()
  const takeVault = async (event: VaultEvent) => {
    const { vault, replica, before } = event
    names.set(vault.id, vault.name)
    if (!before) return tell.vault('added', { id: vault.id, name: vault.name }, replica.items.size)
    if (before.name !== vault.name)
      tell.vault('renamed', { id: vault.id, name: vault.name }, replica.items.size)
    for (const change of await changesIn(event)) tell.item(vault, change)
  }
  await follow({
    source,
    copies,
    untilSignal,
    stored: await copies.vaults(source.accountId),
    async take(event) {
      if (event.kind === 'vault') await takeVault(event)
      else if (event.kind === 'vault-gone')
        tell.vault(
          'deleted',
          { id: event.vaultId, name: names.get(event.vaultId) ?? null },
          event.replica.items.size,
        )
      else if (event.kind === 'ready') tell.ready()
      else tell.status(event)
    },
    async resync(vault, replica) {
      tell.repaired(vault, await repair(vault, replica))
      return true
    },
  })
}
