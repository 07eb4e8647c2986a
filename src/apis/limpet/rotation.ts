// Changing the key of a vault over HTTP: begin, what is left, versions, finish. Items are sealed anew by batches.
import { z } from 'zod'
import { rotationPaths } from '../../contract/paths.ts'
import { PageLimit, VaultId } from '../../contract/primitives.ts'
import {
  BeginRotation,
  FinishRotation,
  ResealVersions,
  RotationBegun,
  RotationLeft,
  VersionsResealed,
} from '../../contract/rotation.ts'
import { limits } from '../../contract/sizes.ts'
import { Vault } from '../../contract/vaults.ts'
import { VaultCaller } from '../../domain/caller.ts'
import { fromBase64url } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { beginKeyChange, finishKeyChange } from '../../domain/identity/vault-key.ts'
import { resealVersions } from '../../domain/vaults/resealed-versions.ts'
import { listLeft } from '../../domain/vaults/rotation-left.ts'
import { leftAnswer, oneAnswer } from './answer-sizes.ts'
import { keyChangedFailure, rotationUnderWay } from './key-failures.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'
import { toTokenSummary } from './tokens.ts'
import { toVault } from './vault-shapes.ts'

const tag = 'Changing keys'
const params = z.strictObject({ vaultId: VaultId })

const begin = route({
  method: 'post',
  path: rotationPaths.rotation,
  operationId: 'beginRotation',
  tag,
  summary: 'Begin to change the key of a vault',
  description:
    'From here on the vault takes what is sealed under either key, until the change is finished. Any client of the owner can go on with it. The personal access tokens for the vault end, because they hold the old key alone. It takes a fresh proof of the password. The same key again is 200 and changes nothing.',
  auth: 'session',
  limit: 'proof',
  answerBytes: oneAnswer,
  request: { params, body: BeginRotation },
  success: { 200: RotationBegun, 201: RotationBegun },
  problems: ['invalid-credentials', 'not-found', 'key-changed', 'rotation-under-way'],
  async handler({ caller, params: { vaultId }, body }, services) {
    const { key, keyVersion, accountKeyVersion, versions } = body
    const wanted = { vaultId, key: fromBase64url(key), keyVersion, accountKeyVersion, versions }
    const start = await beginKeyChange(caller, { ...wanted, proof: proofIn(body) }, services)
    if (start.kind === 'key-changed') throw keyChangedFailure(start)
    if (start.kind === 'under-way') throw rotationUnderWay(start)
    const answer = { vault: toVault(start.vault), endedTokens: start.endedTokens.map(toTokenSummary) }
    return { status: start.kind === 'begun' ? 201 : 200, body: answer }
  },
})

const left = route({
  method: 'get',
  path: rotationPaths.left,
  operationId: 'listLeft',
  tag,
  summary: 'What is not sealed under the new key yet',
  description:
    'Items first, in the trash or not, and markers of deletions; versions that were replaced follow, if they are kept. Once nothing of these is left, the items and versions whose files are. `limit` is for both together. 409 `key-changed` if the key of the vault is not being changed (any more).',
  auth: 'session',
  limit: 'read',
  answerBytes: leftAnswer,
  request: { params, query: z.strictObject({ limit: PageLimit }) },
  success: { 200: RotationLeft },
  problems: ['not-found', 'key-changed'],
  async handler({ caller, params: { vaultId }, query: { limit } }, { store }) {
    const owner = VaultCaller.bySession(caller)
    const found = await store.read((reader) => listLeft(reader, owner, vaultId, limit))
    if (found.kind === 'key-changed') throw keyChangedFailure(found)
    const { items, versions, counts } = found
    return { status: 200, body: { items, versions, counts } }
  },
})

/** A version is itself, and five members of a name and a value each, one a list of files; and there is room for some more than are allowed, to say so. */
const versionsValues = (limits.batchOperations + 10) * (11 + limits.itemAttachments)

const versions = route({
  method: 'post',
  path: rotationPaths.versions,
  operationId: 'resealVersions',
  tag,
  summary: 'Replace versions by the same content under the new key',
  description: 'Versions that are gone, and those that are under the new key already, are passed over.',
  auth: 'session',
  limit: 'write',
  bodyBounds: { bytes: limits.batchBodyBytes, values: versionsValues },
  request: { params, body: ResealVersions },
  success: { 200: VersionsResealed },
  problems: ['not-found', 'key-changed', 'attachment-missing', 'quota-exceeded'],
  async handler({ caller, params: { vaultId }, body }, services) {
    const resealed = body.versions.map(({ data, ...version }) => ({ ...version, data: fromBase64url(data) }))
    const outcome = await resealVersions(services, VaultCaller.bySession(caller), vaultId, resealed)
    if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
    return { status: 200, body: { resealed: outcome.resealed } }
  },
})

const finish = route({
  method: 'post',
  path: rotationPaths.finish,
  operationId: 'finishRotation',
  tag,
  summary: 'Put the new key of a vault in place of the old one',
  description:
    'Refused while anything is sealed under an older key. Versions that are to be dropped are deleted here. Again is 200 without a change.',
  auth: 'session',
  limit: 'write',
  answerBytes: oneAnswer,
  request: { params, body: FinishRotation },
  success: { 200: Vault },
  problems: ['not-found', 'key-changed', 'rotation-incomplete'],
  async handler({ caller, params: { vaultId }, body: { keyVersion } }, services) {
    const end = await finishKeyChange(caller, { vaultId, keyVersion }, services)
    if (end.kind === 'key-changed') throw keyChangedFailure(end)
    if (end.kind === 'incomplete') {
      const { left } = end
      throw new Failure('rotation-incomplete', 'Something is still sealed under an older key.', { left })
    }
    return { status: 200, body: toVault(end.vault) }
  },
})

export const rotationRoutes = [begin, left, versions, finish]
