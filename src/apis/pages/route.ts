// `route` for pages, and what all of their declarations have in common.
import type { OpenApi } from '../../http/openapi.ts'
import { type Callers, routeFor } from '../../http/route.ts'

/** What pages are made from. */
export interface PageServices {
  /** Who may make one-time shares. */
  readonly shares: 'public' | 'accounts' | 'off'
  /** Whether Bitwarden's apps are served. */
  readonly bitwarden: boolean
  /** Makes the contract. */
  readonly document: () => OpenApi
}

export const route = routeFor<PageServices, Callers, never>(['public'])

/** Everybody may look, as often as they like. */
export const forEverybody = { method: 'get', auth: 'public', limit: 'none' } as const
