// One-time links: what stands in one, and the keys that are made from it (docs/protocol.md, "One-time shares").
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { fernetKeyBytes } from './fernet.ts'
import { encodePassword } from './password.ts'
import { platformRandom, type Random, takeRandom } from './random.ts'

const proofPrefix = 'limpet-share-proof:'
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

export const formatShareLink = ({ server, id, key }: ShareLink): string => `${server}/s/${id}#${key}`

/**
 * Reads a link. Forgives what happens to links on their way: `%23` in place of `#`, white space, quotes or brackets around
 * it, punctuation after it, a capital letter at its beginning, and parameters that trackers add.
 *
 * @throws ShareLinkError
 */
export function parseShareLink(text: string): ShareLink {
  const [address = '', ...fragments] = text.replace(/^[\s<([{"'«“„‘]+/, '').split(/#|%(?:25)*23/)
  const [, server, id] = /^(https?:\/\/[^?]*)\/s\/([^/?]+)\/?(?:\?.*)?$/i.exec(address.trim()) ?? []
  if (server === undefined || id === undefined) throw new ShareLinkError(false)
  const key = fragments.join('#').replace(/[^\w-]+$/, '')
  if (!idForm.test(id) || !keyForm.test(key)) throw new ShareLinkError(true)
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
