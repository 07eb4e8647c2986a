// How an error ends `limpet`: the exit code and the sentence for every error of the SDK.
import {
  AccountKeyChangedError,
  ConflictError,
  ContentError,
  FileChangedError,
  KdfRefusedError,
  LoggedOutError,
  NetworkError,
  NoSuchFileError,
  OlderVaultError,
  OpenError,
  PasswordRefusedError,
  ProblemError,
  RefusedError,
  ResyncRequiredError,
  SecretRefusedError,
  ShareLinkError,
  TokenError,
  TooManyFilesError,
  UnconfirmedError,
  UnknownKindError,
  UnreadableError,
} from '../sdk/index.ts'
import { CliError, type Ending } from '../terminal/exit-codes.ts'
import { networkSentence } from './network-causes.ts'

const problemEndings: Readonly<Record<string, Ending>> = {
  'not-authenticated': 'loggedOut',
  'invalid-refresh-token': 'loggedOut',
  'invalid-credentials': 'wrongPassword',
  'invalid-second-factor': 'wrongPassword',
  'not-found': 'notFound',
  'revision-conflict': 'conflict',
  'email-taken': 'conflict',
  'id-taken': 'conflict',
  'attachment-missing': 'conflict',
  'key-changed': 'conflict',
  'rotation-under-way': 'conflict',
  'too-many-requests': 'unavailable',
  unavailable: 'unavailable',
  'internal-error': 'unavailable',
}

/** Whether a later try may succeed although nothing changes here. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof NetworkError || (error instanceof ProblemError && describe(error).ending === 'unavailable')

function describeProblem({ code, message, errors, requestId }: ProblemError): {
  ending: Ending
  sentence: string
} {
  const ending = problemEndings[code] ?? 'unexpected'
  const places = errors.map(({ path, message: expected }) => `${path}: ${expected}`)
  const reference =
    code === 'internal-error' ? ` Its operator finds the cause in its log under ${requestId}.` : ''
  const remedy = code === 'invite-required' ? ' "limpet register EMAIL --invite" asks for its code.' : ''
  return { ending, sentence: [message + reference + remedy, ...places].join(' ') }
}

/** How an error ends the program, and the sentence about it. It holds no secret: nothing that was decrypted or typed. */
export function describe(error: unknown): { ending: Ending; sentence: string } {
  if (error instanceof CliError) return { ending: error.ending, sentence: error.message }
  if (error instanceof ProblemError) return describeProblem(error)
  if (error instanceof NetworkError) return { ending: 'unavailable', sentence: networkSentence(error) }
  if (error instanceof LoggedOutError)
    return { ending: 'loggedOut', sentence: `${error.message} "limpet login EMAIL" does it.` }
  if (error instanceof AccountKeyChangedError)
    return { ending: 'loggedOut', sentence: `${error.message} "limpet login EMAIL" does it.` }
  if (error instanceof UnreadableError)
    return {
      ending: 'refused',
      sentence: `${error.message}. "limpet rm ID --permanent" or --drop-unreadable deletes it; until then both keys are in use.`,
    }
  if (error instanceof ConflictError)
    return {
      ending: 'conflict',
      sentence: `${error.message}. Nothing was written: look at it again and repeat the command.`,
    }
  if (error instanceof FileChangedError)
    return {
      ending: 'conflict',
      sentence: `${error.message}. Nothing was attached: wait until nothing writes to it, and repeat the command.`,
    }
  if (error instanceof TooManyFilesError || error instanceof UnknownKindError)
    return { ending: 'usage', sentence: `${error.message}.` }
  if (error instanceof NoSuchFileError)
    return { ending: 'notFound', sentence: `${error.message}. "limpet attachment list" shows what there is.` }
  if (error instanceof ResyncRequiredError)
    return {
      ending: 'conflict',
      sentence: 'The server was restored from a backup. "limpet sync" compares, and puts back what it lost.',
    }
  if (error instanceof TokenError)
    return {
      ending: 'usage',
      sentence: `${error.message}. LIMPET_TOKEN takes what "limpet token create" printed.`,
    }
  if (
    error instanceof PasswordRefusedError ||
    error instanceof SecretRefusedError ||
    error instanceof ShareLinkError
  )
    return { ending: 'usage', sentence: `${error.message}.` }
  // Not the remedy of the others: with the method forgotten, a lying server would get what it asked for.
  if (error instanceof UnconfirmedError)
    return {
      ending: 'refused',
      sentence: `Refused: ${error.message} "limpet resend EMAIL" has the mail sent again.`,
    }
  if (error instanceof OlderVaultError)
    return {
      ending: 'refused',
      sentence: `Refused: ${error.message} "limpet sync --put-back" writes the name that is known here again, "limpet sync --accept" takes what the server shows.`,
    }
  if (error instanceof RefusedError || error instanceof KdfRefusedError)
    return {
      ending: 'refused',
      sentence: `Refused: ${error.message} If you know why and trust the server, "limpet logout" and "limpet login" start anew; --forget-method of "limpet login" forgets how the account logged in.`,
    }
  if (error instanceof ContentError)
    return {
      ending: 'refused',
      sentence: `Refused: an envelope opened, and what is inside is malformed. ${error.message}. The program that wrote it has a mistake; nothing was changed.`,
    }
  if (error instanceof OpenError)
    return {
      ending: 'refused',
      sentence:
        'Refused: what the server gave does not open with your keys. Ask its operator; nothing was changed.',
    }
  const message = error instanceof Error ? error.message : String(error)
  return { ending: 'unexpected', sentence: `Unexpected: ${message}. LIMPET_DEBUG=1 shows where.` }
}
