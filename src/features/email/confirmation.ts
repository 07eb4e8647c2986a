// The token of a confirmation link: it says which account and until when, and is signed together with the address.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { hours } from '../../clock.ts'
import { confirmationBytes } from '../../contract/email.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'

const validForMs = hours(24)
const idBytes = 16
const expiryBytes = 6

interface Addressee {
  /** A UUID. */
  readonly id: string
  readonly email: string
}

const uuidBytes = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex')

function sign(key: KeyObject, email: string, claims: Uint8Array): Buffer {
  return createHmac('sha256', key).update(claims).update(email).digest()
}

export function confirmationToken(key: KeyObject, { id, email }: Addressee, now: number): string {
  const claims = Buffer.alloc(idBytes + expiryBytes)
  uuidBytes(id).copy(claims)
  claims.writeUIntBE(now + validForMs, idBytes, expiryBytes)
  return toBase64url(Buffer.concat([claims, sign(key, email, claims)]))
}

/** The account that a token is about, before anything of it is believed. */
export function accountIdIn(token: string): string {
  const hex = Buffer.from(fromBase64url(token)).toString('hex', 0, idBytes)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Whether a token, which the contract has checked for its form, confirms this address of this account now. */
export function confirms(key: KeyObject, token: string, { id, email }: Addressee, now: number): boolean {
  const bytes = Buffer.from(fromBase64url(token))
  if (bytes.length !== confirmationBytes) return false
  const claims = bytes.subarray(0, idBytes + expiryBytes)
  const isSigned = timingSafeEqual(bytes.subarray(claims.length), sign(key, email, claims))
  const isAbout = claims.subarray(0, idBytes).equals(uuidBytes(id))
  return isSigned && isAbout && now < claims.readUIntBE(idBytes, expiryBytes)
}
