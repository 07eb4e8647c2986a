// Asks for the second factor of a login.
import type { ProblemError, SecondFactorAnswer, SecondFactorChallenge } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { remark } from '../terminal/output.ts'
import type { Prompter } from '../terminal/prompter.ts'

const questions = {
  both: 'Code of the authenticator app, or a recovery code',
  totp: 'Code of the authenticator app',
  recovery: 'Recovery code',
} as const

function questionFor({ methods }: SecondFactorChallenge): string {
  const [totp, recovery] = [methods.includes('totp'), methods.includes('recovery-code')]
  if (totp) return recovery ? questions.both : questions.totp
  if (recovery) {
    remark(
      'The account has a passkey or a security key, which a shell cannot use; a recovery code does as well.',
    )
    return questions.recovery
  }
  throw new CliError(
    'unexpected',
    'The account asks for a passkey or a security key, which a shell cannot use, and it has no recovery codes left. Make new ones in an app that is logged in.',
  )
}

/** An app's codes are digits alone, recovery codes never are. */
const isAppCode = (text: string) => /^\d{6}$/.test(text)

/** A wrong answer is asked for again at a terminal, and ends the command elsewhere. */
export async function askSecondFactor(
  prompter: Prompter,
  challenge: SecondFactorChallenge,
  refused: ProblemError | undefined,
): Promise<SecondFactorAnswer> {
  if (refused && !prompter.interactive) throw refused
  if (refused)
    remark(`${refused.message} Each code works once; the app shows the next one within half a minute.`)
  const answer = await prompter.secret(questionFor(challenge))
  const digits = answer.replaceAll(/\s/g, '')
  return isAppCode(digits) ? { type: 'totp', code: digits } : { type: 'recovery-code', code: answer.trim() }
}
