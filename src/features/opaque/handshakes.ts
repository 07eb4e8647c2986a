// What the server has to remember between the start and the finish of an OPAQUE login. The client carries it, sealed: so any
// process can finish what another one began, and neither memory nor database holds anything of it.
import { createHash, type KeyObject, timingSafeEqual } from 'node:crypto'
import { nonceBytes, openBytes, sealBytes } from '../../aes-gcm.ts'
import { minutes } from '../../clock.ts'
import type { AccountRow } from '../accounts/repository.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import type { Services } from '../route.ts'
import { useOnce } from '../single-use.ts'

const context = 'opaque-handshake'
const idBytes = 16
const timeBytes = 8
const bindingBytes = 32
/** The library's state. Its last 64 bytes are a finish that would be accepted: it is as good as the password. */
const stateBytes = 128

const livesFor = minutes(1)

interface Handshake {
  readonly id: Uint8Array
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** Whose password it asks for: of no account, where `bindingOf` gives it for none. */
  readonly binding: Buffer
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

type Needs = Pick<Services, 'clock' | 'keys' | 'opaque' | 'random' | 'store'>

/** Of an account with the record that it has now: after a password change, what was begun before fits nothing. */
const bindingOf = ({ id, authVerifier }: Pick<AccountRow, 'id' | 'authVerifier'>): Buffer =>
  createHash('sha256').update(`${id}:${authVerifier}`).digest()

/** The account's record, if its method is OPAQUE. */
const recordOf = (account: AccountRow | undefined): string | undefined =>
  account?.authMethod === 'opaque' ? account.authVerifier : undefined

function sealHandshake(key: KeyObject, nonce: Uint8Array, handshake: Handshake): string {
  const expiry = Buffer.alloc(timeBytes)
  expiry.writeBigUInt64BE(BigInt(handshake.expiresAt))
  const parts = [handshake.id, expiry, handshake.binding, fromBase64url(handshake.state)]
  return toBase64url(sealBytes(key, nonce, context, Buffer.concat(parts)))
}

/** What a handshake holds, or undefined where this server (under its present JWT_SECRET) did not make it. */
function openHandshake(key: KeyObject, handshake: string): Handshake | undefined {
  const opened = openBytes(key, context, fromBase64url(handshake))
  if (!opened) return undefined
  const [afterId, afterTime] = [idBytes, idBytes + timeBytes]
  const afterBinding = afterTime + bindingBytes
  return {
    id: opened.subarray(0, afterId),
    expiresAt: Number(opened.readBigUInt64BE(afterId)),
    binding: opened.subarray(afterTime, afterBinding),
    state: toBase64url(opened.subarray(afterBinding, afterBinding + stateBytes)),
  }
}

/**
 * Begins a login of whoever has the address, of nobody as well, in the same form and by the same work.
 * @returns undefined where the request is no message of OPAQUE
 */
export function startHandshake(
  email: string,
  account: AccountRow | undefined,
  request: string,
  { clock, keys, opaque, random }: Needs,
): StartedHandshake | undefined {
  const record = recordOf(account)
  const started = opaque.startLogin(email, record, request)
  if (!started) return undefined
  const nobody = { id: random.uuid(), authVerifier: '' }
  const owner = record === undefined ? undefined : account
  const id = random.bytes(idBytes)
  const handshake = sealHandshake(keys.opaqueHandshakes, random.bytes(nonceBytes), {
    id,
    expiresAt: clock.now() + livesFor,
    binding: bindingOf(owner ?? nobody),
    state: started.state,
  })
  return { handshake, response: started.response, id, accountId: owner?.id }
}

/**
 * Whether the finish proves the password of the account. The handshake is used up, durably, before the finish is looked at:
 * otherwise of many finishes at once more than one would count, and a wrong one could be tried again.
 */
export async function finishHandshake(
  account: AccountRow | undefined,
  { handshake, finish }: { handshake: string; finish: string },
  { clock, keys, opaque, store }: Needs,
): Promise<boolean> {
  const opened = openHandshake(keys.opaqueHandshakes, handshake)
  if (!opened || clock.now() >= opened.expiresAt) return false
  const fits =
    account !== undefined &&
    recordOf(account) !== undefined &&
    timingSafeEqual(bindingOf(account), opened.binding)
  // Used up for another account, it leaves its own account's start unfinished: a failure there.
  const { id, expiresAt } = opened
  if (!(await store.write((tx) => useOnce(tx, { id, expiresAt, settled: fits })))) return false
  return opaque.finishLogin(opened.state, finish) && fits
}
