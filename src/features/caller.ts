// Who sends a request.

/** Whoever sent a good access token of a living session. */
export interface Caller {
  readonly accountId: string
  readonly sessionId: string
}
