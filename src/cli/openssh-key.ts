// SSH keys in the form of OpenSSH (its PROTOCOL.key): keys that are made here, and keys that came in another form.
import { createPrivateKey, generateKeyPair, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { mpint, sshString } from './ssh-keys.ts'

interface OpenSshKey {
  /** The text of a file that OpenSSH reads. */
  readonly privateKey: string
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string
}

/** The types of keys that can be made. */
export const keyTypes = ['ed25519', 'rsa'] as const
export type KeyType = (typeof keyTypes)[number]

/** The names of curves there (RFC 5656, section 10.1). */
const curves: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
}

const bytesOf = (text = '') => Buffer.from(text, 'base64url')
const numbers = (...texts: (string | undefined)[]) => texts.map((text) => mpint(bytesOf(text)))

/** The type of a key with its public and its private half, as both stand in the file. @returns undefined for other types */
function halvesOf({ kty, crv = '', n, e, d, p, q, qi, x, y }: JsonWebKey) {
  if (kty === 'RSA') return { type: 'ssh-rsa', open: numbers(e, n), secret: numbers(n, e, d, qi, p, q) }
  if (kty === 'OKP' && crv === 'Ed25519') {
    const open = sshString(bytesOf(x))
    return { type: 'ssh-ed25519', open: [open], secret: [open, sshString(bytesOf(d), bytesOf(x))] }
  }
  const curve = curves[crv]
  if (kty !== 'EC' || curve === undefined) return undefined
  const open = [sshString(Buffer.from(curve)), sshString(Buffer.of(4), bytesOf(x), bytesOf(y))]
  return { type: `ecdsa-sha2-${curve}`, open, secret: [...open, ...numbers(d)] }
}

/**
 * A private key in the form of OpenSSH, without a passphrase.
 * @returns undefined for a type that SSH does not have, or no longer takes, such as DSA
 */
export function openSshKey(key: KeyObject): OpenSshKey | undefined {
  if (key.asymmetricKeyType === 'dsa') return undefined
  const halves = halvesOf(key.export({ format: 'jwk' }))
  if (!halves) return undefined
  const type = sshString(Buffer.from(halves.type))
  const blob = Buffer.concat([type, ...halves.open])
  // The same number twice, which tells a wrong passphrase where there is one.
  const check = randomBytes(4)
  const secret = Buffer.concat([check, check, type, ...halves.secret, sshString()])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, at) => at + 1))
  const none = sshString(Buffer.from('none'))
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[none, none, sshString(), Buffer.of(0, 0, 0, 1), sshString(blob), sshString(secret, padding)],
  ])
  const lines = whole.toString('base64').replace(/.{1,70}/g, '$&\n')
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `${halves.type} ${blob.toString('base64')}`,
  }
}

const newKeyPair = promisify(generateKeyPair)

/** A new key: Ed25519, or RSA of 4096 bits for servers that are older than that. */
export async function newOpenSshKey(type: KeyType): Promise<OpenSshKey> {
  const { privateKey } =
    type === 'rsa' ? await newKeyPair('rsa', { modulusLength: 4096 }) : await newKeyPair('ed25519')
  const key = openSshKey(privateKey)
  if (!key) throw new Error('A new key is of an unknown type')
  return key
}

/** Whether a private key is in another form of PEM than that of OpenSSH, and has a passphrase (RFC 7468, section 11; RFC 1421). */
export const isEncryptedPem = (text: string) =>
  /^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text) || /^Proc-Type: 4,ENCRYPTED/m.test(text)

/**
 * Reads a private key in PEM: PKCS #8, also encrypted, or the older forms of RSA and ECDSA.
 * @returns undefined for what is none, or where the passphrase is wrong
 */
export function readPem(text: string, passphrase?: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: text, format: 'pem', ...(passphrase !== undefined && { passphrase }) })
  } catch {
    // In words that could quote the key.
    return undefined
  }
}
