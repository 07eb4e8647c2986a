// Bytes that come in pieces of any size, taken in pieces of a certain size.

export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#pieces = bytes[Symbol.asyncIterator]()
  }

  /**
   * @param into where to, as far as it is long enough; without it into memory of its own
   * @returns so many bytes; fewer only at the end
   */
  async take(
    count: number,
    into: Uint8Array<ArrayBuffer> = new Uint8Array(count),
  ): Promise<Uint8Array<ArrayBuffer>> {
    let length = 0
    while (length < count) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#pieces.next()
        if (done) break
        this.#rest = value
      }
      const piece = this.#rest.subarray(0, count - length)
      into.set(piece, length)
      length += piece.length
      this.#rest = this.#rest.subarray(piece.length)
    }
    return into.subarray(0, length)
  }

  /** Ends the source, also in the middle. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}
