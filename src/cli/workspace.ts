// The vaults of the account, unlocked, with their items in clear: what the server has now, or without it what was last here.
import {
  type Account,
  ContentError,
  type Item,
  OpenError,
  type OpenItem,
  type OpenVault,
  Replica,
  ResyncRequiredError,
  type Vault,
  type WatchEvent,
  type WatchOptions,
} from '../sdk/index.ts'
import { CliError, type Ending } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import { type Report, withProgress } from '../terminal/progress.ts'
import { counted, localTime, safeLine } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'
import { configurationPath, loadConfiguration } from './configuration.ts'
import { describe, isUnavailable } from './failures.ts'
import { tokenClient, unlock } from './session.ts'
import type { StateFolder, StoredVault } from './state-folder.ts'

/** An item, and the vault that it is in. */
export interface Entry {
  readonly vault: OpenVault
  readonly item: OpenItem
}

/** An item without content that could be shown: its envelope does not open, or what is in it is malformed. */
export interface Broken {
  readonly vault: OpenVault
  readonly item: Item
  readonly why: 'unreadable' | 'malformed'
}

export interface Workspace {
  readonly source: VaultSource
  readonly vaults: readonly OpenVault[]
  /** Of all vaults, in the trash or not. */
  readonly entries: readonly Entry[]
  /** Items that cannot be shown. */
  readonly broken: readonly Broken[]
  /** Ids of items in whose place the server shows something that was not taken over. */
  readonly refused: readonly string[]
  /** Takes in what a command just wrote, so that it can be read without the server too. */
  keep(vault: OpenVault): Promise<void>
}

/**
 * What a command is going to do: what was last here is good enough to read, and never to build a change on. An export is of what the
 * server has now, and changes nothing.
 */
export type Purpose = 'read' | 'write' | 'export'

/** Whose vaults a command works with: those of the unlocked account, or the one of a token. */
export interface VaultSource {
  readonly accountId: string
  vaults(): Promise<OpenVault[]>
  openVault(vault: Vault): Promise<OpenVault>
  watch(options: WatchOptions): AsyncIterable<WatchEvent>
  /** Absent of a token, which stands for one vault. */
  createVault?(name: string): Promise<OpenVault>
  /** Absent of a token. */
  details?(): Promise<Account>
}

/** Where copies of vaults are kept between runs. */
export type Copies = Pick<StateFolder, 'vaults' | 'saveVault' | 'touchVault'>

/** Beside a token nothing is kept: a job begins anew, and the next user of this machine does not meet what it left. */
const noCopies: Copies = {
  vaults: async () => [],
  saveVault: async () => {},
  touchVault: async () => {},
}

/** What the environment opens, and where its copies are: with LIMPET_TOKEN its vault, otherwise the account of the session. */
export async function openSource(
  surroundings: Surroundings,
  purpose: Purpose,
): Promise<{ source: VaultSource; copies: Copies }> {
  const client = await tokenClient(surroundings)
  if (!client) return { source: await unlock(surroundings), copies: surroundings.state }
  const source = await withProgress('Asking the server', () => client.open())
  if (purpose === 'write' && !source.scopes.includes('write'))
    throw new CliError(
      'unexpected',
      'The token in LIMPET_TOKEN may not write. "limpet token create NAME --scope write" makes one that may.',
    )
  return { source, copies: noCopies }
}

const decryptAtOnce = 250

export const reportCount = (report: Report) => (count: number) => report(count.toLocaleString('en'))

export const sameVault =
  (vault: { id: string }) =>
  ({ vault: { id } }: StoredVault) =>
    id === vault.id

/** Stores a vault that was compared with the server just now. */
export async function store(
  copies: Copies,
  accountId: string,
  vault: OpenVault,
  replica: Replica,
  stored: StoredVault | undefined,
): Promise<void> {
  const next = { accountId, vault: vault.sealed, replica: replica.export() }
  const unchanged =
    stored?.replica.cursor === next.replica.cursor &&
    stored?.replica.vault?.data === next.replica.vault?.data &&
    JSON.stringify(stored?.vault) === JSON.stringify(next.vault)
  if (unchanged) await copies.touchVault(vault.id)
  else await copies.saveVault(next)
}

/** What keeps a command from the server's present state although reading can go on: unavailable, or another history. */
const allowsOldState = (error: unknown) => isUnavailable(error) || error instanceof ResyncRequiredError

const explainOldState = (error: unknown, { syncedAt }: StoredVault) =>
  remark(`${describe(error).sentence} Shown is what was here on ${localTime(syncedAt.toISOString())}.`)

/** Opens every item of a replica; those that cannot be shown stand apart. */
export async function decrypt(vault: OpenVault, replica: Pick<Replica, 'items'>) {
  const entries: Entry[] = []
  const broken: Broken[] = []
  const items = [...replica.items.values()]
  await withProgress(`Decrypting ${counted(items.length, 'item')}`, async (report) => {
    for (let begin = 0; begin < items.length; begin += decryptAtOnce) {
      const opening = items.slice(begin, begin + decryptAtOnce).map(async (item) => {
        try {
          entries.push({ vault, item: await vault.openItem(item) })
        } catch (error) {
          if (!(error instanceof OpenError || error instanceof ContentError)) throw error
          broken.push({ vault, item, why: error instanceof ContentError ? 'malformed' : 'unreadable' })
        }
      })
      await Promise.all(opening)
      reportCount(report)(entries.length)
    }
  })
  return { entries, broken }
}

interface Pulled {
  readonly vault: OpenVault
  readonly replica: Replica
}

/** Each vault with its changes; for reading, what was last here where the server does not give them. */
export async function pullAll(source: VaultSource, copies: Copies, purpose: Purpose): Promise<Pulled[]> {
  const stored = await copies.vaults(source.accountId)
  let vaults: OpenVault[]
  try {
    vaults = await withProgress('Asking the server', () => source.vaults())
  } catch (error) {
    const [first] = stored
    if (purpose !== 'read' || !first || !isUnavailable(error)) throw error
    explainOldState(error, first)
    return Promise.all(
      stored.map(async ({ vault, replica }) => ({
        vault: await source.openVault(vault),
        replica: new Replica(replica),
      })),
    )
  }
  const pulled: Pulled[] = []
  for (const vault of vaults) {
    const known = stored.find(sameVault(vault))
    const replica = new Replica(known?.replica)
    try {
      await withProgress('Pulling changes', (report) => replica.pull(vault, reportCount(report)))
      await store(copies, source.accountId, vault, replica, known)
    } catch (error) {
      if (purpose !== 'read' || !known || !allowsOldState(error)) throw error
      explainOldState(error, known)
    }
    pulled.push({ vault, replica })
  }
  return pulled
}

export async function openWorkspace(surroundings: Surroundings, purpose: Purpose): Promise<Workspace> {
  return workspaceOf(await openSource(surroundings, purpose), purpose)
}

/** The same of what is unlocked already. */
export async function workspaceOf(
  { source, copies }: { source: VaultSource; copies: Copies },
  purpose: Purpose,
): Promise<Workspace> {
  const pulled = await pullAll(source, copies, purpose)
  const opened = []
  for (const { vault, replica } of pulled) opened.push(await decrypt(vault, replica))
  const broken = opened.flatMap(({ broken }) => broken)
  warnOfBroken(broken)
  const refused = pulled.flatMap(({ replica }) => [...replica.refused.keys()])
  warnOfRefused(refused)
  return {
    source,
    vaults: pulled.map(({ vault }) => vault),
    entries: opened.flatMap(({ entries }) => entries),
    broken,
    refused,
    async keep(vault) {
      const replica = pulled.find((one) => one.vault === vault)?.replica
      try {
        await replica?.pull(vault)
        if (replica) await store(copies, source.accountId, vault, replica, undefined)
      } catch {
        // The write itself is done and said; the next command pulls again.
      }
    },
  }
}

export const idsOf = (broken: readonly Broken[], why: Broken['why']) =>
  broken.flatMap((one) => (one.why === why ? [one.item.id] : []))

export function warnOfBroken(broken: readonly Broken[]) {
  const [unreadable, malformed] = [idsOf(broken, 'unreadable'), idsOf(broken, 'malformed')]
  if (unreadable.length > 0)
    remark(
      `${counted(unreadable.length, 'item')} of the vault cannot be opened with its key and cannot be shown: ${unreadable.join(', ')}. Ask the operator of the server; "limpet rm ID" removes one.`,
    )
  if (malformed.length > 0)
    remark(
      `${counted(malformed.length, 'item')} of the vault opened, and what is inside is malformed, so that it cannot be shown: ${malformed.join(', ')}. The program that wrote it has a mistake; "limpet rm ID" removes one.`,
    )
}

export function warnOfRefused(ids: readonly string[]) {
  if (ids.length > 0)
    remark(
      `In place of ${counted(ids.length, 'item')} the server shows an older state, or that it was deleted, and nothing tells that you did that: ${ids.join(', ')}. Shown is the copy that is here. "limpet sync --put-back" writes it to the server again, "limpet sync --accept" takes what the server shows.`,
    )
}

/** Refuses to build a change on an item of which the server shows something else. */
export function requireTakenOver({ refused }: Workspace, id: string) {
  if (refused.includes(id))
    throw new CliError(
      'refused',
      'Refused: the server shows another state of this item, which was not taken over. "limpet sync --put-back" or "limpet sync --accept" comes first.',
    )
}

/** How a command ends that showed everything it could. */
export const endingOf = ({ broken, refused }: Pick<Workspace, 'broken' | 'refused'>): Ending =>
  broken.length > 0 || refused.length > 0 ? 'refused' : 'done'

/** Whether `--vault NAME` means a vault: by its name or its id. */
export const isCalled = (name: string) => (vault: OpenVault) => vault.id === name || vault.name === name

/** The vaults that `--vault NAME` means, by name or id; all of them without it. */
export function chosenVaults(
  { vaults }: Pick<Workspace, 'vaults'>,
  name: string | undefined,
): readonly OpenVault[] {
  if (name === undefined) return vaults
  const chosen = vaults.filter(isCalled(name))
  if (chosen.length > 0) return chosen
  const names = vaults.map((vault) => `"${safeLine(vault.name)}"`).join(', ')
  throw new CliError('notFound', `There is no vault "${safeLine(name)}". There is: ${names}.`)
}

/** The one vault that something is to be done with. @param how an owner says which it is */
export function oneVault(
  workspace: Pick<Workspace, 'vaults'>,
  name: string | undefined,
  how = '--vault says which',
): OpenVault {
  const [vault, ...others] = chosenVaults(workspace, name)
  if (!vault) throw new CliError('notFound', 'The account has no vault.')
  if (others.length === 0) return vault
  const list = [vault, ...others].map(({ id, name }) => `${id}  ${safeLine(name)}`)
  throw new CliError('ambiguous', `There are several vaults; ${how}, by name or id:\n${list.join('\n')}`)
}

/** @returns the vault that new items go to if none is named: undefined if there is only one, or if the configuration has none */
export async function usualVault(
  { environment }: Pick<Surroundings, 'environment'>,
  { vaults }: Pick<Workspace, 'vaults'>,
): Promise<string | undefined> {
  if (vaults.length < 2) return undefined
  const { vault } = await loadConfiguration(environment)
  if (vault === undefined || vaults.some(isCalled(vault))) return vault
  throw new CliError(
    'notFound',
    `There is no vault "${safeLine(vault)}", which ${safeLine(configurationPath(environment))} names. --vault names another, and so does "limpet config set vault NAME".`,
  )
}
