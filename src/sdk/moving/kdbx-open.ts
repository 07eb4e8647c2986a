// Opens databases of KDBX 3 and 4 (keepass.info/help/kb/kdbx.html). The library can do that in one call, but unpacks whatever comes out.
// Here its parts are called one by one, and what is unpacked has a bound.
import type * as Kdbxweb from 'kdbxweb'
import { gunzipped, LargeGzipError } from './gzip.ts'
import { ImportError } from './incoming.ts'
import type { KdbxLibrary as Library } from './kdbx-argon2.ts'

/** What opening may cost: far above what KeePass chooses for one second, below what would hold up this machine. */
const bounds = { rounds: 200_000_000, memoryKiB: 1024 * 1024, passes: 1000, lanes: 64 } as const

const mebibyte = 1024 * 1024
/** Of everything that is unpacked. A database of 100,000 entries has some 200 MiB. */
const mostUnpacked = 512 * mebibyte
/** Beginnings and ends of elements: the same database has 9 million. Each element takes some 600 bytes of memory. */
const mostTags = 10_000_000

const damaged = () =>
  new ImportError(
    'malformed',
    'The database is cut off or damaged. Open it in KeePass or KeePassXC, save it again, and import that.',
  )

const tooLarge = () =>
  new ImportError(
    'too-large',
    'More comes out of the database than this program takes from one file: over 512 MiB, or millions of entries. Take large files out of it in KeePass or KeePassXC, save it, and import it again.',
  )

/** Looks at what opening would cost, before it is begun. Throws ImportError `too-large`. */
function requireBearable({ Int64 }: Library, { kdfParameters, keyEncryptionRounds = 0 }: Kdbxweb.KdbxHeader) {
  const number = (name: string) => {
    const value = kdfParameters?.get(name)
    if (value instanceof Int64) return value.hi > 0x1fffff ? Number.POSITIVE_INFINITY : value.value
    return typeof value === 'number' ? value : 0
  }
  const isBearable =
    Math.max(keyEncryptionRounds, number('R')) <= bounds.rounds &&
    number('M') / 1024 <= bounds.memoryKiB &&
    number('I') <= bounds.passes &&
    number('P') <= bounds.lanes &&
    (number('M') / 1024) * number('I') <= bounds.memoryKiB * 16
  if (isBearable) return
  throw new ImportError(
    'too-large',
    'Opening the database would take more memory or time than this program spends on a file. Choose less in the encryption settings of the database in KeePass or KeePassXC (1 second is enough), save it, and import it again.',
  )
}

/** The library's errors as sentences. */
function explained({ Consts, KdbxError }: Library, error: unknown): unknown {
  if (error instanceof LargeGzipError) return tooLarge()
  if (error instanceof RangeError || error instanceof TypeError) return damaged()
  if (!(error instanceof KdbxError)) return error
  const { InvalidKey, InvalidVersion, Unsupported } = Consts.ErrorCodes
  if (error.code === InvalidKey)
    return new ImportError(
      'wrong-password',
      'The password or the key file of the database is wrong. If it has a key file, --key-file names it.',
    )
  if (error.code === InvalidVersion || error.code === Unsupported)
    return new ImportError(
      'unsupported',
      'The database is of a version or has an encryption that is not known here. Save it as KDBX 4 with AES or ChaCha20, and import that.',
    )
  return damaged()
}

/** A value that every database has. Throws ImportError `malformed` if it is missing. */
function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw damaged()
  return value
}

function joined(...parts: readonly ArrayBufferLike[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(new Uint8Array(part), at)
    at += part.byteLength
  }
  return whole.buffer
}

class Opening {
  readonly #library: Library
  readonly #kdbx: Kdbxweb.Kdbx
  readonly #context: Kdbxweb.KdbxContext
  readonly #stream: Kdbxweb.BinaryStream
  #unpacked = 0

  /** Reads the header. */
  constructor(library: Library, data: ArrayBuffer) {
    const { BinaryStream, Kdbx, KdbxContext, KdbxHeader } = library
    this.#library = library
    this.#kdbx = new Kdbx()
    this.#context = new KdbxContext({ kdbx: this.#kdbx })
    this.#stream = new BinaryStream(data)
    this.#kdbx.header = KdbxHeader.read(this.#stream, this.#context)
    requireBearable(library, this.#kdbx.header)
  }

  async open(credentials: Kdbxweb.KdbxCredentials): Promise<Kdbxweb.Kdbx> {
    this.#kdbx.credentials = credentials
    await credentials.ready
    return this.#kdbx.header.versionMajor === 3 ? this.#open3() : this.#open4()
  }

  /** The first bytes, of which a hash or a code is kept inside. */
  #header(): ArrayBuffer {
    return this.#stream.readBytesNoAdvance(0, required(this.#kdbx.header.endPos))
  }

  async #open3(): Promise<Kdbxweb.Kdbx> {
    const { ByteUtils, CryptoEngine, HashedBlockTransform, KdbxError, Consts, KeyEncryptorAes } =
      this.#library
    const { header, credentials } = this.#kdbx
    const derived = await KeyEncryptorAes.encrypt(
      new Uint8Array(await credentials.getHash()),
      required(header.transformSeed),
      required(header.keyEncryptionRounds),
    )
    const hash = await CryptoEngine.sha256(joined(derived.buffer))
    const key = await CryptoEngine.sha256(joined(required(header.masterSeed), hash))
    const plain = await this.#decrypt(this.#stream.readBytesToEnd(), key)
    const begin = required(header.streamStartBytes)
    if (!ByteUtils.arrayBufferEquals(plain.slice(0, begin.byteLength), begin))
      throw new KdbxError(Consts.ErrorCodes.InvalidKey)
    await this.#load(this.#unpack(await HashedBlockTransform.decrypt(plain.slice(begin.byteLength))))
    const { headerHash } = this.#kdbx.meta
    if (headerHash && !ByteUtils.arrayBufferEquals(headerHash, await CryptoEngine.sha256(this.#header())))
      throw damaged()
    return this.#kdbx
  }

  async #open4(): Promise<Kdbxweb.Kdbx> {
    const { BinaryStream, ByteUtils, Consts, CryptoEngine, HmacBlockTransform, Int64, KdbxError } =
      this.#library
    const { cipherKey, hmacKey } = await this.#keys4()
    const header = this.#header()
    if (!ByteUtils.arrayBufferEquals(this.#stream.readBytes(32), await CryptoEngine.sha256(header)))
      throw damaged()
    const headerKey = await HmacBlockTransform.getHmacKey(hmacKey, new Int64(0xffffffff, 0xffffffff))
    const code = await CryptoEngine.hmacSha256(headerKey, header)
    if (!ByteUtils.arrayBufferEquals(this.#stream.readBytes(32), code))
      throw new KdbxError(Consts.ErrorCodes.InvalidKey)
    const sealed = await HmacBlockTransform.decrypt(this.#stream.readBytesToEnd(), hmacKey)
    const inner = new BinaryStream(this.#unpack(await this.#decrypt(sealed, cipherKey)))
    this.#kdbx.header.readInnerHeader(inner, this.#context)
    await this.#load(inner.readBytesToEnd())
    return this.#kdbx
  }

  async #keys4(): Promise<{ cipherKey: ArrayBuffer; hmacKey: ArrayBuffer }> {
    const { CryptoEngine, KeyEncryptorKdf } = this.#library
    const parameters = required(this.#kdbx.header.kdfParameters)
    const derived = await KeyEncryptorKdf.encrypt(await this.#kdbx.credentials.getHash(), parameters)
    const both = joined(required(this.#kdbx.header.masterSeed), derived)
    return {
      cipherKey: await CryptoEngine.sha256(both),
      hmacKey: await CryptoEngine.sha512(joined(both, Uint8Array.of(1).buffer)),
    }
  }

  async #decrypt(data: ArrayBuffer, key: ArrayBuffer): Promise<ArrayBuffer> {
    const { Consts, CryptoEngine, KdbxError } = this.#library
    const { dataCipherUuid, encryptionIV } = this.#kdbx.header
    const iv = required(encryptionIV)
    const cipher = dataCipherUuid?.toString()
    if (cipher === Consts.CipherId.ChaCha20) return CryptoEngine.chacha20(data, key, iv)
    if (cipher !== Consts.CipherId.Aes) throw new KdbxError(Consts.ErrorCodes.Unsupported)
    const aes = CryptoEngine.createAesCbc()
    await aes.importKey(key)
    return aes.decrypt(data, iv)
  }

  #unpack(data: ArrayBuffer): ArrayBuffer {
    const isPacked = this.#kdbx.header.compression === this.#library.Consts.CompressionAlgorithm.GZip
    return isPacked ? this.#gunzip(new Uint8Array(data)).buffer : data
  }

  /** What was unpacked before counts too. */
  #gunzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    try {
      const unpacked = gunzipped(bytes, mostUnpacked - this.#unpacked)
      this.#unpacked += unpacked.length
      return unpacked
    } catch (error) {
      throw error instanceof LargeGzipError ? error : damaged()
    }
  }

  async #load(xml: ArrayBuffer): Promise<void> {
    const { ByteUtils, ProtectSaltGenerator, XmlNames, XmlUtils } = this.#library
    const { Compressed } = XmlNames.Attr
    const { protectedStreamKey, crsAlgorithm } = this.#kdbx.header
    const bytes = new Uint8Array(xml)
    let tags = 0
    for (let at = bytes.indexOf(0x3c); at >= 0; at = bytes.indexOf(0x3c, at + 1))
      if (++tags > mostTags) throw tooLarge()
    const document = XmlUtils.parse(ByteUtils.bytesToString(xml))
    const generator = await ProtectSaltGenerator.create(required(protectedStreamKey), required(crsAlgorithm))
    XmlUtils.setProtectedValues(document.documentElement, generator)
    // In KDBX 3, each attached file is packed by itself.
    XmlUtils.traverse(document.documentElement, (element) => {
      if (!XmlUtils.strToBoolean(element.getAttribute(Compressed))) return
      const packed = XmlUtils.getBytes(element)
      element.removeAttribute(Compressed)
      if (packed) XmlUtils.setBytes(element, this.#gunzip(new Uint8Array(packed)))
    })
    this.#kdbx.xml = document
    await this.#kdbx.loadFromXml(this.#context)
    this.#kdbx.xml = undefined
  }
}

/**
 * Opens a database.
 * @param password asked for after the header was read; with a key file, an empty one means none
 * @throws ImportError
 */
export async function openKdbx(
  library: Library,
  data: ArrayBuffer,
  { password, keyFile }: { password: (() => Promise<string>) | undefined; keyFile: Uint8Array | undefined },
): Promise<Kdbxweb.Kdbx> {
  const { KdbxCredentials, ProtectedValue } = library
  try {
    const opening = new Opening(library, data)
    if (!password && !keyFile)
      throw new ImportError('needs-password', 'The database has a password, and none was given.')
    const text = (await password?.()) ?? ''
    const key = keyFile && new Uint8Array(keyFile).buffer
    const secret = text === '' && key ? null : ProtectedValue.fromString(text)
    return await opening.open(new KdbxCredentials(secret, key ?? null))
  } catch (error) {
    throw explained(library, error)
  }
}
