// Who may register, as REGISTRATION says.
import type { Clock } from '../../clock.ts'
import type { Store, Tx } from '../../store/store.ts'
import { Failure } from '../failure.ts'
import { hashSecret } from '../secret-hash.ts'
import { findAdmitting, findInviteOf, noteInvited, takeInvite } from './invites.ts'

/** Who may register: REGISTRATION. */
export interface AdmissionSettings {
  readonly registration: 'open' | 'invite' | 'closed'
}

/** What a registration has to use up; undefined for nothing. */
export type Admission = { readonly codeHash: Uint8Array; readonly inviteId: string } | undefined

/** The same for every invite that cannot be used: a stranger who tries codes learns nothing about those that there are. */
const invalidInvite = () =>
  new Failure(
    'invalid-invite',
    'This invite cannot be used: it is unknown, used, expired, or for another e-mail address. Ask the operator of this server.',
  )

/** Refuses everybody where there are no new accounts; throws `registration-closed`. */
export function requireNotClosed({ registration }: AdmissionSettings): void {
  if (registration === 'closed')
    throw new Failure('registration-closed', 'This server does not take new accounts.')
}

const inviteRequired = () =>
  new Failure('invite-required', 'This server takes new accounts with an invite from its operator.')

/**
 * Refuses a registration that is not admitted, before anything slow is done for it and before it shows whether an address is taken.
 * Throws `registration-closed`, `invite-required` and `invalid-invite`.
 */
export async function requireAdmission(
  { email, invite }: { email: string; invite?: string | undefined },
  { clock, config, store }: { clock: Clock; config: AdmissionSettings; store: Store },
): Promise<Admission> {
  if (config.registration === 'open') return undefined
  requireNotClosed(config)
  if (invite === undefined) throw inviteRequired()
  const codeHash = hashSecret(invite)
  const now = clock.now()
  const inviteId = await store.read((reader) => findAdmitting(reader, { codeHash, email, now }))
  if (inviteId === undefined) throw invalidInvite()
  return { codeHash, inviteId }
}

/**
 * The invite for an address whose owner has no code to show: Bitwarden's apps have no place for one. It admits only a registration that
 * waits until the address is confirmed.
 * @returns undefined if the address has none, which nobody is told
 */
export async function admissionOfAddress(
  email: string,
  { clock, store }: { clock: Clock; store: Store },
): Promise<Admission> {
  const now = clock.now()
  const invite = await store.read((reader) => findInviteOf(reader, { email, now }))
  return invite && { codeHash: invite.codeHash, inviteId: invite.id }
}

/**
 * Makes an account by `create` and uses up the invite for it. The invite is taken first, so that of two who register with it
 * at once the second finds it used; a `create` that throws gives it back, with the rest of the transaction.
 */
export async function spendInvite(
  tx: Tx,
  admission: Admission,
  { accountId, email, now }: { accountId: string; email: string; now: number },
  create: () => Promise<void>,
): Promise<void> {
  if (!admission) return create()
  const invite = await takeInvite(tx, { ...admission, email, now })
  if (invite === undefined) throw invalidInvite()
  await create()
  await noteInvited(tx, invite, accountId)
}

/**
 * Whether a registration that waits for its confirmation may still become an account: REGISTRATION may have changed meanwhile. Throws
 * `registration-closed` and `invite-required`.
 */
export function requireStillAdmitted(
  { inviteId }: { inviteId: string | null },
  config: AdmissionSettings,
): void {
  requireNotClosed(config)
  if (config.registration === 'invite' && inviteId === null) throw inviteRequired()
}
