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

/** 16 bytes in base64url as a GUID. @returns undefined for other numbers of bytes */
export function base64urlToGuid(text: string): string | undefined {
  if (text.length !== 22) return undefined
  const hex = Array.from(decodeBase64url(text), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The object identifier of the curve P-256, with which most passkeys are made, as DER (RFC 5480, section 2.1.1.1). */
const p256 = '06082a8648ce3d030107'

/** Whether a private key (PKCS #8, base64url) is one of the curve P-256. */
export function isP256Key(privateKey: string): boolean {
  try {
    const hex = Array.from(decodeBase64url(privateKey), (byte) => byte.toString(16).padStart(2, '0')).join('')
    return hex.includes(p256)
  } catch {
    return false
  }
}
