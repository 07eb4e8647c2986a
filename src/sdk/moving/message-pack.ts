// Values in MessagePack (github.com/msgpack/msgpack, spec.md): as much of it as another program's export has.

/** Lists in lists; nobody nests as deep. */
const deepest = 32

/** It is no MessagePack, or has what is not known here. */
export class MessagePackError extends Error {
  override readonly name = 'MessagePackError'
}

class Reading {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  #skip(count: number): number {
    const at = this.#at
    if (at + count > this.#bytes.length) throw new MessagePackError('It ends too early')
    this.#at += count
    return at
  }

  #unsigned(bytes: number): number {
    const at = this.#skip(bytes)
    if (bytes === 1) return this.#view.getUint8(at)
    if (bytes === 2) return this.#view.getUint16(at)
    return bytes === 4 ? this.#view.getUint32(at) : Number(this.#view.getBigUint64(at))
  }

  #signed(bytes: number): number {
    const at = this.#skip(bytes)
    if (bytes === 1) return this.#view.getInt8(at)
    if (bytes === 2) return this.#view.getInt16(at)
    return bytes === 4 ? this.#view.getInt32(at) : Number(this.#view.getBigInt64(at))
  }

  #raw(length: number): Uint8Array {
    const at = this.#skip(length)
    return this.#bytes.subarray(at, at + length)
  }

  #text(length: number): string {
    return new TextDecoder().decode(this.#raw(length))
  }

  #list(length: number, depth: number): unknown[] {
    const values: unknown[] = []
    for (let count = 0; count < length; count++) values.push(this.value(depth + 1))
    return values
  }

  #map(length: number, depth: number): Readonly<Record<string, unknown>> {
    const entries: [string, unknown][] = []
    for (let count = 0; count < length; count++)
      entries.push([String(this.value(depth + 1)), this.value(depth + 1)])
    return Object.fromEntries(entries)
  }

  value(depth: number): unknown {
    if (depth > deepest) throw new MessagePackError('It is too deep')
    const type = this.#unsigned(1)
    if (type <= 0x7f) return type
    if (type <= 0x8f) return this.#map(type & 0x0f, depth)
    if (type <= 0x9f) return this.#list(type & 0x0f, depth)
    if (type <= 0xbf) return this.#text(type & 0x1f)
    if (type >= 0xe0) return type - 0x100
    if (type === 0xc0) return null
    if (type === 0xc2 || type === 0xc3) return type === 0xc3
    // Types in a row have lengths of 1, 2, 4 and 8 bytes.
    if (type >= 0xc4 && type <= 0xc6) return this.#raw(this.#unsigned(1 << (type - 0xc4)))
    if (type === 0xca) return this.#view.getFloat32(this.#skip(4))
    if (type === 0xcb) return this.#view.getFloat64(this.#skip(8))
    if (type >= 0xcc && type <= 0xcf) return this.#unsigned(1 << (type - 0xcc))
    if (type >= 0xd0 && type <= 0xd3) return this.#signed(1 << (type - 0xd0))
    if (type >= 0xd9 && type <= 0xdb) return this.#text(this.#unsigned(1 << (type - 0xd9)))
    if (type === 0xdc || type === 0xdd) return this.#list(this.#unsigned(2 << (type - 0xdc)), depth)
    if (type === 0xde || type === 0xdf) return this.#map(this.#unsigned(2 << (type - 0xde)), depth)
    throw new MessagePackError('It has a type that is not known here')
  }
}

/** The value of some bytes: maps as objects, binary values as `Uint8Array`. Throws MessagePackError. */
export function parseMessagePack(bytes: Uint8Array): unknown {
  const reading = new Reading(bytes)
  const value = reading.value(0)
  if (!reading.isAtEnd) throw new MessagePackError('Something follows it')
  return value
}
