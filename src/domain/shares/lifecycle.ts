// A share's making, its one reading and its end, whichever API asks for it.
import { type Clock, seconds } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import type { ShareManager, Visitor } from '../caller.ts'
import { toBase64url } from '../encoding.ts'
import { notFound } from '../failure.ts'
import { countGuess } from '../rate-limits/guesses.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { WrongTokens } from '../rate-limits/wrong-tokens.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'
import {
  findShare,
  forgetClaimed,
  insertShare,
  readAgain,
  readShare,
  type Share,
  stateOf,
  takeBack,
} from './shares.ts'

const idBytes = 16
const manageTokenBytes = 32

export interface NewShare {
  /** The bytes of a Fernet token. */
  readonly ciphertext: Uint8Array
  readonly proof: Uint8Array
  /** Seconds. */
  readonly ttl: number
  /** Whether the key is derived from a passphrase, which a stranger could guess. */
  readonly hasPassphrase: boolean
}

export interface CreatedShare {
  readonly id: Uint8Array
  readonly manageToken: Uint8Array
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export async function createShare(
  { clock, random, store }: { clock: Clock; random: Random; store: Store },
  { ciphertext, proof, ttl, hasPassphrase }: NewShare,
): Promise<CreatedShare> {
  // Drawn at once: to ask for randomness costs more than the bytes of it.
  const drawn = random.bytes(idBytes + manageTokenBytes)
  const [id, manageToken] = [drawn.subarray(0, idBytes), drawn.subarray(idBytes)]
  const createdAt = clock.now()
  const expiresAt = createdAt + seconds(ttl)
  await store.write((tx) =>
    insertShare(tx, {
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

/** @returns undefined if the share cannot be read, or not any more */
export async function findPendingShare(
  { clock, store }: { clock: Clock; store: Store },
  id: string,
): Promise<Share | undefined> {
  const share = await store.read((reader) => findShare(reader, id))
  return share && stateOf(share, clock.now()) === 'pending' ? share : undefined
}

/** Why a share cannot be read or revoked any more. Times are milliseconds since 1970. */
export type ShareEnd =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'read'; readonly readAt: number }
  | { readonly kind: 'revoked'; readonly revokedAt: number }
  | { readonly kind: 'expired'; readonly expiresAt: number }

/** For a caller who has shown to have a right to know. */
function endOf(share: Share | undefined, now: number): ShareEnd {
  if (!share) return { kind: 'unknown' }
  const { readAt, revokedAt, expiresAt } = share
  if (readAt !== null) return { kind: 'read', readAt }
  if (revokedAt !== null) return { kind: 'revoked', revokedAt }
  return now >= expiresAt ? { kind: 'expired', expiresAt } : { kind: 'unknown' }
}

/**
 * A key cannot be guessed, so the wrong proofs of others never keep out the reader who has it; a passphrase can, so that its share's
 * tries are limited, the right one among them. Throws `too-many-requests`.
 * @returns whether the proof is right
 */
async function checkProof(
  { limiter }: { limiter: RateLimiter },
  visitor: Visitor,
  share: Share,
  proof: Uint8Array,
): Promise<boolean> {
  const isRight = isSameHash(share.proofHash, hashSecret(proof))
  if (isRight && !share.hasPassphrase) return true
  return countGuess(limiter, visitor, share.id, async () => isRight)
}

/** What became of an attempt to read a share. */
export type Reveal =
  | { readonly kind: 'revealed'; readonly ciphertext: Uint8Array }
  /** Nothing was consumed. */
  | { readonly kind: 'wrong-proof'; readonly hasPassphrase: boolean }
  | { readonly kind: 'gone'; readonly why: ShareEnd }

/** Gives the ciphertext for a proof of the key: once, or again to the same claim for a minute. Throws `too-many-requests`. */
export async function revealShare(
  services: { clock: Clock; limiter: RateLimiter; store: Store },
  visitor: Visitor,
  id: string,
  { proof, claim }: { proof: Uint8Array; claim?: Uint8Array | undefined },
): Promise<Reveal> {
  const { clock, store } = services
  const share = await store.read((reader) => findShare(reader, id))
  if (!share) return { kind: 'gone', why: { kind: 'unknown' } }
  if (!(await checkProof(services, visitor, share, proof)))
    return { kind: 'wrong-proof', hasPassphrase: share.hasPassphrase }
  const claimHash = claim && hashSecret(claim)
  const isReader = claimHash !== undefined && isSameHash(share.claimHash, claimHash)
  const now = clock.now()
  if (stateOf(share, now) === 'pending') {
    const { taken } = await store.write((tx) => readShare(tx, share, { claimHash, now }))
    const [first] = await taken
    if (first) return { kind: 'revealed', ciphertext: first[0] }
  } else if (!isReader) return { kind: 'gone', why: endOf(share, now) }
  const again = claimHash && (await store.read((reader) => readAgain(reader, id, { claimHash, now })))
  if (again) return { kind: 'revealed', ciphertext: again }
  return { kind: 'gone', why: endOf(await store.read((reader) => findShare(reader, id)), clock.now()) }
}

/** Forgets a secret that has arrived, by the claim that it was read with. @returns whether it was read with this claim */
export async function acknowledgeShare(
  { store }: { store: Store },
  id: string,
  claim: Uint8Array,
): Promise<boolean> {
  const share = await store.read((reader) => findShare(reader, id))
  if (!share || !isSameHash(share.claimHash, hashSecret(claim))) return false
  await store.write((tx) => forgetClaimed(tx, id))
  return true
}

/** The share that a manage token belongs to. Throws the same `not-found` for a wrong token and a missing share. */
export async function findManagedShare(
  { store, wrongTokens }: { store: Store; wrongTokens: WrongTokens },
  { address, tokenHash }: ShareManager,
  id: string,
): Promise<Share> {
  const name = `${id} ${Buffer.from(tokenHash).toString('base64')}`
  const share = await wrongTokens.find(address, name, async () => {
    const found = await store.read((reader) => findShare(reader, id))
    return found && isSameHash(found.manageTokenHash, tokenHash) ? found : undefined
  })
  if (!share) throw notFound()
  return share
}

/** Takes a share back; a second time changes nothing. @returns why that cannot be done any more, or undefined if it is done */
export async function revokeShare(
  { clock, store }: { clock: Clock; store: Store },
  share: Share,
): Promise<ShareEnd | undefined> {
  const { taken } = await store.write((tx) => takeBack(tx, share, clock.now()))
  if ((await taken).length > 0) return undefined
  const end = endOf(await store.read((reader) => findShare(reader, share.id)), clock.now())
  return end.kind === 'revoked' ? undefined : end
}
