// Text that is sealed under the master key: the credentials file itself, and single values for files of one's own.
import { nonceBytes, openBytes, sealBytes } from '../aes-gcm.ts'
import type { Random } from '../random.ts'
import { CredentialsError, type MasterKey } from './master-key.ts'

/** Of the form; another number is another form, which this version does not open. */
const version = 'limpet-sealed-1'
const form = /^([\w-]+)\.([\w-]{11})\.([\w-]+)$/

/** Everything that stands around the ciphertext is authenticated with it. */
const contextOf = (keyId: string, purpose: string) => `${version}.${keyId}.${purpose}`

/** @param purpose what the text is: it opens as nothing else */
export function sealText({ key, id }: MasterKey, purpose: string, text: string, random: Random): string {
  const sealed = sealBytes(key, random.bytes(nonceBytes), contextOf(id, purpose), Buffer.from(text))
  return `${version}.${id}.${sealed.toString('base64url')}`
}

/**
 * Throws CredentialsError, with a sentence of its own for another key and for damage.
 * @param name how the sentences call it
 */
export function openText({ key, id }: MasterKey, purpose: string, sealed: string, name: string): string {
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
      `${name} is damaged, or was renamed: it does not open although the key is the right one. Put back a copy of it under its own name.`,
    )
  return opened.toString('utf8')
}
