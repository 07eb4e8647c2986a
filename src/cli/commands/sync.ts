// The command sync: takes in changes, and after the server was restored from a backup puts back what it lost.
import { isDeepStrictEqual } from 'node:util'
import {
  type AttachedFile,
  ConflictError,
  ContentError,
  filesOf,
  type Item,
  type ItemState,
  OpenError,
  type OpenItem,
  type OpenVault,
  ProblemError,
  Replica,
  ResyncRequiredError,
  type SealedItem,
} from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, localTime, safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { watchAndSync } from '../sync-watch.ts'
import { lostFilesNote } from '../views.ts'
import {
  type Broken,
  decrypt,
  type Entry,
  endingOf,
  idsOf,
  openSource,
  reportCount,
  sameVault,
  store,
  warnOfBroken,
  warnOfRefused,
} from '../workspace.ts'

interface Named {
  readonly id: string
  readonly name: string
}

/** An item that was written again. */
interface Kept extends Named {
  /** Names of its files that the server has lost too; absent if there are none. */
  readonly lostFiles?: readonly string[]
}

const lostNames = (files: readonly AttachedFile[]) =>
  files.length > 0 ? { lostFiles: files.map(({ name }) => name) } : {}

interface Synced extends Named {
  readonly changes: number
  readonly resynced: boolean
  /** Items that the server had lost and has again. */
  readonly putBack: Kept[]
  /** Versions that the server had lost, while it has another content under the id: kept as new items. */
  readonly recovered: (Kept & { of: string })[]
  /** Ids of items that do not open. */
  readonly unreadable: string[]
  /** Ids of items that open, and whose content is malformed. */
  readonly malformed: string[]
  /** Ids of items in whose place the server shows something that was not taken over. */
  readonly refused: string[]
}

type Repairs = Pick<Synced, 'putBack' | 'recovered'>

async function openLost(vault: OpenVault, item: Item): Promise<OpenItem | undefined> {
  try {
    return await vault.openItem(item)
  } catch (error) {
    if (error instanceof OpenError || error instanceof ContentError) return undefined
    throw error
  }
}

const asItIs = ({ data, attachments, keyVersion }: Item): SealedItem => ({
  data,
  ...(attachments && { attachments }),
  ...(keyVersion !== undefined && { keyVersion }),
})

const isMissing = (error: unknown) => error instanceof ProblemError && error.code === 'attachment-missing'

/**
 * Writes an item again under its own id, where nothing of it is left. After a deletion it counts on from that, so that other devices
 * take it over; under another key than before too. @returns the files that are lost, or undefined where something else is there
 */
async function putBack(
  vault: OpenVault,
  item: Item,
  now: ItemState | undefined,
): Promise<readonly AttachedFile[] | undefined> {
  if (now && 'data' in now) return undefined
  const opened = await openLost(vault, item)
  if (now) await vault.seals.editsOf(now)
  const headers = now ? { 'If-Match': `"${now.revision}"` } : { 'If-None-Match': '*' }
  let lost: readonly AttachedFile[] = []
  try {
    const isUnderOtherKey = (item.keyVersion ?? 1) !== vault.keys.newest
    if ((now || isUnderOtherKey) && opened)
      lost = await vault.putContentBack(item.id, opened.content, headers)
    else {
      try {
        await vault.putSealed(item.id, asItIs(item), headers)
      } catch (error) {
        if (!isMissing(error)) throw error
        if (opened) lost = await vault.putContentBack(item.id, opened.content, headers)
        else {
          const { attachments: _lost, ...alone } = asItIs(item)
          await vault.putSealed(item.id, alone, headers)
        }
      }
    }
  } catch (error) {
    if (error instanceof ConflictError) return undefined
    throw error
  }
  if (item.deletedAt !== null) await vault.trash(item.id)
  return lost
}

/** Keeps a lost content as a new item, unless an earlier, interrupted run did so already. */
async function recover(vault: OpenVault, lost: OpenItem, present: readonly Entry[]) {
  const files = filesOf(lost.content)
  const copy = { ...withoutFiles(lost.content), name: `${lost.content.name} (recovered)` }
  const known = present.find(({ item }) => isDeepStrictEqual(withoutFiles(item.content), copy))
  if (known) return { id: known.item.id, name: copy.name }
  const id = crypto.randomUUID()
  const { copied, lost: lostFiles } = await vault.attachments.copy(lost.id, files, id)
  const content = copied.length > 0 ? { ...copy, attachments: copied } : copy
  await vault.putSealed(id, await vault.sealItem(id, content), { 'If-None-Match': '*' })
  if (lost.deletedAt !== null) await vault.trash(id)
  return { id, name: copy.name, ...lostNames(lostFiles) }
}

/** Files are sealed for their item: a copy has others. */
function withoutFiles({ attachments: _files, ...content }: OpenItem['content']) {
  return content
}

/**
 * Compares with a server whose history is another one now, and writes what it lost. `reopened` is the vault opened anew, as
 * revisions of before mean nothing in the new history.
 */
async function repair(reopened: OpenVault, vault: OpenVault, replica: Replica): Promise<Repairs> {
  const lost = await withProgress('Comparing', (report) => replica.resync(reopened, reportCount(report)))
  const states = new Map(replica.export().items.map((state) => [state.id, state]))
  const { entries } = await decrypt(reopened, replica)
  const repairs: Repairs = { putBack: [], recovered: [] }
  for (const item of lost) {
    const opened = await openLost(vault, item)
    const now = states.get(item.id)
    const name = opened?.content.name ?? item.id
    const lostFiles = await putBack(reopened, item, now)
    if (lostFiles) {
      repairs.putBack.push({ id: item.id, name, ...lostNames(lostFiles) })
      continue
    }
    const same = entries.find((entry) => entry.item.id === item.id)
    if (!opened || isDeepStrictEqual(same?.item.content, opened.content)) continue
    repairs.recovered.push({ ...(await recover(reopened, opened, entries)), of: item.id })
  }
  return repairs
}

function describeSynced({ name, changes, resynced, putBack, recovered }: Synced): string[] {
  const of = ({ id, name, lostFiles }: Kept) => `  ${id}  ${safeLine(name)}${lostFilesNote(lostFiles)}`
  return [
    `${safeLine(name)}: ${changes === 0 ? 'nothing new' : counted(changes, 'change')}`,
    ...(resynced ? ['The server was restored from a backup; everything was compared.'] : []),
    ...(putBack.length > 0
      ? [`Put back ${counted(putBack.length, 'item')} that it had lost:`, ...putBack.map(of)]
      : []),
    ...(recovered.length > 0
      ? [
          `Kept ${counted(recovered.length, 'lost version')} as new items, since the server has another content in their place:`,
          ...recovered.map(of),
        ]
      : []),
  ]
}

export const sync = command({
  name: 'sync',
  operands: [],
  summary: 'take in the changes of other devices; repair the server after a restored backup',
  details:
    'Where the server shows an older state of an item, or of the name of a vault, or a deletion, and nothing tells that you did that, the copy here stays and the command ends with 9: --put-back writes it again, --accept takes what the server shows. After a restored backup nothing on the server is overwritten: where it lost a version and has another content in its place, the lost version becomes a new item with "(recovered)" in its name.',
  example: 'limpet sync',
  options: {
    'put-back': { type: 'boolean', help: 'writes what is here over states of the server that were refused' },
    accept: { type: 'boolean', help: 'takes the states of the server that were refused; the copies here go' },
    watch: {
      type: 'boolean',
      help: 'goes on until Ctrl-C: keeps the copies here up to date, and prints a line for each change',
    },
    json: { type: 'boolean', help: 'prints JSON; with --watch one line of it for each change' },
  },
  async run(surroundings, _operands, { json = false, accept, watch, 'put-back': overwrite }) {
    if (accept && overwrite) throw new CliError('usage', 'Only one of --put-back and --accept can be meant.')
    if (watch && (accept || overwrite))
      throw new CliError(
        'usage',
        '--put-back and --accept decide about what was refused until now; run them without --watch.',
      )
    const { source, copies } = await openSource(surroundings, overwrite ? 'write' : 'read')
    if (watch) {
      const repairAndPull = async (vault: OpenVault, replica: Replica) => {
        const repairs = await repair(await source.openVault(vault.sealed), vault, replica)
        await replica.pull(vault)
        return repairs
      }
      await watchAndSync({
        source,
        copies,
        untilSignal: surroundings.untilSignal,
        json,
        repair: repairAndPull,
      })
      return 'done'
    }
    const { accountId } = source
    const stored = await copies.vaults(accountId)
    const vaults = await withProgress('Asking the server', () => source.vaults())
    const synced: Synced[] = []
    const broken: Broken[] = []
    for (const listed of vaults) {
      let vault = listed
      const known = stored.find(sameVault(vault))
      const replica = new Replica(known?.replica)
      let changes = 0
      let repairs: Repairs | undefined
      if (accept) replica.acceptVault(vault)
      if (overwrite) await replica.putVaultBack(vault)
      try {
        const pulled = await withProgress('Pulling changes', (report) =>
          replica.pull(vault, reportCount(report)),
        )
        changes = pulled.changed.length
      } catch (error) {
        if (!(error instanceof ResyncRequiredError)) throw error
        // What the old one saw was of the old history, in which revisions were others.
        vault = await source.openVault(listed.sealed)
        repairs = await repair(vault, listed, replica)
        changes = (await replica.pull(vault)).changed.length
      }
      for (const id of replica.refused.keys()) {
        if (accept) replica.accept(vault, id)
        if (overwrite) {
          const lost = await replica.putBack(vault, id)
          if (lost.length > 0)
            remark(
              `The server does not have these files of the item ${id} any more: ${lost.map((file) => safeLine(file.name)).join(', ')}.`,
            )
        }
      }
      if (overwrite) await replica.pull(vault)
      // Stored last: an interrupted repair begins again with what is here.
      await store(copies, accountId, vault, replica, repairs || accept || overwrite ? undefined : known)
      const opened = await decrypt(await source.openVault(vault.sealed), replica)
      broken.push(...opened.broken)
      const { id, name } = vault
      synced.push({
        id,
        name,
        changes,
        resynced: !!repairs,
        putBack: [],
        recovered: [],
        ...repairs,
        unreadable: idsOf(opened.broken, 'unreadable'),
        malformed: idsOf(opened.broken, 'malformed'),
        refused: [...replica.refused.keys()],
      })
    }
    const missing = stored.filter(({ vault }) => !vaults.some(({ id }) => id === vault.id))
    if (json) printJson({ vaults: synced, missing: missing.map(({ vault }) => vault.id) })
    else print(...synced.flatMap(describeSynced))
    for (const { vault, syncedAt } of missing)
      remark(
        `The server has no vault ${vault.id} any more; a copy of ${localTime(syncedAt.toISOString())} stays here until "limpet logout".`,
      )
    const refused = synced.flatMap(({ refused: ids }) => ids)
    warnOfBroken(broken)
    warnOfRefused(refused)
    return endingOf({ broken, refused })
  },
})
