// Between rows and the wire: bytes are base64url there, times ISO 8601, ids UUIDs.
export const toBase64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')

/** @param text base64url that the contract has checked */
export const fromBase64url = (text: string): Uint8Array => Buffer.from(text, 'base64url')

/** The 16 bytes of a UUID (RFC 9562, section 4). */
export const uuidToBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

/** @param bytes 16 of them. @returns a UUID in lower case */
export const uuidFromBytes = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** A Fernet token of its bytes: the one base64url here that has its padding. */
export function toFernetToken(bytes: Uint8Array): string {
  const text = toBase64url(bytes)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

// The times of an answer are often the same: items that were written together, and never since.
let latest = { time: 0, text: new Date(0).toISOString() }

/** @param time milliseconds since 1970 in UTC */
export function toTimestamp(time: number): string {
  if (time !== latest.time) latest = { time, text: new Date(time).toISOString() }
  return latest.text
}

export const toTimestampOrNull = (time: number | null): string | null =>
  time === null ? null : toTimestamp(time)
