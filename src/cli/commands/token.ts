// Commands for personal access tokens: token create, list, revoke.
import type { OpenVault, TokenScope, TokenSummary, UnlockedAccount } from '../../sdk/index.ts'
import { duration } from '../../terminal/command.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { table } from '../../terminal/table.ts'
import { localTime, safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { unlock, unlockWithPassword } from '../session.ts'
import { oneVault } from '../workspace.ts'

const defaultExpiry = '90d'
const expirySeconds = { min: 60, max: 366 * 86_400 }
const longestName = 100

const scopeNames: Readonly<Record<string, TokenScope>> = { read: 'read', write: 'write', shares: 'shares' }

function scopesFrom(text: string): TokenScope[] {
  const scopes = text.split(',').map((name) => scopeNames[name.trim()])
  if (scopes.every((scope) => scope !== undefined)) return [...new Set(scopes)]
  throw new CliError(
    'usage',
    `--scope takes read, write, shares, or several of them with commas between, not "${safeLine(text)}".`,
  )
}

function expiryFrom(text: string): Date | undefined {
  if (text === 'never') return undefined
  const seconds = duration('expires', text, expirySeconds)
  return new Date(Date.now() + seconds * 1000)
}

const vaultsOf = (account: UnlockedAccount) => withProgress('Asking the server', () => account.vaults())

const vaultJson = (vault: OpenVault | undefined) => (vault ? { id: vault.id, name: vault.name } : null)

interface Creation {
  readonly vault?: string | undefined
  readonly scope?: string | undefined
  readonly expires?: string | undefined
  readonly json?: boolean | undefined
}

async function make(
  surroundings: Surroundings,
  name: string,
  { vault: wanted, scope = 'read', expires = defaultExpiry, json }: Creation,
) {
  if (name === '' || [...name].length > longestName || /\p{Cc}/u.test(name))
    throw new CliError('usage', `The name of a token is a line of 1 to ${longestName} characters.`)
  const scopes = scopesFrom(scope)
  const expiresAt = expiryFrom(expires)
  const { account, password } = await unlockWithPassword(surroundings)
  // Making links needs no vault, and what is not given cannot leak.
  const needsVault = wanted !== undefined || scopes.some((one) => one !== 'shares')
  const vault = needsVault ? oneVault({ vaults: await vaultsOf(account) }, wanted) : undefined
  const { bearerToken, ...made } = await withProgress(
    'Making the token',
    () =>
      account.tokens.create({
        name,
        scopes,
        password,
        ...(vault && { vault }),
        ...(expiresAt && { expiresAt }),
      }),
    { atOnce: true },
  )
  if (json) {
    const { id, createdAt, expiresAt } = made
    printJson({ id, name, scopes, vault: vaultJson(vault), createdAt, expiresAt, token: bearerToken })
    return
  }
  print(bearerToken)
  const reach = vault ? `the vault "${safeLine(vault.name)}"` : 'no vault'
  const until = made.expiresAt === null ? 'until it is revoked' : `until ${localTime(made.expiresAt)}`
  remark(
    `Good for ${scopes.join(', ')} on ${reach}, ${until}. It is not shown again: give it to the job as LIMPET_TOKEN, from a store for secrets.`,
  )
}

/** What a token reaches, in a word; the server knows vaults by their ids only. */
function nameOfReach({ scopes, vaultId }: TokenSummary, vault: OpenVault | undefined): string {
  if (vaultId !== null) return vault?.name ?? vaultId
  return scopes.every((scope) => scope === 'shares') ? '' : 'all, as ciphertext'
}

async function show(account: UnlockedAccount, json: boolean | undefined) {
  const tokens = await withProgress('Asking the server', () => account.tokens.list())
  const vaults = new Map((await vaultsOf(account)).map((vault) => [vault.id, vault]))
  const vaultOf = ({ vaultId }: TokenSummary) => (vaultId === null ? undefined : vaults.get(vaultId))
  if (json) {
    printJson(
      tokens.map((token) => {
        const { id, name, scopes, createdAt, expiresAt, lastUsedAt } = token
        return { id, name, scopes, vault: vaultJson(vaultOf(token)), createdAt, expiresAt, lastUsedAt }
      }),
    )
    return
  }
  const time = (at: string | null) => (at === null ? 'never' : localTime(at))
  if (tokens.length > 0)
    print(
      ...table(
        ['NAME', 'SCOPES', 'VAULT', 'EXPIRES', 'LAST USED', 'ID'],
        tokens.map((token) => [
          token.name,
          token.scopes.join(','),
          nameOfReach(token, vaultOf(token)),
          time(token.expiresAt),
          time(token.lastUsedAt),
          token.id,
        ]),
      ),
    )
}

async function end(account: UnlockedAccount, wanted: string) {
  const tokens = await withProgress('Asking the server', () => account.tokens.list())
  const found = tokens.filter(({ id, name }) => id === wanted || name === wanted)
  const [token, ...others] = found
  if (!token)
    throw new CliError(
      'notFound',
      `There is no token "${safeLine(wanted)}". "limpet token list" shows what there is.`,
    )
  if (others.length > 0) {
    const ids = found.map(({ id, createdAt }) => `${id}  made ${localTime(createdAt)}`)
    throw new CliError('ambiguous', `Several tokens have this name; say which by its id:\n${ids.join('\n')}`)
  }
  await withProgress('Revoking', () => account.tokens.revoke(token.id))
  remark(`Revoked "${safeLine(token.name)}".`)
}

const onVault =
  'A job that has it as LIMPET_TOKEN, and LIMPET_SERVER, runs get, list, add, edit, rm, restore, sync and share on that vault without login and password.'

export const create = command({
  name: 'token create',
  accountOnly: true,
  operands: ['NAME'],
  summary: 'make a personal access token, with which a script uses one vault',
  details: `Asks for the master password, also where "limpet unlock" was run, and prints the token once. ${onVault} The server gets only the part before the dot; the part behind it opens the vault. No token deletes for good, and a password change ends all of them unless it is told not to.`,
  example: 'limpet token create deploy --vault Production --expires 30d',
  options: {
    vault: { type: 'string', value: 'NAME', help: 'the vault, where there are several' },
    scope: {
      type: 'string',
      value: 'SCOPES',
      words: Object.keys(scopeNames),
      help: 'read, write (which includes read), shares; read unless said otherwise',
    },
    expires: {
      type: 'string',
      value: 'TIME',
      help: `12h, 30d, or never; ${defaultExpiry} unless said otherwise`,
    },
    json: { type: 'boolean', help: 'prints JSON' },
  },
  run: (surroundings, [name = ''], values) => make(surroundings, name, values),
})

export const list = command({
  name: 'token list',
  accountOnly: true,
  operands: [],
  summary: 'list the personal access tokens, with their last use',
  example: 'limpet token list',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  run: async (surroundings, _operands, { json }) => show(await unlock(surroundings), json),
})

export const revoke = command({
  name: 'token revoke',
  accountOnly: true,
  operands: ['NAME_OR_ID'],
  summary: 'end a personal access token at once',
  example: 'limpet token revoke deploy',
  options: {},
  run: async (surroundings, [wanted = '']) => end(await unlock(surroundings), wanted),
})
