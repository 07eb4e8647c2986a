// Sealed files on their way: in parts that are sent again where they were cut off, and read on from where a connection broke.
import { Attachment } from '../contract/attachments.ts'
import { attachmentPaths, pathTo } from '../contract/paths.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { RefusedError } from '../protocol/refused.ts'
import type { PreparedFile } from '../protocol/sealed-file.ts'
import { NetworkError, ProblemError } from './errors.ts'
import { refuseOther } from './refusals.ts'
import type { AnswerReader } from './request.ts'
import { Backoff, sleep, systemTiming } from './timing.ts'
import type { Transport } from './transport.ts'

/** Which file of which item. */
export interface FilePlace {
  readonly vaultId: string
  readonly itemId: string
  readonly attachmentId: string
}

/** What the caller of a transfer may hand in. */
export interface TransferOptions {
  /** Told as it goes on: bytes of the sealed file that are there, and all that there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Gives it up: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What is sent at once, and is sent again if it is lost. A multiple of what a server stores in one piece. */
const partBytes = 1024 * 1024
/** A part that takes longer counts as lost. At 4 kB a second it arrives. */
const partTimeoutMs = 300_000
/** A connection on which nothing comes for so long counts as broken. */
const silenceMs = 30_000
/** How often in a row it is tried again without having come any further; with the waits between, for half a minute or longer. */
const triesWithoutProgress = 6
/** The longest `Retry-After` that is waited for, in seconds. */
const longestRetryAfter = 60

const passing = new Set([408, 429, 502, 503, 504])

/** Waits between tries of one transfer, and ends them. */
class Patience {
  readonly #backoff = new Backoff(systemTiming)
  readonly #signal: AbortSignal
  #tries = 0

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** It came further. */
  reset(): void {
    this.#tries = 0
    this.#backoff.reset()
  }

  /** Waits, where another try can help. @throws the error where none does, and the signal's reason */
  async after(error: unknown): Promise<void> {
    const retryAfter = error instanceof ProblemError ? error.retryAfter : 0
    const mayPass =
      error instanceof NetworkError || (error instanceof ProblemError && passing.has(error.status))
    this.#tries += 1
    if (!mayPass || retryAfter > longestRetryAfter || this.#tries >= triesWithoutProgress) throw error
    await sleep(systemTiming, Math.max(retryAfter * 1000, this.#backoff.next()), this.#signal)
    this.#signal.throwIfAborted()
  }
}

const neverAborted = () => new AbortController().signal

/**
 * Uploads a sealed file. Nothing names it yet.
 *
 * @param options.keyVersion of the vault key that it is sealed with; without it the first one
 * @param options.from how much of the very same upload the server has already
 * @throws ProblemError (`quota-exceeded`, `too-large`, `id-taken`), NetworkError, FileChangedError, RefusedError
 */
export async function uploadFile(
  transport: Transport,
  place: FilePlace,
  file: PreparedFile,
  {
    keyVersion,
    from = 0,
    onProgress = () => {},
    signal = neverAborted(),
  }: TransferOptions & { keyVersion?: number; from?: number } = {},
): Promise<void> {
  const query = keyVersion === undefined || keyVersion === 1 ? '' : `?keyVersion=${keyVersion}`
  const path = pathTo(attachmentPaths.attachment, { ...place }) + query
  const patience = new Patience(signal)
  let [offset, furthest] = [from, from]

  /** Goes on where the server says. */
  const goOnAt = (received: number) => {
    if (received < 0 || received > file.bytes)
      throw new RefusedError('The server says that it has more of a file than there is.')
    offset = received
    if (offset <= furthest) return
    furthest = offset
    patience.reset()
    onProgress(offset, file.bytes)
  }

  // One for all parts, since each is through before the next one begins.
  const buffer = new Uint8Array(Math.min(partBytes, file.bytes))

  const send = async (part: Uint8Array<ArrayBuffer>) => {
    const last = offset + part.length - 1
    const answer = await transport.sendAuthorized(Attachment, {
      method: 'PUT',
      path,
      headers: { 'Content-Range': `bytes ${offset}-${last}/${file.bytes}` },
      bytes: part,
      timeoutMs: partTimeoutMs,
      signal,
    })
    refuseOther(answer, place.attachmentId)
    if (answer.bytes !== file.bytes || answer.receivedBytes <= last)
      throw new RefusedError('The server answered with another file than was sent.')
    goOnAt(answer.receivedBytes)
    return answer.receivedBytes === last + 1
  }

  while (offset < file.bytes) {
    signal.throwIfAborted()
    const sealed = new ByteReader(file.sealed(offset))
    try {
      while (offset < file.bytes && (await send(await sealed.take(buffer.length, buffer))));
    } catch (error) {
      const received = error instanceof ProblemError ? error.receivedBytes : undefined
      const goesOn = error instanceof ProblemError && error.code === 'upload-offset' && received !== undefined
      // What the server forgot meanwhile begins anew: the bytes are the same.
      const isGone = error instanceof ProblemError && error.code === 'not-found' && offset > 0
      if (goesOn && received > furthest) goOnAt(received)
      else {
        await patience.after(goesOn || isGone ? new NetworkError('The upload does not get on') : error)
        if (goesOn) goOnAt(received)
        else if (isGone) offset = 0
      }
    } finally {
      await sealed.close()
    }
  }
}

/** Reads with a limit to how long nothing may come. */
async function* piecesOf(
  open: (signal: AbortSignal) => Promise<AnswerReader>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const connection = new AbortController()
  const abort = () => connection.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const inTime = async <T>(work: Promise<T>): Promise<T> => {
    const silence = new NetworkError('Nothing came for a long time')
    const timer = setTimeout(() => connection.abort(silence), silenceMs)
    try {
      return await work
    } finally {
      clearTimeout(timer)
    }
  }
  let reader: AnswerReader | undefined
  try {
    reader = await inTime(open(connection.signal))
    for (;;) {
      const { done, value } = await inTime(reader.read()).catch(() => {
        signal.throwIfAborted()
        throw new NetworkError('The file broke off')
      })
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    // A reader that stops in the middle ends the connection.
    reader?.cancel().catch(() => {})
    connection.abort()
  }
}

/**
 * The bytes of a sealed file as the server gives them, read on where a connection breaks. A server can give any bytes, fewer or
 * more: `openFile` notices.
 *
 * @param bytes how many there have to be
 * @throws ProblemError (`not-found`), NetworkError, and the signal's reason
 */
export async function* sealedBytes(
  transport: Transport,
  place: FilePlace,
  bytes: number,
  { onProgress = () => {}, signal = neverAborted() }: TransferOptions = {},
): AsyncGenerator<Uint8Array> {
  const path = pathTo(attachmentPaths.attachment, { ...place })
  const patience = new Patience(signal)
  let offset = 0
  while (offset < bytes) {
    const begin = offset
    try {
      for await (const piece of piecesOf((until) => transport.bytes(path, offset, until), signal)) {
        if (piece.length === 0) continue
        offset += piece.length
        patience.reset()
        onProgress(Math.min(offset, bytes), bytes)
        yield piece
      }
      // A whole answer without a byte: there is no more.
      if (offset === begin) return
      if (offset < bytes) throw new NetworkError('The file ended before its end')
    } catch (error) {
      // It has no more than that, and never will: a file does not change under its id.
      if (error instanceof ProblemError && error.code === 'range-not-satisfiable') return
      await patience.after(error)
    }
  }
}
