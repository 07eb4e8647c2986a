// The tokens of links in mails: each says which account or registration and until when, and is signed together with what it is for.
import type { KeyObject } from 'node:crypto'
import { hours } from '../../clock.ts'
import { uuidFromBytes, uuidToBytes } from '../encoding.ts'
import { signToken, unverifiedContent, verifyToken } from '../expiring-tokens.ts'

/** How long a link of a mail works, from the moment in which the mail is sent. */
export const linkValidForMs = hours(24)

const idBytes = 16

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

/** Lets one of Bitwarden's apps register an account with this id and address. */
export const toSignUp = ({ id, email }: { id: string; email: string }): LinkPurpose => ({
  id,
  about: purpose('sign-up', email),
})

/** @param expiresAt milliseconds since 1970 */
export const linkToken = (key: KeyObject, { id, about }: LinkPurpose, expiresAt: number): string =>
  signToken(key, about, { content: uuidToBytes(id), expiresAt })

/** The account or registration that a token is about, before anything of it is believed. */
export const idInLink = (token: string): string => uuidFromBytes(unverifiedContent(token))

/** Whether a token, which the contract has checked for its form, is good for this now. */
export function isLinkFor(key: KeyObject, token: string, { id, about }: LinkPurpose, now: number): boolean {
  const verified = verifyToken(key, about, token, { contentBytes: idBytes, now })
  return verified?.content.equals(uuidToBytes(id)) ?? false
}
