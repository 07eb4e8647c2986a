// The first half of choosing a password by OPAQUE. Each has a credential identifier of its own, new and random: its answer says
// nothing about any record. The client carries the identifier, sealed, to where the record is stored.
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { toBase64url } from '../encoding.ts'
import { openToken, sealToken } from '../expiring-tokens.ts'
import { Failure } from '../failure.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { OpaqueServer } from './opaque.ts'

/** Long enough for Argon2id on a slow device, and for a request that has to be repeated. */
const livesFor = minutes(10)
const idBytes = 32

interface Needs {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'opaqueRegistrations'>
}

/** What a password is chosen for: a new account with this address, or this account, which has a session. */
export type Choice = { readonly newAccount: string } | { readonly account: string }

const purposeOf = (choice: Choice): string =>
  'newAccount' in choice
    ? `opaque-registration for ${choice.newAccount}`
    : `opaque-password-change of ${choice.account}`

/** Throws `unavailable`. @returns undefined if the request is no message of OPAQUE */
export async function startRegistration(
  choice: Choice,
  request: string,
  { clock, keys, opaque, random }: Needs & { readonly opaque: OpaqueServer; readonly random: Random },
): Promise<{ response: string; registration: string } | undefined> {
  const id = random.bytes(idBytes)
  const response = await opaque.startRegistration(toBase64url(id), request)
  if (response === undefined) return undefined
  const sealing = { key: keys.opaqueRegistrations, random }
  const made = { content: id, expiresAt: clock.now() + livesFor }
  return { response, registration: sealToken(sealing, purposeOf(choice), made) }
}

/** The credential identifier of a registration that was begun for this; throws `stale-opaque-registration`. */
export function credentialIdOf(choice: Choice, registration: string, { clock, keys }: Needs): string {
  const opened = openToken(keys.opaqueRegistrations, purposeOf(choice), registration, clock.now())
  if (!opened)
    throw new Failure(
      'stale-opaque-registration',
      'The password was chosen more than ten minutes ago, or for something else. Choose it again.',
    )
  return toBase64url(opened.content)
}
