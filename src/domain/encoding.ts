// Between rows and the wire: bytes are base64url there, times ISO 8601.
export const toBase64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')

/** @param text base64url that the contract has checked */
export const fromBase64url = (text: string): Uint8Array => Buffer.from(text, 'base64url')

/** A Fernet token of its bytes: the one base64url here that has its padding. */
export function toFernetToken(bytes: Uint8Array): string {
  const text = toBase64url(bytes)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** @param time milliseconds since 1970 in UTC */
export const toTimestamp = (time: number): string => new Date(time).toISOString()

export const toTimestampOrNull = (time: number | null): string | null =>
  time === null ? null : toTimestamp(time)
