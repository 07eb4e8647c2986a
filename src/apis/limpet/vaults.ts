// Vaults over HTTP; what is about one of their items is in items.ts.
import { z } from 'zod'
import { seconds } from '../../clock.ts'
import { PasswordProof } from '../../contract/accounts.ts'
import { pathTo, vaultPaths } from '../../contract/paths.ts'
import { Cursor, PageLimit, VaultId, WaitSeconds } from '../../contract/primitives.ts'
import { limits } from '../../contract/sizes.ts'
import {
  Batch,
  BatchResult,
  Changes,
  CreateVault,
  ReplaceVault,
  Vault,
  VaultList,
} from '../../contract/vaults.ts'
import { fromBase64url } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { deleteVaultWithProof } from '../../domain/identity/vault-deletion.ts'
import { waitForChange } from '../../domain/live/wait-for-change.ts'
import { changesSince, hasChanges } from '../../domain/vaults/changes.ts'
import type { ItemWrite } from '../../domain/vaults/item-rules.ts'
import { writeItems } from '../../domain/vaults/item-writes.ts'
import { listVaults } from '../../domain/vaults/vault-lists.ts'
import { createVault, replaceVault, type VaultConflict } from '../../domain/vaults/vaults.ts'
import { jsonStreamOf } from '../../http/json-text.ts'
import { OptionalPrecondition } from '../../http/precondition.ts'
import { requestClient } from '../../http/route.ts'
import { batchAnswer, oneAnswer, pageAnswer, streamedAnswer } from './answer-sizes.ts'
import { keyChangedFailure } from './key-failures.ts'
import { decodeListCursor, encodeListCursor, VaultPositionText, vaultPositionText } from './list-cursors.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'
import { itemsAnswer, toItemState, toVault } from './vault-shapes.ts'

const tag = 'Vaults'
const params = z.strictObject({ vaultId: VaultId })

/** @param expected the revision that the request named */
const conflictFailure = ({ current }: VaultConflict, expected: number | undefined) =>
  new Failure('revision-conflict', `The vault is at revision ${current.revision}, not at ${expected}.`, {
    current: toVault(current),
  })

const list = route({
  method: 'get',
  path: vaultPaths.vaults,
  operationId: 'listVaults',
  tag,
  summary: 'The vaults of the account, oldest first',
  description:
    'A page ends at `limit` vaults or at `pageBytes` of data. A personal access token for one vault gets that one.',
  auth: 'reader',
  limit: 'read',
  answerBytes: pageAnswer,
  request: { query: z.strictObject({ limit: PageLimit, cursor: Cursor.optional() }) },
  success: { 200: VaultList },
  problems: [],
  async handler({ caller, query: { limit, cursor } }, { store }) {
    const after = decodeListCursor(cursor, VaultPositionText)
    const { rows, more } = await store.read((reader) => listVaults(reader, caller, { limit, after }))
    const last = rows.at(-1)
    return {
      status: 200,
      body: {
        vaults: rows.map(toVault),
        nextCursor: more && last ? encodeListCursor(vaultPositionText(last)) : null,
      },
    }
  },
})

const create = route({
  method: 'post',
  path: vaultPaths.vaults,
  operationId: 'createVault',
  tag,
  summary: 'Make a vault',
  description: 'The same again is 200 and changes nothing. The id of a vault that was deleted is taken.',
  auth: 'vaultOwner',
  limit: 'write',
  answerBytes: oneAnswer,
  request: { body: CreateVault },
  success: { 200: Vault, 201: Vault },
  headers: { 200: ['ETag'], 201: ['ETag', 'Location'] },
  problems: ['id-taken', 'key-changed', 'quota-exceeded'],
  async handler({ caller, body: { id, key, data, accountKeyVersion } }, services) {
    const wanted = { id, key: fromBase64url(key), data: fromBase64url(data), accountKeyVersion }
    const { vault, created } = await createVault(services, caller, wanted)
    const [body, etag] = [toVault(vault), vault.revision]
    return created
      ? { status: 201, body, etag, location: pathTo(vaultPaths.vault, { vaultId: vault.id }) }
      : { status: 200, body, etag }
  },
})

const replace = route({
  method: 'put',
  path: vaultPaths.vault,
  operationId: 'replaceVault',
  tag,
  summary: 'Replace the data of a vault',
  description: 'With If-Match only if the vault, items included, is still at that revision.',
  auth: 'vaultOwner',
  limit: 'write',
  answerBytes: oneAnswer,
  request: { params, body: ReplaceVault, precondition: OptionalPrecondition },
  success: { 200: Vault },
  headers: { 200: ['ETag'] },
  problems: ['not-found', 'revision-conflict', 'key-changed', 'quota-exceeded'],
  async handler({ caller, params: { vaultId }, body, precondition: expected }, services) {
    const { data, keyVersion } = body
    const change = { data: fromBase64url(data), keyVersion, expected }
    const outcome = await replaceVault(services, caller, vaultId, change)
    if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
    if (outcome.kind === 'conflict') throw conflictFailure(outcome, expected)
    return { status: 200, body: toVault(outcome.vault), etag: outcome.vault.revision }
  },
})

const remove = route({
  method: 'delete',
  path: vaultPaths.vault,
  operationId: 'deleteVault',
  tag,
  summary: 'Delete a vault with everything in it, for good',
  description:
    'It takes a fresh proof of the password, because nothing of the vault comes back: its id stays taken. With If-Match only if the vault, items included, is still at that revision.',
  auth: 'session',
  limit: 'proof',
  answerBytes: oneAnswer,
  request: { params, body: PasswordProof, precondition: OptionalPrecondition },
  success: { 204: null },
  problems: ['invalid-credentials', 'not-found', 'revision-conflict'],
  async handler({ caller, params: { vaultId }, body, precondition: expected }, services) {
    const conflict = await deleteVaultWithProof(caller, { vaultId, proof: proofIn(body), expected }, services)
    if (conflict) throw conflictFailure(conflict, expected)
    return { status: 204 }
  },
})

const changes = route({
  method: 'get',
  path: vaultPaths.changes,
  operationId: 'listChanges',
  tag,
  summary: 'What changed since a cursor, in the order of revisions',
  description:
    'Without `since` from the beginning. Ask again with the new cursor: at once while `more` is true. With `wait` the answer comes as soon as there is something after `since`, or after so many seconds with nothing new.',
  auth: 'reader',
  limit: 'read',
  answerBytes: streamedAnswer,
  request: {
    params,
    query: z.strictObject({ since: Cursor.optional(), limit: PageLimit, wait: WaitSeconds }),
    client: requestClient,
  },
  success: { 200: jsonStreamOf(Changes) },
  problems: ['not-found', 'resync-required'],
  async wait({ caller, client, params: { vaultId }, query: { since, wait } }, { store, watches }) {
    if (since === undefined || wait === 0) return
    await waitForChange(watches, caller, {
      ...client,
      vaultId,
      ms: seconds(wait),
      hasChanges: () => store.read((reader) => hasChanges(reader, caller, vaultId, since)),
    })
  },
  async handler({ caller, params: { vaultId }, query: { since, limit } }, services) {
    const found = await changesSince(services, caller, vaultId, { since, limit })
    if (found.kind === 'malformed-cursor')
      throw new Failure('malformed-request', 'The cursor is none that this server gave.', {
        errors: [{ path: 'query.since', message: 'Expected the cursor of an earlier answer' }],
      })
    const body = itemsAnswer(vaultId, found.page, ({ cursor, more }) => ({ cursor, more }))
    return { status: 200, body }
  },
})

function writeOf(operation: Batch['operations'][number]): ItemWrite {
  const { id } = operation
  const expected = operation.revision ?? 'nothing'
  switch (operation.op) {
    case 'put': {
      const { data, keyVersion, attachments } = operation
      return { op: 'put', id, data: fromBase64url(data), keyVersion, attachments, expected }
    }
    case 'reseal': {
      const { data, keyVersion, attachments, revision } = operation
      return { op: 'reseal', id, data: fromBase64url(data), keyVersion, attachments, expected: revision }
    }
    case 'purge': {
      const { marker, keyVersion } = operation
      const sealed = marker === undefined ? undefined : { data: fromBase64url(marker), keyVersion }
      return { op: 'purge', id, expected, marker: sealed }
    }
    default:
      return { op: operation.op, id, expected }
  }
}

/** A put has the most: itself, and six members of a name and a value each, one a list of files; and room for some more than are allowed, to say so. */
const batchValues = (limits.batchOperations + 10) * (13 + limits.itemAttachments)

const batch = route({
  method: 'post',
  path: vaultPaths.batch,
  operationId: 'applyBatch',
  tag,
  summary: 'Apply up to 500 operations, all or none',
  description: 'All of them share one revision. `items` stand in the order of the operations.',
  auth: 'writer',
  limit: 'write',
  answerBytes: batchAnswer,
  bodyBounds: { bytes: limits.batchBodyBytes, values: batchValues },
  request: { params, body: Batch },
  success: { 200: BatchResult },
  problems: ['not-found', 'revision-conflict', 'key-changed', 'attachment-missing', 'quota-exceeded'],
  async handler({ caller, params: { vaultId }, body: { operations } }, services) {
    const outcome = await writeItems(services, caller, vaultId, operations.map(writeOf))
    if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
    if (outcome.kind === 'conflict')
      throw new Failure(
        'revision-conflict',
        `${outcome.conflicts.length} of the operations met something else.`,
        {
          conflicts: outcome.conflicts.map(({ id, current }) => ({
            id,
            current: current && toItemState(current),
          })),
        },
      )
    return { status: 200, body: { revision: outcome.revision, items: outcome.rows.map(toItemState) } }
  },
})

export const vaultRoutes = [list, create, replace, remove, changes, batch]
