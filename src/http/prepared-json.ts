// A body that is the same for every request: made for the first one, and kept as bytes.
export class PreparedJson {
  readonly #make: () => unknown
  #bytes: Buffer | undefined

  constructor(make: () => unknown) {
    this.#make = make
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(JSON.stringify(this.#make()))
    return this.#bytes
  }
}
