// Commands that change items: add, edit, rm, restore.
import { isDeepStrictEqual } from 'node:util'
import { ConflictError, ItemContent, isItemContent, type OpenItem, type OpenVault } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { Edits, editOptions } from '../edits.ts'
import { findItem } from '../lookup.ts'
import { itemJson, lostFilesNote } from '../views.ts'
import {
  type Entry,
  oneVault,
  openWorkspace,
  requireTakenOver,
  usualVault,
  type Workspace,
} from '../workspace.ts'
import { addFromJson, editFromJson } from './bulk.ts'

/** What each kind that can be added asks for without being told to. An empty answer leaves it out. */
const askedAnyway = {
  login: ['password'],
  note: ['notes'],
  card: ['number', 'code'],
  identity: [],
  'ssh-key': ['privateKey'],
} as const

const isAddable = (kind: string): kind is keyof typeof askedAnyway => Object.hasOwn(askedAnyway, kind)

const fromJson = {
  type: 'boolean',
  help: 'takes an array of items from standard input, as "limpet list --json --reveal" prints it',
} as const

interface Showing {
  readonly json?: boolean | undefined
  readonly reveal?: boolean | undefined
}

function printWritten(vault: OpenVault, item: OpenItem, { json, reveal = false }: Showing) {
  if (json) printJson(itemJson({ vault, item }, reveal))
  else print(item.id)
}

export const add = command({
  name: 'add',
  operands: [`[${Object.keys(askedAnyway).join('|')}]`, '[NAME]'],
  summary: 'add a login, note, card, identity or ssh-key; prints its id',
  details:
    'A login asks for its password unless --generate makes one, a card for number and code, a note for its text and an ssh-key for its private key (the rest of standard input, or up to Ctrl-D) unless --generate makes one. A key in PEM or PKCS #8 is converted to the form of OpenSSH; its public key is read from it. An empty answer leaves a value out.',
  example: 'limpet add login GitHub --username ada --url https://github.com --generate',
  options: { ...editOptions, 'from-json': fromJson },
  async run(surroundings, [kind = '', name = ''], { 'from-json': bulk, ...values }) {
    if (bulk) {
      const { vault: vaultName, ...others } = values
      if (kind !== '' || Object.values(others).some((value) => value !== undefined))
        throw new CliError(
          'usage',
          '--from-json takes everything from standard input; only --vault goes with it.',
        )
      return addFromJson(surroundings, vaultName)
    }
    if (!isAddable(kind))
      throw new CliError(
        'usage',
        `A kind is one of ${Object.keys(askedAnyway).join(', ')}; not "${safeLine(kind)}".`,
      )
    if (name === '') throw new CliError('usage', 'The name is empty.')
    const edits = new Edits(values)
    edits.check(kind)
    const workspace = await openWorkspace(surroundings, 'write')
    const vault = oneVault(workspace, values.vault ?? (await usualVault(surroundings, workspace)))
    const secrets = await edits.ask(kind, askedAnyway[kind], surroundings.prompter)
    const content = edits.apply(ItemContent.parse({ kind, name }), secrets)
    const item = await withProgress('Adding', () => vault.create(content))
    await workspace.keep(vault)
    printWritten(vault, item, values)
    if (kind === 'ssh-key' && values.generate && 'publicKey' in item.content)
      remark('The public key, for authorized_keys:', String(item.content.publicKey))
    if (workspace.entries.some((entry) => entry.item.content.name === name && !entry.item.deletedAt))
      remark(`There is another item "${safeLine(name)}": from now on say which one you mean by its id.`)
  },
})

export const edit = command({
  name: 'edit',
  operands: ['[NAME_OR_ID]'],
  summary: 'change an item; everything that is not named stays',
  details:
    '--url and --tag replace all there were. --set-secret password asks for a new password, --generate makes one. What is replaced stays among the versions ("limpet history NAME").',
  example: 'limpet edit GitHub --username ada@example.com --generate',
  options: {
    ...editOptions,
    name: { type: 'string', value: 'NAME', help: 'a new name' },
    unset: { type: 'string', value: 'MEMBER', multiple: true, help: 'removes a member or a field' },
    'from-json': fromJson,
  },
  async run(surroundings, [wanted = ''], { vault: vaultName, json, reveal, 'from-json': bulk, ...values }) {
    if (bulk) {
      if (
        [wanted || undefined, vaultName, json, reveal, ...Object.values(values)].some(
          (one) => one !== undefined,
        )
      )
        throw new CliError('usage', '--from-json takes everything from standard input; nothing goes with it.')
      return editFromJson(surroundings)
    }
    if (wanted === '')
      throw new CliError('usage', 'NAME_OR_ID is missing. "limpet help edit" shows how it is used.')
    const edits = new Edits(values)
    if (edits.isEmpty)
      throw new CliError('usage', 'Nothing to change was given. "limpet help edit" shows what there is.')
    if (values.name === '') throw new CliError('usage', 'The name is empty.')
    const workspace = await openWorkspace(surroundings, 'write')
    const { vault, item } = findItem(workspace, wanted, { vault: vaultName, place: 'active' })
    requireTakenOver(workspace, item.id)
    const { content } = item
    if (!isItemContent(content))
      throw new CliError(
        'usage',
        `This version does not know the kind "${safeLine(content.kind)}" and cannot edit it.`,
      )
    edits.check(content.kind)
    const secrets = await edits.ask(content.kind, [], surroundings.prompter)
    const next = edits.apply(content, secrets)
    const replaced = await refusingToOverwrite(content.name, () =>
      withProgress('Writing', () => vault.replace(item.id, item.revision, next)),
    )
    await workspace.keep(vault)
    printWritten(vault, replaced, { json, reveal })
  },
})

/** A conflict with a sentence that names the item. Nothing is written then, so nothing of either side is lost. */
async function refusingToOverwrite<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    const what = error.current ? 'changed' : 'deleted for good'
    throw new CliError(
      'conflict',
      `"${safeLine(name)}" was ${what} on another device in the meantime. Nothing was written: look at it again and repeat the command.`,
    )
  }
}

export const rm = command({
  name: 'rm',
  operands: ['NAME_OR_ID'],
  summary: 'move an item to the trash; with --permanent delete it for good',
  example: 'limpet rm "Old mail"',
  options: {
    permanent: { type: 'boolean', help: 'deletes for good, out of the trash or not; asks first' },
    yes: { type: 'boolean', help: 'with --permanent: does not ask' },
    vault: editOptions.vault,
  },
  async run(surroundings, [wanted = ''], { permanent = false, yes = false, vault: vaultName }) {
    const { environment, prompter } = surroundings
    if (permanent && environment.LIMPET_TOKEN)
      throw new CliError(
        'usage',
        'A token deletes nothing for good: leave out --permanent, which moves the item to the trash, or unset LIMPET_TOKEN and log in.',
      )
    if (permanent && !yes && !prompter.interactive)
      throw new CliError('usage', 'There is no terminal to ask on: --permanent needs --yes here.')
    const workspace = await openWorkspace(surroundings, 'write')
    const { vault, item, name } = findRemovable(workspace, wanted, vaultName, permanent)
    requireTakenOver(workspace, item.id)
    if (permanent && !yes && !(await prompter.confirm(`Delete "${safeLine(name)}" for good?`)))
      throw new CliError('unexpected', 'Nothing was deleted.')
    const remove = () =>
      permanent ? vault.purge(item.id, item.revision) : vault.trashSealed(item.id, item.revision)
    await refusingToOverwrite(name, () => withProgress('Removing', async () => void (await remove())))
    await workspace.keep(vault)
    remark(permanent ? `Deleted "${safeLine(name)}" for good.` : `"${safeLine(name)}" is in the trash.`)
  },
})

/**
 * What is deleted for good may be in the trash already, but what is in use is meant first. What cannot be shown can be removed all
 * the same: by its id, which then stands for its name.
 */
function findRemovable(workspace: Workspace, wanted: string, vault: string | undefined, permanent: boolean) {
  const broken = workspace.broken.find(({ item }) => item.id === wanted)
  if (broken) return { ...broken, name: wanted }
  const named = (entry: Entry) => ({ ...entry, name: entry.item.content.name })
  try {
    return named(findItem(workspace, wanted, { vault, place: 'active' }))
  } catch (error) {
    if (!permanent || !(error instanceof CliError && error.ending === 'notFound')) throw error
    return named(findItem(workspace, wanted, { vault, place: 'trash' }))
  }
}

async function putVersionBack(
  surroundings: Surroundings,
  wanted: string,
  { revision, vault: vaultName }: { revision: string; vault: string | undefined },
) {
  const workspace = await openWorkspace(surroundings, 'write')
  const { vault, item } = findItem(workspace, wanted, { vault: vaultName, place: 'active' })
  requireTakenOver(workspace, item.id)
  const name = safeLine(item.content.name)
  const versions = await withProgress('Asking the server', () => vault.versions(item.id))
  const version = versions.find((one) => String(one.revision) === revision)
  if (!version)
    throw new CliError(
      'notFound',
      `"${name}" has no earlier version of revision ${safeLine(revision)}. "limpet history" shows what there is.`,
    )
  if (isDeepStrictEqual(version.content, item.content)) {
    remark(`"${name}" is as it was at revision ${revision}. Nothing was written.`)
    return
  }
  const lost = await refusingToOverwrite(item.content.name, () =>
    withProgress('Writing', () =>
      vault.putContentBack(item.id, version.content, { 'If-Match': `"${item.revision}"` }),
    ),
  )
  await workspace.keep(vault)
  remark(`"${name}" is as it was at revision ${revision}${lostFilesNote(lost.map((file) => file.name))}.`)
}

export const restore = command({
  name: 'restore',
  operands: ['NAME_OR_ID'],
  summary: 'take an item out of the trash; with --revision put back what it was before',
  details:
    'A version is put back as a new version, so that nothing is lost by it: "limpet history" shows what there is. Files that were deleted for good do not come back.',
  example: 'limpet restore "Old mail"',
  options: {
    revision: {
      type: 'string',
      value: 'N',
      help: 'puts this version of the item back, which is not in the trash',
    },
    vault: editOptions.vault,
  },
  async run(surroundings, [wanted = ''], { revision, vault: vaultName }) {
    if (revision !== undefined) return putVersionBack(surroundings, wanted, { revision, vault: vaultName })
    const workspace = await openWorkspace(surroundings, 'write')
    const { vault, item } = findItem(workspace, wanted, { vault: vaultName, place: 'trash' })
    requireTakenOver(workspace, item.id)
    const { name } = item.content
    await refusingToOverwrite(name, () =>
      withProgress('Restoring', () => vault.restore(item.id, item.revision)),
    )
    await workspace.keep(vault)
    remark(`"${safeLine(name)}" is out of the trash.`)
  },
})
