// `limpet import`: what another program exported, into vaults of this account.

import {
  AccountKeyChangedError,
  LoggedOutError,
  NetworkError,
  type NewFile,
  type OpenVault,
  ProblemError,
} from '../../sdk/index.ts'
import {
  type ColumnMember,
  columnMembers,
  csvByColumns,
  type FolderChoice,
  ImportError,
  type ImportPlan,
  type ImportRefusal,
  type ImportTarget,
  type Incoming,
  planImport,
  readers,
  readIncoming,
  runImport,
  vaultsAskedFor,
} from '../../sdk/moving/index.ts'
import { CliError, type Ending } from '../../terminal/exit-codes.ts'
import { printJson, remark } from '../../terminal/output.ts'
import { type Report, withProgress } from '../../terminal/progress.ts'
import type { ReadableFile } from '../../terminal/spool.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'
import { command, type Surroundings } from '../command.ts'
import { describe } from '../failures.ts'
import { planJson, showPlan, totalOf } from '../import-views.ts'
import { nameOfPath, openLocalFile, standardStream } from '../local-files.ts'
import { oneVault, openWorkspace, usualVault, type Workspace } from '../workspace.ts'

const largestKeyFile = 1024 * 1024

const endings: Readonly<Record<ImportRefusal, Ending>> = {
  'unknown-format': 'usage',
  unsupported: 'usage',
  'needs-password': 'usage',
  'wrong-password': 'wrongPassword',
  malformed: 'usage',
  'too-large': 'usage',
}

/** Ends with the sentence that a reader gave. */
const explained = (error: unknown): unknown =>
  error instanceof ImportError ? new CliError(endings[error.code], safeLine(error.message)) : error

const folderChoices: readonly FolderChoice[] = ['folder', 'tags', 'vaults']

function folderChoice(text = 'folder'): FolderChoice {
  const choice = folderChoices.find((one) => one === text)
  if (choice) return choice
  throw new CliError('usage', `--folders takes folder, tags or vaults, not "${safeLine(text)}".`)
}

/** The columns that were named, or undefined if none was. */
function columnsOf(texts: readonly string[] | undefined, format: string | undefined) {
  if (!texts) return undefined
  if (format !== undefined && format !== 'csv')
    throw new CliError('usage', '--column is for tables of any program; it does not go with this --format.')
  const columns: Partial<Record<ColumnMember, string>> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    const member = columnMembers.find((one) => one === text.slice(0, at))
    if (!member)
      throw new CliError(
        'usage',
        `--column takes MEMBER=HEADER, such as username="User name"; MEMBER is ${columnMembers.join(', ')}.`,
      )
    columns[member] = text.slice(at + 1)
  }
  return columns
}

async function bytesOfKeyFile(path: string, surroundings: Surroundings): Promise<Uint8Array> {
  const file = await openLocalFile(path, surroundings.prompter)
  try {
    if (file.size > largestKeyFile)
      throw new CliError('usage', `${safeLine(path)} is too large for a key file.`)
    const pieces: Uint8Array[] = []
    for await (const piece of file.read(0)) pieces.push(piece.slice())
    return Buffer.concat(pieces)
  } finally {
    await file.close()
  }
}

interface Source {
  readonly path: string
  readonly format: string | undefined
  readonly columns: ReturnType<typeof columnsOf>
  readonly keyFile: string | undefined
}

async function readFile(surroundings: Surroundings, local: ReadableFile, source: Source): Promise<Incoming> {
  const { path, format, columns } = source
  const file: NewFile = { name: nameOfPath(path), size: local.size, read: local.read }
  const keyFile =
    source.keyFile === undefined ? undefined : await bytesOfKeyFile(source.keyFile, surroundings)
  return withProgress('Reading', async (report, hold) => {
    const password = () => {
      if (path === standardStream)
        throw new CliError(
          'usage',
          'The file has a password, which cannot be asked for while the file is on standard input. Name the file.',
        )
      return hold(() => surroundings.prompter.secret('Password of the file'))
    }
    const options = { password, keyFile, onProgress: (items: number) => report(items.toLocaleString('en')) }
    try {
      return columns
        ? await csvByColumns(columns).read(file, options)
        : await readIncoming(file, { ...options, format })
    } catch (error) {
      throw explained(error)
    }
  })
}

/** Which vault each item goes to. */
function targetsOf(
  workspace: Workspace,
  incoming: Incoming,
  {
    vault: chosen,
    usual,
    folders,
  }: Record<'vault' | 'usual', string | undefined> & { folders: FolderChoice },
): (name: string | undefined) => ImportTarget {
  const targets = new Map<string, ImportTarget>()
  const toVault = (vault: OpenVault): ImportTarget => {
    const items = workspace.entries.filter((entry) => entry.vault === vault).map(({ item }) => item)
    const target = targets.get(vault.id) ?? { name: vault.name, vault, items }
    targets.set(vault.id, target)
    return target
  }
  const toNew = (name: string): ImportTarget => {
    const target = targets.get(`new ${name}`) ?? { name, vault: undefined, items: [] }
    targets.set(`new ${name}`, target)
    return target
  }
  const asked = vaultsAskedFor(incoming, folders)
  const several = [...asked].filter((name) => name !== undefined).length > 1 || folders === 'vaults'
  return (name) => {
    if (chosen !== undefined || name === undefined) return toVault(oneVault(workspace, chosen ?? usual))
    const there = workspace.vaults.find((vault) => vault.name === name)
    if (there) return toVault(there)
    // The only vault of another program is this account's own only vault, whatever both are called.
    return several ? toNew(name) : toVault(oneVault(workspace, usual))
  }
}

const barWidth = 20

/** How far it has come, for a terminal and for a log. */
const reportItems =
  (report: Report, all: number) =>
  ({ items, files }: { items: number; files: number }) => {
    const filled = Math.floor((barWidth * items) / Math.max(all, 1))
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
    const ofFiles = files > 0 ? `, ${counted(files, 'file')}` : ''
    report(`${bar} ${items.toLocaleString('en')} of ${counted(all, 'item')}${ofFiles}`)
  }

/** The sentence about an import that ended before its end. */
function explainBreak(error: unknown, done: number, all: number): unknown {
  const so = `${done.toLocaleString('en')} of ${counted(all, 'item')} are imported. The same command goes on from there, and writes nothing twice.`
  if (error instanceof ProblemError && error.code === 'quota-exceeded')
    return new CliError(
      'unexpected',
      `There is no more room: ${error.message} "limpet status" shows how much there is. ${so}`,
    )
  const isKnown = [NetworkError, ProblemError, AccountKeyChangedError, LoggedOutError].some(
    (one) => error instanceof one,
  )
  if (!isKnown) return error
  const { ending, sentence } = describe(error)
  return new CliError(ending, `${sentence} ${so}`)
}

const noNewVault = (name: string) =>
  new CliError(
    'usage',
    `A token cannot make the vault "${safeLine(name)}". --vault puts everything into the vault of the token. Nothing was written.`,
  )

/** Refuses an import that the token may not do, or the account has no room for, before anything is written. */
async function requireRoom({ source }: Workspace, plan: ImportPlan): Promise<void> {
  const [toMake] = plan.vaults.filter(({ target }) => !target.vault)
  if (toMake && !source.createVault) throw noNewVault(toMake.target.name)
  const quotas = (await source.details?.())?.quotas
  if (!quotas) return
  const room = ({ used, allowed }: { used: number; allowed: number }) => allowed - used
  const { items, attachmentBytes, vaults } = quotas
  const newVaults = plan.vaults.filter(({ target }) => !target.vault).length
  const total = totalOf(plan)
  if (total > room(items))
    throw new CliError(
      'unexpected',
      `The import has ${counted(total, 'item')}, and the account has room for ${room(items).toLocaleString('en')} more. Ask the operator of the server for more. Nothing was written.`,
    )
  if (newVaults > room(vaults))
    throw new CliError(
      'unexpected',
      `The import makes ${counted(newVaults, 'vault')}, and the account may have ${room(vaults).toLocaleString('en')} more. --vault NAME puts everything into one. Nothing was written.`,
    )
  if (plan.fileBytes > room(attachmentBytes))
    throw new CliError(
      'unexpected',
      `The files of the import take ${formatFileSize(plan.fileBytes)}, and the account has room for ${formatFileSize(room(attachmentBytes))}. Ask the operator of the server for more. Nothing was written.`,
    )
}

async function write(workspace: Workspace, plan: ImportPlan) {
  const all = plan.vaults.reduce((sum, { items }) => sum + items.length, 0)
  let done = 0
  const { source } = workspace
  const makeVault = async (name: string) => {
    if (!source.createVault) throw noNewVault(name)
    return source.createVault(name)
  }
  const result = await withProgress('Importing', (report) => {
    const tell = reportItems(report, all)
    return runImport(plan, {
      makeVault,
      onProgress(progress) {
        done = progress.items
        tell(progress)
      },
    })
  }).catch((error: unknown) => {
    throw explainBreak(error, done, all)
  })
  for (const vault of result.vaults) await workspace.keep(vault)
  return result
}

const formats = () => readers.map(({ name }) => name).join(', ')

export const importFile = command({
  name: 'import',
  operands: ['FILE'],
  summary: 'import what another password manager or a browser exported',
  details: `The format is recognised by the content of FILE: ${formats()}. Before anything is written, the command shows what is new, what is there already, and what has no place of its own here; then it asks. If it breaks off, the same command goes on, and writes nothing twice. - reads standard input.`,
  example: 'limpet import bitwarden_export.json',
  options: {
    format: {
      type: 'string',
      value: 'NAME',
      words: readers.map(({ name }) => name),
      help: 'the format, if the content does not tell it',
    },
    column: {
      type: 'string',
      value: 'MEMBER=HEADER',
      multiple: true,
      help: 'for any CSV: which column holds name, username, password, url, notes, totp or folder',
    },
    'key-file': { type: 'string', value: 'FILE', help: 'the key file of a KeePass database' },
    vault: { type: 'string', value: 'NAME', help: 'the vault that everything goes to' },
    folders: {
      type: 'string',
      value: folderChoices.join('|'),
      help: 'what folders become; folder if it is left out',
    },
    'dry-run': { type: 'boolean', help: 'shows what would be done, and writes nothing' },
    yes: { type: 'boolean', help: 'does not ask' },
    json: { type: 'boolean', help: 'prints the plan, and what was written, as JSON' },
  },
  async run(surroundings, [path = ''], { 'dry-run': dryRun = false, yes = false, json = false, ...values }) {
    const folders = folderChoice(values.folders)
    const { format, 'key-file': keyFile, vault } = values
    const source: Source = { path, format, columns: columnsOf(values.column, format), keyFile }
    const { prompter } = surroundings
    if (!dryRun && !yes && !(prompter.interactive && path !== standardStream))
      throw new CliError(
        'usage',
        'There is no terminal to ask on: the import needs --yes here, or --dry-run.',
      )
    // Standard input holds the file behind the password.
    const early = path === standardStream ? await openWorkspace(surroundings, 'write') : undefined
    const local = await openLocalFile(path, prompter)
    try {
      const incoming = await readFile(surroundings, local, source)
      const workspace = early ?? (await openWorkspace(surroundings, 'write'))
      const usual = vault === undefined ? await usualVault(surroundings, workspace) : undefined
      const targetOf = targetsOf(workspace, incoming, { vault, usual, folders })
      const plan = await withProgress('Comparing', () => planImport(incoming, { folders, targetOf }))
      if (!json) showPlan(plan)
      const nothing = plan.vaults.length === 0
      if (dryRun || nothing) {
        if (json) printJson(planJson(plan, null))
        else if (nothing) remark('There is nothing to import.')
        return
      }
      await requireRoom(workspace, plan)
      if (!yes && !(await prompter.confirm('Import this?')))
        throw new CliError('unexpected', 'Nothing was imported.')
      const { items, files, tooLarge } = await write(workspace, plan)
      if (json) printJson(planJson(plan, { items, files, tooLarge }))
      else
        remark(
          `Imported ${counted(items, 'item')}${files > 0 ? ` and ${counted(files, 'file')}` : ''}. The exported file can still be read by everybody who gets hold of it: delete it once you have looked at the items.`,
        )
      if (tooLarge.length === 0) return
      remark(
        'These files are larger than the server allows, and were left out:',
        ...tooLarge.map(({ name, place }) => safeLine(`"${name}" of ${place}`)),
      )
      return 'unexpected'
    } finally {
      await local.close()
    }
  },
})
