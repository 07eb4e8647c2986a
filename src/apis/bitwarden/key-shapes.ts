// The key pair of an account as requests bring it. Only what every client understands is taken: RSA, with nothing signed.
import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import { tooLong } from '../../contract/primitives.ts'
import { encStringOf } from './enc-string.ts'
import { caseless } from './wire.ts'

function isRsa2048(text: string): boolean {
  const der = Buffer.from(text, 'base64')
  if (der.toString('base64') !== text) return false
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === 2048
  } catch {
    return false
  }
}

/** RSA-2048, as SPKI (RFC 5280, section 4.1) in base64. */
export const PublicKey = z
  .string()
  .max(1024, tooLong())
  .refine(isRsa2048, 'Expected an RSA key of 2,048 bits, as SPKI in base64')

/** PKCS#8 of an RSA-2048 key, wrapped by the user key. */
export const WrappedPrivateKey = encStringOf(1190, 1230)

/** A key pair in the way of older clients. */
export const KeyPair = caseless({ publicKey: PublicKey, encryptedPrivateKey: WrappedPrivateKey })

/** Keys that are signed, and a security state: the newer format, which no client makes unless the server asks for it. */
const refused = z.null('This server takes keys of version 1 alone').optional()

/** A key pair in the way of newer clients. */
export const AccountKeysRequest = caseless({
  userKeyEncryptedAccountPrivateKey: WrappedPrivateKey,
  accountPublicKey: PublicKey,
  signatureKeyPair: refused,
  securityState: refused,
}).transform(({ accountPublicKey, userKeyEncryptedAccountPrivateKey }) => ({
  publicKey: accountPublicKey,
  encryptedPrivateKey: userKeyEncryptedAccountPrivateKey,
}))
