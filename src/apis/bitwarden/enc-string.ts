// Encrypted texts as Bitwarden's apps write them: `2.{iv}|{ciphertext}|{mac}`, AES-256-CBC with PKCS#7 padding and HMAC-SHA-256, in
// base64 (RFC 4648, section 4). One text that is none makes clients fail over their whole list, so the form is checked to the last
// bit; what is in it nobody but the owner can check.
import { z } from 'zod'
import { tooLong } from '../../contract/primitives.ts'
import { limits } from '../../contract/sizes.ts'

const block = 16
const ivBytes = 16
const macBytes = 32

const letters = /^[0-9A-Za-z+/]*$/

/** The last letter of canonical base64: the bits that are left over are zero. By the number of `=` behind it. */
const ends = [/[0-9A-Za-z+/]$/, /[AEIMQUYcgkosw048]$/, /[AQgw]$/] as const

/** @returns how many bytes a text of canonical base64 with its padding stands for; undefined if it is none */
function bytesInBase64(text: string): number | undefined {
  if (text.length === 0 || text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const unpadded = text.slice(0, text.length - padding)
  if (!letters.test(unpadded) || !ends[padding].test(unpadded)) return undefined
  return (text.length / 4) * 3 - padding
}

/** @returns the bytes of ciphertext of an EncString of type 2; undefined if it is none */
function ciphertextIn(text: string): number | undefined {
  if (!text.startsWith('2.')) return undefined
  const [iv = '', ciphertext = '', mac = '', ...more] = text.slice(2).split('|', 4)
  if (more.length > 0 || bytesInBase64(iv) !== ivBytes || bytesInBase64(mac) !== macBytes) return undefined
  const bytes = bytesInBase64(ciphertext)
  return bytes !== undefined && bytes % block === 0 ? bytes : undefined
}

const encStringWith = (isGood: (ciphertextBytes: number) => boolean, message: string) =>
  z
    .string()
    .max(limits.sealedBytes, tooLong())
    .refine((text) => {
      const bytes = ciphertextIn(text)
      return bytes !== undefined && isGood(bytes)
    }, message)

/** An encrypted text of any length. */
export const EncString = encStringWith(() => true, 'Expected an encrypted text of type 2')

/** An encrypted key of `least` to `most` bytes. */
export const encStringOf = (least: number, most: number = least) => {
  const padded = (bytes: number) => (Math.floor(bytes / block) + 1) * block
  return encStringWith(
    (bytes) => bytes >= padded(least) && bytes <= padded(most),
    `Expected an encrypted text of type 2 that holds ${least === most ? least : `${least} to ${most}`} bytes`,
  )
}
