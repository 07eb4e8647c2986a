// `limpet import`: what another program exported, into vaults of this account.

import { type FolderChoice, planImport, readers } from '../../sdk/moving/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { columnsOf, readFile, type Source } from '../importing/reading.ts'
import { targetsOf } from '../importing/targets.ts'
import { planJson, showPlan } from '../importing/views.ts'
import { requireRoom, write } from '../importing/writing.ts'
import { openLocalFile, standardStream } from '../local-files.ts'
import { openWorkspace, usualVault } from '../workspace.ts'

const folderChoices: readonly FolderChoice[] = ['folder', 'tags', 'vaults']

function folderChoice(text = 'folder'): FolderChoice {
  const choice = folderChoices.find((one) => one === text)
  if (choice) return choice
  throw new CliError('usage', `--folders takes folder, tags or vaults, not "${safeLine(text)}".`)
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
