// Between rows and the wire: bytes are base64url there, times ISO 8601.
export const toBase64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')

/** @param text base64url that the contract has checked */
export const fromBase64url = (text: string): Uint8Array => Buffer.from(text, 'base64url')

/** @param time milliseconds since 1970 in UTC */
export const toTimestamp = (time: number): string => new Date(time).toISOString()
