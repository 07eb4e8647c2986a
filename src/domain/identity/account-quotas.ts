// The quotas of an account: what it has and may have of everything that it can pile up.
import type { Allowed, Quotas } from '../../contract/quotas.ts'
import type { Reader } from '../../store/store.ts'
import { countVaults } from '../vaults/vaults.ts'
import type { AccountRow } from './accounts.ts'
import { countTokens } from './personal-tokens.ts'
import { countFactors } from './second-factors.ts'
import { countSessions } from './sessions.ts'

export async function quotasOf(
  reader: Reader,
  { id, storedItems, deletedItems, storedBytes, storedAttachmentBytes }: AccountRow,
  { allowed, now }: { allowed: Allowed; now: number },
): Promise<Quotas> {
  return {
    vaults: { used: await countVaults(reader, id), allowed: allowed.vaults },
    items: { used: storedItems, allowed: allowed.items },
    deletedItems: { used: deletedItems, allowed: allowed.deletedItems },
    bytes: { used: storedBytes, allowed: allowed.bytes },
    attachmentBytes: { used: storedAttachmentBytes, allowed: allowed.attachmentBytes },
    tokens: { used: await countTokens(reader, id, now), allowed: allowed.tokens },
    sessions: { used: await countSessions(reader, id, now), allowed: allowed.sessions },
    secondFactors: { used: await countFactors(reader, { accountId: id }), allowed: allowed.secondFactors },
  }
}
