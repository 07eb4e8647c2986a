// The cryptography of Bitwarden's format, version 1, for tests: what is encrypted here, the real programs decrypt, and the other way round.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  generateKeyPairSync,
  hkdfSync,
  pbkdf2,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import { argon2id } from 'hash-wasm'

/** 64 bytes: 32 for AES-256-CBC, 32 for HMAC-SHA-256. */
export type SymmetricKey = Buffer

export type ClientKdf =
  | { readonly kdfType: 0; readonly iterations: number; readonly memory: null; readonly parallelism: null }
  /** @property memory in MiB */
  | {
      readonly kdfType: 1
      readonly iterations: number
      readonly memory: number
      readonly parallelism: number
    }

/** What every client sets for a new account. */
export const usualKdf: ClientKdf = { kdfType: 0, iterations: 600_000, memory: null, parallelism: null }

export const newSymmetricKey = (): SymmetricKey => randomBytes(64)

/** @param salt the e-mail, trimmed and in lower case */
async function masterKeyOf(password: string, salt: string, kdf: ClientKdf): Promise<Buffer> {
  if (kdf.kdfType === 0) return promisify(pbkdf2)(password, salt, kdf.iterations, 32, 'sha256')
  const hash = await argon2id({
    password,
    salt: createHash('sha256').update(salt).digest(),
    iterations: kdf.iterations,
    memorySize: kdf.memory * 1024,
    parallelism: kdf.parallelism,
    hashLength: 32,
    outputType: 'binary',
  })
  return Buffer.from(hash)
}

/** HKDF-SHA-256 without its first step (RFC 5869, section 2.3), for 32 bytes. */
const expand = (key: Buffer, info: string) => createHmac('sha256', key).update(info).update('\x01').digest()

export interface PasswordSecrets {
  /** What the server gets in place of the password: 32 bytes as base64. */
  readonly hash: string
  /** Under which the user key is wrapped. */
  readonly wrappingKey: SymmetricKey
}

/** What is made of the master password. */
export async function secretsOf(password: string, email: string, kdf: ClientKdf): Promise<PasswordSecrets> {
  const masterKey = await masterKeyOf(password, email.trim().toLowerCase(), kdf)
  const hash = await promisify(pbkdf2)(masterKey, password, 1, 32, 'sha256')
  return {
    hash: hash.toString('base64'),
    wrappingKey: Buffer.concat([expand(masterKey, 'enc'), expand(masterKey, 'mac')]),
  }
}

function seal(key: SymmetricKey, content: string | Uint8Array) {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', key.subarray(0, 32), iv)
  const text = Buffer.concat([cipher.update(content), cipher.final()])
  return { iv, text, mac: createHmac('sha256', key.subarray(32)).update(iv).update(text).digest() }
}

/** @throws if the key is another one, or a byte was changed */
function unseal(
  key: SymmetricKey,
  { iv, text, mac }: Readonly<Record<'iv' | 'text' | 'mac', Uint8Array>>,
): Buffer {
  const expected = createHmac('sha256', key.subarray(32)).update(iv).update(text).digest()
  if (mac.length !== 32 || !timingSafeEqual(mac, expected)) throw new Error('Invalid MAC')
  const decipher = createDecipheriv('aes-256-cbc', key.subarray(0, 32), iv)
  return Buffer.concat([decipher.update(text), decipher.final()])
}

/** @returns an EncString of type 2 */
export function encrypt(key: SymmetricKey, content: string | Uint8Array): string {
  const { iv, text, mac } = seal(key, content)
  return `2.${[iv, text, mac].map((part) => part.toString('base64')).join('|')}`
}

const type2 = /^2\.([^|]+)\|([^|]+)\|([^|]+)$/

/** @throws if it is no EncString of type 2, or of another key */
export function decrypt(key: SymmetricKey, sealed: string): Buffer {
  const [, iv, text, mac] = type2.exec(sealed) ?? []
  if (iv === undefined || text === undefined || mac === undefined)
    throw new Error(`This is no EncString of type 2: ${sealed}`)
  const bytes = (part: string) => Buffer.from(part, 'base64')
  return unseal(key, { iv: bytes(iv), text: bytes(text), mac: bytes(mac) })
}

/** The form that files have: the byte 2, the IV, the MAC, the ciphertext. */
export function encryptFile(key: SymmetricKey, content: Uint8Array): Buffer {
  const { iv, text, mac } = seal(key, content)
  return Buffer.concat([Buffer.of(2), iv, mac, text])
}

/** @throws if it has another form or key */
export function decryptFile(key: SymmetricKey, sealed: Buffer): Buffer {
  if (sealed[0] !== 2) throw new Error('This is no encrypted file')
  return unseal(key, { iv: sealed.subarray(1, 17), mac: sealed.subarray(17, 49), text: sealed.subarray(49) })
}

/** The key of a Send. @param secret the 16 bytes of its link */
export const sendKeyOf = (secret: Uint8Array): SymmetricKey =>
  Buffer.from(hkdfSync('sha256', secret, 'bitwarden-send', 'send', 64))

export interface RsaPair {
  /** SPKI, as base64. */
  readonly publicKey: string
  /** PKCS #8. */
  readonly privateKey: Buffer
}

let pair: RsaPair | undefined

/** A pair of RSA-2048: the same one for all accounts of a process, because making one takes a while. */
export function rsaPair(): RsaPair {
  if (pair) return pair
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  pair = {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }),
  }
  return pair
}
