// Writes what was planned, if there is room for it.
import { AccountKeyChangedError, LoggedOutError, NetworkError, ProblemError } from '../../sdk/index.ts'
import { type ImportPlan, runImport } from '../../sdk/moving/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { type Report, withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'
import { describe } from '../failures.ts'
import type { Workspace } from '../workspace.ts'
import { totalOf } from './views.ts'

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
export async function requireRoom({ source }: Workspace, plan: ImportPlan): Promise<void> {
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

export async function write(workspace: Workspace, plan: ImportPlan) {
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
