// What clients carry for the server, sealed and good for a while: nothing of it is kept here, and any process can open it.
import type { KeyObject } from 'node:crypto'
import { nonceBytes, openBytes, sealBytes } from '../aes-gcm.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { fromBase64url, toBase64url } from './encoding.ts'

const timeBytes = 8

/**
 * @param context what it is, and for whom: it opens in no other context
 * @param expiresAt milliseconds since 1970
 * @returns base64url
 */
export function sealUntil(
  { key, random }: { key: KeyObject; random: Random },
  context: string,
  expiresAt: number,
  plain: Uint8Array,
): string {
  const expiry = Buffer.alloc(timeBytes)
  expiry.writeBigUInt64BE(BigInt(expiresAt))
  return toBase64url(sealBytes(key, random.bytes(nonceBytes), context, Buffer.concat([expiry, plain])))
}

/** @returns undefined if `sealUntil` did not make it, under this key and in this context, or if it has expired */
export function openInTime(
  { key, clock }: { key: KeyObject; clock: Clock },
  context: string,
  sealed: string,
): { plain: Buffer; expiresAt: number } | undefined {
  const opened = openBytes(key, context, fromBase64url(sealed))
  if (!opened) return undefined
  const expiresAt = Number(opened.readBigUInt64BE(0))
  return clock.now() < expiresAt ? { plain: opened.subarray(timeBytes), expiresAt } : undefined
}
