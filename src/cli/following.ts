// What `sync --watch` and `list --watch` share: vaults that are followed until a signal comes, with their copies here.
import { type Item, type OpenVault, Replica, type WatchEvent } from '../sdk/index.ts'
import { printJsonLine, remark } from '../terminal/output.ts'
import type { Surroundings } from './command.ts'
import type { StoredVault } from './state-folder.ts'
import { type Copies, sameVault, store, type VaultSource } from './workspace.ts'

/** What a command is told of: as the SDK says it, and of a vault also what was there before. */
export type Followed =
  | (Extract<WatchEvent, { kind: 'vault' }> & VaultBefore)
  | Exclude<WatchEvent, { kind: 'vault' | 'resync-required' }>

interface VaultBefore {
  /** The vault as it was before; undefined if it is new here. */
  readonly before: { readonly name: string; readonly items: ReadonlyMap<string, Item> } | undefined
}

export interface Following {
  readonly source: VaultSource
  readonly copies: Copies
  readonly stored: readonly StoredVault[]
  readonly untilSignal: Surroundings['untilSignal']
  /** Told of everything, one after the other. */
  take(event: Followed): void | Promise<void>
  /** Called for a vault whose server was restored from a backup. @returns whether the replica has the new history now */
  resync(vault: OpenVault, replica: Replica): Promise<boolean>
}

/** Follows the vaults, and keeps the copies here up to date. Throws InterruptedError once a signal ends it. */
export async function follow({
  source,
  copies,
  stored,
  take,
  resync,
  untilSignal,
}: Following): Promise<void> {
  const last = new Map<string, { name: string; items: ReadonlyMap<string, Item> }>()
  const replicaOf = async (id: string) => {
    const known = stored.find(sameVault({ id }))
    if (!known) return undefined
    const replica = new Replica(known.replica)
    last.set(id, { name: (await source.openVault(known.vault)).name, items: replica.items })
    return replica
  }
  const seen = new Set<string>()
  const takeVault = async (event: Extract<WatchEvent, { kind: 'vault' }>) => {
    const { vault, replica } = event
    const known = seen.has(vault.id) ? undefined : stored.find(sameVault(vault))
    seen.add(vault.id)
    const before = last.get(vault.id)
    last.set(vault.id, { name: vault.name, items: replica.items })
    // Before it is said: who ends the program by what it says has it here.
    await store(copies, source.accountId, vault, replica, known)
    await take({ ...event, before })
  }
  /** What is here, and was deleted while nobody watched. */
  const takeGone = async () => {
    for (const { vault, replica } of stored)
      if (!seen.has(vault.id))
        await take({ kind: 'vault-gone', vaultId: vault.id, replica: new Replica(replica) })
  }
  await untilSignal(async (signal) => {
    for await (const event of source.watch({ signal, replicaOf })) {
      if (event.kind === 'vault') await takeVault(event)
      else if (event.kind === 'resync-required') {
        const { vault, replica } = event
        const isCompared = await resync(vault, replica)
        seen.add(vault.id)
        if (isCompared)
          await takeVault({
            kind: 'vault',
            vault,
            replica,
            changed: [],
            refused: [...replica.refused.keys()],
          })
      } else {
        if (event.kind === 'vault-gone') last.delete(event.vaultId)
        if (event.kind === 'ready') await takeGone()
        await take(event)
      }
    }
  })
}

type Status = Extract<Followed, { kind: 'online' | 'offline' | 'account' }>

/** When something was said, for scripts. */
export const now = () => new Date().toISOString()

/** Says for scripts whether changes arrive, and that the account changed. */
export function printStatus(event: Status): void {
  if (event.kind === 'offline') {
    const { error, retryInMs } = event
    printJsonLine({
      time: now(),
      event: 'offline',
      reason: error.message,
      retryInSeconds: Math.ceil(retryInMs / 1000),
    })
  } else
    printJsonLine({
      time: now(),
      ...(event.kind === 'online' ? { event: 'online', live: event.live } : { event: 'account' }),
    })
}

/** Says the same to people, and nothing of what they expect. */
export function statusRemarks(): (event: Status) => void {
  let wasOffline = false
  return (event) => {
    if (event.kind === 'account')
      return remark(
        'The password, the method, the key or the address of the account was changed on another device.',
      )
    if (event.kind === 'offline') {
      wasOffline = true
      return remark(`Offline: ${event.error.message.replace(/\.$/, '')}. It is tried again by itself.`)
    }
    if (wasOffline) remark('Online again.')
    wasOffline = false
    if (!event.live)
      remark('No event stream comes through, as behind some proxies: changes arrive within half a minute.')
  }
}
