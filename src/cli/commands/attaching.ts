// The command that attaches a file to an item: attach.
import { ConflictError, filesOf, NetworkError, type OpenVault, ProblemError } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { safeLine } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'
import { ambiguousFiles, fileJson, reportBytes, requireEditable, vaultOption } from '../attached-files.ts'
import { command, type Surroundings } from '../command.ts'
import { mediaTypeOf, nameOfPath, openLocalFile, standardStream } from '../local-files.ts'
import { findItem } from '../lookup.ts'
import { requireSession } from '../session.ts'
import type { UploadState } from '../state-folder.ts'
import { openWorkspace, requireTakenOver } from '../workspace.ts'

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
    if (others.length > 0) throw ambiguousFiles(same, name)
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
