// The command that reads a one-time link: open.
import { OpenError, type OpenedShare, ProblemError, ReceivedShare } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { printBytes, remark } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime, safeLine } from '../../terminal/text.ts'
import { command, type Surroundings } from '../command.ts'

/** How often a terminal asks for a passphrase. */
const mostTries = 3

function receive(link: string): ReceivedShare {
  try {
    return new ReceivedShare(link)
  } catch (error) {
    if (error instanceof TypeError) throw new CliError('usage', `${safeLine(error.message)}.`)
    throw error
  }
}

const gone = (why: string) => new CliError('notFound', `${why} Ask its sender for a new link.`)

const at = (time: string | undefined) => (time === undefined ? '' : ` on ${localTime(time)}`)

/** The sentences for a share that does not open. */
function explain(error: unknown): unknown {
  if (error instanceof OpenError)
    return new CliError(
      'refused',
      'Refused: what the server gave does not open with the key of the link; it was changed, or swapped for something else. Ask the sender for a new link, on another server if there is one.',
    )
  if (!(error instanceof ProblemError)) return error
  switch (error.code) {
    case 'share-consumed':
      return gone(
        `The secret was already read${at(error.readAt)}. If that was not you, somebody else knows it: tell its sender at once.`,
      )
    case 'share-expired':
      return gone(`The share expired${at(error.expiresAt)}; nobody had read it.`)
    case 'share-revoked':
      return gone(`Its sender took the share back${at(error.revokedAt)}; nobody had read it.`)
    case 'not-found':
      return gone('The server has no such share, or its end is long ago.')
    case 'wrong-proof':
      return new CliError(
        'wrongPassword',
        error.passphrase
          ? 'The passphrase is wrong. Nothing was lost: open the link again with the right one.'
          : 'The key in the link is not that of the share. Nothing was lost: copy the link again, whole.',
      )
    default:
      return error
  }
}

/** Of a share that is gone it only tells why, so that a script without an answer learns as much as there is. */
async function askPassphrase({ prompter }: Surroundings, readable: boolean): Promise<string> {
  if (readable) return prompter.secret('Passphrase')
  remark('It cannot be read any more. A reader who knows its passphrase is told why.')
  return prompter.secret('Passphrase').catch((error: unknown) => {
    throw error instanceof CliError
      ? gone('The secret was already read, or the share has expired or was taken back.')
      : error
  })
}

async function openPatiently(surroundings: Surroundings, received: ReceivedShare): Promise<OpenedShare> {
  const { readable, passphrase } = await withProgress('Asking the server', () => received.look())
  let needed = passphrase
  for (let tries = 0; ; ) {
    const answer = needed ? await askPassphrase(surroundings, readable) : undefined
    try {
      return await withProgress('Opening', () => received.open(answer))
    } catch (error) {
      const passphraseIsWrong =
        error instanceof ProblemError && error.code === 'wrong-proof' && error.passphrase === true
      if (!passphraseIsWrong) throw explain(error)
      // Without an answer it was only found out now that there is a passphrase.
      if (answer !== undefined) {
        tries++
        if (!surroundings.prompter.interactive || tries === mostTries) throw explain(error)
        remark('The passphrase is wrong. Nothing was lost: once more, please.')
      }
      needed = true
    }
  }
}

export const open = command({
  name: 'open',
  operands: ['[LINK]'],
  summary: 'print the secret of a one-time link, which ends the link',
  details:
    'Others on this machine can see a LINK among the arguments, and the shell keeps it in its history: leave it out to be asked for it, or give it as the first line of standard input. A passphrase is asked for where the share needs one. The bytes are printed exactly; only a terminal gets a newline after them.',
  example: 'limpet open > id_ed25519',
  options: {},
  async run(surroundings, [operand]) {
    const received = receive(operand ?? (await surroundings.prompter.secret('One-time link')))
    const { secret, acknowledge } = await openPatiently(surroundings, received)
    await printBytes(secret)
    // The secret has arrived. What the server does not hear now it does by itself a minute later.
    await acknowledge().catch(() => {})
  },
})
