// One-time links: what stands in one, and the keys that are made from it (docs/protocol.md, "One-time shares").
import { pagePaths, pathTo } from '../contract/paths.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { fernetKeyBytes } from './fernet.ts'
import { encodePassword } from './password.ts'
import { platformRandom, type Random, takeRandom } from './random.ts'

/** What stands before the key, in base64url, in the text whose hash is the proof. */
export const proofPrefix = 'limpet-share-proof:'
/** Of PBKDF2-SHA-256, as OWASP asks for. */
const passphraseRounds = 600_000

/** Base64url of 16 and of 32 bytes. */
const idForm = /^[\w-]{21}[AQgw]$/
const keyForm = /^[\w-]{42}[AEIMQUYcgkosw048]$/

export interface ShareLink {
  /** The server's public URL, without a slash at its end. */
  readonly server: string
  readonly id: string
  /** A Fernet key without its padding: 43 characters. */
  readonly key: string
}

/** A text is not a link to a share that could be opened; nothing was sent to anybody. */
export class ShareLinkError extends Error {
  override readonly name = 'ShareLinkError'
  /** Whether it is a link to a share whose key is missing or damaged. */
  readonly incomplete: boolean

  constructor(incomplete: boolean) {
    super(
      incomplete
        ? 'The link is incomplete: what stands after "#" is missing or damaged. Copy it again, whole'
        : 'This is not a one-time link. It looks like https://vault.example.com/s/…#…',
    )
    this.incomplete = incomplete
  }
}

/** A new key for a link. */
export const newShareKey = (random: Random = platformRandom): string =>
  encodeBase64url(takeRandom(random, fernetKeyBytes))

export const formatShareLink = ({ server, id, key }: ShareLink): string =>
  `${server}${pathTo(pagePaths.share, { id })}#${key}`

/** What stands around a link: everything but letters and digits. */
const before = /^[^\p{L}\p{N}]+/u
const after = /^[^\p{L}\p{N}]*$/u

/** `#`, also as it looks after one or more percent-encodings. */
const hashMark = /#|%(?:25)*23/

/** Server, id; then a slash and parameters, which trackers add. No user name: it would look like the server. */
const addressForm = /^(https?:\/\/[^/?@\\"<>`\s\p{C}]+(?:\/[^?\\"<>`\s\p{C}]*)?)\/s\/([^/?]+)\/?(?:\?\S*)?$/iu

const keyCharacters = 43

/** Undoes the percent-encoding that a browser's address bar gives to quotes and brackets. */
const withoutEscapes = (text: string) =>
  text.replace(/(?:%[\da-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes
    }
  })

/**
 * Reads a link (docs/protocol.md, "The link as text"), and forgives what happens to links on their way through chats and mails.
 *
 * @throws ShareLinkError
 */
export function parseShareLink(text: string): ShareLink {
  const pasted = text.replace(before, '')
  const mark = hashMark.exec(pasted)
  const [, server, id] = addressForm.exec(mark ? pasted.slice(0, mark.index) : pasted) ?? []
  if (server === undefined || id === undefined) throw new ShareLinkError(false)
  const fragment = mark ? pasted.slice(mark.index + mark[0].length) : ''
  const key = fragment.slice(0, keyCharacters)
  const isWhole = idForm.test(id) && keyForm.test(key)
  if (!isWhole || !after.test(withoutEscapes(fragment.slice(keyCharacters)))) throw new ShareLinkError(true)
  return { server, id, key }
}

async function deriveFromPassphrase(linkKey: Uint8Array<ArrayBuffer>, passphrase: string) {
  const { subtle } = globalThis.crypto
  const secret = encodePassword(passphrase, 'passphrase')
  const key = await subtle.importKey('raw', secret, 'PBKDF2', false, ['deriveBits'])
  const derivation = { name: 'PBKDF2', hash: 'SHA-256', salt: linkKey, iterations: passphraseRounds }
  return new Uint8Array(await subtle.deriveBits(derivation, key, fernetKeyBytes * 8))
}

/**
 * The keys behind a link's key (docs/protocol.md, "One-time shares").
 *
 * @param linkKey as `newShareKey` and `parseShareLink` return it
 * @param passphrase if the share has one: then the keys are derived from it (PBKDF2, RFC 8018), with the link's key as salt
 * @returns the Fernet key's bytes, and the proof that the server compares: base64url of 32 bytes
 * @throws PasswordRefusedError for an empty passphrase or one that is not well-formed Unicode
 */
export async function shareKeys(
  linkKey: string,
  passphrase?: string,
): Promise<{ fernetKey: Uint8Array; proof: string }> {
  const bytes = decodeBase64url(linkKey)
  const fernetKey = passphrase === undefined ? bytes : await deriveFromPassphrase(bytes, passphrase)
  const proved = new TextEncoder().encode(proofPrefix + encodeBase64url(fernetKey))
  const proof = await globalThis.crypto.subtle.digest('SHA-256', proved)
  return { fernetKey, proof: encodeBase64url(new Uint8Array(proof)) }
}
