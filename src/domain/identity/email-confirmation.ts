// What the link of a confirmation does: it makes the account of a registration, confirms the address of an account, or changes it.
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import { noteEvent } from '../audit/audit-log.ts'
import { idInLink, isLinkFor, type LinkPurpose, toChangeEmail, toConfirm } from '../mail/links.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { ServerKeys } from '../server-keys.ts'
import { findAccountById } from './accounts.ts'
import { confirmAddress } from './addresses.ts'
import { type AdmissionSettings, requireStillAdmitted } from './admission.ts'
import { findEmailChange, moveToAddress } from './email-changes.ts'
import type { OpaqueServer } from './opaque.ts'
import { confirmRegistration, findPendingRegistration } from './pending-registrations.ts'

/** Gives an account its new address, and has the old one told. @returns whether the address was still free */
async function finishChange(
  tx: Tx,
  change: { accountId: string; email: string },
  { now, mailId, address, opaque }: { now: number; mailId: string; address: string; opaque: OpaqueServer },
): Promise<boolean | Unchanged<boolean>> {
  const before = await moveToAddress(tx, change, { isConfirmed: true, opaque })
  if (!before) return new Unchanged(false)
  const { id, email, emailVerified } = before
  await noteEvent(tx, id, { type: 'email-changed', at: now, device: null, address })
  const notice = { id: mailId, accountId: id, kind: 'account-changed', detail: 'email-changed', now } as const
  // An address that was never confirmed may be a stranger's.
  if (emailVerified) await enqueueMail(tx, { ...notice, email })
  return true
}

/**
 * Does what the link is for; a second time changes nothing. Throws `registration-closed`, `invite-required`, `invalid-invite` and
 * `id-taken`.
 * @param token of the form that the contract says
 * @param address where the request came from, for the owner's security log
 * @returns whether it is a link that works now
 */
export async function confirmBy(
  token: string,
  address: string,
  {
    clock,
    config,
    keys,
    opaque,
    random,
    store,
  }: {
    clock: Clock
    config: AdmissionSettings
    keys: Pick<ServerKeys, 'emailConfirmations'>
    opaque: OpaqueServer
    random: Random
    store: Store
  },
): Promise<boolean> {
  const now = clock.now()
  const id = idInLink(token)
  const isFor = (purpose: LinkPurpose) => isLinkFor(keys.emailConfirmations, token, purpose, now)
  const { account, registration, change } = await store.read(async (reader) => ({
    account: await findAccountById(reader, id),
    registration: await findPendingRegistration(reader, id, now),
    change: await findEmailChange(reader, id, now),
  }))
  if (account && isFor(toConfirm(account))) {
    if (!account.emailVerified) await store.write((tx) => confirmAddress(tx, account))
    return true
  }
  if (registration && isFor(toConfirm({ id, email: registration.email }))) {
    requireStillAdmitted(registration, config)
    return store.write((tx) => confirmRegistration(tx, registration, { now, epoch: random.uuid() }))
  }
  if (account && isFor(toChangeEmail(account))) return true
  if (account && change && isFor(toChangeEmail({ id, email: change.email })))
    return store.write((tx) => finishChange(tx, change, { now, mailId: random.uuid(), address, opaque }))
  return false
}
