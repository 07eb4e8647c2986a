// Shares whose secret the server encrypts and decrypts itself, for clients that speak SnapPass's protocol.

import type { Clock } from '../../clock.ts'
import { largestSecretBytes } from '../../contract/sizes.ts'
import { fromBase64url, toBase64url } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import type { RateLimiter } from '../../domain/rate-limits/limiter.ts'
import { hashSecret } from '../../domain/secret-hash.ts'
import { createShare, findPendingShare, revealShare } from '../../domain/shares/lifecycle.ts'
import { fernetKeyBytes } from '../../protocol/fernet.ts'
import { proofPrefix } from '../../protocol/share-link.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import { formatFileSize } from '../../units.ts'
import { ivBytes, openFernet, sealFernet } from './fernet.ts'
import { formatToken, type Order, type Token } from './wire.ts'

/** What secrets are kept with. */
export interface SecretServices {
  readonly clock: Clock
  readonly limiter: RateLimiter
  readonly random: Random
  readonly store: Store
}

/** The proof that a link's key makes, for a share without a passphrase (docs/protocol.md, "One-time shares"). */
const proofOf = (linkKey: string): Uint8Array => hashSecret(proofPrefix + linkKey)

/** Encrypts under a new key, which is in the token that it returns and nowhere else. */
export async function createSecret(
  { clock, random, store }: SecretServices,
  { password, ttl }: Order,
): Promise<string> {
  const plaintext = Buffer.from(password)
  if (plaintext.length > largestSecretBytes)
    throw new Failure(
      'too-large',
      `The password is larger than the ${formatFileSize(largestSecretBytes)} that a share holds.`,
    )
  const key = random.bytes(fernetKeyBytes)
  const linkKey = toBase64url(key)
  const ciphertext = sealFernet(key, plaintext, { now: clock.now(), iv: random.bytes(ivBytes) })
  const { id } = await createShare(
    { clock, random, store },
    { ciphertext, proof: proofOf(linkKey), ttl, hasPassphrase: false },
  )
  return formatToken(id, linkKey)
}

/** Whether a token leads to something that can be read here; a reader who needs a passphrase reads on Limpet's own page. */
export async function isThere(services: SecretServices, token: Token | undefined): Promise<boolean> {
  const share = token && (await findPendingShare(services, token.id))
  return share !== undefined && !share.hasPassphrase
}

/**
 * Reads what a token leads to, once. A wrong key finds nothing, and takes nothing away.
 * @returns undefined if the secret cannot be read: SnapPass has one answer for all that keeps it from that
 */
export async function revealSecret(
  services: SecretServices,
  address: string,
  token: Token | undefined,
): Promise<string | undefined> {
  if (token?.linkKey === undefined) return undefined
  const proof = proofOf(token.linkKey)
  const reveal = await revealShare(services, { address }, token.id, { proof })
  // A client of Limpet's own API can share bytes that are no Fernet token under this key.
  return reveal.kind === 'revealed'
    ? openFernet(fromBase64url(token.linkKey), reveal.ciphertext)?.toString()
    : undefined
}
