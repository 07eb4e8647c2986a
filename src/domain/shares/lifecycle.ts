// A share's making and its one reading, whichever API asks for it.
import { type Clock, seconds } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import type { Visitor } from '../caller.ts'
import { toBase64url, toTimestamp } from '../encoding.ts'
import { Failure, notFound } from '../failure.ts'
import type { RateLimiter } from '../rate-limits/budgets.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'
import { createShare, findShare, readShare, type Share, stateOf } from './shares.ts'

const idBytes = 16
const manageTokenBytes = 32

export interface NewShare {
  /** The bytes of a Fernet token. */
  readonly ciphertext: Uint8Array
  readonly proof: Uint8Array
  /** Seconds. */
  readonly ttl: number
  /** Whether the key is derived from a passphrase, which somebody could guess. */
  readonly hasPassphrase: boolean
}

export interface MadeShare {
  readonly id: Uint8Array
  readonly manageToken: Uint8Array
  readonly expiresAt: number
}

export async function makeShare(
  { clock, random, store }: { clock: Clock; random: Random; store: Store },
  { ciphertext, proof, ttl, hasPassphrase }: NewShare,
): Promise<MadeShare> {
  const [id, manageToken] = [random.bytes(idBytes), random.bytes(manageTokenBytes)]
  const createdAt = clock.now()
  const expiresAt = createdAt + seconds(ttl)
  await store.write((tx) =>
    createShare(tx, {
      id: toBase64url(id),
      ciphertext,
      proofHash: hashSecret(proof),
      manageTokenHash: hashSecret(manageToken),
      hasPassphrase,
      createdAt,
      expiresAt,
    }),
  )
  return { id, manageToken, expiresAt }
}

/** Why a share cannot be read or revoked any more, for somebody who has shown to have a right to know. */
export function endOf(share: Share | undefined, now: number): Failure {
  if (!share) return notFound()
  const { readAt, revokedAt, expiresAt } = share
  if (readAt !== null)
    return new Failure('share-consumed', 'It was read before, and can be read only once.', {
      readAt: toTimestamp(readAt),
    })
  if (revokedAt !== null)
    return new Failure('share-revoked', 'Its sender took it back.', { revokedAt: toTimestamp(revokedAt) })
  if (now >= expiresAt)
    return new Failure('share-expired', 'Its time ran out before anybody read it.', {
      expiresAt: toTimestamp(expiresAt),
    })
  return notFound()
}

/**
 * Counts a proof before it is said whether it is right. A key cannot be guessed, so whoever has it is never kept out by the
 * wrong proofs of others; a passphrase can, so that its share's tries are limited, the right one among them. Once others have
 * spent a share's tries, each address has one more: strangers who know the link's id do not keep its reader out.
 */
async function checkProof(
  { limiter }: { limiter: RateLimiter },
  { address }: Visitor,
  share: Share,
  proof: Uint8Array,
): Promise<void> {
  const isRight = isSameHash(share.proofHash, hashSecret(proof))
  if (isRight && !share.hasPassphrase) return
  const reader = `${address} ${share.id}`
  await limiter.count('addressProof', address)
  await limiter.count('readerProof', reader)
  const isLate = !(await limiter.countsWithin('shareProof', share.id))
  if (isLate) await limiter.count('lateProof', reader)
  if (!isRight)
    throw new Failure('wrong-proof', 'The key or the passphrase is wrong. Nothing was lost: try again.', {
      passphrase: share.hasPassphrase,
    })
  await limiter.uncount('addressProof', address)
  await limiter.uncount('readerProof', reader)
  await limiter.uncount('shareProof', share.id)
  if (isLate) await limiter.uncount('lateProof', reader)
}

/**
 * Gives the ciphertext to whoever proves to know the key: once, or again to the same claim for a minute.
 * Throws `wrong-proof`, `share-consumed`, `share-expired`, `share-revoked`, `not-found`, `too-many-requests`.
 */
export async function openShare(
  services: { clock: Clock; limiter: RateLimiter; store: Store },
  visitor: Visitor,
  id: string,
  { proof, claim }: { proof: Uint8Array; claim?: Uint8Array | undefined },
): Promise<Uint8Array> {
  const { clock, store } = services
  const share = await store.read((reader) => findShare(reader, id))
  if (!share) throw notFound()
  await checkProof(services, visitor, share, proof)
  const claimHash = claim && hashSecret(claim)
  const isReader = claimHash !== undefined && isSameHash(share.claimHash, claimHash)
  if (stateOf(share, clock.now()) !== 'pending' && !isReader) throw endOf(share, clock.now())
  const ciphertext = await store.write((tx) => readShare(tx, share, { claimHash, now: clock.now() }))
  if (ciphertext) return ciphertext
  throw endOf(await store.read((reader) => findShare(reader, id)), clock.now())
}
