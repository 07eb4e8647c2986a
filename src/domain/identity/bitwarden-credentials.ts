// Changes of what opens an account of Bitwarden's apps: its password, the costs of its KDF, its address (which is the salt), its security stamp. Each
// ends sessions: apps that see another stamp log out, and nothing that a session began under the old password goes on.
import { and, eq, ne } from 'drizzle-orm'
import type { Random } from '../../random.ts'
import type { Tx } from '../../store/store.ts'
import { noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import { Failure } from '../failure.ts'
import type { MailSettings } from '../mail/settings.ts'
import { mailRequestKey } from '../rate-limits/keys.ts'
import { cancelDeletion } from './account-deletion.ts'
import { type AccountRow, emailTaken, type Verifier } from './accounts.ts'
import {
  type BitwardenKdf,
  type BitwardenRow,
  bitwardenParts,
  noteBitwardenChange,
  requireStrongBitwardenKdf,
  setBitwardenColumns,
} from './bitwarden-accounts.ts'
import { noCodeForNow, type OwnerProofNeeds, wrongCode } from './bitwarden-proofs.ts'
import type { AppCaller } from './bitwarden-settings.ts'
import { moveToAddress } from './email-changes.ts'
import { checkCode, endCodes, mailCode } from './mailed-codes.ts'
import { type ChoiceNeeds, verifierOf, wrongPassword } from './passwords.ts'
import { deleteProved, holdProved, replacePassword, setHint } from './proved-accounts.ts'
import { forgetRememberedDevices } from './remembered-devices.ts'
import { endOtherSessions, endOwnSessions } from './sessions.ts'

export type CredentialCaller = AppCaller & SessionCaller

/** What changes need. The password, or a code, was proved before: `verified` is the account as it was then. */
export interface CredentialNeeds extends OwnerProofNeeds, ChoiceNeeds {
  readonly config: MailSettings
  readonly keys: OwnerProofNeeds['keys'] & ChoiceNeeds['keys']
  readonly random: Random
}

/** A password as it is chosen, and the user key wrapped under it. */
export interface NewCredentials {
  readonly clientHash: Uint8Array
  readonly kdf: BitwardenKdf
  readonly userKey: string
}

/** What an account keeps to check a password of these apps against. Slow: not inside `write`. */
export async function bitwardenVerifier(
  { accountId }: AppCaller,
  { clientHash }: Pick<NewCredentials, 'clientHash'>,
  needs: CredentialNeeds,
): Promise<Verifier> {
  const verifier = await verifierOf({ clientHash }, { account: accountId }, needs)
  if (!verifier) throw new Error('the hash of a password is always a verifier')
  return verifier
}

/**
 * Gives the account its new password and a new stamp, and ends what was begun with the old ones: codes, remembered devices, logins
 * that wait for another device. The row of `bitwarden_accounts` is held. Throws `invalid-credentials` if the password is another one than was proved.
 */
export async function replaceCredentials(
  tx: Tx,
  caller: CredentialCaller,
  {
    verified,
    verifier,
    credentials,
    own = {},
  }: {
    readonly verified: AccountRow
    readonly verifier: Verifier
    readonly credentials: NewCredentials
    /** Further columns that change with it. */
    readonly own?: Partial<Omit<BitwardenRow, 'accountId' | 'revisionAt'>>
  },
  needs: CredentialNeeds,
): Promise<void> {
  const { kdf, userKey } = credentials
  await setBitwardenColumns(tx, caller, { ...own, userKey, kdfKind: kdf.kind })
  if (!(await replacePassword(tx, verified, { ...verifier, ...bitwardenParts(caller.accountId, kdf) })))
    throw wrongPassword()
  await endBegun(tx, caller, needs)
}

/** Makes a new stamp, and ends everything that is under way. */
async function endBegun(tx: Tx, caller: CredentialCaller, needs: CredentialNeeds): Promise<void> {
  const { db, tables } = tx
  const { accountId, address } = caller
  await setBitwardenColumns(tx, caller, { securityStamp: needs.random.uuid() })
  await endCodes(tx, caller)
  await forgetRememberedDevices(tx, caller)
  await db.delete(tables.authRequests).where(eq(tables.authRequests.accountId, accountId))
  await cancelDeletion(tx, accountId, { now: needs.clock.now(), address }, needs)
}

/** Changes the password, with the hint where one is given, and ends the API key and all other sessions. */
export async function changeBitwardenPassword(
  caller: CredentialCaller,
  verified: AccountRow,
  { hint, ...credentials }: NewCredentials & { readonly hint?: string | null | undefined },
  needs: CredentialNeeds,
): Promise<void> {
  const { clock, store } = needs
  const verifier = await bitwardenVerifier(caller, credentials, needs)
  await store.write(async (tx) => {
    const now = clock.now()
    await noteBitwardenChange(tx, caller, { now, what: 'log-out' })
    if (hint !== undefined) await setHint(tx, verified, hint)
    const own = { sealedApiKey: null }
    await replaceCredentials(tx, caller, { verified, verifier, credentials, own }, needs)
    await noteChange(tx, caller, 'password-changed', needs)
    await endOtherSessions(tx, caller, now, 'password-change')
  })
}

/** Changes how keys are derived from the password, and ends all other sessions. Throws `kdf-too-weak`. */
export async function changeBitwardenKdf(
  caller: CredentialCaller,
  verified: AccountRow,
  credentials: NewCredentials,
  needs: CredentialNeeds,
): Promise<void> {
  const { clock, store } = needs
  requireStrongBitwardenKdf(credentials.kdf)
  const verifier = await bitwardenVerifier(caller, credentials, needs)
  await store.write(async (tx) => {
    const now = clock.now()
    await noteBitwardenChange(tx, caller, { now, what: 'log-out', reason: 'kdf-changed' })
    await replaceCredentials(tx, caller, { verified, verifier, credentials }, needs)
    await noteChange(tx, caller, 'key-derivation-changed', needs)
    await endOtherSessions(tx, caller, now, 'password-change')
  })
}

const subjectOf = ({ accountId }: AppCaller, email: string) => ({
  accountId,
  purpose: 'new-address' as const,
  detail: email,
})

/**
 * Has a code mailed to the address that the account is to have, whether it is taken or not: only its mailbox learns which. Throws `email-off` and
 * `too-many-requests`.
 * @param email in its normalized form
 */
export async function requestAddressCode(
  caller: CredentialCaller,
  verified: AccountRow,
  email: string,
  needs: CredentialNeeds,
): Promise<void> {
  const { config, limiter, store } = needs
  if (!config.smtp)
    throw new Failure('email-off', 'This server sends no e-mail, so that an address cannot be confirmed.')
  await limiter.count('mailAbout', mailRequestKey({ address: caller.address, email }))
  const isMailed = await store.write(async (tx) => {
    if (!(await holdProved(tx, verified))) throw wrongPassword()
    if (!(await mailCode(tx, subjectOf(caller, email), needs, { email }))) return false
    await noteChange(tx, caller, 'email-change-started', needs)
    return true
  })
  if (!isMailed) throw noCodeForNow()
}

/**
 * Gives the account its new address, with the password and the user key for the salt that it is, and ends all sessions. The old address is told. Throws
 * `invalid-credentials` for a wrong code, and `email-taken`.
 */
export async function changeBitwardenEmail(
  caller: CredentialCaller,
  verified: AccountRow,
  { email, code, ...credentials }: NewCredentials & { readonly email: string; readonly code: string },
  needs: CredentialNeeds,
): Promise<void> {
  const { accountId } = caller
  const { clock, failedLogins, keys, opaque, store } = needs
  const given = { code, isLast: false }
  const isRight = await store.write((tx) =>
    checkCode(tx, subjectOf(caller, email), given, { keys, now: clock.now() }),
  )
  if (!isRight) {
    failedLogins.noteProof(caller, clock.now())
    throw wrongCode()
  }
  const verifier = await bitwardenVerifier(caller, credentials, needs)
  await store.write(async (tx) => {
    const now = clock.now()
    await noteBitwardenChange(tx, caller, { now, what: 'log-out' })
    await replaceCredentials(tx, caller, { verified, verifier, credentials }, needs)
    // Before the address changes, so that the old one is told.
    await noteChange(tx, caller, 'email-changed', needs)
    if (!(await moveToAddress(tx, { accountId, email }, { isConfirmed: true, opaque }))) throw emailTaken()
    await endOwnSessions(tx, caller, now)
  })
}

/** Ends all sessions, the API key, and what is known of other devices. */
export async function endAllAccess(
  caller: CredentialCaller,
  verified: AccountRow,
  needs: CredentialNeeds,
): Promise<void> {
  const { accountId, deviceIdentifier } = caller
  const { clock, store } = needs
  await store.write(async (tx) => {
    const now = clock.now()
    await noteBitwardenChange(tx, caller, { now, what: 'log-out' })
    if (!(await holdProved(tx, verified))) throw wrongPassword()
    await setBitwardenColumns(tx, caller, { sealedApiKey: null })
    await endBegun(tx, caller, needs)
    // The caller's own device stays known: were there none, no later device would be looked at.
    const { devices } = tx.tables
    await tx.db
      .delete(devices)
      .where(and(eq(devices.accountId, accountId), ne(devices.identifier, deviceIdentifier)))
    await endOwnSessions(tx, caller, now)
  })
}

/** Deletes the account with everything in it, at once and for good. Throws `invalid-credentials`. */
export async function deleteBitwardenAccount(
  caller: CredentialCaller,
  verified: AccountRow,
  { clock, store }: Pick<CredentialNeeds, 'clock' | 'store'>,
): Promise<void> {
  await store.write(async (tx) => {
    await noteBitwardenChange(tx, caller, { now: clock.now(), what: 'log-out' })
    if (!(await deleteProved(tx, verified))) throw wrongPassword()
  })
}
