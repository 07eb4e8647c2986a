// Many items at once, as JSON on standard input: what add and edit do with --from-json.
import { z } from 'zod'
import {
  ItemContent,
  isItemContent,
  type OpenVault,
  ProblemError,
  withPreviousPassword,
} from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, textIn } from '../../terminal/text.ts'
import type { Surroundings } from '../command.ts'
import { oneVault, openWorkspace, requireTakenOver, usualVault, type Workspace } from '../workspace.ts'

/** More is for "limpet import", which goes on where it broke off. */
const largestInput = 64 * 2 ** 20

/** What one request takes, with room for its frame. */
const atOnce = { operations: 200, bytes: 4 * 2 ** 20 } as const

interface Write {
  readonly vault: OpenVault
  readonly id: string
  readonly content: ItemContent
  /** That is replaced; null for a new item. */
  readonly revision: number | null
}

/** The array on standard input, each entry in a shape. Throws a CliError that names the entry and the member, and no value. */
async function entriesOf<S extends z.ZodType>({ prompter }: Surroundings, shape: S): Promise<z.output<S>[]> {
  const text = textIn(await prompter.bytes('Items as JSON', largestInput))
  let entries: unknown
  try {
    entries = JSON.parse(text === undefined || text.length > largestInput ? '' : text)
  } catch {
    throw new CliError('usage', 'Standard input is no JSON in UTF-8 of at most 64 MiB.')
  }
  if (!Array.isArray(entries))
    throw new CliError('usage', 'Standard input is not an array of items: [{…}, {…}].')
  return entries.map((entry: unknown, index) => {
    const parsed = shape.safeParse(entry)
    if (parsed.success) return parsed.data
    const members = new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'the whole'))
    throw new CliError(
      'usage',
      `Entry ${index + 1} is not as it has to be, so nothing was written: ${[...members].join(', ')}. docs/protocol.md has the members of items.`,
    )
  })
}

/** Writes in batches, each of which is written wholly or not at all. */
async function writeAll(workspace: Workspace, writes: readonly Write[]): Promise<void> {
  const written: string[] = []
  await withProgress(`Writing ${counted(writes.length, 'item')}`, async (report) => {
    for (const vault of new Set(writes.map((write) => write.vault))) {
      let operations: Parameters<OpenVault['batch']>[0] = []
      let bytes = 0
      const flush = async () => {
        if (operations.length > 0) await vault.batch(operations)
        written.push(...operations.map(({ id }) => id))
        report(written.length.toLocaleString('en'))
        operations = []
        bytes = 0
      }
      for (const { id, content, revision } of writes.filter((write) => write.vault === vault)) {
        const sealed = await vault.sealItem(id, content)
        if (operations.length === atOnce.operations || bytes + sealed.data.length > atOnce.bytes)
          await flush()
        operations.push({ op: 'put', id, ...sealed, revision })
        bytes += sealed.data.length
      }
      await flush()
      await workspace.keep(vault)
    }
  }).catch((error: unknown) => {
    if (written.length > 0) remark(`${counted(written.length, 'item')} of ${writes.length} had been written:`)
    print(...written)
    if (!(error instanceof ProblemError) || error.code !== 'revision-conflict') throw error
    throw new CliError(
      'conflict',
      'An item was changed meanwhile. Nothing from there on was written: list the items again, and repeat the command with those that are left.',
    )
  })
  print(...writes.map(({ id }) => id))
}

/** An item as `list --json --reveal` prints it, or its content alone. */
const Added = z.union([z.object({ content: ItemContent }).transform(({ content }) => content), ItemContent])

/** Adds each entry as a new item, and prints their ids in this order. */
export async function addFromJson(surroundings: Surroundings, vaultName: string | undefined): Promise<void> {
  const workspace = await openWorkspace(surroundings, 'write')
  const vault = oneVault(workspace, vaultName ?? (await usualVault(surroundings, workspace)))
  const contents = await entriesOf(surroundings, Added)
  const withFiles = contents.findIndex(({ attachments = [] }) => attachments.length > 0)
  if (withFiles >= 0)
    throw new CliError(
      'usage',
      `Entry ${withFiles + 1} names files of another item, so nothing was written. Leave out "attachments"; "limpet attach" adds files.`,
    )
  await writeAll(
    workspace,
    contents.map((content) => ({ vault, id: crypto.randomUUID(), content, revision: null })),
  )
}

const Edited = z.object({ id: z.string(), revision: z.int().min(1), content: ItemContent })

/** Replaces the content of each entry's item, if it is still at the revision of the entry. Prints their ids in this order. */
export async function editFromJson(surroundings: Surroundings): Promise<void> {
  const workspace = await openWorkspace(surroundings, 'write')
  const entries = await entriesOf(surroundings, Edited)
  const known = new Map(workspace.entries.map((entry) => [entry.item.id, entry]))
  const writes = entries.map(({ id, revision, content }, index) => {
    const entry = known.get(id)
    if (!entry || entry.item.deletedAt !== null)
      throw new CliError(
        'notFound',
        `Entry ${index + 1}: there is no item with this id. Nothing was written.`,
      )
    requireTakenOver(workspace, id)
    const before = entry.item.content
    const next = isItemContent(before)
      ? withPreviousPassword(before, content, new Date().toISOString())
      : content
    return { vault: entry.vault, id, content: next, revision }
  })
  if (new Set(writes.map(({ id }) => id)).size < writes.length)
    throw new CliError('usage', 'An item stands there twice, so nothing was written.')
  await writeAll(workspace, writes)
}
