// Argon2id over what clients prove themselves with (RFC 9106; parameters by OWASP), behind a bounded queue.
import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { PassingFailure } from '../failure.ts'

// Memory in KiB. What is hashed is 32 bytes derived by the client's own Argon2id, so this guards a stolen database twice.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Each hash takes a thread for some 25 ms; libuv has four, and files and DNS need some too. */
const atOnce = 2
/** Beyond this many waiting (about a second's work) a client is told to come back instead. */
const maxWaiting = 64

export interface PasswordHasher {
  /** @returns the hash in PHC string form */
  hash(secret: Uint8Array): Promise<string>
  /** Takes as long when `hash` is undefined (no such account) as when it is there, and is false then. */
  verify(hash: string | undefined, secret: Uint8Array): Promise<boolean>
  /** How many wait for their turn at this moment. */
  waiting(): number
}

export const tooManyLogins = () =>
  new PassingFailure('unavailable', 'Too many people are logging in at this moment.', 2)

/** Runs at most `atOnce` at a time; throws `unavailable` when `maxWaiting` wait already. */
function boundedQueue() {
  let running = 0
  const waiting: (() => void)[] = []
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= maxWaiting) throw tooManyLogins()
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      // The turn goes on to the next in line, or ends.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
  return { inTurn, waiting: () => waiting.length }
}

const randomBase64 = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '')

/**
 * A hash in PHC string form that no secret is known for: of random bytes, with the parameters, the salt and the length of every
 * other. Not hashed, which would take every start 25 ms and 19 MB.
 */
function makeDecoyHash(): string {
  const { memoryCost, timeCost, parallelism } = parameters
  const costs = `m=${memoryCost},p=${parallelism},t=${timeCost}`
  return `$argon2id$v=19$${costs}$${randomBase64(16)}$${randomBase64(32)}`
}

export function createPasswordHasher(): PasswordHasher {
  const { inTurn, waiting } = boundedQueue()
  const hash = (secret: Uint8Array) => argon2.hash(Buffer.from(secret), parameters)
  const decoyHash = makeDecoyHash()
  return {
    hash: (secret) => inTurn(() => hash(secret)),
    verify: (known, secret) =>
      inTurn(async () => {
        const matches = await argon2.verify(known ?? decoyHash, Buffer.from(secret))
        return matches && known !== undefined
      }),
    waiting,
  }
}
