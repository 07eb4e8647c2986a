// Counts on the database that several processes share, under keys that name nobody.
import { createHmac } from 'node:crypto'
import type { Services } from '../../apis/limpet/route.ts'
import type { SharedCounts } from './counters.ts'

/** Undefined for an engine that one process has for itself. */
export const sharedCounts = ({ keys, store }: Pick<Services, 'keys' | 'store'>): SharedCounts | undefined =>
  store.counts && {
    ...store.counts,
    disguise: (key) => createHmac('sha256', keys.rateLimits).update(key).digest('base64url'),
  }
