// What clients carry for the server, good for a while: nothing of it is kept here, and any process knows it again. Each purpose has a
// key of its own (server-keys.ts). A sealed token hides its content; a signed one shows it.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { nonceBytes, openBytes, sealBytes } from '../aes-gcm.ts'
import type { Random } from '../random.ts'
import { fromBase64url, toBase64url } from './encoding.ts'

/** What a token holds, and its end in milliseconds since 1970. */
export interface TokenContent {
  readonly content: Buffer
  readonly expiresAt: number
}

const sealedTimeBytes = 8
const signedTimeBytes = 6
const macBytes = 32

/** The bytes of a text that this file has written; undefined for another spelling of the same bytes. */
function bytesOf(token: string): Buffer | undefined {
  const bytes = Buffer.from(fromBase64url(token))
  return toBase64url(bytes) === token ? bytes : undefined
}

// nonce (12) ‖ AES-256-GCM of end (8, big endian) ‖ content
/**
 * @param about what it is, and for whom: it opens about nothing else
 * @returns base64url
 */
export function sealToken(
  { key, random }: { key: KeyObject; random: Random },
  about: string,
  { content, expiresAt }: { content: Uint8Array; expiresAt: number },
): string {
  const end = Buffer.alloc(sealedTimeBytes)
  end.writeBigUInt64BE(BigInt(expiresAt))
  return toBase64url(sealBytes(key, random.bytes(nonceBytes), about, Buffer.concat([end, content])))
}

/** @returns undefined unless `sealToken` made it under this key and about this, and it has not expired */
export function openToken(
  key: KeyObject,
  about: string,
  token: string,
  now: number,
): TokenContent | undefined {
  const sealed = bytesOf(token)
  const opened = sealed && openBytes(key, about, sealed)
  if (!opened) return undefined
  const expiresAt = Number(opened.readBigUInt64BE(0))
  return now < expiresAt ? { content: opened.subarray(sealedTimeBytes), expiresAt } : undefined
}

const sign = (key: KeyObject, head: Uint8Array, about: string) =>
  createHmac('sha256', key).update(head).update(about).digest()

/** How long a signed token is, in bytes, with so many of content. */
export const signedTokenBytes = (contentBytes: number): number => contentBytes + signedTimeBytes + macBytes

// content ‖ end (6, big endian) ‖ HMAC-SHA256 of content, end and what it is about (RFC 2104)
/**
 * @param about what it is for, and for whom: it is good for nothing else
 * @param content as long as that of every other token under this key, so that it cannot be taken for a part of `about`
 * @returns base64url
 */
export function signToken(
  key: KeyObject,
  about: string,
  { content, expiresAt }: { content: Uint8Array; expiresAt: number },
): string {
  const end = Buffer.alloc(signedTimeBytes)
  end.writeUIntBE(expiresAt, 0, signedTimeBytes)
  const head = Buffer.concat([content, end])
  return toBase64url(Buffer.concat([head, sign(key, head, about)]))
}

/** What a signed token holds, before anything of it is believed. */
export const unverifiedContent = (token: string): Buffer =>
  Buffer.from(fromBase64url(token)).subarray(0, -(signedTimeBytes + macBytes))

/**
 * @param contentBytes the length of the content
 * @returns undefined unless `signToken` made it under this key and about this, and it has not expired
 */
export function verifyToken(
  key: KeyObject,
  about: string,
  token: string,
  { contentBytes, now }: { contentBytes: number; now: number },
): TokenContent | undefined {
  const bytes = bytesOf(token)
  if (bytes?.length !== signedTokenBytes(contentBytes)) return undefined
  const head = bytes.subarray(0, -macBytes)
  if (!timingSafeEqual(bytes.subarray(-macBytes), sign(key, head, about))) return undefined
  const expiresAt = head.readUIntBE(contentBytes, signedTimeBytes)
  return now < expiresAt ? { content: head.subarray(0, contentBytes), expiresAt } : undefined
}
