// What `limpet-server doctor` asks the server about the way to it, and how it shows that it may: it knows the server's secrets.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { minutes } from '../clock.ts'

export const reflectionHeader = 'Limpet-Operator'

/** Clocks differ, and a token that somebody has seen is soon worth nothing. */
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

const sign = (key: KeyObject, time: string) => createHmac('sha256', key).update(time).digest()

/** What shows that a client has the secrets of the server. */
export const reflectionToken = (key: KeyObject, now: number): string =>
  `${now}.${sign(key, String(now)).toString('base64url')}`

/** Whether a token was made with the key, some minutes ago at most. */
export function isReflectionToken(key: KeyObject, token: string, now: number): boolean {
  const [, time = '', signature = ''] = /^(\d{1,15})\.([\w-]{43})$/.exec(token) ?? []
  const given = Buffer.from(signature, 'base64url')
  const isSigned = given.length === 32 && timingSafeEqual(given, sign(key, time))
  return isSigned && Math.abs(now - Number(time)) <= validForMs
}
