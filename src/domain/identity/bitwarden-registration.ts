// Registration with one of Bitwarden's apps. The app asks for a token first, and brings it with everything that the account is made of.
// The token has the account's id in it, so that a registration whose answer was lost can be sent once more.
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { idInLink, isLinkFor, linkToken, linkValidForMs, toSignUp } from '../mail/links.ts'
import type { ServerKeys } from '../server-keys.ts'
import { type AdmissionSettings, requireNotClosed } from './admission.ts'
import {
  type BitwardenData,
  type BitwardenKdf,
  bitwardenParts,
  requireStrongBitwardenKdf,
} from './bitwarden-accounts.ts'
import { type RegistrationNeeds, register } from './registration.ts'

interface TokenNeeds {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'emailConfirmations'>
}

/**
 * Begins a registration, whether the address has an account or not. Throws `registration-closed`.
 * @param email in its normalized form
 * @returns the token that the registration has to bring
 */
export function beginSignUp(
  email: string,
  { clock, config, keys, random }: TokenNeeds & { config: AdmissionSettings; random: Random },
): string {
  requireNotClosed(config)
  return linkToken(
    keys.emailConfirmations,
    toSignUp({ id: random.uuid(), email }),
    clock.now() + linkValidForMs,
  )
}

/**
 * @param token of the form of links
 * @returns the id of the account that it is to become; undefined if the token is not for this address, or too old
 */
export function accountIdOfSignUp(
  token: string,
  email: string,
  { clock, keys }: TokenNeeds,
): string | undefined {
  const id = idInLink(token)
  return isLinkFor(keys.emailConfirmations, token, toSignUp({ id, email }), clock.now()) ? id : undefined
}

export interface BitwardenRegistration extends Omit<BitwardenData, 'kdfKind' | 'securityStamp'> {
  readonly accountId: string
  /** In its normalized form. */
  readonly email: string
  readonly hint: string | null
  readonly clientHash: Uint8Array
  readonly kdf: BitwardenKdf
  /** The code of an invite, if the registration came with one. */
  readonly invite: string | undefined
  /** Where the request came from. */
  readonly address: string
}

/** Registers an account of Bitwarden's apps, as `register` says. Throws what that throws. */
export async function registerWithApp(
  registration: BitwardenRegistration,
  needs: RegistrationNeeds,
): Promise<void> {
  const { accountId, email, hint, clientHash, kdf, invite, address, ...data } = registration
  requireStrongBitwardenKdf(kdf)
  const securityStamp = needs.random.uuid()
  await register(
    {
      ...bitwardenParts(accountId, kdf),
      email,
      hint,
      password: { clientHash },
      bitwarden: { ...data, kdfKind: kdf.kind, securityStamp },
      invite,
      address,
    },
    needs,
  )
}
