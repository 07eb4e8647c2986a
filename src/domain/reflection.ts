// What `limpet-server doctor` asks the server about the way to it, and how it shows that it may: it knows the server's secrets.
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { minutes } from '../clock.ts'
import { signToken, verifyToken } from './expiring-tokens.ts'

export const reflectionHeader = 'Limpet-Operator'

/** Clocks differ, and a token that a stranger has seen is soon worth nothing. */
const validForMs = minutes(5)

/** How a request looks from the server. */
export const Reflection = z.object({
  /** The address that is counted and logged. */
  address: z.string(),
  /** Who is connected: the last proxy, or the client itself. */
  peer: z.string(),
  /** X-Forwarded-For as it came here. */
  forwardedFor: z.string().nullable(),
})

const about = 'reflection'

/** What shows that a client has the secrets of the server. */
export const reflectionToken = (key: KeyObject, now: number): string =>
  signToken(key, about, { content: new Uint8Array(), expiresAt: now + validForMs })

/** Whether a token was made with the key, some minutes ago at most; by another clock some minutes ahead at most. */
export function isReflectionToken(key: KeyObject, token: string, now: number): boolean {
  const verified = verifyToken(key, about, token, { contentBytes: 0, now })
  return verified !== undefined && verified.expiresAt - now <= 2 * validForMs
}
