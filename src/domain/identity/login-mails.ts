// Mail for a login of Bitwarden's apps that waits for a code. No session is there yet: the password is proved again, or a token shows that
// it was proved just now.
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { openToken, sealToken } from '../expiring-tokens.ts'
import { Failure } from '../failure.ts'
import { mayAsk } from '../mail/limits.ts'
import type { MailSettings } from '../mail/settings.ts'
import { tooMany } from '../rate-limits/counters.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { ServerKeys } from '../server-keys.ts'
import { type AccountRow, findAccountByEmail } from './accounts.ts'
import { guardLogin } from './guard-login.ts'
import { codeValidForMs, mailCode } from './mailed-codes.ts'
import { mailDeviceCode } from './new-device-check.ts'
import { type PasswordNeeds, provesPassword, wrongPassword } from './passwords.ts'
import { loginCodeOf } from './second-factor-login.ts'
import { factorsOf } from './second-factors.ts'

const ticketLivesFor = minutes(15)

interface Needs extends PasswordNeeds {
  readonly config: MailSettings
  readonly keys: PasswordNeeds['keys'] & Pick<ServerKeys, 'bitwardenProofs' | 'mailedCodes'>
  readonly limiter: RateLimiter
  readonly random: Random
}

const about = (email: string) => `mailed-factor:${email}`

/**
 * What stands for the password of a login whose second factor is asked for: good for having a code mailed, and for nothing else.
 * @param email of the account, in its normalized form
 * @returns base64url
 */
export const mailTicket = (
  email: string,
  { clock, keys, random }: { clock: Clock; keys: Pick<ServerKeys, 'bitwardenProofs'>; random: Random },
): string =>
  sealToken({ key: keys.bitwardenProofs, random }, about(email), {
    content: new Uint8Array(),
    expiresAt: clock.now() + ticketLivesFor,
  })

/** Who waits for a code, and what shows that the password was right. */
export interface WaitingLogin {
  /** In its normalized form. */
  readonly email: string
  /** Undefined if the request has none. */
  readonly proof: { readonly clientHash: Uint8Array } | { readonly ticket: string } | undefined
  /** Where the request came from. */
  readonly address: string
}

/** The account, if its password was proved and it may log in. Throws `too-many-requests`. @returns undefined for everybody else */
async function findProved(
  { email, proof, address }: WaitingLogin,
  needs: Needs,
): Promise<AccountRow | undefined> {
  if (!proof) return undefined
  const { clock, keys, store } = needs
  const account = await store.read((reader) => findAccountByEmail(reader, email))
  const isProved =
    'ticket' in proof
      ? openToken(keys.bitwardenProofs, about(email), proof.ticket, clock.now()) !== undefined
      : await guardLogin(
          needs,
          { address, email, isFinish: false },
          () => provesPassword(account, proof, needs),
          (isRight) => (isRight ? 'right' : 'wrong'),
        )
  return account && isProved && account.disabledAt === null ? account : undefined
}

/**
 * Mails the code of an account whose second factor is codes by mail; for one that has no such factor nothing is done. Throws `email-off`,
 * `invalid-credentials` and `too-many-requests`.
 */
export async function mailLoginCode(login: WaitingLogin, needs: Needs): Promise<void> {
  const { config, store } = needs
  const account = await findProved(login, needs)
  if (!account) throw wrongPassword()
  const owner = { accountId: account.id }
  const { email: factors } = await store.read((reader) => factorsOf(reader, owner))
  const [factor] = factors
  if (!factor) return
  if (!config.smtp) throw new Failure('email-off', 'This server sends no e-mail.')
  if (!(await mayAsk(needs, { address: login.address, email: factor.email }))) throw tooMany(codeValidForMs)
  const isMailed = await store.write((tx) => mailCode(tx, loginCodeOf(owner), needs, { email: factor.email }))
  if (!isMailed) throw tooMany(codeValidForMs)
}

/**
 * Mails the code for a new device again. Without a proof nothing is mailed and nothing is said: apps expect the same answer always. Throws
 * `too-many-requests`.
 */
export async function mailDeviceCodeAgain(login: WaitingLogin, needs: Needs): Promise<void> {
  const account = await findProved(login, needs)
  if (account) await mailDeviceCode(account, login.address, needs)
}
