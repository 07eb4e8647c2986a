// The command that shows where this installation stands: status.
import type { Account } from '../../contract/accounts.ts'
import { LoggedOutError, type Quotas } from '../../sdk/index.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { counted, localTime, safeLine } from '../../terminal/text.ts'
import { formatDuration, formatMebibytes } from '../../units.ts'
import { command, type Surroundings } from '../command.ts'
import { describe } from '../failures.ts'
import { connect } from '../session.ts'
import { type HeldKey, heldKey } from '../unlock-keys.ts'

/** The account as the server has it; undefined, with a remark, if the server does not say. Throws LoggedOutError. */
async function askAccount({ state }: Surroundings, server: string): Promise<Account | undefined> {
  try {
    const limpet = await connect(server, state)
    return await withProgress('Asking the server', () => limpet.account())
  } catch (error) {
    if (error instanceof LoggedOutError) throw error
    remark(`What the server has of the account is not shown. ${describe(error).sentence}`)
    return undefined
  }
}

function describeQuotas({ bytes, items, sessions, tokens, vaults }: Quotas): string {
  const parts = [
    [vaults, 'vaults'],
    [items, 'items'],
    [tokens, 'tokens'],
    [sessions, 'sessions'],
  ] as const
  const counts = parts.map(
    ([{ used, allowed }, name]) => `${used.toLocaleString('en')} of ${allowed.toLocaleString('en')} ${name}`,
  )
  return [`${formatMebibytes(bytes.used)} of ${formatMebibytes(bytes.allowed)}`, ...counts].join(', ')
}

function describeLock(held: HeldKey | undefined): string {
  if (held?.by === 'shell') return 'unlocked in this shell'
  if (held?.by === 'keychain')
    return `unlocked by the system's keychain, until ${formatDuration(held.idle)} without a command`
  if (held) return `unlocked for this login session, until ${formatDuration(held.idle)} without a command`
  return 'locked: commands ask for the master password'
}

export const status = command({
  name: 'status',
  accountOnly: true,
  operands: [],
  summary: 'show server, account, session, what is stored, and what is kept here; asks for no password',
  example: 'limpet status --json',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  async run(surroundings, _operands, { json }) {
    const { state } = surroundings
    const session = await state.session.load()
    if (!session) {
      if (json) printJson({ loggedIn: false, stateFolder: state.path })
      else print('Not logged in. "limpet login EMAIL" does it.')
      return 'loggedOut'
    }
    const { server, email, accountId } = session
    const account = await askAccount(surroundings, server).catch((error: unknown) => {
      if (json) printJson({ loggedIn: false, stateFolder: state.path })
      throw error
    })
    const held = await heldKey(surroundings, accountId)
    const unlocked = held !== undefined
    const vaults = (await state.vaults(accountId)).map(({ vault, replica, syncedAt }) => {
      const items = replica.items.filter((item) => 'data' in item)
      const active = items.filter(({ deletedAt }) => deletedAt === null).length
      return { id: vault.id, items: active, trash: items.length - active, lastSyncAt: syncedAt.toISOString() }
    })
    const { quotas, deletesAt } = { quotas: undefined, deletesAt: null, ...account }
    if (json) {
      printJson({
        loggedIn: true,
        server,
        email,
        accountId,
        unlocked,
        vaults,
        stateFolder: state.path,
        quotas: quotas ?? null,
        deletesAt,
      })
      return 'done'
    }
    print(
      `Server   ${safeLine(server)}`,
      `Account  ${safeLine(email)}`,
      `Session  logged in, ${describeLock(held)}`,
      ...vaults.map(
        ({ id, items, trash, lastSyncAt }) =>
          `Vault    ${id}: ${counted(items, 'item')}, ${trash} in the trash, last synced ${localTime(lastSyncAt)}`,
      ),
      ...(quotas ? [`Stored   ${describeQuotas(quotas)}`] : []),
      ...(deletesAt === null
        ? []
        : [
            `Goes     ${localTime(deletesAt)}, as was asked for by its mailbox; "limpet login EMAIL" keeps it`,
          ]),
      `Kept in  ${safeLine(state.path)}`,
    )
    return 'done'
  },
})
