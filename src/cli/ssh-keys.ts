// What the file of an SSH key says of itself.
import { CliError } from '../terminal/exit-codes.ts'

const magic = Buffer.from('openssh-key-v1\0')

/** A string with its length in front (RFC 4251, section 5). */
export function sshString(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}

/** A positive number with its length in front (`mpint` of RFC 4251, section 5). */
export function mpint(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first === -1 ? Buffer.of() : bytes.subarray(first)
  // A number that begins with this bit would be negative.
  return (digits[0] ?? 0) & 0x80 ? sshString(Buffer.of(0), digits) : sshString(digits)
}

/** Takes strings with their lengths in front, as in RFC 4251, section 5. They throw a RangeError where the bytes end too early. */
export function stringReader(bytes: Buffer, start: number) {
  let at = start
  return {
    string(): Buffer {
      const length = bytes.readUInt32BE(at)
      const end = at + 4 + length
      if (end > bytes.length) throw new RangeError('The key ends too early')
      const text = bytes.subarray(at + 4, end)
      at = end
      return text
    },
    skip(count: number) {
      at += count
    },
  }
}

/**
 * The public key of a private key in the form of OpenSSH (PROTOCOL.key), in which it stands in clear, whether the private key is encrypted
 * or not.
 * @param text the text of the file
 * @returns one line, as in `authorized_keys`; undefined for another form, such as PEM
 * @throws CliError for what is no private key
 */
export function publicKeyOf(text: string): string | undefined {
  const [, label, body] =
    /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\s([\s\S]*)-----END [A-Z ]*PRIVATE KEY-----\s*$/.exec(
      text.trim(),
    ) ?? []
  if (body === undefined)
    throw new CliError(
      'usage',
      'That is not the text of a private key: it begins with "-----BEGIN … PRIVATE KEY-----". "limpet add ssh-key NAME < FILE" takes a file.',
    )
  if (label !== 'OPENSSH ') return undefined
  try {
    const bytes = Buffer.from(body, 'base64')
    if (!bytes.subarray(0, magic.length).equals(magic)) throw new RangeError('Another form')
    const reader = stringReader(bytes, magic.length)
    // The cipher, the function that derives its key, and the options of that.
    for (let skipped = 0; skipped < 3; skipped++) reader.string()
    // How many keys there are: always one.
    reader.skip(4)
    const blob = reader.string()
    const type = stringReader(blob, 0).string().toString('ascii')
    if (!/^[\w@.-]{1,64}$/.test(type)) throw new RangeError('Another form')
    return `${type} ${blob.toString('base64')}`
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CliError('usage', 'The private key is damaged or not whole. Nothing was written.')
  }
}
