// Where salts and keys come from (docs/protocol.md, "Keys" and "Envelope").

/** A source of that many unpredictable bytes. Handed in only where vectors are made; everything else takes the platform's. */
export type Random = (count: number) => Uint8Array

export const platformRandom: Random = (count) => globalThis.crypto.getRandomValues(new Uint8Array(count))

/**
 * Exactly `count` bytes from `random`.
 *
 * @throws TypeError where the source gives another number: a short salt would weaken everything that is built on it
 */
export function takeRandom(random: Random, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(random(count))
  if (bytes.length !== count)
    throw new TypeError(`The random source was asked for ${count} bytes and gave ${bytes.length}`)
  return bytes
}
