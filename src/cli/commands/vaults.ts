// Commands about whole vaults: vault list, create, rename, rm.
import {
  hasKeptShares,
  keptSharesKind,
  type OpenVault,
  ProblemError,
  type UnlockedAccount,
} from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { table } from '../../terminal/table.ts'
import { counted, localTime, safeLine } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { unlock, unlockWithPassword } from '../session.ts'
import { oneVault, workspaceOf } from '../workspace.ts'

const json = { type: 'boolean', help: 'prints JSON' } as const

/** Of the server, because a list of vaults from before says nothing about what there is now. */
const vaultsOf = (account: UnlockedAccount) => withProgress('Asking the server', () => account.vaults())

function requireName(name: string, vaults: readonly OpenVault[], own?: OpenVault) {
  if (name.trim() === '') throw new CliError('usage', 'The name is empty.')
  if (vaults.some((vault) => vault !== own && vault.name === name))
    throw new CliError('conflict', `There is a vault "${safeLine(name)}" already. Choose another name.`)
}

/** A conflict with a sentence that names the vault. */
const changedMeanwhile = (error: unknown, name: string) =>
  error instanceof ProblemError && error.code === 'revision-conflict'
    ? new CliError(
        'conflict',
        `The vault "${safeLine(name)}" was changed on another device in the meantime. Nothing was done: look at it again and repeat the command.`,
      )
    : error

/** Items that a list shows, outside the trash. */
const countIn = async (vault: OpenVault): Promise<number> =>
  vault.itemCount > 0 && (await hasKeptShares(vault)) ? vault.itemCount - 1 : vault.itemCount

const vaultJson = ({ id, name, sealed: { createdAt, updatedAt, keyVersion } }: OpenVault, items: number) => ({
  id,
  name,
  items,
  createdAt,
  updatedAt,
  keyVersion,
})

export const list = command({
  name: 'vault list',
  accountOnly: true,
  operands: [],
  summary: 'list the vaults, with the number of their items',
  example: 'limpet vault list',
  options: { json },
  async run(surroundings, _operands, { json }) {
    const vaults = (await vaultsOf(await unlock(surroundings))).toSorted((left, right) =>
      left.name.localeCompare(right.name),
    )
    const counts = await withProgress('Asking the server', () => Promise.all(vaults.map(countIn)))
    if (json) return printJson(vaults.map((vault, index) => vaultJson(vault, counts[index] ?? 0)))
    if (vaults.length === 0) return remark('There is no vault. "limpet vault create NAME" makes one.')
    print(
      ...table(
        ['NAME', 'ITEMS', 'CREATED', 'ID'],
        vaults.map(({ name, sealed, id }, index) => [
          name,
          (counts[index] ?? 0).toLocaleString('en'),
          localTime(sealed.createdAt),
          id,
        ]),
      ),
    )
  },
})

export const create = command({
  name: 'vault create',
  accountOnly: true,
  operands: ['NAME'],
  summary: 'make a vault with a key of its own; prints its id',
  details:
    'A token for scripts opens one vault, so that what scripts may read belongs into a vault of its own.',
  example: 'limpet vault create Production',
  options: { json },
  async run(surroundings, [name = ''], { json }) {
    const account = await unlock(surroundings)
    requireName(name, await vaultsOf(account))
    const vault = await withProgress('Making the vault', () => account.createVault(name))
    if (json) printJson(vaultJson(vault, 0))
    else print(vault.id)
  },
})

export const rename = command({
  name: 'vault rename',
  accountOnly: true,
  operands: ['NAME_OR_ID', 'NEW_NAME'],
  summary: 'give a vault another name',
  example: 'limpet vault rename Personal Home',
  options: {},
  async run(surroundings, [wanted = '', name = '']) {
    const vaults = await vaultsOf(await unlock(surroundings))
    const vault = oneVault({ vaults }, wanted, 'say which')
    requireName(name, vaults, vault)
    const before = vault.name
    await withProgress('Renaming', () => vault.rename(name)).catch((error: unknown) => {
      throw changedMeanwhile(error, before)
    })
    remark(`The vault "${safeLine(before)}" is called "${safeLine(name)}" now.`)
  },
})

export const remove = command({
  name: 'vault rm',
  accountOnly: true,
  operands: ['NAME_OR_ID'],
  summary: 'delete a vault for good; with --with-items also if it has items',
  details:
    'Asks for the master password, and for the name of the vault as a second line. Items in the trash count too. A vault has no trash: nobody can bring it back. Tokens for it end.',
  example: 'limpet vault rm "Old project" --with-items',
  options: {
    'with-items': { type: 'boolean', help: 'deletes its items, their versions and files with it' },
  },
  async run(surroundings, [wanted = ''], { 'with-items': withItems = false }) {
    const { account, password } = await unlockWithPassword(surroundings)
    const workspace = await workspaceOf({ source: account, copies: surroundings.state }, 'write')
    const vault = oneVault(workspace, wanted, 'say which')
    const name = safeLine(vault.name)
    const inside = [
      ...workspace.entries.filter(({ item }) => item.content.kind !== keptSharesKind),
      ...workspace.broken,
    ].filter((one) => one.vault === vault)
    const trashed = inside.filter(({ item }) => item.deletedAt !== null).length
    const what = `${counted(inside.length, 'item')}${trashed > 0 ? `, of which ${trashed.toLocaleString('en')} in the trash` : ''}`
    if (inside.length > 0 && !withItems)
      throw new CliError(
        'conflict',
        `The vault "${name}" has ${what}. Nothing was deleted; --with-items deletes them too.`,
      )
    remark(`This deletes the vault "${name}" (${vault.id}) with ${what} for good.`)
    const typed = await surroundings.prompter.line('Type the name of the vault to delete it')
    if (typed.normalize('NFC').trim() !== vault.name.normalize('NFC').trim())
      throw new CliError('usage', 'That is not the name of the vault. Nothing was deleted.')
    const { revision } = vault.sealed
    await withProgress('Deleting the vault', () => account.deleteVault(vault.id, password, { revision }), {
      atOnce: true,
    }).catch((error: unknown) => {
      throw changedMeanwhile(error, vault.name)
    })
    await surroundings.state.removeVault(vault.id)
    remark(`The vault "${name}" is deleted.`)
  },
})
