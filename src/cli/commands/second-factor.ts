// Commands for what a login asks for beside the password: authenticator apps and recovery codes.
import { ProblemError, type SecondFactor, type UnlockedAccount } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark, remarksToTerminal } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime, safeLine, table } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { qrLines } from '../qr.ts'
import { unlock, unlockWithPassword } from '../session.ts'

const tries = 3
const typeNames: Readonly<Record<string, string>> = { totp: 'app', webauthn: 'passkey or key' }

const keep =
  'Keep these recovery codes where you keep the master password: each logs in once in place of the app, and nobody else can help.'

function showCodes(codes: readonly string[], json: boolean | undefined) {
  if (json) return printJson({ recoveryCodes: codes })
  remark(keep)
  print(...codes)
}

async function list(surroundings: Surroundings, json: boolean | undefined) {
  const account = await unlock(surroundings)
  const { factors, recoveryCodesLeft } = await withProgress('Asking the server', () =>
    account.secondFactors.list(),
  )
  if (json) return printJson({ factors, recoveryCodesLeft })
  if (factors.length === 0)
    return remark('Logins ask for the password alone. "limpet second-factor add" changes that.')
  const rows = factors.map(({ id, type, name, lastUsedAt }) => [
    name,
    typeNames[type] ?? type,
    lastUsedAt === null ? 'never' : localTime(lastUsedAt),
    id,
  ])
  print(...table(['NAME', 'KIND', 'LAST USED', 'ID'], rows))
  remark(`Recovery codes left: ${recoveryCodesLeft}.`)
}

/** Shows what goes into the app: to a person as a picture too, to a script as JSON. */
function showSecret({ secret, uri }: { secret: string; uri: string }, json: boolean | undefined) {
  if (json) return printJson({ secret, uri })
  remark('Scan this with an authenticator app, or type its secret there:')
  if (remarksToTerminal()) remark(...qrLines(uri))
  remark(safeLine(secret).replaceAll(/(.{4})(?=.)/g, '$1 '))
}

/** Asks for the code that the app shows, and again where it is wrong. */
async function confirm(
  { prompter }: Surroundings,
  { secondFactors }: UnlockedAccount,
  id: string,
  name: string | undefined,
): Promise<string[] | null> {
  for (let left = tries; ; left--) {
    const code = (await prompter.line('Code that the app shows now')).replaceAll(/\s/g, '')
    try {
      return await withProgress('Confirming', () => secondFactors.confirmTotp(id, code, name))
    } catch (error) {
      const isWrong = error instanceof ProblemError && error.code === 'malformed-request'
      if (!isWrong || left === 1) throw error
      remark('This is not the code of the app now. Is the clock of its device right?')
    }
  }
}

async function add(surroundings: Surroundings, name: string | undefined, json: boolean | undefined) {
  const { account, password } = await unlockWithPassword(surroundings)
  const started = await withProgress('Asking the server', () => account.secondFactors.addTotp(password), {
    atOnce: true,
  })
  showSecret(started, json)
  const codes = await confirm(surroundings, account, started.id, name)
  remark('Logins ask for a code of the app from now on.')
  if (codes) showCodes(codes, json)
}

/** The one factor that is meant. */
function oneFactor(factors: readonly SecondFactor[], wanted: string): SecondFactor {
  const found = factors.filter(({ id, name }) => id === wanted || name === wanted)
  const [factor, ...others] = found
  if (!factor)
    throw new CliError(
      'notFound',
      `There is no second factor "${safeLine(wanted)}". "limpet second-factor list" shows what there is.`,
    )
  if (others.length > 0) {
    const ids = found.map(({ id, createdAt }) => `${id}  added ${localTime(createdAt)}`)
    throw new CliError('ambiguous', `Several factors have this name; say which by its id:\n${ids.join('\n')}`)
  }
  return factor
}

async function remove(surroundings: Surroundings, wanted: string) {
  const { account, password } = await unlockWithPassword(surroundings)
  const { factors } = await withProgress('Asking the server', () => account.secondFactors.list())
  const { id, name } = oneFactor(factors, wanted)
  await withProgress('Removing', () => account.secondFactors.remove(id, password), { atOnce: true })
  remark(`Removed "${safeLine(name)}".`)
}

async function renew(surroundings: Surroundings, json: boolean | undefined) {
  const { account, password } = await unlockWithPassword(surroundings)
  const codes = await withProgress(
    'Asking the server',
    () => account.secondFactors.renewRecoveryCodes(password),
    { atOnce: true },
  )
  showCodes(codes, json)
}

const actions = ['list', 'add', 'remove', 'recovery-codes']

export const secondFactor = command({
  name: 'second-factor',
  accountOnly: true,
  operands: [actions.join('|'), '[NAME_OR_ID]'],
  summary: 'let logins ask for a code of an authenticator app as well',
  details:
    'add shows a QR code, asks for the code that the app makes of it, and prints ten recovery codes. recovery-codes prints new ones in place of the old. Whatever changes something asks for the master password. Passkeys and security keys are added by apps that can use them.',
  example: 'limpet second-factor add Phone',
  options: { json: { type: 'boolean', help: 'list, add, recovery-codes: prints JSON' } },
  async run(surroundings, [action = '', name], { json }) {
    if (!actions.includes(action))
      throw new CliError(
        'usage',
        `"limpet second-factor" takes ${actions.join(', ')}, not "${safeLine(action)}".`,
      )
    if (action === 'remove' && name === undefined)
      throw new CliError('usage', '"limpet second-factor remove" takes the name of the factor.')
    if (name !== undefined && action !== 'add' && action !== 'remove')
      throw new CliError('usage', `"limpet second-factor ${action}" takes no name.`)
    if (action === 'add') return add(surroundings, name, json)
    if (action === 'remove') return remove(surroundings, name ?? '')
    return action === 'list' ? list(surroundings, json) : renew(surroundings, json)
  },
})
