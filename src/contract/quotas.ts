// Wire shapes of quotas: what one account has, and may have.
import * as z from 'zod'

const Quota = z.object({ used: z.int(), allowed: z.int() }).meta({ id: 'Quota' })

export const Quotas = z
  .object({
    vaults: Quota,
    /** In the trash or not. */
    items: Quota,
    /** Deleted for good: an id of each stays, of items until their vault is deleted, of vaults until the account is. */
    deletedItems: Quota,
    /** Of ciphertext: vaults, items in the trash or not, and replaced versions. */
    bytes: Quota,
    /** Of sealed files, uploads that are under way included. */
    attachmentBytes: Quota,
    tokens: Quota,
    /** A login beyond it ends the session that was unused for longest. */
    sessions: Quota,
    secondFactors: Quota,
  })
  .meta({
    id: 'Quotas',
    description:
      'What the account has, and may have. Items count in the trash or not; `deletedItems` are those deleted for good, of which an id stays for sync until their vault is deleted, and the deleted vaults, of which an id stays too; `bytes` are of vaults, items and replaced versions; `attachmentBytes` of sealed files, each with the length that its upload announced. A login beyond `sessions` ends the one that was unused for longest; of the others, what would be too much is `quota-exceeded`.',
  })

export type Quotas = z.infer<typeof Quotas>
export type QuotaName = keyof Quotas

/** How much of each an account may have. */
export type Allowed = Readonly<Record<QuotaName, number>>
