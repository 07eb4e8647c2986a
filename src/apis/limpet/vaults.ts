// Vaults over HTTP; what is about their items is in item-routes.ts.

import { z } from 'zod'
import { PasswordProof } from '../../contract/accounts.ts'
import { pathTo, vaultPaths } from '../../contract/paths.ts'
import { Cursor, limits, PageLimit, VaultId } from '../../contract/primitives.ts'
import {
  Batch,
  BatchResult,
  Changes,
  CreateVault,
  ReplaceVault,
  Vault,
  VaultList,
} from '../../contract/vaults.ts'
import { noteChange } from '../../domain/audit/noted-changes.ts'
import { VaultCaller } from '../../domain/caller.ts'
import { Failure } from '../../domain/failure.ts'
import { holdProved } from '../../domain/identity/accounts.ts'
import { proveAccount, wrongPassword } from '../../domain/identity/passwords.ts'
import { changesSince } from '../../domain/vaults/changes.ts'
import { applyItemWrites, type ItemWrite } from '../../domain/vaults/item-writes.ts'
import { decodeListCursor, encodeListCursor } from '../../domain/vaults/pages.ts'
import { toItemState } from '../../domain/vaults/rows.ts'
import {
  createVault,
  deleteVault,
  listVaults,
  positionAfterVault,
  replaceVault,
  requireVault,
  VaultPosition,
} from '../../domain/vaults/vaults.ts'
import { OptionalPrecondition } from '../../http/precondition.ts'
import { batchAnswer, oneAnswer, pageAnswer } from './answer-sizes.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Vaults'
const params = z.strictObject({ vaultId: VaultId })

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
    const after = decodeListCursor(cursor, VaultPosition)
    const { rows, more } = await store.read((reader) => listVaults(reader, caller, { limit, after }))
    const last = rows.at(-1)
    return {
      status: 200,
      body: {
        vaults: rows,
        nextCursor: more && last ? encodeListCursor(positionAfterVault(last)) : null,
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
  problems: ['id-taken', 'quota-exceeded'],
  async handler({ caller, body }, { clock, config, random, store }) {
    const stamp = { now: clock.now(), epoch: random.uuid(), allowed: config.quotas }
    const { vault, created } = await store.write((tx) => createVault(tx, caller, body, stamp))
    return created
      ? {
          status: 201,
          body: vault,
          location: pathTo(vaultPaths.vault, { vaultId: vault.id }),
          etag: vault.revision,
        }
      : { status: 200, body: vault, etag: vault.revision }
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
  problems: ['not-found', 'revision-conflict', 'quota-exceeded'],
  async handler({ caller, params: { vaultId }, body: { data }, precondition: expected }, services) {
    const { clock, config, store } = services
    const change = { data, expected, now: clock.now(), allowed: config.quotas }
    const vault = await store.write((tx) => replaceVault(tx, caller, vaultId, change))
    return { status: 200, body: vault, etag: vault.revision }
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
    const { clock, store } = services
    const owner = VaultCaller.bySession(caller)
    await store.read((reader) => requireVault(reader, owner, vaultId))
    const account = await proveAccount(caller, proofIn(body), services)
    await store.write(async (tx) => {
      await deleteVault(tx, owner, vaultId, { expected, now: clock.now() })
      if (!(await holdProved(tx, account))) throw wrongPassword()
      await noteChange(tx, caller, 'vault-deleted', services)
    })
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
    'Without `since` from the beginning. Ask again with the new cursor: at once while `more` is true.',
  auth: 'reader',
  limit: 'read',
  answerBytes: pageAnswer,
  request: { params, query: z.strictObject({ since: Cursor.optional(), limit: PageLimit }) },
  success: { 200: Changes },
  problems: ['not-found', 'resync-required'],
  async handler({ caller, params: { vaultId }, query: { since, limit } }, { store }) {
    const body = await store.read((reader) => changesSince(reader, caller, vaultId, { since, limit }))
    return { status: 200, body }
  },
})

/** A put has the most: itself, and four members of a name and a value each; and room for some more than are allowed, to say so. */
const batchValues = (limits.batchOperations + 10) * 9

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
  problems: ['not-found', 'revision-conflict', 'quota-exceeded'],
  async handler({ caller, params: { vaultId }, body: { operations } }, { clock, config, store }) {
    const writes = operations.map(
      ({ revision, ...operation }): ItemWrite => ({ ...operation, expected: revision ?? 'nothing' }),
    )
    const outcome = await store.write((tx) =>
      applyItemWrites(tx, caller, vaultId, { writes, now: clock.now(), allowed: config.quotas }),
    )
    if (outcome.kind === 'conflict')
      throw new Failure(
        'revision-conflict',
        `${outcome.conflicts.length} of the operations met something else.`,
        {
          conflicts: outcome.conflicts,
        },
      )
    return { status: 200, body: { revision: outcome.revision, items: outcome.rows.map(toItemState) } }
  },
})

export const vaultRoutes = [list, create, replace, remove, changes, batch]
