// That the owner of an account of Bitwarden's apps has proved the password just now: what lets one session change one kind of second
// factor for a while. Nothing of it is kept; any process knows it again.
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Tables } from '../../store/schema.ts'
import type { Caller } from '../caller.ts'
import { openToken, sealToken } from '../expiring-tokens.ts'
import type { ServerKeys } from '../server-keys.ts'

const livesFor = minutes(30)

/** Of which kind of factor it is. */
export type FactorType = Tables['secondFactors']['$inferSelect']['type']

interface Needs {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'bitwardenProofs'>
  readonly random: Random
}

const about = ({ accountId, sessionId }: Caller, type: FactorType) =>
  `factor-grant:${accountId}:${sessionId}:${type}`

/** @returns what the client gives back with its changes, base64url */
export const grantFactorChange = (caller: Caller, type: FactorType, { clock, keys, random }: Needs): string =>
  sealToken({ key: keys.bitwardenProofs, random }, about(caller, type), {
    content: new Uint8Array(),
    expiresAt: clock.now() + livesFor,
  })

export const isFactorGrant = (
  caller: Caller,
  type: FactorType,
  given: string,
  { clock, keys }: Pick<Needs, 'clock' | 'keys'>,
): boolean => openToken(keys.bitwardenProofs, about(caller, type), given, clock.now()) !== undefined
