// Commands for what a login asks for beside the password: authenticator apps and recovery codes.
import { ProblemError, type SecondFactor, type UnlockedAccount } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, remark, remarksToTerminal } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { table } from '../../terminal/table.ts'
import { localTime, safeLine } from '../../terminal/text.ts'
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

async function show(surroundings: Surroundings, json: boolean | undefined) {
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

async function begin(surroundings: Surroundings, name: string | undefined, json: boolean | undefined) {
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

async function end(surroundings: Surroundings, wanted: string) {
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

const asksPassword = 'Asks for the master password.'

export const list = command({
  name: 'second-factor list',
  accountOnly: true,
  operands: [],
  summary: 'list what logins ask for beside the password',
  example: 'limpet second-factor list',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  run: (surroundings, _operands, { json }) => show(surroundings, json),
})

export const add = command({
  name: 'second-factor add',
  accountOnly: true,
  operands: ['[NAME]'],
  summary: 'let logins ask for a code of an authenticator app as well',
  details: `Shows a QR code, asks for the code that the app makes of it, and prints ten recovery codes. ${asksPassword} Passkeys and security keys are added by apps that can use them.`,
  example: 'limpet second-factor add Phone',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  run: (surroundings, [name], { json }) => begin(surroundings, name, json),
})

export const remove = command({
  name: 'second-factor remove',
  accountOnly: true,
  operands: ['NAME_OR_ID'],
  summary: 'remove a second factor, so that logins do not ask for it any more',
  details: asksPassword,
  example: 'limpet second-factor remove Phone',
  options: {},
  run: (surroundings, [wanted = '']) => end(surroundings, wanted),
})

export const recoveryCodes = command({
  name: 'second-factor recovery-codes',
  accountOnly: true,
  operands: [],
  summary: 'print ten new recovery codes in place of the old ones',
  details: asksPassword,
  example: 'limpet second-factor recovery-codes',
  options: { json: { type: 'boolean', help: 'prints JSON' } },
  run: (surroundings, _operands, { json }) => renew(surroundings, json),
})
