// Commands that change keys: vault rotate-key, account rotate-key.
import { Replica, type RotationResult, type UnlockedAccount, type VersionsChoice } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { unlockWithPassword } from '../session.ts'
import { heldKey, renewHeldKey } from '../unlock-keys.ts'
import { oneVault, pullAll, sameVault, store, warnOfRefused } from '../workspace.ts'

const versionsChoices: Readonly<Record<string, VersionsChoice>> = { keep: 'keep', drop: 'drop' }

function versionsFrom(text: string): VersionsChoice {
  const choice = versionsChoices[text]
  if (choice) return choice
  throw new CliError('usage', `--versions takes keep or drop, not "${safeLine(text)}".`)
}

interface Wishes {
  readonly versions: VersionsChoice
  readonly dropUnreadable: boolean
}

/** Changes the key of one vault, compared with the copy that is here. */
async function rotate(
  { state }: Surroundings,
  { account, password }: { account: UnlockedAccount; password: string },
  wanted: string | undefined,
  wishes: Wishes,
): Promise<RotationResult> {
  const vaults = await withProgress('Asking the server', () => account.vaults())
  const vault = oneVault({ vaults }, wanted, 'say which')
  const known = (await state.vaults(account.accountId)).find(sameVault(vault))
  const replica = new Replica(known?.replica)
  try {
    const result = await withProgress('Changing the key', (report) =>
      account.rotateVaultKey(vault.id, {
        password,
        ...wishes,
        replica,
        onProgress: ({ done, total }) =>
          report(`${done.toLocaleString('en')} of ${total.toLocaleString('en')}`),
      }),
    )
    await store(state, account.accountId, result.vault, replica, undefined)
    return result
  } catch (error) {
    warnOfRefused([...replica.refused.keys()])
    throw error
  }
}

export const rotateVaultKey = command({
  name: 'vault rotate-key',
  accountOnly: true,
  operands: ['[NAME_OR_ID]'],
  summary: 'change the key of a vault, so that the old one opens nothing of it any more',
  details:
    'Everything in the vault is sealed anew under a new key. Other devices go on reading and writing meanwhile. If it breaks off, nothing is lost: type it again, here or on another device, and it goes on. The personal access tokens for the vault end. docs/lost-device.md says when to do it.',
  example: 'limpet vault rotate-key Personal',
  options: {
    versions: {
      type: 'string',
      value: 'keep|drop',
      help: 'what becomes of earlier versions of items: sealed anew, or deleted; keep unless said otherwise',
    },
    'drop-unreadable': {
      type: 'boolean',
      help: 'deletes items for good that do not open with the old key; without it they stop the change',
    },
    json: { type: 'boolean', help: 'prints JSON' },
  },
  async run(surroundings, [wanted], { json, ...values }) {
    const versions = versionsFrom(values.versions ?? 'keep')
    const dropUnreadable = values['drop-unreadable'] ?? false
    const unlocked = await unlockWithPassword(surroundings)
    const result = await rotate(surroundings, unlocked, wanted, { versions, dropUnreadable })
    const { id, name } = result.vault
    if (json) {
      const endedTokens = result.endedTokens.map((token) => ({ id: token.id, name: token.name }))
      const { keyVersion } = result.vault.sealed
      const { resumed, dropped } = result
      printJson({ id, name, keyVersion, resumed, versions: result.versions, endedTokens, dropped })
      return
    }
    if (result.resumed) remark('The change had been begun before, and was finished.')
    if (result.versions !== versions)
      remark(`It had been begun with --versions ${result.versions}, and was finished so.`)
    remark(`The vault "${safeLine(name)}" has a new key. The old one opens nothing of it on the server.`)
    if (result.dropped.length > 0)
      remark(
        `${counted(result.dropped.length, 'item')} had content that did not open, which was deleted: ${result.dropped.join(', ')}.`,
      )
    if (result.endedTokens.length === 0) return
    remark(`${counted(result.endedTokens.length, 'personal access token')} ended:`)
    print(...result.endedTokens.map((token) => `${token.id}  ${safeLine(token.name)}`))
  },
})

export const rotateAccountKey = command({
  name: 'account rotate-key',
  accountOnly: true,
  operands: [],
  summary: 'change the account key, which opens the keys of the vaults',
  details:
    'The password stays, and so do sessions and personal access tokens. Other devices keep their copies, and have to log in again. The keys of the vaults stay: "limpet vault rotate-key" changes those. docs/lost-device.md says when to do it.',
  example: 'limpet account rotate-key',
  options: {},
  async run(surroundings) {
    const { account: unlocked, password } = await unlockWithPassword(surroundings)
    const held = await heldKey(surroundings, unlocked.accountId)
    await withProgress('Changing the account key', () => unlocked.changeAccountKey({ password }), {
      atOnce: true,
    })
    await renewHeldKey(surroundings, unlocked, held)
    remark('The account has a new key. Other devices keep their copies, and log in again with the password.')
    // The copies here name the vaults' keys under the old account key.
    await pullAll(unlocked, surroundings.state, 'read')
  },
})
