// Why a secret does not open, in words: what ends it for good, and what trying again may change.
import { OpenError } from '../../protocol/envelope.ts'
import { NetworkError, ProblemError } from '../../sdk/errors.ts'
import { formatDuration, formatTime } from './format.ts'
import type { Message } from './language.ts'

/** Title and sentence of an end; undefined where there is none yet. */
export function endOf(error: unknown): [Message, Message] | undefined {
  if (error instanceof OpenError) return [(m) => m.undecryptableTitle, (m) => m.undecryptable]
  if (!(error instanceof ProblemError)) return undefined
  const { readAt, expiresAt, revokedAt } = error
  const when = () => formatTime(new Date(readAt || expiresAt || revokedAt || Date.now()))
  switch (error.code) {
    case 'share-consumed':
      return [(m) => m.consumedTitle, (m) => m.consumed(when())]
    case 'share-expired':
      return [(m) => m.expiredTitle, (m) => m.expiredUnread(when())]
    case 'share-revoked':
      return [(m) => m.revokedTitle, (m) => m.revokedUnread(when())]
    case 'not-found':
      return [(m) => m.unknownTitle, (m) => m.unknown]
    case 'wrong-proof':
      return error.passphrase ? undefined : [(m) => m.wrongKeyTitle, (m) => m.wrongKey]
    default:
      return undefined
  }
}

/** What to say where there is no end. */
export function setbackOf(error: unknown): Message {
  if (error instanceof NetworkError) return (m) => m.unanswered
  if (error instanceof ProblemError && error.code === 'too-many-requests')
    return (m) => m.tooManyTries(formatDuration(error.retryAfter || 60))
  return (m) => m.unexpected
}

/** Whether what is missing is the right passphrase. */
export const asksForPassphrase = (error: unknown): boolean =>
  error instanceof ProblemError && error.code === 'wrong-proof' && error.passphrase === true
