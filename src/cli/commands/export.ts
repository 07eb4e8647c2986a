// The command that writes everything into one file: export.
import {
  ExportError,
  type Omission,
  type OutgoingItem,
  outgoingItems,
  type Unplaced,
  type Writer,
  writers,
} from '../../sdk/moving/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { requireFree, writeNewFile } from '../../terminal/new-file.ts'
import { pipe, print, printJson, printsToTerminal, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { formatFileSize } from '../../units.ts'
import { version } from '../../version.ts'
import { command, type Surroundings } from '../command.ts'
import { standardStream } from '../local-files.ts'
import { chosenVaults, openSource, pullAll, reportCount, warnOfRefused } from '../workspace.ts'
import { newPassword } from './account.ts'

function writerOf(name: string | undefined): Writer {
  if (name === undefined) return writers[0]
  const writer = writers.find((one) => one.name === name)
  if (writer) return writer
  const known = writers.map((one) => one.name).join(', ')
  throw new CliError('usage', `There is no format "${safeLine(name)}". There is: ${known}.`)
}

/** A name for the file, with the day of this place. */
function nameFor({ extension }: Writer, now: Date): string {
  const digits = (number: number) => String(number).padStart(2, '0')
  return `limpet-${now.getFullYear()}-${digits(now.getMonth() + 1)}-${digits(now.getDate())}.${extension}`
}

/** Asks twice whether everything is to be readable. A script says so by an option, and is not asked. */
async function confirmInClear({ prompter }: Surroundings, said: boolean | undefined): Promise<void> {
  if (said) return
  const warning = 'This format is in clear: the file shows every password to anyone who gets it.'
  if (!prompter.interactive)
    throw new CliError('usage', `${warning} There is no terminal to ask on, so --in-clear has to say it.`)
  const refused = () => new CliError('unexpected', 'Nothing was written.')
  remark(warning)
  if (!(await prompter.confirm('Write all passwords in clear?'))) throw refused()
  remark('Backups and synchronised folders may copy the file, and keep it after you have deleted it.')
  if (!(await prompter.confirm('Write it all the same?'))) throw refused()
}

const askPassphrase = (surroundings: Surroundings, { sealed }: Writer): Promise<string> | string =>
  sealed
    ? newPassword(surroundings, {
        question: 'New passphrase of the export',
        attackerHas: 'the file',
        kdf: sealed,
      })
    : ''

/** What an export took, and what it did not. */
class Tally {
  readonly omissions: Omission[] = []
  readonly unplaced = new Map<Unplaced, number>()
  readonly counts = { items: 0, trashed: 0, versions: 0, files: 0 }

  /** Counts what goes by. */
  async *counting(items: AsyncIterable<OutgoingItem>): AsyncGenerator<OutgoingItem> {
    for await (const outgoing of items) {
      this.counts.items++
      if (outgoing.item.deletedAt !== null) this.counts.trashed++
      this.counts.versions += outgoing.versions.length
      this.counts.files += outgoing.files.length
      yield outgoing
    }
  }

  leave(what: Unplaced, count: number): void {
    if (count > 0) this.unplaced.set(what, (this.unplaced.get(what) ?? 0) + count)
  }
}

const unplacedWords: Readonly<Record<Unplaced, readonly [one: string, many: string]>> = {
  trashed: ['item in the trash', 'items in the trash'],
  versions: ['earlier version', 'earlier versions'],
  files: ['file', 'files'],
  passkeys: ['passkey', 'passkeys'],
  kinds: ['item of a later kind', 'items of later kinds'],
  members: ['member of a later version', 'members of later versions'],
}

const sentenceOf = ({ vault, itemId, what }: Omission): string => {
  const item = `item ${itemId} of the vault "${safeLine(vault)}"`
  if (what === 'item') return `the ${item}, which does not open or is malformed inside`
  if (what === 'versions') return `the earlier versions of the ${item}, of which one does not open`
  return `the file "${safeLine(what.file)}" of the ${item}, which the server does not have or which does not open`
}

/** Says what is not in the file although it is in the account. */
function tellLeft({ title }: Writer, { omissions, unplaced }: Tally): void {
  // In one order, whichever came first.
  const order = Object.keys(unplacedWords)
  const words = [...unplaced]
    .toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other))
    .map(([what, count]) => counted(count, ...unplacedWords[what]))
  if (words.length > 0) remark(`${title} has no place for ${words.join(', ')}; they are not in the file.`)
  if (omissions.length > 0) remark('The file is without:', ...omissions.map(sentenceOf))
}

export const exportCommand = command({
  name: 'export',
  operands: ['[FILE]'],
  summary: 'write everything into one file',
  details:
    'Without --format, the file holds all vaults with the trash, earlier versions and files, sealed under a passphrase that is asked for. "limpet import" reads it; so does a short script, see docs/export-format.md. The other formats are for other programs. They have no place for some things, and it is said which. kdbx is sealed under a passphrase too; bitwarden-json and csv are in clear, which is asked twice. FILE may be - for a pipe; without FILE, the name has the date.',
  example: 'limpet export /media/stick/limpet.limpet',
  options: {
    format: {
      type: 'string',
      value: writers.map(({ name }) => name).join('|'),
      help: 'the format; limpet if it is left out',
    },
    vault: { type: 'string', value: 'NAME', help: 'this vault only' },
    'in-clear': { type: 'boolean', help: 'does not ask whether a format in clear is meant' },
    force: { type: 'boolean', help: 'replaces FILE, once the new one is whole' },
    json: { type: 'boolean', help: 'prints what is in the file as JSON' },
  },
  async run(surroundings, [given], { format, vault: name, 'in-clear': inClear, force = false, json }) {
    const writer = writerOf(format)
    const now = new Date()
    const file = given === standardStream ? undefined : (given ?? nameFor(writer, now))
    if (file === undefined && printsToTerminal())
      throw new CliError('usage', 'The file is not for a terminal. Name a file, or send it into a pipe.')
    if (file === undefined && json)
      throw new CliError('usage', '--json goes with a FILE: standard output holds the export itself.')
    if (file !== undefined) requireFree(file, { force })
    const { source, copies } = await openSource(surroundings, 'export')
    if (!writer.sealed) await confirmInClear(surroundings, inClear)
    const passphrase = await askPassphrase(surroundings, writer)
    const pulled = await pullAll(source, copies, 'export')
    const chosen = chosenVaults({ vaults: pulled.map(({ vault }) => vault) }, name)
    const wanted = pulled.filter(({ vault }) => chosen.includes(vault))
    warnOfRefused(wanted.flatMap(({ replica }) => [...replica.refused.keys()]))
    const tally = new Tally()
    const bytes = await withProgress('Exporting', (report) => {
      const items = outgoingItems(
        wanted.map(({ vault, replica }) => ({ vault, items: replica.items.values() })),
        { onProgress: reportCount(report), onOmission: (omission) => tally.omissions.push(omission) },
      )
      const content = writer.write(tally.counting(items), {
        passphrase,
        vaults: wanted.map(({ vault }) => vault),
        program: `limpet ${version}`,
        createdAt: now,
        onUnplaced: (what, count) => tally.leave(what, count),
      })
      return file === undefined ? pipe(content) : writeNewFile(file, content, { force })
    }).catch((error: unknown) => {
      throw error instanceof ExportError ? new CliError('unexpected', error.message) : error
    })
    tellLeft(writer, tally)
    const { counts, omissions, unplaced } = tally
    if (json)
      printJson({
        file,
        format: writer.name,
        bytes,
        vaults: wanted.length,
        ...counts,
        unplaced: Object.fromEntries(unplaced),
        omissions,
      })
    else if (file !== undefined) print(file)
    const inTrash = counts.trashed > 0 ? `, ${counts.trashed} of them in the trash` : ''
    const parts = [counted(counts.versions, 'earlier version'), counted(counts.files, 'file')].join(', ')
    if (file !== undefined)
      remark(
        `Wrote ${safeLine(file)} (${formatFileSize(bytes)}): ${counted(wanted.length, 'vault')}, ${counted(counts.items, 'item')}${inTrash}, ${parts}.`,
      )
    const isWhole = omissions.length === 0 && wanted.every(({ replica }) => replica.refused.size === 0)
    return isWhole ? 'done' : 'refused'
  },
})
