// Wire shapes of vaults, items, their versions, and sync. Requests are strict; of answers a client drops what it does not know.

import * as z from 'zod'
import { AttachmentIds, NamedAttachments } from './attachments.ts'
import { Cursor, ItemId, KeyVersion, Revision, Sealed, SealedKey, Timestamp, VaultId } from './primitives.ts'
import { limits } from './sizes.ts'

/** Of the key of a vault, or of an account key: what was sealed before there were versions lies under the first one. */
export const keyVersion = KeyVersion.default(1)

/** What becomes of replaced versions when the key of a vault changes. */
export const VersionsChoice = z.enum(['keep', 'drop']).meta({
  id: 'VersionsChoice',
  description:
    'keep: replaced versions have to be sealed under the new key too. drop: those under an older key are deleted at the end',
})

/** A change of a vault's key that is under way: until it is finished, both keys are in use. */
export const Rotation = z
  .object({
    key: SealedKey.meta({ description: 'The key that is to follow' }),
    keyVersion: KeyVersion,
    versions: VersionsChoice,
    startedAt: Timestamp,
  })
  .meta({ id: 'Rotation' })

export const Vault = z
  .object({
    id: VaultId,
    key: SealedKey,
    keyVersion: keyVersion.meta({ description: 'Of `key`: raised by each change of the key' }),
    data: Sealed,
    dataKeyVersion: keyVersion.meta({ description: 'Of the key that `data` is sealed under' }),
    rotation: Rotation.nullable()
      .default(null)
      .meta({ description: 'The change of the key that is under way; null if none is' }),
    revision: Revision,
    itemCount: z.int().min(0).meta({ description: 'Items outside the trash' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Vault' })

const nextCursor = Cursor.nullable().meta({ description: 'For the next page; null on the last one' })

export const VaultList = z.object({ vaults: z.array(Vault), nextCursor }).meta({ id: 'VaultList' })
export const CreateVault = z
  .strictObject({
    id: VaultId,
    key: SealedKey,
    data: Sealed,
    accountKeyVersion: keyVersion.meta({ description: 'Of the account key that `key` is sealed under' }),
  })
  .meta({ id: 'CreateVault' })
export const ReplaceVault = z.strictObject({ data: Sealed, keyVersion }).meta({ id: 'ReplaceVault' })

const sealedUnder = KeyVersion.optional().meta({
  description: 'Of the key of the vault that it is sealed under; 1 if it is absent',
})

export const Item = z
  .object({
    id: ItemId,
    vaultId: VaultId,
    data: Sealed,
    keyVersion: sealedUnder,
    attachments: NamedAttachments,
    revision: Revision,
    createdAt: Timestamp,
    updatedAt: Timestamp,
    deletedAt: Timestamp.nullable().meta({ description: 'When it went to the trash; null outside of it' }),
  })
  .meta({ id: 'Item' })

const Marker = SealedKey.optional().meta({
  description:
    'Sealed by the client that deleted the item, so that others can tell it from a deletion that nobody asked for',
})

/** What is left of an item that was deleted for good, so that every client learns of it. */
export const Tombstone = z
  .object({
    id: ItemId,
    revision: Revision,
    purged: z.literal(true).meta({ description: 'Always true' }),
    marker: Marker,
    keyVersion: sealedUnder,
  })
  .meta({ id: 'Tombstone' })

/** What stands under an item's id: the item, or what is left of it. */
export const ItemState = z.union([Item, Tombstone]).meta({ id: 'ItemState' })

export const NamingAttachments = AttachmentIds.optional().meta({
  description:
    'The ids of its files, each uploaded before. Without this member the item keeps the files that it has; a new one has none.',
})

export const CreateItem = z
  .strictObject({ id: ItemId.optional(), data: Sealed, keyVersion, attachments: NamingAttachments })
  .meta({ id: 'CreateItem' })
export const ReplaceItem = z
  .strictObject({ data: Sealed, keyVersion, attachments: NamingAttachments })
  .meta({ id: 'ReplaceItem' })

export const ItemPage = z.object({ items: z.array(Item), nextCursor }).meta({ id: 'ItemPage' })

export const ItemVersion = z
  .object({
    data: Sealed,
    keyVersion: sealedUnder,
    attachments: NamedAttachments,
    revision: Revision,
    createdAt: Timestamp.meta({ description: 'When this version was written' }),
    replacedAt: Timestamp,
  })
  .meta({ id: 'ItemVersion' })
export const ItemVersions = z
  .object({ versions: z.array(ItemVersion), nextCursor })
  .meta({ id: 'ItemVersions' })

export const Changes = z
  .object({
    items: z.array(ItemState),
    cursor: Cursor,
    more: z.boolean().meta({ description: 'Whether to ask again at once, with the new cursor' }),
  })
  .meta({ id: 'Changes' })

export const Operation = z
  .discriminatedUnion('op', [
    z
      .strictObject({
        op: z.literal('put'),
        id: ItemId,
        data: Sealed,
        keyVersion,
        attachments: NamingAttachments,
        revision: Revision.nullable().meta({ description: 'The revision to replace; null creates' }),
      })
      .meta({ id: 'PutOperation' }),
    z
      .strictObject({
        op: z.literal('reseal'),
        id: ItemId,
        data: Sealed,
        keyVersion: KeyVersion,
        attachments: NamingAttachments,
        revision: Revision,
      })
      .meta({
        id: 'ResealOperation',
        description:
          'The same content, or the same marker, under the key that is to follow: for a change of the key that is under way. State and times stay, and no version is kept. It takes a session',
      }),
    z.strictObject({ op: z.literal('trash'), id: ItemId, revision: Revision }).meta({ id: 'TrashOperation' }),
    z
      .strictObject({ op: z.literal('restore'), id: ItemId, revision: Revision })
      .meta({ id: 'RestoreOperation' }),
    z
      .strictObject({
        op: z.literal('purge'),
        id: ItemId,
        revision: Revision,
        marker: Marker,
        keyVersion: keyVersion.meta({ description: 'Of the key that `marker` is sealed under' }),
      })
      .meta({ id: 'PurgeOperation' }),
  ])
  .meta({ id: 'Operation' })

export const Batch = z
  .strictObject({
    operations: z
      .array(Operation)
      .min(1)
      .max(limits.batchOperations)
      .refine(
        (operations) => new Set(operations.map(({ id }) => id)).size === operations.length,
        'Each item may stand in a batch once',
      ),
  })
  .meta({ id: 'Batch' })

export const BatchResult = z
  .object({ revision: Revision, items: z.array(ItemState) })
  .meta({ id: 'BatchResult' })

/** An operation of a batch that did not apply; `current` is null where nothing stands under the id. */
export const Conflict = z.object({ id: ItemId, current: ItemState.nullable() }).meta({ id: 'Conflict' })

export type Batch = z.infer<typeof Batch>
export type BatchResult = z.infer<typeof BatchResult>
export type Changes = z.infer<typeof Changes>
export type Conflict = z.infer<typeof Conflict>
export type Item = z.infer<typeof Item>
export type ItemPage = z.infer<typeof ItemPage>
export type ItemState = z.infer<typeof ItemState>
export type ItemVersion = z.infer<typeof ItemVersion>
export type Operation = z.input<typeof Operation>
export type Rotation = z.infer<typeof Rotation>
export type Tombstone = z.infer<typeof Tombstone>
export type Vault = z.infer<typeof Vault>
