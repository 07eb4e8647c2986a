// Wire shapes of OPAQUE (RFC 9807, docs/protocol.md, "OPAQUE"): the messages of both sides, each of one length.
import * as z from 'zod'
import { base64urlOf, Email } from './primitives.ts'

/** Lengths in bytes, with ristretto255, SHA-512 and three Diffie-Hellman exchanges. */
const messageBytes = {
  registrationRequest: 32,
  registrationResponse: 64,
  record: 192,
  loginRequest: 96,
  loginResponse: 320,
  finish: 64,
} as const

/** What the server seals into a handshake; always of the same length, for every address. */
export const handshakeBytes = 212
/** What it seals into a registration. */
export const registrationBytes = 68

export const OpaqueRecord = base64urlOf(messageBytes.record).meta({
  description: 'What the server keeps in place of a password (RFC 9807: RegistrationRecord)',
})
export const OpaqueRegistration = base64urlOf(registrationBytes).meta({
  description:
    'Opaque: give back what came with `response`. It is good for ten minutes, and for what it was begun for',
})
export const OpaqueHandshake = base64urlOf(handshakeBytes).meta({
  description: 'Opaque: give back what POST /opaque/login gave. It works once, for a minute',
})
export const OpaqueFinish = base64urlOf(messageBytes.finish).meta({
  description: "The client's last message (RFC 9807: KE3)",
})

const RegistrationRequest = base64urlOf(messageBytes.registrationRequest).meta({
  description: 'RFC 9807: RegistrationRequest',
})

export const StartOpaqueRegistration = z
  .strictObject({ email: Email, request: RegistrationRequest })
  .meta({ id: 'StartOpaqueRegistration' })

export const StartOpaquePasswordChange = z
  .strictObject({ request: RegistrationRequest })
  .meta({ id: 'StartOpaquePasswordChange' })

export const OpaqueRegistrationStarted = z
  .object({
    response: base64urlOf(messageBytes.registrationResponse).meta({
      description: 'RFC 9807: RegistrationResponse',
    }),
    registration: OpaqueRegistration,
  })
  .meta({ id: 'OpaqueRegistrationStarted' })

export const StartOpaqueLogin = z
  .strictObject({
    email: Email,
    request: base64urlOf(messageBytes.loginRequest).meta({ description: 'RFC 9807: KE1' }),
  })
  .meta({ id: 'StartOpaqueLogin' })

export const OpaqueLoginStarted = z
  .object({
    handshake: OpaqueHandshake,
    response: base64urlOf(messageBytes.loginResponse).meta({ description: 'RFC 9807: KE2' }),
  })
  .meta({ id: 'OpaqueLoginStarted' })
