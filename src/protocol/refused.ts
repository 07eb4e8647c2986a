// What a client throws in place of going along (docs/protocol.md, "What a client must refuse").

/**
 * The server did what an honest one does not do: the client stops instead of going along (docs/protocol.md, "What a client
 * must refuse").
 */
export class RefusedError extends Error {
  override name = 'RefusedError'
}
