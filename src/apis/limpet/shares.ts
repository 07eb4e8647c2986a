// One-time shares over HTTP: make, look, read once, acknowledge, receipt, revoke.

import { z } from 'zod'
import { pagePaths, pathTo, sharePaths } from '../../contract/paths.ts'
import {
  AcknowledgeShare,
  CreatedShare,
  CreateShare,
  RevealedShare,
  RevealShare,
  ShareId,
  ShareReceipt,
} from '../../contract/shares.ts'
import { limits } from '../../contract/sizes.ts'
import {
  fromBase64url,
  toBase64url,
  toFernetToken,
  toTimestamp,
  toTimestampOrNull,
} from '../../domain/encoding.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import {
  acknowledgeShare,
  createShare,
  findManagedShare,
  findPendingShare,
  revealShare,
  revokeShare,
  type ShareEnd,
} from '../../domain/shares/lifecycle.ts'
import { type Share, stateOf } from '../../domain/shares/shares.ts'
import { route } from './route.ts'

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

function endFailure(end: ShareEnd): Failure {
  switch (end.kind) {
    case 'unknown':
      return notFound()
    case 'read':
      return new Failure('share-consumed', 'It was read before, and can be read only once.', {
        readAt: toTimestamp(end.readAt),
      })
    case 'revoked':
      return new Failure('share-revoked', 'Its sender took it back.', {
        revokedAt: toTimestamp(end.revokedAt),
      })
    case 'expired':
      return new Failure('share-expired', 'Its time ran out before anybody read it.', {
        expiresAt: toTimestamp(end.expiresAt),
      })
  }
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
    const created = await createShare(services, {
      ciphertext: fromBase64url(ciphertext),
      proof: fromBase64url(proof),
      ttl,
      hasPassphrase: passphrase,
    })
    const id = toBase64url(created.id)
    const location = pathTo(sharePaths.share, { shareId: id })
    const body: CreatedShare = {
      id,
      links: [
        { rel: 'self', href: `${publicUrl}${location}` },
        { rel: 'web-view', href: `${publicUrl}${pathTo(pagePaths.share, { id })}` },
      ],
      ttl,
      expiresAt: toTimestamp(created.expiresAt),
      manageToken: toBase64url(created.manageToken),
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
  async handler({ params: { shareId } }, services) {
    const share = await findPendingShare(services, shareId)
    if (!share) throw notFound()
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
    const reveal = await revealShare(services, caller, shareId, {
      proof: fromBase64url(proof),
      claim: claim === undefined ? undefined : fromBase64url(claim),
    })
    if (reveal.kind === 'gone') throw endFailure(reveal.why)
    if (reveal.kind === 'wrong-proof')
      throw new Failure('wrong-proof', 'The key or the passphrase is wrong. Nothing was lost: try again.', {
        passphrase: reveal.hasPassphrase,
      })
    return { status: 200, body: { ciphertext: toFernetToken(reveal.ciphertext) } }
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
  async handler({ params: { shareId }, body: { claim } }, services) {
    if (!(await acknowledgeShare(services, shareId, fromBase64url(claim)))) throw notFound()
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
    const share = await findManagedShare(services, caller, shareId)
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
    const end = await revokeShare(services, await findManagedShare(services, caller, shareId))
    if (end) throw endFailure(end)
    return { status: 204 }
  },
})

export const shareRoutes = [create, look, reveal, acknowledge, receipt, revoke]
