// One-time shares over HTTP: make, look, read once, acknowledge, receipt, revoke.

import { z } from 'zod'
import { pagePaths, pathTo, sharePaths } from '../../contract/paths.ts'
import { limits } from '../../contract/primitives.ts'
import {
  AcknowledgeShare,
  CreatedShare,
  CreateShare,
  RevealedShare,
  RevealShare,
  ShareId,
  ShareReceipt,
} from '../../contract/shares.ts'
import type { ShareManager } from '../../domain/caller.ts'
import {
  fromBase64url,
  toBase64url,
  toFernetToken,
  toTimestamp,
  toTimestampOrNull,
} from '../../domain/encoding.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { hashSecret, isSameHash } from '../../domain/secret-hash.ts'
import { endOf, makeShare, openShare } from '../../domain/shares/lifecycle.ts'
import { findShare, forgetClaimed, revokeShare, type Share, stateOf } from '../../domain/shares/shares.ts'
import { route, type Services } from './route.ts'

const tag = 'One-time shares'
const params = z.strictObject({ shareId: ShareId })

const receiptOf = (share: Share, now: number): ShareReceipt => ({
  id: share.id,
  state: stateOf(share, now),
  createdAt: toTimestamp(share.createdAt),
  expiresAt: toTimestamp(share.expiresAt),
  readAt: toTimestampOrNull(share.readAt),
  revokedAt: toTimestampOrNull(share.revokedAt),
})

/** The share that a manage token belongs to; the same `not-found` for a wrong token and a missing share. */
async function managedShare(
  { store, wrongTokens }: Services,
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

const create = route({
  method: 'post',
  path: sharePaths.shares,
  operationId: 'createShare',
  tag,
  summary: 'Make a one-time share of a secret that the client has encrypted',
  description:
    'The link is `web-view`, "#" and the key, which the client adds and the server never learns. `GET /api/v1/server` says in `shares` who may make one: with `accounts` it takes an access token, or a personal access token with the scope `shares`; with `public` none is looked at.',
  auth: 'sharer',
  limit: 'share',
  // The ciphertext in base64url, and some hundred bytes around it.
  bodyBounds: { bytes: 2 * limits.shareBytes },
  request: { body: CreateShare },
  success: { 201: CreatedShare },
  headers: { 201: ['Location'] },
  problems: ['shares-off'],
  async handler({ body: { ciphertext, proof, ttl, passphrase } }, services) {
    const { publicUrl, shares } = services.config
    if (shares === 'off') throw new Failure('shares-off', 'This server makes no one-time shares.')
    const made = await makeShare(services, {
      ciphertext: fromBase64url(ciphertext),
      proof: fromBase64url(proof),
      ttl,
      hasPassphrase: passphrase,
    })
    const id = toBase64url(made.id)
    const location = pathTo(sharePaths.share, { shareId: id })
    const body: CreatedShare = {
      id,
      links: [
        { rel: 'self', href: `${publicUrl}${location}` },
        { rel: 'web-view', href: `${publicUrl}${pathTo(pagePaths.share, { id })}` },
      ],
      ttl,
      expiresAt: toTimestamp(made.expiresAt),
      manageToken: toBase64url(made.manageToken),
    }
    return { status: 201, location, body }
  },
})

const look = route({
  method: 'head',
  path: sharePaths.share,
  operationId: 'checkShare',
  tag,
  summary: 'Whether a share can still be read; never consumes it',
  description:
    'The header `Limpet-Passphrase: required` says that its reader has to know a passphrase. Reading consumes, so it is a POST, and GET is answered 405.',
  auth: 'public',
  limit: 'read',
  request: { params },
  success: { 200: null },
  headers: { 200: ['Limpet-Passphrase'] },
  problems: ['not-found'],
  async handler({ params: { shareId } }, { clock, store }) {
    const share = await store.read((reader) => findShare(reader, shareId))
    if (!share || stateOf(share, clock.now()) !== 'pending') throw notFound()
    return {
      status: 200,
      ...(share.hasPassphrase && { headers: { 'Limpet-Passphrase': 'required' } }),
    }
  },
})

const reveal = route({
  method: 'post',
  path: sharePaths.reveal,
  operationId: 'revealShare',
  tag,
  summary: 'Read a share, once',
  description:
    'Takes proof that the caller has the key; a wrong one consumes nothing. With a `claim` the same request may be repeated for 60 seconds, until it is acknowledged; nobody else can. Why a share cannot be read any more is told to whoever has the right proof.',
  auth: 'visitor',
  limit: 'write',
  request: { params, body: RevealShare },
  success: { 200: RevealedShare },
  problems: ['wrong-proof', 'not-found', 'share-consumed', 'share-expired', 'share-revoked'],
  async handler({ caller, params: { shareId }, body: { claim, proof } }, services) {
    const ciphertext = await openShare(services, caller, shareId, {
      proof: fromBase64url(proof),
      claim: claim === undefined ? undefined : fromBase64url(claim),
    })
    return { status: 200, body: { ciphertext: toFernetToken(ciphertext) } }
  },
})

const acknowledge = route({
  method: 'post',
  path: sharePaths.acknowledge,
  operationId: 'acknowledgeShare',
  tag,
  summary: 'Say that a claimed share has arrived, so that the server forgets it at once',
  description: 'The reader says that the secret has arrived. After that nobody can read the share again.',
  auth: 'public',
  limit: 'write',
  request: { params, body: AcknowledgeShare },
  success: { 204: null },
  problems: ['not-found'],
  async handler({ params: { shareId }, body: { claim } }, { store }) {
    const share = await store.read((reader) => findShare(reader, shareId))
    if (!share || !isSameHash(share.claimHash, hashSecret(fromBase64url(claim)))) throw notFound()
    await store.write((tx) => forgetClaimed(tx, shareId))
    return { status: 204 }
  },
})

const receipt = route({
  method: 'get',
  path: sharePaths.receipt,
  operationId: 'getShareReceipt',
  tag,
  summary: 'What has become of a share: pending, read, expired or revoked, with times',
  description: 'Kept for 30 days after the share would have expired.',
  auth: 'shareManager',
  limit: 'read',
  request: { params },
  success: { 200: ShareReceipt },
  problems: ['not-found'],
  async handler({ caller, params: { shareId } }, services) {
    const share = await managedShare(services, caller, shareId)
    return { status: 200, body: receiptOf(share, services.clock.now()) }
  },
})

const revoke = route({
  method: 'delete',
  path: sharePaths.share,
  operationId: 'revokeShare',
  tag,
  summary: 'Take a share back before it is read',
  description: 'A repeated request is answered alike. Once it was read or has expired, the answer says so.',
  auth: 'shareManager',
  limit: 'write',
  request: { params },
  success: { 204: null },
  problems: ['not-found', 'share-consumed', 'share-expired'],
  async handler({ caller, params: { shareId } }, services) {
    const { clock, store } = services
    const share = await managedShare(services, caller, shareId)
    if (await store.write((tx) => revokeShare(tx, share, clock.now()))) return { status: 204 }
    const now = clock.now()
    const current = await store.read((reader) => findShare(reader, shareId))
    if (current && stateOf(current, now) === 'revoked') return { status: 204 }
    throw endOf(current, now)
  },
})

export const shareRoutes = [create, look, reveal, acknowledge, receipt, revoke]
