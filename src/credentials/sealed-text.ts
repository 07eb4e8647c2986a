// What is sealed under the master key: the credentials file itself, other files of the operator, and single values.
import { basename } from 'node:path'
import { nonceBytes, openBytes, sealBytes } from '../aes-gcm.ts'
import type { Random } from '../random.ts'
import { CredentialsError, type MasterKey } from './master-key.ts'

/** Of the form; another number is another form, which this version does not open. */
const version = 'limpet-sealed-1'
const form = /^([\w-]+)\.([\w-]{11})\.([\w-]+)$/

/** Everything that stands around the ciphertext is authenticated with it. */
const contextOf = (keyId: string, purpose: string) => `${version}.${keyId}.${purpose}`

/** What a file is for: it opens under its own name only, so that an attacker cannot put another file in its place. */
export const purposeOfFile = (file: string): string => `file:${basename(file)}`

/**
 * Seals text (as UTF-8) or bytes (docs/credentials.md, "The form").
 * @param purpose what the content is: it opens as nothing else
 * @param random for the nonce
 */
export function sealContent(
  { key, id }: MasterKey,
  purpose: string,
  content: string | Uint8Array,
  random: Random,
): string {
  const sealed = sealBytes(key, random.bytes(nonceBytes), contextOf(id, purpose), Buffer.from(content))
  return `${version}.${id}.${sealed.toString('base64url')}`
}

/**
 * Opens what `sealContent` made.
 * @param name how the sentences call it
 * @returns the bytes that were sealed
 * @throws CredentialsError with a sentence of its own for another key and for damage
 */
export function openContent({ key, id }: MasterKey, purpose: string, sealed: string, name: string): Buffer {
  const [, foundVersion, keyId = '', body = ''] = form.exec(sealed.trim()) ?? []
  if (foundVersion === undefined)
    throw new CredentialsError(
      `${name} is damaged: it is not in the form that Limpet writes. Put back a copy of it.`,
    )
  if (foundVersion !== version)
    throw new CredentialsError(`${name} has the form "${foundVersion}", which this version does not know.`)
  if (keyId !== id)
    throw new CredentialsError(
      `The key is not the one that ${name} was made with. Use that key, or put back the file that belongs to this one.`,
    )
  const bytes = Buffer.from(body, 'base64url')
  // Base64url has spellings that mean the same; only the one that was written is taken.
  const opened =
    bytes.toString('base64url') === body ? openBytes(key, contextOf(id, purpose), bytes) : undefined
  if (!opened)
    throw new CredentialsError(
      `${name} is damaged, or has another name than it was sealed under: it does not open although the key is the right one. Put back a copy of it under its own name. What was sealed from standard input opens from standard input.`,
    )
  return opened
}

/** `openContent` for what was sealed as text. */
export const openText = (key: MasterKey, purpose: string, sealed: string, name: string): string =>
  openContent(key, purpose, sealed, name).toString('utf8')
