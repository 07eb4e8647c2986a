// What the server has to remember between the start and the finish of an OPAQUE login. The client carries it, sealed: so any
// process can finish what another one began, and neither memory nor database holds anything of it.
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Tx } from '../../store/store.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import { openToken, sealToken } from '../expiring-tokens.ts'
import type { ServerKeys } from '../server-keys.ts'
import { useOnce } from '../single-use.ts'
import type { AccountRow } from './accounts.ts'
import type { OpaqueServer } from './opaque.ts'
import type { Subject } from './opaque-credential-ids.ts'

const about = 'opaque-handshake'
const idBytes = 16
const bindingBytes = 32
const livesFor = minutes(1)

interface Handshake {
  readonly id: Uint8Array
  /** Whose password it asks for: of no account, where `bindingOf` gives it for none. */
  readonly binding: Buffer
  /** The library's, of 128 bytes. The last 64 are a finish that would be accepted: it is as good as the password. */
  readonly state: string
}

interface StartedHandshake {
  readonly handshake: string
  readonly response: string
  /** By which a finish is found again. */
  readonly id: Uint8Array
  /** Whose password it asks for; undefined if no account's, which the client cannot tell. */
  readonly accountId: string | undefined
}

interface Needs {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'opaqueHandshakes'>
  readonly opaque: OpaqueServer
}

/** A proof that was checked. */
export interface CheckedPassword {
  readonly isRight: boolean
  /** For a proof that works once: uses it up, whether it is right or not. @returns whether it was unused */
  use?(tx: Tx): Promise<boolean>
}

/** Of an account with the record that it has now: after a password change, what was begun before fits nothing. */
const bindingOf = ({ id, authVerifier }: Pick<AccountRow, 'id' | 'authVerifier'>): Buffer =>
  createHash('sha256').update(`${id}:${authVerifier}`).digest()

/** The account's record, if its method is OPAQUE. */
const recordOf = (account: AccountRow | undefined): string | undefined =>
  account?.authMethod === 'opaque' ? account.authVerifier : undefined

const pack = ({ id, binding, state }: Handshake) => Buffer.concat([id, binding, fromBase64url(state)])

const unpack = (packed: Buffer): Handshake => ({
  id: packed.subarray(0, idBytes),
  binding: packed.subarray(idBytes, idBytes + bindingBytes),
  state: toBase64url(packed.subarray(idBytes + bindingBytes)),
})

/**
 * Begins a login for an address, in the same form and by the same work whether it has an account or not.
 * Throws `unavailable`.
 * @returns undefined if the request is no message of OPAQUE
 */
export async function startHandshake(
  { account, credentialId }: Subject,
  request: string,
  { clock, keys, opaque, random }: Needs & { readonly random: Random },
): Promise<StartedHandshake | undefined> {
  const record = recordOf(account)
  const started = await opaque.startLogin(credentialId, record, request)
  if (!started) return undefined
  const decoy = { id: random.uuid(), authVerifier: '' }
  const owner = record === undefined ? undefined : account
  const id = random.bytes(idBytes)
  const packed = pack({ id, binding: bindingOf(owner ?? decoy), state: started.state })
  const sealing = { key: keys.opaqueHandshakes, random }
  const handshake = sealToken(sealing, about, { content: packed, expiresAt: clock.now() + livesFor })
  return { handshake, response: started.response, id, accountId: owner?.id }
}

/**
 * Whether the finish proves the password of the account. Throws `unavailable`.
 * @returns `isRight`, of which nothing may be told and on which nothing may be done before `use` was committed and said that the
 *   handshake was unused: otherwise of many finishes at once more than one would count, and a wrong one could be tried again
 */
export async function finishHandshake(
  account: AccountRow | undefined,
  { handshake, finish }: { handshake: string; finish: string },
  { clock, keys, opaque }: Needs,
): Promise<CheckedPassword> {
  const opened = openToken(keys.opaqueHandshakes, about, handshake, clock.now())
  if (!opened) return { isRight: false }
  const { id, binding, state } = unpack(opened.content)
  const fits =
    account !== undefined && recordOf(account) !== undefined && timingSafeEqual(bindingOf(account), binding)
  // Used up for another account, it leaves its own account's start unfinished: a failure there.
  const { expiresAt } = opened
  const isRight = (await opaque.finishLogin(state, finish)) && fits
  return { isRight, use: (tx) => useOnce(tx, { id, expiresAt, settled: fits }) }
}
