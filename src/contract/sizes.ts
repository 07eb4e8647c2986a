// How much of everything there may be: what server, clients, pages and documentation share. Without zod, so that pages can load it.

/** Bounds that clients plan for; GET /api/v1/server tells them. Sizes are bytes before base64url unless said otherwise. */
export const limits = {
  /** Largest sealed item or vault data. */
  sealedBytes: 256 * 1024,
  /** Largest sealed key; a sealed 32-byte key takes 117. */
  sealedKeyBytes: 1024,
  /** Most operations in one batch. */
  batchOperations: 500,
  /** Most items in one page; a page also ends once it holds `pageBytes` of sealed data. */
  pageItems: 1000,
  pageBytes: 4 * 1024 * 1024,
  /** Longest that `changes` waits, in seconds. */
  waitSeconds: 60,
  /** Most vaults that the stream of events names in `state`. */
  stateVaults: 250,
  /** Largest JSON request body, as sent. A batch may be larger than a single item. */
  bodyBytes: 512 * 1024,
  batchBodyBytes: 8 * 1024 * 1024,
  /** Largest JSON request body of a route that strangers may call, where it does not say otherwise. A login takes 1 KiB, with the largest passkey 18. */
  strangersBodyBytes: 32 * 1024,
  /**
   * Largest JSON answer, as sent: above that of a batch, whose items and conflicts hold `batchBodyBytes` in sealed form at the
   * most. A client reads no further.
   */
  answerBytes: 24 * 1024 * 1024,
  /** Most files of one item. */
  itemAttachments: 100,
  /** Least bytes of a part of an upload that does not end its file: what the server stores in one piece. */
  attachmentPartBytes: 256 * 1024,
  /** Largest ciphertext of a one-time share. */
  shareBytes: 64 * 1024,
} as const

/** Characters of base64url without padding for a number of bytes. */
export const encodedLength = (bytes: number) => Math.ceil((bytes * 4) / 3)

/** The overhead of a Fernet token: version ‖ timestamp ‖ initialization vector ‖ ciphertext in blocks of 16 bytes ‖ HMAC. */
export const fernetOverhead = 1 + 8 + 16 + 32
export const fernetBlock = 16

/** The most bytes that a share can hold: what still fits with Fernet's padding of 1 to 16 bytes. */
export const largestSecretBytes =
  Math.floor((limits.shareBytes - fernetOverhead) / fernetBlock) * fernetBlock - 1

/** Seconds that a share lives. */
export const shareTtl = { min: 60, default: 604_800, max: 1_209_600 } as const

/** Of a reader's claim on a share, which is random. */
export const claimBytes = { min: 16, max: 32 } as const

/** An id, a time and a signature; opaque to clients. */
export const linkTokenBytes = 16 + 6 + 32
