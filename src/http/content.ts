// What an answer consists of, if it is not JSON that a schema describes: each kind of content knows how it is written. A route
// declares a kind as `z.instanceof(Page)`.
import type { ServerResponse } from 'node:http'
import type { Request, Response } from 'express'

/** The media type of JSON, as an API sends it that has no other. */
export const jsonType = 'application/json; charset=utf-8'

/** What contents need to know of the server. */
export interface Sending {
  /** How often a stream of events shows that it lives, in milliseconds. */
  readonly heartbeatMs: number
  /** Aborted when the server is about to close its connections. */
  readonly ending: AbortSignal
}

export abstract class Content {
  /**
   * Writes the whole answer. The headers that the route has set are there already.
   * @returns once everything is handed to the connection, or the connection is gone
   */
  abstract send(req: Request, res: Response, status: number, sending: Sending): Promise<void> | void

  /** Gives up what was prepared and is not sent: to HEAD, or to a client that has it already. */
  discard(): void {}
}

/** Writes an answer that is in memory. */
export function sendWhole(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): void {
  res.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body)
}
