// The messages of SignalR's hub protocol in MessagePack, as far as this side sends them: a ping, an invocation, a close
// (https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md).
import { encode } from '@msgpack/msgpack'
import { z } from 'zod'

/** What a value in a message may be; a date becomes a timestamp (extension -1). */
type Value = string | number | boolean | null | Date | readonly Value[] | { readonly [name: string]: Value }

/** A message behind its length: seven bits of it in each byte, the low ones first. */
function framed(message: readonly Value[]): Uint8Array {
  const body = encode(message)
  const length: number[] = []
  let rest = body.length
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return Buffer.concat([Uint8Array.from(length), body])
}

/** Calls a function of the client, which does not answer. */
export const invocation = (target: string, argument: Value): Uint8Array =>
  framed([1, {}, null, target, [argument]])

/** Says that the other side is alive. */
export const ping: Uint8Array = framed([6])

/** Says that the connection ends. @param mayReconnect whether the client is to come back */
export const close = (mayReconnect: boolean): Uint8Array => framed([7, null, mayReconnect])

/** The end of a message of the handshake, which is text. */
const separator = 0x1e

const answered = (answer: object) =>
  Buffer.concat([Buffer.from(JSON.stringify(answer)), Uint8Array.of(separator)])

/** The answers to a handshake. */
export const handshakeAnswer = {
  agreed: answered({}),
  refused: answered({ error: 'Only the protocol "messagepack" in version 1 is spoken here.' }),
} as const

const Handshake = z.object({ protocol: z.literal('messagepack'), version: z.literal(1) })

/** Whether a client's first message asks for the protocol that is spoken here. */
export function agrees(message: Buffer): boolean {
  const end = message.indexOf(separator)
  if (end < 0) return false
  try {
    return Handshake.safeParse(JSON.parse(message.toString('utf8', 0, end))).success
  } catch {
    return false
  }
}
