// Passkeys of other programs, in the forms of docs/protocol.md, "Item content".
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts'

/** Base64 in either alphabet, with or without padding, as base64url without. @returns undefined where it is neither */
export function toBase64url(text: string): string | undefined {
  const url = text.replace(/[\s=]/g, '').replaceAll('+', '-').replaceAll('/', '_')
  try {
    return encodeBase64url(decodeBase64url(url))
  } catch {
    return undefined
  }
}

/** The 16 bytes of a GUID as base64url. @returns undefined where it is none */
export function guidToBase64url(text: string): string | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined
  const bytes = text.match(/[0-9a-f]{2}/gi) ?? []
  return encodeBase64url(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)))
}
