// A digest of what a table holds, the same on both engines and in whichever order its rows come.
import { createHash } from 'node:crypto'
import type { Row } from './shape.ts'

/** A row as one line of JSON: bytes in base64url, everything else as it is. */
export const encodeRow = (row: Row): string =>
  JSON.stringify(
    row.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString('base64url') : cell)),
  )

export interface Digest {
  readonly rows: number
  /** 64 hex digits. */
  readonly digest: string
}

const modulus = 1n << 256n

/**
 * Sums the SHA-256 of every row's line, modulo 2^256. A sum needs no order, in which engines differ, and no memory. It shows
 * whether two tables hold the same; it does not withstand an attacker who chooses rows so that they sum up.
 */
export class RunningDigest {
  #rows = 0
  #sum = 0n

  /** @param line what `encodeRow` made */
  add(line: string): void {
    this.#rows++
    this.#sum = (this.#sum + BigInt(`0x${createHash('sha256').update(line).digest('hex')}`)) % modulus
  }

  get value(): Digest {
    return { rows: this.#rows, digest: this.#sum.toString(16).padStart(64, '0') }
  }
}
