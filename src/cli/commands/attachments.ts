// Commands about the files that are attached to items: attachment list, get, rm.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type AttachedFile, filesOf, OpenError, ProblemError } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { writeNewFile } from '../../terminal/new-file.ts'
import { pipe, print, printBytes, printJson, printsToTerminal, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { spool } from '../../terminal/spool.ts'
import { table } from '../../terminal/table.ts'
import { safeLine } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'
import { ambiguousFiles, fileJson, reportBytes, requireEditable, vaultOption } from '../attached-files.ts'
import { command, type Surroundings } from '../command.ts'
import { isFileName, standardStream } from '../local-files.ts'
import { findItem } from '../lookup.ts'
import { type Entry, openWorkspace, requireTakenOver } from '../workspace.ts'

/** What a file may have to be shown on a terminal. */
const mostForTerminal = 1024 * 1024

/** The one file that is meant, by its id or its name; without either the only one. */
function findFile(files: readonly AttachedFile[], wanted: string | undefined, item: string): AttachedFile {
  const found = files.filter(({ id, name }) => wanted === undefined || id === wanted || name === wanted)
  const [file, ...others] = found
  if (!file)
    throw new CliError(
      'notFound',
      wanted === undefined
        ? `"${safeLine(item)}" has no files.`
        : `"${safeLine(item)}" has no file "${safeLine(wanted)}". "limpet attachment list" shows what there is.`,
    )
  if (others.length > 0) throw ambiguousFiles(found, wanted ?? item)
  return file
}

/** The files of an item as it is now, or as it was in a version. */
async function filesAt({ vault, item }: Entry, revision: string | undefined) {
  if (revision === undefined || revision === String(item.revision)) return filesOf(item.content)
  const versions = await withProgress('Asking the server', () => vault.versions(item.id))
  const version = versions.find((one) => String(one.revision) === revision)
  if (version) return filesOf(version.content)
  throw new CliError(
    'notFound',
    `"${safeLine(item.content.name)}" has no version of revision ${safeLine(revision)}. "limpet history NAME" shows what there is.`,
  )
}

function showFiles(files: readonly AttachedFile[], json: boolean | undefined) {
  if (json) printJson(files.map(fileJson))
  else if (files.length > 0)
    print(
      ...table(
        ['NAME', 'TYPE', 'SIZE', 'ID'],
        files.map(({ name, type, size, id }) => [name, type, formatFileSize(size), id]),
      ),
    )
}

/** The sentences about a file that does not come. */
function explainDownload(error: unknown, { name }: AttachedFile): unknown {
  if (error instanceof OpenError)
    return new CliError(
      'refused',
      `Refused: what the server gave in place of "${safeLine(name)}" is another file, or only a part of it. Nothing of it was kept.`,
    )
  if (error instanceof ProblemError && error.code === 'not-found')
    return new CliError(
      'notFound',
      `The server does not have "${safeLine(name)}" any more, although the item names it. Ask its operator whether it was restored from a backup.`,
    )
  return error
}

const isFolder = (path: string) =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )

/** Where a file goes: to what was said, into a folder that was said, or into this folder under its own name. */
async function targetOf({ name }: AttachedFile, output: string | undefined): Promise<string> {
  const folder = output !== undefined && (await isFolder(output))
  if (output !== undefined && !folder) return output
  if (!isFileName(name))
    throw new CliError(
      'usage',
      `The file is called "${safeLine(name)}", which is no safe name for a file here. --output says where it goes.`,
    )
  return output === undefined ? name : join(output, name)
}

async function getFile(
  { vault, item }: Entry,
  file: AttachedFile,
  { output, force = false }: { output?: string | undefined; force?: boolean | undefined },
) {
  const target = output === standardStream ? undefined : await targetOf(file, output)
  const tooLarge = target === undefined && printsToTerminal() && file.size > mostForTerminal
  if (tooLarge)
    throw new CliError('usage', 'The file is too large for a terminal. --output FILE writes it to a file.')
  const label = `Downloading ${safeLine(file.name)}`
  try {
    // Nothing of it is good before all of it was opened: a new file gets its name then, and standard output its first byte.
    await withProgress(label, async (report, hold) => {
      const content = vault.attachments.download(item.id, file, { onProgress: reportBytes(report) })
      if (target !== undefined) return writeNewFile(target, content, { force })
      const whole = await spool(content)
      try {
        return await hold(() => printWhole(whole.read(0)))
      } finally {
        await whole.close()
      }
    })
  } catch (error) {
    throw explainDownload(error, file)
  }
  if (target !== undefined) remark(`Wrote ${safeLine(target)} (${formatFileSize(file.size)}).`)
}

/** Pieces that stay as they are: a pipe takes them when it can. */
async function* copied(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of content) yield piece.slice()
}

async function printWhole(content: AsyncIterable<Uint8Array>): Promise<void> {
  if (!printsToTerminal()) {
    await pipe(copied(content))
    return
  }
  const pieces: Uint8Array[] = []
  for await (const piece of copied(content)) pieces.push(piece)
  await printBytes(Buffer.concat(pieces))
}

interface Removal {
  readonly permanent?: boolean | undefined
  readonly yes?: boolean | undefined
}

function checkRemoval({ environment, prompter }: Surroundings, { permanent, yes }: Removal) {
  if (permanent && environment.LIMPET_TOKEN)
    throw new CliError(
      'usage',
      'A token deletes nothing for good: leave out --permanent, or unset LIMPET_TOKEN and log in.',
    )
  if (permanent && !yes && !prompter.interactive)
    throw new CliError('usage', 'There is no terminal to ask on: --permanent needs --yes here.')
}

async function removeFile(
  { prompter }: Surroundings,
  { vault, item }: Entry,
  file: AttachedFile,
  { permanent = false, yes }: Removal,
) {
  const name = safeLine(file.name)
  if (permanent && !yes && !(await prompter.confirm(`Delete "${name}" for good, also from the versions?`)))
    throw new CliError('unexpected', 'Nothing was deleted.')
  const isNamed = filesOf(item.content).some(({ id }) => id === file.id)
  await withProgress('Removing', async () => {
    if (isNamed) await vault.attachments.remove(item.id, file.id, { permanent })
    else await vault.attachments.purge(item.id, file.id)
  })
  remark(
    permanent
      ? `Deleted "${name}" for good.`
      : `Took out "${name}". The version of before keeps it: "limpet history NAME" shows which.`,
  )
}

const revision = { type: 'string', value: 'N', help: 'the files of a version that was replaced' } as const
const trash = { type: 'boolean', help: 'looks in the trash' } as const

interface Where {
  readonly vault?: string | undefined
  readonly trash?: boolean | undefined
  readonly revision?: string | undefined
}

/** The item, and its files as they are now or were at a revision. */
async function lookUp(surroundings: Surroundings, wanted: string, { vault, trash, revision }: Where) {
  const workspace = await openWorkspace(surroundings, 'read')
  const entry = findItem(workspace, wanted, { vault, place: trash ? 'trash' : 'active' })
  return { entry, files: await filesAt(entry, revision) }
}

export const list = command({
  name: 'attachment list',
  operands: ['NAME_OR_ID'],
  summary: 'list the files of an item',
  example: 'limpet attachment list Passport',
  options: { revision, trash, vault: vaultOption, json: { type: 'boolean', help: 'prints JSON' } },
  async run(surroundings, [wanted = ''], { json, ...where }) {
    const { files } = await lookUp(surroundings, wanted, where)
    showFiles(files, json)
  },
})

export const get = command({
  name: 'attachment get',
  operands: ['NAME_OR_ID', '[FILE]'],
  summary: 'write a file of an item to a new file',
  details:
    'FILE is the name or the id of a file of the item; it may be left out if there is one only. The new file gets its name once all of it was opened, in this folder unless --output says where. --output - writes to standard output, after all of it was opened.',
  example: 'limpet attachment get Passport scan.pdf --output ~/Documents',
  options: {
    output: {
      type: 'string',
      value: 'PATH',
      help: 'the file or the folder to write to; - is standard output',
    },
    force: { type: 'boolean', help: 'replaces a file that is there, once the new one is whole' },
    revision,
    trash,
    vault: vaultOption,
  },
  async run(surroundings, [wanted = '', name], { output, force, ...where }) {
    const { entry, files } = await lookUp(surroundings, wanted, where)
    await getFile(entry, findFile(files, name, entry.item.content.name), { output, force })
  },
})

export const remove = command({
  name: 'attachment rm',
  operands: ['NAME_OR_ID', 'FILE'],
  summary: 'take a file out of an item; with --permanent delete it for good',
  details: 'Without --permanent, the versions of before keep the file.',
  example: 'limpet attachment rm Passport scan.pdf',
  options: {
    permanent: { type: 'boolean', help: 'deletes it for good, from the versions too; asks first' },
    yes: { type: 'boolean', help: 'with --permanent: does not ask' },
    revision: { type: 'string', value: 'N', help: 'with --permanent: a file of a version that was replaced' },
    vault: vaultOption,
  },
  async run(surroundings, [wanted = '', name], { permanent, yes, revision, vault }) {
    if (revision !== undefined && !permanent)
      throw new CliError(
        'usage',
        'A version stays as it is: --revision of "limpet attachment rm" goes with --permanent.',
      )
    checkRemoval(surroundings, { permanent, yes })
    const workspace = await openWorkspace(surroundings, 'write')
    const entry = findItem(workspace, wanted, { vault, place: 'active' })
    const file = findFile(await filesAt(entry, revision), name, entry.item.content.name)
    requireTakenOver(workspace, entry.item.id)
    requireEditable(entry)
    await removeFile(surroundings, entry, file, { permanent, yes })
    await workspace.keep(entry.vault)
  },
})
