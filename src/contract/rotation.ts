// Wire shapes of changing the key of a vault (docs/protocol.md, "Changing keys").
import * as z from 'zod'
import { authKeyProof, opaqueProof } from './accounts.ts'
import { ItemId, KeyVersion, Revision, Sealed, SealedKey } from './primitives.ts'
import { limits } from './sizes.ts'
import { TokenSummary } from './tokens.ts'
import { keyVersion, NamingAttachments, Vault, VersionsChoice } from './vaults.ts'

const newKey = {
  key: SealedKey.meta({ description: 'The new key of the vault, under the account key' }),
  keyVersion: KeyVersion.meta({ description: "Of the new key: one more than the vault's" }),
  accountKeyVersion: keyVersion.meta({ description: 'Of the account key that `key` is sealed under' }),
  versions: VersionsChoice,
}

export const BeginRotation = z
  .union([
    z.strictObject({ ...newKey, ...authKeyProof }).meta({ id: 'BeginRotationByAuthKey' }),
    z.strictObject({ ...newKey, ...opaqueProof }).meta({ id: 'BeginRotationByOpaque' }),
  ])
  .meta({ id: 'BeginRotation' })

export const RotationBegun = z
  .object({
    vault: Vault,
    endedTokens: z.array(TokenSummary).meta({
      description: 'The personal access tokens for this vault, which had only the old key. They have ended',
    }),
  })
  .meta({ id: 'RotationBegun' })

/** Beyond it, what is left is not counted. */
export const countedLeft = 100_000

const leftCount = z.int().min(0).max(countedLeft)

/** How much is not sealed under the new key yet. */
export const LeftCounts = z
  .object({
    items: leftCount.meta({ description: 'Items, in the trash or not, and markers of deletions' }),
    versions: leftCount.meta({ description: 'Replaced versions; 0 if they are dropped' }),
    attachments: leftCount.meta({ description: 'Files that an item names, or a version that is kept' }),
    vaultData: z.int().min(0).max(1).meta({ description: '1 if the data of the vault is left' }),
  })
  .meta({ id: 'LeftCounts', description: `What is left to seal anew; each is counted up to ${countedLeft}` })

export const RotationLeft = z
  .object({
    items: z.array(z.object({ id: ItemId, revision: Revision }).meta({ id: 'LeftItem' })),
    versions: z
      .array(z.object({ itemId: ItemId, revision: Revision }).meta({ id: 'LeftVersion' }))
      .meta({ description: 'None while there are more items than `limit`' }),
    counts: LeftCounts,
  })
  .meta({ id: 'RotationLeft' })

export const ResealVersions = z
  .strictObject({
    versions: z
      .array(
        z
          .strictObject({
            itemId: ItemId,
            revision: Revision,
            data: Sealed,
            keyVersion: KeyVersion,
            attachments: NamingAttachments,
          })
          .meta({ id: 'ResealedVersion' }),
      )
      .min(1)
      .max(limits.batchOperations)
      .refine(
        (versions) =>
          new Set(versions.map(({ itemId, revision }) => `${itemId} ${revision}`)).size === versions.length,
        'Each version may stand there once',
      ),
  })
  .meta({ id: 'ResealVersions' })

export const VersionsResealed = z
  .object({
    resealed: z.int().min(0).meta({ description: 'How many: those that are gone are passed over' }),
  })
  .meta({ id: 'VersionsResealed' })

export const FinishRotation = z.strictObject({ keyVersion: KeyVersion }).meta({ id: 'FinishRotation' })

export type LeftCounts = z.infer<typeof LeftCounts>
