// Envelopes: authenticated encryption that is bound to a key and to a context (docs/protocol.md, "Envelope").

import { type AssociatedData, encodeAssociatedData } from './associated-data.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import {
  commitmentBytes,
  deriveCommittedKey,
  equalInConstantTime,
  importAesKey,
  requireKey,
  saltBytes,
  tagBytes,
} from './committed-key.ts'
import { pad, unpad } from './padding.ts'
import { platformRandom, type Random, takeRandom } from './random.ts'

// version (1) ‖ salt (32) ‖ commitment (32) ‖ body (AES-256-GCM, its tag of 16 bytes last)
const version = 0x01
const minPaddedBytes = 1
const commitmentAt = 1 + saltBytes
const bodyAt = commitmentAt + commitmentBytes
const minBytes = bodyAt + minPaddedBytes + tagBytes

// Zero, because each envelope has a key of its own, made from its salt, that encrypts this one message.
const nonce = new Uint8Array(12)
const info = 'limpet/v1/envelope'

/** An envelope or a file did not open. It does not say why, so that an attacker learns nothing from how it fails; never report it to a server. */
export class OpenError extends Error {
  override readonly name = 'OpenError'

  constructor() {
    super('What is sealed does not open with this key in this context')
  }
}

const aesGcm = (associatedData: AssociatedData) => ({
  name: 'AES-GCM',
  iv: nonce,
  additionalData: encodeAssociatedData(associatedData),
  tagLength: tagBytes * 8,
})

/**
 * Seals `plaintext` so that it opens with this key in this context only: AES-256-GCM (NIST SP 800-38D) with a key per
 * envelope and a commitment to it (docs/protocol.md, "Envelope").
 *
 * @param key 32 bytes
 * @param random for the salt; give one only to make vectors, since a salt used twice reveals what is sealed
 * @returns the envelope in base64url: at most 12 % longer than the plaintext, plus 82 bytes, before base64url
 * @throws TypeError for a key of another length, or a context that is not well-formed Unicode
 */
export async function seal(
  key: Uint8Array,
  associatedData: AssociatedData,
  plaintext: Uint8Array,
  random: Random = platformRandom,
): Promise<string> {
  requireKey(key)
  const salt = takeRandom(random, saltBytes)
  const { encryptionKey, commitment } = await deriveCommittedKey(key, salt, info)
  const aesKey = await importAesKey(encryptionKey, 'encrypt')
  const body = new Uint8Array(
    await globalThis.crypto.subtle.encrypt(aesGcm(associatedData), aesKey, pad(plaintext)),
  )
  const envelope = new Uint8Array(bodyAt + body.length)
  envelope[0] = version
  envelope.set(salt, 1)
  envelope.set(commitment, commitmentAt)
  envelope.set(body, bodyAt)
  return encodeBase64url(envelope)
}

async function openBytes(key: Uint8Array, associatedData: AssociatedData, envelope: Uint8Array<ArrayBuffer>) {
  if (envelope.length < minBytes || envelope[0] !== version) throw new OpenError()
  const { encryptionKey, commitment } = await deriveCommittedKey(
    key,
    envelope.subarray(1, commitmentAt),
    info,
  )
  // Before decryption: AES-GCM alone lets one ciphertext be made that opens under two keys (partitioning oracles).
  if (!equalInConstantTime(commitment, envelope.subarray(commitmentAt, bodyAt))) throw new OpenError()
  const aesKey = await importAesKey(encryptionKey, 'decrypt')
  const body = envelope.subarray(bodyAt)
  return unpad(new Uint8Array(await globalThis.crypto.subtle.decrypt(aesGcm(associatedData), aesKey, body)))
}

/**
 * Opens what `seal` made (docs/protocol.md, "Envelope").
 *
 * @param key 32 bytes
 * @param sealed the envelope in base64url
 * @returns the plaintext
 * @throws OpenError whatever it is that keeps the envelope from opening
 * @throws TypeError for a key of another length, or a context that is not well-formed Unicode: mistakes of the caller
 */
export async function open(
  key: Uint8Array,
  associatedData: AssociatedData,
  sealed: string,
): Promise<Uint8Array> {
  requireKey(key)
  encodeAssociatedData(associatedData)
  try {
    return await openBytes(key, associatedData, decodeBase64url(sealed))
  } catch {
    throw new OpenError()
  }
}
