// Second factors without the SDK: adding an app, and an authenticator made of a key pair.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import { z } from 'zod'
import { SecondFactorConfirmed, TotpStarted, WebauthnStarted } from '../../src/contract/second-factors.ts'
import { post } from './opaque.ts'
import { bodyOf, type Server } from './requests.ts'

/** What an app shows at a time. */
export const codeAt = (secret: string, timestamp: number): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp })

/** Who adds a factor: a session, and the proof that the routes want. */
interface Owner {
  readonly token: string
  readonly authKey: string
}

const path = 'account/second-factors'

export async function startTotp(server: Server, { token, authKey }: Owner) {
  return bodyOf(TotpStarted, await post(server, `${path}/totp`, { authKey }, token))
}

/** Adds an app. @returns its secret, its id, and the recovery codes if these are new */
export async function addTotp(server: Server, owner: Owner, now: number) {
  const { id, secret } = await startTotp(server, owner)
  const answer = await post(server, `${path}/totp/${id}/confirm`, { code: codeAt(secret, now) }, owner.token)
  return { id, secret, recoveryCodes: bodyOf(SecondFactorConfirmed, answer).recoveryCodes ?? [] }
}

const Options = z.object({ challenge: z.string() })

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest()

/** CBOR (RFC 8949) of the few kinds that an authenticator's answer is made of. */
function cbor(value: number | string | Uint8Array | Map<number | string, unknown>): Buffer {
  const head = (major: number, length: number) =>
    length < 24
      ? Buffer.from([(major << 5) | length])
      : length < 256
        ? Buffer.from([(major << 5) | 24, length])
        : Buffer.from([(major << 5) | 25, length >> 8, length & 255])
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  const parts = [...value].flatMap(([key, item]) => [
    cbor(key),
    cbor(z.custom<Parameters<typeof cbor>[0]>().parse(item)),
  ])
  return Buffer.concat([head(5, value.size), ...parts])
}

/** A security key in software: ES256, a counter, presence and nothing more (WebAuthn level 3, section 6.1). */
export class SoftwareAuthenticator {
  readonly #key: KeyObject
  readonly #publicKey: Buffer
  readonly id: Buffer
  readonly #origin: string
  counter = 1

  constructor(server: Server) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    this.#key = privateKey
    this.#publicKey = cbor(
      new Map<number, unknown>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ]),
    )
    this.id = sha256(x).subarray(0, 16)
    this.#origin = server.url
  }

  #clientData(type: string, challenge: string, origin: string) {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
  }

  /** Presence, and the credential's own data where it is new. */
  #data(attested: Uint8Array) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(this.counter)
    const flags = attested.length > 0 ? 0x41 : 0x01
    return Buffer.concat([sha256(new URL(this.#origin).hostname), Buffer.from([flags]), counter, attested])
  }

  #credential(response: object) {
    const id = this.id.toString('base64url')
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response }
  }

  create(options: unknown, origin = this.#origin) {
    const { challenge } = Options.parse(options)
    const attested = Buffer.concat([
      Buffer.alloc(16),
      Buffer.from([0, this.id.length]),
      this.id,
      this.#publicKey,
    ])
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', this.#data(attested)],
    ])
    return this.#credential({
      clientDataJSON: this.#clientData('webauthn.create', challenge, origin).toString('base64url'),
      attestationObject: cbor(attestation).toString('base64url'),
      transports: ['usb'],
    })
  }

  get(options: unknown, origin = this.#origin) {
    const { challenge } = Options.parse(options)
    this.counter += 1
    const clientData = this.#clientData('webauthn.get', challenge, origin)
    const data = this.#data(Buffer.alloc(0))
    return this.#credential({
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: sign('sha256', Buffer.concat([data, sha256(clientData)]), this.#key).toString('base64url'),
    })
  }
}

export async function startWebauthn(server: Server, { token, authKey }: Owner) {
  return bodyOf(WebauthnStarted, await post(server, `${path}/webauthn`, { authKey }, token))
}

/** Adds a security key. @param publicServer what the server says that it is reached under */
export async function addAuthenticator(server: Server, owner: Owner, publicServer: Server) {
  const authenticator = new SoftwareAuthenticator(publicServer)
  const { id, options } = await startWebauthn(server, owner)
  const body = { name: 'Blue key', response: authenticator.create(options) }
  const answer = await post(server, `${path}/webauthn/${id}/confirm`, body, owner.token)
  return { id, authenticator, recoveryCodes: bodyOf(SecondFactorConfirmed, answer).recoveryCodes }
}
