// OPAQUE against published vectors: the exchange of a login, the choice of a password, and RFC 9807's own.
import { readFileSync } from 'node:fs'
import { client as library, server as librarysServer, ready } from '@serenity-kit/opaque'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { wrapKeyOf } from '../../src/protocol/keys.ts'
import { opaqueCosts } from '../../src/protocol/opaque.ts'
import { normalizePassword } from '../../src/protocol/password.ts'
import { expand } from '../support/opaque.ts'

// The vectors have the real costs.
vi.unmock('@serenity-kit/opaque')

const { memoryKiB: memory, iterations, parallelism } = opaqueCosts
const keyStretching = { 'argon2id-custom': { memory, iterations, parallelism } }

const Exchange = z.object({
  password: z.string(),
  blind: z.string(),
  clientSecret: z.string(),
  clientNonce: z.string(),
  request: z.string(),
  response: z.string(),
})

const vectors = z
  .object({
    accepted: z
      .array(
        Exchange.extend({ name: z.string(), finish: z.string(), exportKey: z.string(), wrapKey: z.string() }),
      )
      .min(2),
    refused: z.array(Exchange.extend({ why: z.string() })).min(5),
  })
  .parse(JSON.parse(readFileSync(new URL('../vectors/opaque.json', import.meta.url), 'utf8')))

/** What comes of an answer, with the client's random values as given. */
async function finish({
  password,
  blind,
  clientSecret,
  clientNonce,
  request,
  response,
}: z.infer<typeof Exchange>) {
  await ready
  const state = [blind, Buffer.from(request, 'base64url').toString('hex'), clientSecret, clientNonce].join('')
  return library.finishLogin({
    password: normalizePassword(password),
    clientLoginState: Buffer.from(state, 'hex').toString('base64url'),
    loginResponse: response,
    keyStretching,
  })
}

describe('the exchange of OPAQUE as published', () => {
  it.each(vectors.accepted)('$name', async (vector) => {
    const finished = await finish(vector)
    const exportKey = Buffer.from(finished?.exportKey ?? '', 'base64url')
    expect(finished?.finishLoginRequest).toBe(vector.finish)
    expect(exportKey.toString('hex')).toBe(vector.exportKey)
    expect(Buffer.from(await wrapKeyOf(exportKey)).toString('hex')).toBe(vector.wrapKey)
  })

  it.each(vectors.refused)('has no finish for $why', async (vector) => {
    expect(await finish(vector)).toBeUndefined()
  })
})

const Choice = z.object({
  password: z.string(),
  blind: z.string(),
  request: z.string(),
  response: z.string(),
})

const choices = z
  .object({
    accepted: z
      .array(
        Choice.extend({
          name: z.string(),
          oprfSeed: z.string(),
          serverPrivateKey: z.string(),
          serverPublicKey: z.string(),
          credentialIdentifier: z.string(),
          record: z.string(),
          exportKey: z.string(),
          wrapKey: z.string(),
        }),
      )
      .min(2),
    refused: z.array(Choice.extend({ why: z.string() })).min(4),
  })
  .parse(JSON.parse(readFileSync(new URL('../vectors/opaque-registration.json', import.meta.url), 'utf8')))

const toBase64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')

/** @param keys in hex; what a setup has beyond them, a key of nobody, vectors do not come to */
const setupOf = (keys: { oprfSeed: string; serverPrivateKey: string; serverPublicKey: string }) =>
  toBase64url(keys.oprfSeed + keys.serverPrivateKey + keys.serverPublicKey)

/** What the client makes of the answer to a choice, with its blinding as given. */
async function finishChoice({ password, blind, request, response }: z.infer<typeof Choice>) {
  await ready
  const state = Buffer.concat([Buffer.from(blind, 'hex'), Buffer.from(request, 'base64url')])
  return library.finishRegistration({
    password: normalizePassword(password),
    clientRegistrationState: state.toString('base64url'),
    registrationResponse: response,
    keyStretching,
  })
}

// The vectors come from an implementation of its own (test/vectors/opaque.py). The library chooses the envelope's nonce itself, so
// that the rest of a record is compared by logging in with it.
describe('the choice of a password by OPAQUE as published', () => {
  it.each(choices.accepted)('$name', async (vector) => {
    await ready
    const { request, response, record, credentialIdentifier: userIdentifier } = vector
    const password = normalizePassword(vector.password)
    const serverSetup = setupOf(vector)
    const { registrationResponse } = librarysServer.createRegistrationResponse({
      serverSetup,
      userIdentifier,
      registrationRequest: request,
    })
    expect(registrationResponse).toBe(response)
    const maskingKeyOf = (text: string) => Buffer.from(text, 'base64url').toString('hex', 32, 96)
    const { registrationRecord } = await finishChoice(vector)
    expect(maskingKeyOf(registrationRecord)).toBe(maskingKeyOf(record))

    const { clientLoginState, startLoginRequest } = library.startLogin({ password })
    const { loginResponse } = librarysServer.startLogin({
      serverSetup,
      userIdentifier,
      registrationRecord: record,
      startLoginRequest,
    })
    const finished = library.finishLogin({ password, clientLoginState, loginResponse, keyStretching })
    const exportKey = Buffer.from(finished?.exportKey ?? '', 'base64url')
    expect(exportKey.toString('hex')).toBe(vector.exportKey)
    expect(Buffer.from(await wrapKeyOf(exportKey)).toString('hex')).toBe(vector.wrapKey)
  })

  it.each(choices.refused)('refuses $why', async (vector) => {
    await expect(finishChoice(vector)).rejects.toThrow()
  })
})

const fromRfc = z
  .object({
    accepted: z
      .array(
        z.object({
          name: z.string(),
          oprfSeed: z.string(),
          serverPrivateKey: z.string(),
          serverPublicKey: z.string(),
          credentialIdentifier: z.string(),
          registrationRequest: z.string(),
          registrationResponse: z.string(),
          record: z.string(),
          ke1: z.string(),
          evaluated: z.string(),
        }),
      )
      .min(2),
  })
  .parse(JSON.parse(readFileSync(new URL('../vectors/opaque-rfc9807.json', import.meta.url), 'utf8')))

const toHex = (base64url: string) => Buffer.from(base64url, 'base64url').toString('hex')

// The library takes no random values, knows no stretching but Argon2id, and no context: of the RFC's vectors it lets in what the
// server makes of given messages alone. Everything a client makes, and both proofs of the key exchange, cannot be checked.
describe('the vectors of RFC 9807, as far as the library lets them in', () => {
  it.each(fromRfc.accepted)(
    '$name: the server\u2019s key and its answer to a registration',
    async (vector) => {
      await ready
      const serverSetup = setupOf(vector)
      expect(toHex(librarysServer.getPublicKey(serverSetup))).toBe(vector.serverPublicKey)
      const { registrationResponse } = librarysServer.createRegistrationResponse({
        serverSetup,
        userIdentifier: vector.credentialIdentifier,
        registrationRequest: toBase64url(vector.registrationRequest),
      })
      expect(toHex(registrationResponse)).toBe(vector.registrationResponse)
    },
  )

  it.each(fromRfc.accepted)(
    '$name: the evaluation and the record in its answer to a login',
    async (vector) => {
      await ready
      const { loginResponse } = librarysServer.startLogin({
        serverSetup: setupOf(vector),
        userIdentifier: vector.credentialIdentifier,
        registrationRecord: toBase64url(vector.record),
        startLoginRequest: toBase64url(vector.ke1),
      })
      const ke2 = Buffer.from(loginResponse, 'base64url')
      expect(ke2.subarray(0, 32).toString('hex')).toBe(vector.evaluated)
      // Section 6.3.2.2: the rest of the answer is masked by a key of the record and a nonce that stands before it.
      const record = Buffer.from(vector.record, 'hex')
      const [maskingKey, envelope] = [record.subarray(32, 96), record.subarray(96)]
      const info = Buffer.concat([ke2.subarray(32, 64), Buffer.from('CredentialResponsePad')])
      const pad = expand(maskingKey, info, 128)
      const unmasked = ke2.subarray(64, 192).map((byte, at) => byte ^ pad.readUInt8(at))
      expect(Buffer.from(unmasked).toString('hex')).toBe(vector.serverPublicKey + envelope.toString('hex'))
    },
  )
})
