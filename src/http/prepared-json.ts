// A body that is the same for every request: made once, as bytes.
export class PreparedJson {
  readonly bytes: Buffer

  constructor(value: unknown) {
    this.bytes = Buffer.from(JSON.stringify(value))
  }
}
