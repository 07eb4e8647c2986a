// Counts on the database that several processes share, under keys that name nobody.
import { createHmac } from 'node:crypto'
import type { Store } from '../../store/store.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { SharedCounts } from './counters.ts'

/** Undefined for an engine that one process has for itself. */
export const sharedCounts = ({
  keys,
  store,
}: {
  keys: Pick<ServerKeys, 'rateLimits'>
  store: Pick<Store, 'counts'>
}): SharedCounts | undefined =>
  store.counts && {
    ...store.counts,
    disguise: (key) => createHmac('sha256', keys.rateLimits).update(key).digest('base64url'),
  }
