// Commands about the files of items: attach, attachment.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttachedFile,
  ConflictError,
  filesOf,
  isItemContent,
  NetworkError,
  OpenError,
  type OpenVault,
  ProblemError,
  type TransferOptions,
} from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { writeNewFile } from '../../terminal/new-file.ts'
import { pipe, print, printBytes, printJson, printsToTerminal, remark } from '../../terminal/output.ts'
import { type Report, withProgress } from '../../terminal/progress.ts'
import { spool } from '../../terminal/spool.ts'
import { safeLine, table } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'
import { command, type Surroundings } from '../command.ts'
import { isFileName, mediaTypeOf, nameOfPath, openLocalFile, standardStream } from '../local-files.ts'
import { findItem } from '../lookup.ts'
import { requireSession } from '../session.ts'
import type { UploadState } from '../state-folder.ts'
import { type Entry, openWorkspace, requireTakenOver } from '../workspace.ts'

const vaultOption = { type: 'string', value: 'NAME', help: 'the vault, where there are several' } as const

/** What a file may have to be shown on a terminal. */
const mostForTerminal = 1024 * 1024

const reportBytes =
  (report: Report): NonNullable<TransferOptions['onProgress']> =>
  (done, total) =>
    report(`${formatFileSize(done)} of ${formatFileSize(total)}`)

const fileJson = ({ id, name, type, size }: AttachedFile) => ({ id, name, type, size })

function requireEditable({ item: { content } }: Entry): void {
  if (isItemContent(content)) return
  throw new CliError(
    'usage',
    `This version does not know the kind "${safeLine(content.kind)}" and cannot edit it.`,
  )
}

/** The sentences about an upload. */
function explainUpload(error: unknown, name: string, size: number): unknown {
  const file = `"${safeLine(name)}" (${formatFileSize(size)})`
  if (error instanceof NetworkError)
    return new CliError(
      'unavailable',
      `${error.message}, before all of ${file} was there. Within a day the same command goes on where it was.`,
    )
  const isGone =
    error instanceof ConflictError || (error instanceof ProblemError && error.code === 'not-found')
  if (isGone)
    return new CliError(
      'conflict',
      'The item was deleted for good on another device in the meantime. Nothing was attached.',
    )
  if (error instanceof ProblemError && error.code === 'too-large')
    return new CliError('usage', `${file} is larger than a file may be on this server. Nothing was attached.`)
  if (error instanceof ProblemError && error.code === 'quota-exceeded')
    return new CliError(
      'unexpected',
      `There is no room for ${file}: ${error.message} "limpet attachment rm ITEM FILE --permanent" frees what a file takes. "limpet status" shows how much there is.`,
    )
  return error
}

/** The uploads that an earlier run began; beside a token nothing is kept. */
async function begunUploads({ state, environment }: Surroundings) {
  if (environment.LIMPET_TOKEN) return undefined
  const { accountId } = await requireSession({ state })
  const begun = await state.uploads.load(accountId)
  return {
    find: (vault: OpenVault, itemId: string, size: number) =>
      begun.find((one) => one.vaultId === vault.id && one.itemId === itemId && one.size === size),
    save: (upload: Omit<UploadState, 'accountId'>) => state.uploads.save({ ...upload, accountId }),
    forget: (attachmentId: string) => state.uploads.remove(attachmentId),
  }
}

export const attach = command({
  name: 'attach',
  operands: ['NAME_OR_ID', 'FILE'],
  summary: 'attach a file to an item; prints the id of the file',
  details:
    'FILE is sealed on this machine; server and network see neither its name nor its content. - reads standard input, and needs --name. An upload that broke off goes on when the same command is run again within a day.',
  example: 'limpet attach Passport scan.pdf',
  options: {
    name: { type: 'string', value: 'NAME', help: 'how the file is called; without it, as it is here' },
    type: { type: 'string', value: 'TYPE', help: 'its media type; without it, what the name says' },
    replace: {
      type: 'boolean',
      help: 'puts it in the place of the file of this name; the version before keeps that',
    },
    vault: vaultOption,
    json: { type: 'boolean', help: 'prints the file as JSON' },
  },
  async run(surroundings, [wanted = '', path = ''], { name: given, type, replace, vault: vaultName, json }) {
    if (path === standardStream && given === undefined)
      throw new CliError('usage', 'Standard input has no name: --name says how the file is called.')
    const name = given ?? nameOfPath(path)
    if (name === '') throw new CliError('usage', 'The name is empty.')
    const workspace = await openWorkspace(surroundings, 'write')
    const entry = findItem(workspace, wanted, { vault: vaultName, place: 'active' })
    const { vault, item } = entry
    requireTakenOver(workspace, item.id)
    requireEditable(entry)
    const same = filesOf(item.content).filter((file) => file.name === name)
    const [old, ...others] = same
    if (old && !replace)
      throw new CliError(
        'conflict',
        `"${safeLine(item.content.name)}" has a file "${safeLine(name)}". --replace puts this one in its place, --name gives it another name.`,
      )
    if (others.length > 0) throw ambiguous(same, name)
    const local = await openLocalFile(path, surroundings.prompter)
    try {
      const uploads = await begunUploads(surroundings)
      const file = { ...local, name, type: type ?? mediaTypeOf(name) }
      const { file: attached } = await withProgress(`Uploading ${safeLine(name)}`, (report) => {
        const options = {
          onProgress: reportBytes(report),
          resume: uploads?.find(vault, item.id, local.size),
          onPending: (pending: Omit<UploadState, 'accountId' | 'vaultId'>) =>
            uploads?.save({ ...pending, vaultId: vault.id }),
        }
        return old
          ? vault.attachments.replace(item.id, old.id, file, options)
          : vault.attachments.add(item.id, file, options)
      }).catch((error: unknown) => {
        throw explainUpload(error, name, local.size)
      })
      await uploads?.forget(attached.id)
      await workspace.keep(vault)
      if (json) printJson(fileJson(attached))
      else print(attached.id)
    } finally {
      await local.close()
    }
  },
})

const ambiguous = (files: readonly AttachedFile[], wanted: string) =>
  new CliError(
    'ambiguous',
    `Several files fit "${safeLine(wanted)}"; say which by its id:\n${files
      .map(({ id, name, size }) => `${id}  ${safeLine(name)}  (${formatFileSize(size)})`)
      .join('\n')}`,
  )

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
  if (others.length > 0) throw ambiguous(found, wanted ?? item)
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
    `"${safeLine(item.content.name)}" has no version of revision ${safeLine(revision)}. "limpet get NAME --versions" shows what there is.`,
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
      : `Took out "${name}". The version of before keeps it: "limpet get NAME --versions" shows which.`,
  )
}

export const attachment = command({
  name: 'attachment',
  operands: ['list|get|rm', 'NAME_OR_ID', '[FILE]'],
  summary: 'list, get and take out the files of an item',
  details:
    'FILE is the name or the id of a file of the item; get needs none if there is one only. get writes to a new file, which gets its name once all of it was opened, in this folder unless --output says where. --output - writes to standard output, after all of it was opened. rm leaves the file in the versions of before.',
  example: 'limpet attachment get Passport scan.pdf --output ~/Documents',
  options: {
    output: {
      type: 'string',
      value: 'PATH',
      help: 'get: the file or the folder to write to; - is standard output',
    },
    force: { type: 'boolean', help: 'get: replaces a file that is there, once the new one is whole' },
    revision: { type: 'string', value: 'N', help: 'the files of a version that was replaced' },
    permanent: { type: 'boolean', help: 'rm: deletes it for good, from the versions too; asks first' },
    yes: { type: 'boolean', help: 'rm --permanent: does not ask' },
    trash: { type: 'boolean', help: 'list, get: looks in the trash' },
    vault: vaultOption,
    json: { type: 'boolean', help: 'list: prints JSON' },
  },
  async run(surroundings, [action = '', wanted = '', name], values) {
    const { vault, revision, trash, json, output, force, permanent, yes } = values
    requireFitting(action, name, values)
    if (action === 'rm') checkRemoval(surroundings, { permanent, yes })
    const workspace = await openWorkspace(surroundings, action === 'rm' ? 'write' : 'read')
    const entry = findItem(workspace, wanted, { vault, place: trash ? 'trash' : 'active' })
    const files = await filesAt(entry, revision)
    if (action === 'list') return showFiles(files, json)
    const file = findFile(files, name, entry.item.content.name)
    if (action === 'get') return getFile(entry, file, { output, force })
    requireTakenOver(workspace, entry.item.id)
    requireEditable(entry)
    await removeFile(surroundings, entry, file, { permanent, yes })
    await workspace.keep(entry.vault)
  },
})

/** Which options each action takes beside `vault`. */
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  list: ['revision', 'trash', 'json'],
  get: ['revision', 'trash', 'output', 'force'],
  rm: ['revision', 'permanent', 'yes'],
}

function requireFitting(action: string, name: string | undefined, values: Readonly<Record<string, unknown>>) {
  const allowed = Object.hasOwn(optionsOf, action) ? optionsOf[action] : undefined
  if (!allowed)
    throw new CliError(
      'usage',
      `"limpet attachment" takes list, get or rm, not "${safeLine(action)}". "limpet attach" adds a file.`,
    )
  if (action === 'list' && name !== undefined)
    throw new CliError('usage', '"limpet attachment list" takes the item alone.')
  if (action === 'rm' && name === undefined)
    throw new CliError('usage', '"limpet attachment rm" takes the name of the file too.')
  const misplaced = Object.entries(values).find(
    ([option, value]) => value !== undefined && option !== 'vault' && !allowed.includes(option),
  )
  if (misplaced) throw new CliError('usage', `"limpet attachment ${action}" does not take --${misplaced[0]}.`)
  if (action === 'rm' && values.revision !== undefined && !values.permanent)
    throw new CliError(
      'usage',
      'A version stays as it is: --revision of "limpet attachment rm" goes with --permanent.',
    )
}
