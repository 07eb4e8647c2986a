// Randomness, handed in wherever it matters.
import { randomBytes, randomUUID } from 'node:crypto'

export interface Random {
  bytes(count: number): Uint8Array
  /** A random UUID (version 4) in lower case. */
  uuid(): string
}

export const systemRandom: Random = { bytes: (count) => randomBytes(count), uuid: () => randomUUID() }
