// Registration: an account with its first vault, at once or after its address was confirmed.

import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import { mailRequestKey } from '../rate-limits/keys.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import { decideOnAddresses } from './addresses.ts'
import {
  type Admission,
  type AdmissionSettings,
  admissionOfAddress,
  requireAdmission,
  spendInvite,
} from './admission.ts'
import { createRegistered } from './bitwarden-accounts.ts'
import { requireStrongKdf } from './kdf.ts'
import { type ChoiceNeeds, type NewPassword, verifierOf } from './passwords.ts'
import { addPendingRegistration, type NewRegistration } from './pending-registrations.ts'

export interface RegistrationNeeds extends ChoiceNeeds {
  readonly clock: Clock
  readonly config: AdmissionSettings &
    MailSettings & {
      /** Whether an account exists only once its address is confirmed: EMAIL_VERIFICATION. */
      readonly emailVerification: 'off' | 'required'
    }
  readonly limiter: Pick<RateLimiter, 'count'>
  readonly random: Random
  readonly store: Store
}

export interface RegistrationRequest
  extends Omit<NewRegistration, 'authMethod' | 'authVerifier' | 'credentialId'> {
  readonly password: NewPassword
  /** Counts only where registration is by invite. */
  readonly invite?: string | undefined
  /** Where the request came from. */
  readonly address: string
}

export type RegistrationOutcome =
  /** `createdAt` is in milliseconds since 1970. */
  | { readonly kind: 'registered'; readonly createdAt: number }
  /** The record is none that OPAQUE could log in with. */
  | { readonly kind: 'not-a-record' }

/** Makes the account at once, where addresses need no confirmation. Throws `email-taken`, `id-taken` and `invalid-invite`. */
async function registerAtOnce(
  registration: NewRegistration,
  admission: Admission,
  now: number,
  { config, random, store }: RegistrationNeeds,
): Promise<void> {
  const { accountId, email } = registration
  const stamp = { now, epoch: random.uuid() }
  await store.write(async (tx) => {
    await decideOnAddresses(tx)
    await spendInvite(tx, admission, { accountId, email, now }, () =>
      createRegistered(tx, { ...registration, emailVerified: false }, stamp),
    )
    if (config.smtp) await enqueueMail(tx, { id: random.uuid(), accountId, kind: 'confirm', now })
  })
}

/** Keeps the registration until its address is confirmed, whether it has an account or not. Throws `id-taken`. */
async function registerOnConfirmation(
  registration: NewRegistration,
  admission: Admission,
  now: number,
  { random, store }: RegistrationNeeds,
): Promise<void> {
  const registrationId = registration.accountId
  await store.write(async (tx) => {
    await addPendingRegistration(tx, registration, { now, inviteId: admission?.inviteId ?? null })
    await enqueueMail(tx, { id: random.uuid(), registrationId, kind: 'confirm', now })
  })
}

/**
 * Registers an account. Where addresses have to be confirmed it exists once the link of the mail was opened, and the outcome is the same
 * for an address that has an account. Where registration is by invite, one of Bitwarden's apps shows none: the address has to have one,
 * and to be confirmed. Throws `registration-closed`, `invite-required`, `invalid-invite`, `kdf-too-weak`,
 * `stale-opaque-registration`, `email-taken`, `id-taken` and `too-many-requests`.
 */
export async function register(
  { password, invite, address, ...asked }: RegistrationRequest,
  needs: RegistrationNeeds,
): Promise<RegistrationOutcome> {
  const { clock, config, limiter } = needs
  const { email } = asked
  const isByAddress =
    asked.bitwarden !== undefined &&
    invite === undefined &&
    config.registration === 'invite' &&
    config.smtp !== undefined
  const admission = isByAddress
    ? await admissionOfAddress(email, needs)
    : await requireAdmission({ email, invite }, needs)
  if (!asked.bitwarden) requireStrongKdf(asked.kdf)
  const isConfirmedFirst = isByAddress || config.emailVerification === 'required'
  // Each one is mail to the address, and one asker must not use up what it is sent.
  if (isConfirmedFirst) await limiter.count('mailAbout', mailRequestKey({ address, email }))
  const verifier = await verifierOf(password, { newAccount: email }, needs)
  if (!verifier) return { kind: 'not-a-record' }
  const createdAt = clock.now()
  // Strangers must not learn whom the operator has invited: the answer is the same, and no mail comes.
  if (isByAddress && !admission) return { kind: 'registered', createdAt }
  const write = isConfirmedFirst ? registerOnConfirmation : registerAtOnce
  await write({ ...asked, ...verifier }, admission, createdAt, needs)
  return { kind: 'registered', createdAt }
}
