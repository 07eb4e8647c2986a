// The keys that an SSH agent signs with: private keys of the vault, read once and kept in memory.
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import ssh2, { type ParsedKey } from 'ssh2'
import { safeLine, shortened } from '../../terminal/text.ts'
import { openSshKey, readPem } from '../openssh-key.ts'
import { mpint } from '../ssh-keys.ts'

/** A private key that signs. */
export interface SigningKey {
  /** As `AgentProtocol` lists it: with the name of its item as comment. */
  readonly listed: ParsedKey
  /** The public key, as it stands in messages (RFC 4253, section 6.6). */
  readonly blob: Buffer
  /** @returns the signature as SSH has it. @param hash that an RSA key was asked for; other types have one of their own */
  sign(data: Buffer, hash: string | undefined): Buffer
}

/** The hash of each curve (RFC 5656, section 6.2.1). */
const hashesOfCurves: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
}

/** Columns of the longest comment: `ssh-add -l` prints it in one line. */
const longestComment = 120

function signer(type: string, key: KeyObject): SigningKey['sign'] | undefined {
  if (type === 'ssh-ed25519') return (data) => sign(null, data, key)
  if (type === 'ssh-rsa')
    return (data, hash) => {
      if (hash === undefined) throw new RangeError('An RSA key signs with a hash of SHA-2')
      return sign(hash, data, key)
    }
  const ofCurve = hashesOfCurves[type]
  if (ofCurve === undefined) return undefined
  return (data) => {
    const both = sign(ofCurve, data, { key, dsaEncoding: 'ieee-p1363' })
    const half = both.length / 2
    return Buffer.concat([mpint(both.subarray(0, half)), mpint(both.subarray(half))])
  }
}

const isEncrypted = (text: string, { message }: Error) =>
  /BEGIN ENCRYPTED PRIVATE KEY/.test(text) || /no passphrase given/.test(message)

const unusable = 'It is damaged, or no key of Ed25519, ECDSA or RSA.'
const ofDsa =
  'It is a DSA key, which servers take no longer. "limpet add ssh-key NAME --generate" makes another one.'

/** The library reads no PKCS #8. */
function inKnownForm(text: string): string {
  if (!/^-----BEGIN PRIVATE KEY-----/m.test(text)) return text
  const key = readPem(text)
  return (key && openSshKey(key)?.privateKey) ?? text
}

/**
 * Reads a private key: in the form of OpenSSH, in PKCS #8, or an RSA or ECDSA key in the older PEM.
 * @param name of the item that it is in
 * @param text of its file
 * @returns the key, or a sentence that says why it cannot sign
 */
export function readSigningKey(name: string, text: string): SigningKey | string {
  try {
    const listed = ssh2.utils.parseKey(inKnownForm(text))
    if (listed instanceof Error)
      return isEncrypted(text, listed)
        ? 'It is encrypted with a passphrase. "ssh-keygen -p -f FILE" takes that off; the vault encrypts the key.'
        : unusable
    if (!listed.isPrivateKey()) return unusable
    if (listed.type === 'ssh-dss') return ofDsa
    const key = createPrivateKey(listed.getPrivatePEM())
    // A file says its public key a second time.
    if (!createPublicKey(key).equals(createPublicKey(listed.getPublicPEM()))) return unusable
    const signing = signer(listed.type, key)
    if (!signing) return unusable
    listed.comment = shortened(safeLine(name), longestComment)
    return { listed, blob: listed.getPublicSSH(), sign: signing }
  } catch {
    // What is malformed deeper inside: Node's cryptography says so, in words that could quote the key.
    return unusable
  }
}
