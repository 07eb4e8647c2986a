// What the key of a shell and the process of a login session both give.

/** An account key in clear. */
export interface AccountKey {
  readonly bytes: Uint8Array
  readonly version: number
}
