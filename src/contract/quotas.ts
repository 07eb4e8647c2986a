// Wire shapes of quotas: what one account has, and may have.
import * as z from 'zod'

const Quota = z.object({ used: z.int(), allowed: z.int() })

export const Quotas = z
  .object({
    vaults: Quota,
    items: Quota.meta({ description: 'In the trash or not' }),
    deletedItems: Quota.meta({
      description:
        'Items that were deleted for good, of which an id stays for sync until their vault is deleted',
    }),
    bytes: Quota.meta({
      description: 'Vaults, items in the trash or not, and replaced versions, as ciphertext',
    }),
    tokens: Quota,
    sessions: Quota.meta({ description: 'A login beyond it ends the session that was unused for longest' }),
    secondFactors: Quota,
  })
  .meta({ id: 'Quotas' })

export type Quotas = z.infer<typeof Quotas>
export type QuotaName = keyof Quotas

/** How much of each an account may have. */
export type Allowed = Readonly<Record<QuotaName, number>>
