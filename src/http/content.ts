// What an answer consists of, if it is not JSON that a schema describes: each kind of content knows how it is written. A route
// declares a kind as `z.instanceof(Page)`.
import type { ServerResponse } from 'node:http'
import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { Heartbeat } from './heartbeat.ts'

/** The media type of JSON, as an API sends it that has no other. */
export const jsonType = 'application/json; charset=utf-8'

/** The media types of the answers whose schemas say one. */
const mediaTypes = new WeakMap<z.ZodType, string>()

/** Says of a schema of answers that they are sent as another media type than JSON. @returns the schema */
export function sentAs<Schema extends z.ZodType>(schema: Schema, mediaType: string): Schema {
  mediaTypes.set(schema, mediaType)
  return schema
}

/** What `sentAs` has said of a schema. */
export const mediaTypeOf = (schema: z.ZodType): string => mediaTypes.get(schema) ?? 'application/json'

/** What contents hold, as the contract tells it. */
const shapes = new WeakMap<z.ZodType, z.ZodType>()

/** Says of the schema of a content which shape it has for clients. Nothing checks it. @returns the schema */
export function holding<Schema extends z.ZodType>(schema: Schema, shape: z.ZodType): Schema {
  shapes.set(schema, shape)
  return schema
}

/** What `holding` has said of a schema, or the schema itself. */
export const shapeOf = (schema: z.ZodType): z.ZodType => shapes.get(schema) ?? schema

/** What contents need to know of the server. */
export interface Sending {
  /** Has a stream show that it lives, from time to time. */
  readonly heartbeat: Heartbeat
  /** The same for WebSockets, whose clients are less patient. */
  readonly socketHeartbeat: Heartbeat
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
