// Commands for the account and its session: register, login, logout.

import { InviteCode } from '../../contract/accounts.ts'
import { Email } from '../../contract/primitives.ts'
import {
  type AuthKeyOffer,
  assessPassword,
  type KdfCosts,
  type Limpet,
  type PasswordContext,
  ProblemError,
  passwordCharacters,
  type ServerInfo,
  type SessionState,
} from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { remark } from '../../terminal/output.ts'
import { type Hold, withProgress } from '../../terminal/progress.ts'
import { counted, safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'
import { describe } from '../failures.ts'
import { askSecondFactor } from '../second-factor.ts'
import { chosenServer, connect } from '../session.ts'
import { offerToStayUnlocked, stayingOptions } from '../staying-unlocked.ts'
import { endHolding, endHoldingOfOthers } from '../unlock-keys.ts'

export const server = {
  type: 'string',
  value: 'URL',
  help: 'the server; otherwise LIMPET_SERVER, then as in "limpet config", then http://localhost:8080',
} as const

export function emailFrom(text: string): string {
  const email = Email.safeParse(text)
  if (email.success) return email.data
  throw new CliError('usage', `"${safeLine(text)}" is not an e-mail address.`)
}

/** What is guessed sooner comes with advice. */
const advisedGuessingSeconds = 100 * 365 * 86_400

/** What a password is for, and what an attacker needs to guess it. */
interface PasswordUse extends PasswordContext {
  readonly question: string
  readonly attackerHas: string
}

/** Asks for a new password, until there is one that may be chosen; without a terminal the first one has to be. */
export async function newPassword(
  { prompter }: Pick<Surroundings, 'prompter'>,
  { question, attackerHas, ...context }: PasswordUse,
): Promise<string> {
  const password = await prompter.secret(question, {
    twice: true,
    refusal: async (answer) => (await assessPassword(answer, context)).refusal?.message,
  })
  const { refusal, guessing } = await assessPassword(password, context)
  if (refusal) throw refusal
  remark(`Guessing it takes ${guessing.words}, for an attacker with ${attackerHas} and ten graphics cards.`)
  if (guessing.seconds < advisedGuessingSeconds || [...password].length < passwordCharacters.advised)
    remark('Several words that do not belong together are better.')
  return password
}

export const newMasterPassword = (surroundings: Surroundings, email: string): Promise<string> =>
  newPassword(surroundings, { question: 'New master password', attackerHas: "the server's database", email })

/** The invite of `--invite` or `LIMPET_INVITE`; a code lets its holder in, so it is not taken from an argument. */
async function inviteCode({ environment, prompter }: Surroundings, asked: boolean | undefined) {
  const given = environment.LIMPET_INVITE || (asked ? await prompter.secret('Invite code') : undefined)
  if (given === undefined) return undefined
  const code = InviteCode.safeParse(given.trim())
  if (code.success) return code.data
  throw new CliError('usage', 'This is not an invite code: it begins with lmi_ and has 26 characters.')
}

/** What the server says of itself. Asked before a password is: nobody shall type one for a server that is not there. */
const askServer = (limpet: Limpet) => withProgress('Asking the server', () => limpet.serverInfo())

export const register = command({
  name: 'register',
  accountOnly: true,
  operands: ['EMAIL'],
  summary: 'make an account on a server, and log in',
  details:
    'Nobody can recover the master password: not this program, and not the server, which never sees it. An invite code is taken from LIMPET_INVITE, or with --invite asked for before the password.',
  example: 'limpet register ada@example.com --server https://vault.example.com',
  options: {
    server,
    hint: { type: 'string', value: 'TEXT', help: 'reminds you of the password; the server can read it' },
    invite: { type: 'boolean', help: 'asks for the invite code that the server wants' },
    ...stayingOptions,
  },
  async run(surroundings, [address = ''], { server: option, hint, invite: asked, ...staying }) {
    const email = emailFrom(address)
    const url = await chosenServer(surroundings, option)
    const limpet = await connect(url, surroundings.state)
    const { emailVerification, registration } = await askServer(limpet)
    if (registration === 'closed')
      throw new CliError('unexpected', `${url} makes no accounts. Its operator can change that.`)
    const wantsInvite = asked || (registration === 'invite' && surroundings.prompter.interactive)
    const invite = await inviteCode(surroundings, wantsInvite)
    const password = await newMasterPassword(surroundings, email)
    if (hint?.includes(password))
      throw new CliError('usage', 'The hint contains the password, and the server can read the hint.')
    await withProgress(
      'Making the account',
      () =>
        limpet.register({
          email,
          password,
          ...(hint !== undefined && { hint }),
          ...(invite !== undefined && { invite }),
        }),
      { atOnce: true },
    )
    const next = `limpet login ${email} --server ${url}`
    if (emailVerification !== 'off')
      return remark(
        `A mail was sent to ${email}. Open its link within a day, or give it to "limpet confirm". Then: ${next}`,
      )
    const { state } = surroundings
    // The session of another account stays.
    if (await state.session.load()) return remark(`${email} has an account at ${url}. Next: ${next}`)
    remark(`${email} has an account at ${url}.`)
    const account = await withProgress('Logging in', () => limpet.login({ email, password }), {
      atOnce: true,
    })
    await state.forgetOthers(account.accountId)
    remark(`Logged in as ${email}.`)
    await offerToStayUnlocked(surroundings, account, staying)
  },
})

/** Another account's session, unlock key and copies do not belong beside this one's. */
function refuseOtherAccount(session: SessionState | undefined, email: string, url: string) {
  if (!session) return
  const isOwn = [session.email, session.nextEmail].includes(email)
  if (isOwn && session.server === url.replace(/\/+$/, '')) return
  throw new CliError(
    'usage',
    `Logged in as ${session.email} at ${session.server}. "limpet logout" comes first, or another LIMPET_STATE_DIR.`,
  )
}

const inWords = ({ memoryKiB, iterations, parallelism }: KdfCosts) =>
  `${memoryKiB.toLocaleString('en')} KiB, ${counted(iterations, 'pass', 'passes')}, ${counted(parallelism, 'lane')}`

/** Asks about a login from which the server could guess the password. A script is never asked, and says it with an option. */
async function confirmAuthKey(
  { prompter }: Surroundings,
  { email, kdf, pinned }: AuthKeyOffer,
  { expected, url }: { expected: boolean; url: string },
): Promise<boolean> {
  if (expected && !pinned) return true
  const asks = pinned
    ? `The server asks for a cheaper key derivation than at the last login here (${inWords(kdf)}; it was ${inWords(pinned)}). An honest one does so only after the password was changed on another device.`
    : `Nothing here knows how ${email} logs in at ${url}, and the server asks for authKey, from which its operator, or an attacker in its place, could guess the password. Accounts of "limpet register" use OPAQUE, and an honest server does not ask this for them.`
  if (prompter.interactive) {
    remark(asks)
    return prompter.confirm('Log in by authKey all the same?')
  }
  const remedy = pinned
    ? 'If you did so, "limpet login EMAIL --forget-method --auth-key" starts anew.'
    : 'If the account was made for authKey, --auth-key says so.'
  throw new CliError('refused', `Refused: ${asks} ${remedy}`)
}

/** Says beside a wrong password that the address may not be confirmed, where that could be: the server does not tell. */
function remarkOnConfirmation(error: unknown, { emailVerification }: ServerInfo, email: string) {
  if (!(error instanceof ProblemError) || error.code !== 'invalid-credentials') return
  if (emailVerification === 'required')
    remark(
      `If you have just registered ${email}, open the link in the mail first. "limpet resend ${email}" has it sent again.`,
    )
}

export const login = command({
  name: 'login',
  accountOnly: true,
  operands: ['EMAIL'],
  summary: 'log in; the session is kept in the state folder',
  details:
    'How the account logged in is kept here, also after "limpet logout": a server that later asks for a weaker way is refused.',
  example: 'limpet login ada@example.com --server https://vault.example.com',
  options: {
    server,
    'auth-key': {
      type: 'boolean',
      help: 'does not ask before a first login by authKey, such as of an account made by "limpet derive"',
    },
    'forget-method': {
      type: 'boolean',
      help: 'forgets how the account logged in here: only if you changed it on another device',
    },
    ...stayingOptions,
  },
  async run(surroundings, [address = ''], { server: option, ...values }) {
    const { state, prompter } = surroundings
    const email = emailFrom(address)
    const url = await chosenServer(surroundings, option)
    const earlier = await state.session.load()
    refuseOtherAccount(earlier, email, url)
    let asking: Hold = (question) => question()
    const expected = values['auth-key'] ?? false
    const limpet = await connect(url, state, (offer) =>
      asking(() => confirmAuthKey(surroundings, offer, { expected, url })),
    )
    if (values['forget-method']) await limpet.forgetPin(email)
    const info = await askServer(limpet)
    const password = await prompter.secret('Master password')
    const account = await withProgress(
      'Logging in',
      (_report, hold) => {
        asking = hold
        return limpet.login({
          email,
          password,
          secondFactor: (challenge, refused) => hold(() => askSecondFactor(prompter, challenge, refused)),
        })
      },
      { atOnce: true },
    ).catch((error: unknown) => {
      remarkOnConfirmation(error, info, email)
      throw error
    })
    await state.forgetOthers(account.accountId)
    remark(`Logged in as ${email} at ${url}.`)
    await endHoldingOfOthers(surroundings, account.accountId)
    await offerToStayUnlocked(surroundings, account, values)
  },
})

export const logout = command({
  name: 'logout',
  accountOnly: true,
  operands: [],
  summary: 'end the session, and remove it and the copies of the vaults from here',
  example: 'limpet logout',
  options: {},
  async run(surroundings) {
    const { state } = surroundings
    const session = await state.session.load()
    await endHolding(surroundings)
    if (!session) {
      await state.forget()
      remark('Not logged in.')
      return
    }
    try {
      const limpet = await connect(session.server, state)
      await withProgress('Logging out', () => limpet.logout())
      remark('Logged out.')
    } catch (error) {
      remark(
        `Logged out here only: the session stays open on the server until it runs out or is ended from another device. ${describe(error).sentence}`,
      )
    }
    await state.forget()
  },
})
