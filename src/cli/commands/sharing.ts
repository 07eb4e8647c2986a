// The command that makes a one-time link: share.
import { LoggedOutError, largestSecretBytes, RefusedError, shareTtl } from '../../sdk/index.ts'
import { duration } from '../../terminal/command.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { findItem } from '../lookup.ts'
import { sharesOn } from '../session.ts'
import { fieldOf } from '../views.ts'
import { openWorkspace } from '../workspace.ts'

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

async function valueFromVault(surroundings: Surroundings, item: string, { field = '', vault }: Source) {
  const workspace = await openWorkspace(surroundings, 'read')
  return fieldOf(findItem(workspace, item, { vault, place: 'active' }), field)
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
    'The secret is standard input, exactly as it is, or with --item a value of the vault. With --passphrase, standard input begins with a line that is the passphrase. Whoever has the link can read the secret: tell a passphrase by another way than the link.',
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
    json: { type: 'boolean', help: 'prints JSON, with a token to look after the share' },
  },
  async run(surroundings, _operands, { item, ttl, passphrase: asksPassphrase, server, json, ...source }) {
    checkSource({ item, ...source })
    const seconds = ttl === undefined ? shareTtl.default : duration('ttl', ttl, shareTtl)
    const { prompter } = surroundings
    const shares = await sharesOn(surroundings, server)
    const value = item === undefined ? undefined : await valueFromVault(surroundings, item, source)
    const passphrase = asksPassphrase ? await prompter.secret('Passphrase', { twice: true }) : undefined
    const secret = value ?? (await prompter.bytes('The secret to share', largestSecretBytes))
    const made = await withProgress('Sharing', () =>
      shares.create({ secret, ttl: seconds, ...(passphrase !== undefined && { passphrase }) }),
    ).catch((error: unknown) => {
      throw explain(error)
    })
    if (json) {
      const { link, id, expiresAt, manageToken } = made
      printJson({ link, id, expiresAt, manageToken })
      return
    }
    print(made.link)
    const who = passphrase === undefined ? 'Whoever has the link' : 'Whoever has the link and the passphrase'
    remark(`${who} can read the secret once, until ${localTime(made.expiresAt)}.`)
  },
})
