// Hides secrets in the output of another program, also where one is cut by the borders of what arrives.

const mask = Buffer.from('••••••••')

/** Shorter ones would hide more of the output than they are worth, and show by that what they are. */
export const shortestMasked = 4

/** What is searched for: each secret, and each line of one that has several, since programs write line by line. */
function patternsOf(secrets: readonly string[]): Buffer[] {
  const texts = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)])
  const patterns = [...new Set(texts)].map((text) => Buffer.from(text))
  return patterns.filter(({ length }) => length >= shortestMasked)
}

interface Span {
  readonly begin: number
  readonly end: number
}

/** Where a pattern stands, also where it overlaps itself. */
function* placesOf(pattern: Buffer, bytes: Buffer): Generator<Span> {
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1))
    yield { begin: at, end: at + pattern.length }
}

/** Where the last bytes may be the beginning of a pattern that goes on with what comes next. */
function possibleBeginning(patterns: readonly Buffer[], bytes: Buffer): number {
  let begin = bytes.length
  for (const pattern of patterns)
    for (let at = Math.max(0, bytes.length - pattern.length + 1); at < begin; at++)
      if (bytes.compare(pattern, 0, bytes.length - at, at) === 0) begin = at
  return begin
}

/** Replaces secrets in bytes that come in pieces. What may be the beginning of a secret waits for the next piece. */
export class Masking {
  readonly #patterns: readonly Buffer[]
  #waiting: Buffer = Buffer.alloc(0)
  /** How many of the waiting bytes stand behind a mask that was written already. */
  #covered = 0

  /** @param secrets those shorter than `shortestMasked` bytes are not hidden */
  constructor(secrets: readonly string[]) {
    this.#patterns = patternsOf(secrets)
  }

  /** @returns what can be shown now */
  push(chunk: Uint8Array): Buffer {
    const bytes = Buffer.concat([this.#waiting, chunk])
    return this.#show(bytes, possibleBeginning(this.#patterns, bytes))
  }

  /** @returns the rest, after the last piece */
  end(): Buffer {
    return this.#show(this.#waiting, this.#waiting.length)
  }

  #show(bytes: Buffer, until: number): Buffer {
    const spans = this.#patterns
      .flatMap((pattern) => [...placesOf(pattern, bytes)])
      .sort((one, other) => one.begin - other.begin)
    const shown: Buffer[] = []
    let at = this.#covered
    for (const { begin, end } of spans) {
      if (begin >= until) break
      // One that begins within what is hidden already makes that longer; bytes that only touch are hidden on their own.
      if (begin >= at) shown.push(bytes.subarray(at, begin), mask)
      at = Math.max(at, end)
    }
    if (at < until) shown.push(bytes.subarray(at, until))
    this.#waiting = bytes.subarray(until)
    this.#covered = Math.max(0, at - until)
    return Buffer.concat(shown)
  }
}
