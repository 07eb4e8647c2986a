// The tokens of links in mails: each says which account or registration and until when, and is signed together with what it is for.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { hours } from '../../clock.ts'
import { linkTokenBytes } from '../../contract/email.ts'
import { fromBase64url, toBase64url, uuidFromBytes, uuidToBytes } from '../encoding.ts'

/** How long a link of a mail works, from the moment in which the mail is sent. */
export const linkValidForMs = hours(24)

const idBytes = 16
const expiryBytes = 6

/** What a link is for, about one account or registration. A link for one purpose is none for another. */
export interface LinkPurpose {
  /** A UUID. */
  readonly id: string
  readonly about: string
}

/** No control character is in an address: what stands behind one cannot be part of it. */
const purpose = (name: string, ...parts: (string | number)[]) => [name, ...parts].join('\0')

/** Confirms the address of a registration, or of an account. */
export const toConfirm = ({ id, email }: { id: string; email: string }): LinkPurpose => ({ id, about: email })

/** Confirms the address that an account is to have from then on. */
export const toChangeEmail = ({ id, email }: { id: string; email: string }): LinkPurpose => ({
  id,
  about: purpose('change', email),
})

/** Has an account deleted. The next login of the owner ends the link. */
export const toDelete = (account: {
  id: string
  email: string
  lastLoginAt: number | null
}): LinkPurpose => ({ id: account.id, about: purpose('delete', account.email, account.lastLoginAt ?? 0) })

/** Keeps an account that is to be deleted at this time. */
export const toKeep = (account: { id: string; email: string; dueAt: number }): LinkPurpose => ({
  id: account.id,
  about: purpose('keep', account.email, account.dueAt),
})

function sign(key: KeyObject, about: string, claims: Uint8Array): Buffer {
  return createHmac('sha256', key).update(claims).update(about).digest()
}

/** @param expiresAt milliseconds since 1970 */
export function linkToken(key: KeyObject, { id, about }: LinkPurpose, expiresAt: number): string {
  const claims = Buffer.alloc(idBytes + expiryBytes)
  uuidToBytes(id).copy(claims)
  claims.writeUIntBE(expiresAt, idBytes, expiryBytes)
  return toBase64url(Buffer.concat([claims, sign(key, about, claims)]))
}

/** The account or registration that a token is about, before anything of it is believed. */
export function idInLink(token: string): string {
  return uuidFromBytes(fromBase64url(token).subarray(0, idBytes))
}

/** Whether a token, which the contract has checked for its form, is good for this now. */
export function isLinkFor(key: KeyObject, token: string, { id, about }: LinkPurpose, now: number): boolean {
  const bytes = Buffer.from(fromBase64url(token))
  if (bytes.length !== linkTokenBytes) return false
  const claims = bytes.subarray(0, idBytes + expiryBytes)
  const isSigned = timingSafeEqual(bytes.subarray(claims.length), sign(key, about, claims))
  const isAbout = claims.subarray(0, idBytes).equals(uuidToBytes(id))
  return isSigned && isAbout && now < claims.readUIntBE(idBytes, expiryBytes)
}
