// The command that makes a one-time link: share.
import {
  type KeptShare,
  LoggedOutError,
  largestSecretBytes,
  parseShareLink,
  RefusedError,
  shareTtl,
  type UnlockedAccount,
} from '../../sdk/index.ts'
import { duration } from '../../terminal/command.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { describe } from '../failures.ts'
import { findItem } from '../lookup.ts'
import { sharesOn, unlock, unlockedHere } from '../session.ts'
import { fieldOf } from '../views.ts'
import { openWorkspace, workspaceOf } from '../workspace.ts'

interface Source {
  readonly item?: string | undefined
  readonly field?: string | undefined
  readonly vault?: string | undefined
}

function checkSource({ item, field, vault }: Source) {
  if (item === undefined && (field !== undefined || vault !== undefined))
    throw new CliError('usage', '--field and --vault go with --item, which says of which item.')
  if (item !== undefined && field === undefined)
    throw new CliError('usage', '--field is missing: it says which value of the item to share.')
}

/** The account that this shell has unlocked, or, where a value of the vault is wanted, that its owner unlocks for it. */
const accountFor = (surroundings: Surroundings, item: string | undefined) =>
  item === undefined || surroundings.environment.LIMPET_TOKEN
    ? unlockedHere(surroundings)
    : unlock(surroundings)

async function valueFromVault(
  surroundings: Surroundings,
  account: UnlockedAccount | undefined,
  item: string,
  { field = '', vault }: Source,
) {
  const workspace = account
    ? await workspaceOf({ source: account, copies: surroundings.state }, 'read')
    : await openWorkspace(surroundings, 'read')
  const entry = findItem(workspace, item, { vault, place: 'active' })
  return { value: fieldOf(entry, field), name: `${entry.item.content.name} / ${field}` }
}

/**
 * Keeps what takes the link back, sealed in the vault. The link is made by then, so that nothing that fails here is an error.
 * @returns whether it is kept
 */
async function keep(account: UnlockedAccount, share: KeptShare): Promise<boolean> {
  try {
    await withProgress('Keeping what takes it back', async () =>
      (await account.keptShares()).keep(share, Date.now()),
    )
    return true
  } catch (error) {
    remark(`The link is made, and could not be noted in your vault. ${describe(error).sentence}`)
    return false
  }
}

/** The sentences for what can only happen when sharing. */
function explain(error: unknown): unknown {
  if (error instanceof LoggedOutError)
    return new CliError(
      'loggedOut',
      'This server lets only its accounts share, and there is no session with it. "limpet login EMAIL" comes first.',
    )
  if (error instanceof RefusedError)
    return new CliError(
      'refused',
      `Refused: ${error.message} Its operator has to set its PUBLIC_URL; until then share by another server.`,
    )
  return error
}

export const share = command({
  name: 'share',
  operands: [],
  summary: 'make a link under which a secret can be read once',
  details:
    'The secret is standard input, exactly as it is, or with --item a value of the vault. With --passphrase, standard input begins with a line that is the passphrase. Whoever has the link can read the secret: tell a passphrase by another way than the link. In a shell that is unlocked, what takes the link back is kept sealed in your vault, for "limpet share list".',
  example: 'limpet share --ttl 1h < id_ed25519',
  options: {
    item: { type: 'string', value: 'NAME_OR_ID', help: 'shares a value of this item' },
    field: { type: 'string', value: 'F', help: 'with --item: which value, such as password' },
    vault: { type: 'string', value: 'NAME', help: 'with --item: looks in this vault only' },
    ttl: { type: 'string', value: 'TIME', help: 'how long it can be read: 90s, 15m, 1h; 7d otherwise' },
    passphrase: { type: 'boolean', help: 'asks for a passphrase, which its reader will need too' },
    server: {
      type: 'string',
      value: 'URL',
      help: 'the server; otherwise LIMPET_SERVER, then that of the session',
    },
    name: {
      type: 'string',
      value: 'TEXT',
      help: 'how "limpet share list" calls it; the server does not see it',
    },
    json: { type: 'boolean', help: 'prints JSON, with a token to look after the share' },
  },
  async run(
    surroundings,
    _operands,
    { item, ttl, passphrase: asksPassphrase, server, json, name, ...source },
  ) {
    checkSource({ item, ...source })
    const seconds = ttl === undefined ? shareTtl.default : duration('ttl', ttl, shareTtl)
    const { prompter } = surroundings
    const shares = await sharesOn(surroundings, server)
    const account = await accountFor(surroundings, item)
    const chosen = item === undefined ? undefined : await valueFromVault(surroundings, account, item, source)
    const passphrase = asksPassphrase ? await prompter.secret('Passphrase', { twice: true }) : undefined
    const secret = chosen?.value ?? (await prompter.bytes('The secret to share', largestSecretBytes))
    const made = await withProgress('Sharing', () =>
      shares.create({ secret, ttl: seconds, ...(passphrase !== undefined && { passphrase }) }),
    ).catch((error: unknown) => {
      throw explain(error)
    })
    const { link, id, expiresAt, manageToken } = made
    // Before anything else, which may fail.
    if (json) printJson({ link, id, expiresAt, manageToken })
    else print(link)
    const label = name ?? chosen?.name
    const isKept =
      account &&
      (await keep(account, {
        id,
        server: parseShareLink(link).server,
        manageToken,
        createdAt: new Date().toISOString(),
        expiresAt,
        ...(label !== undefined && { name: label }),
      }))
    if (json) return
    const who = passphrase === undefined ? 'Whoever has the link' : 'Whoever has the link and the passphrase'
    remark(`${who} can read the secret once, until ${localTime(expiresAt)}.`)
    if (isKept) remark(`"limpet share revoke ${id}" takes it back, on any of your devices.`)
  },
})
