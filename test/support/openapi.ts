// The server as its contract describes it: operations and examples out of the OpenAPI document, requests without the SDK, rows.
import { randomBytes, randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import Driver from 'better-sqlite3'
import pg from 'pg'
import { z } from 'zod'
import { leastKdf, Session } from '../../src/contract/accounts.ts'
import { Problem } from '../../src/contract/problems.ts'
import type { TestDatabase } from './database.ts'

// ---- Requests without the SDK

interface Server {
  readonly url: string
}

export interface RawRequest {
  readonly method?: string
  readonly path: string
  /** An access token. */
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, as `application/json` unless the headers say otherwise. */
  readonly raw?: string | Uint8Array
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends exactly what it is told, paths as they are, and resolves with whatever is answered. */
export function send({ url }: Server, request: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', path, token, headers, body } = request
  const content = request.raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const outgoing = httpRequest(
      {
        hostname,
        port,
        path,
        method,
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(content !== undefined && {
            'Content-Type': 'application/json',
            ...(headers?.['Transfer-Encoding'] === undefined && {
              'Content-Length': Buffer.byteLength(content),
            }),
          }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Uint8Array[] = []
        incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(content)
  })
}

/** The body of an answer, which must be of the shape. */
export const bodyOf = <T>(shape: z.ZodType<T>, { text }: RawAnswer): T => shape.parse(JSON.parse(text))

/** The code of a problem, or the status of an answer that is none. */
export const outcomeOf = (answer: RawAnswer): string =>
  /^application\/problem\+json/.test(answer.headers['content-type'] ?? '')
    ? `${answer.status} ${bodyOf(Problem, answer).code}`
    : String(answer.status)

// ---- Accounts without the SDK: their envelopes are random bytes, so that no key has to be derived

/** An envelope in form, of so many bytes, that nobody can open. */
export const fakeEnvelope = (bytes = 120): string =>
  Buffer.concat([Buffer.from([1]), randomBytes(bytes - 1)]).toString('base64url')

export const randomKey = () => randomBytes(32).toString('base64url')

/** The body of a registration. */
export const registration = () => ({
  accountId: randomUUID(),
  email: `${randomUUID()}@example.com`,
  kdf: { algorithm: 'argon2id' as const, ...leastKdf, salt: randomBytes(16).toString('base64url') },
  authKey: randomKey(),
  accountKey: fakeEnvelope(),
  vault: { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() },
})

export const logInBody = ({ email, authKey }: { email: string; authKey: string }) => ({
  email,
  authKey,
  device: { id: randomUUID(), name: 'test', type: 'other' as const },
})

export async function logIn(server: Server, credentials: { email: string; authKey: string }) {
  const answer = await send(server, {
    method: 'POST',
    path: '/api/v1/login',
    body: logInBody(credentials),
  })
  const { accessToken, refreshToken, sessionId } = bodyOf(Session, answer)
  return { token: accessToken, refreshToken, sessionId }
}

/** A new account with a session. */
export async function newAccount(server: Server) {
  const body = registration()
  const { accountId, email, authKey, vault } = body
  const registered = await send(server, { method: 'POST', path: '/api/v1/register', body })
  if (registered.status !== 201) throw new Error(`Registration was answered ${outcomeOf(registered)}`)
  return { accountId, email, authKey, vaultId: vault.id, ...(await logIn(server, body)) }
}

export type RawAccount = Awaited<ReturnType<typeof newAccount>>

// ---- The rows of a database, past the server

/** A value of a column; bytes as hex. */
const Cell = z
  .unknown()
  .transform((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))

const Rows = z.array(z.record(z.string(), Cell))
type Rows = z.infer<typeof Rows>

const Names = z.array(z.object({ name: z.string() }))

const sorted = (rows: Rows): Rows => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

function sqliteRows(file: string): Record<string, Rows> {
  const connection = new Driver(file, { readonly: true })
  try {
    const tables = Names.parse(
      connection.prepare("select name from sqlite_master where type = 'table'").all(),
    )
    return Object.fromEntries(
      tables.map(({ name }) => [
        name,
        sorted(Rows.parse(connection.prepare(`select * from "${name}"`).all())),
      ]),
    )
  } finally {
    connection.close()
  }
}

async function postgresRows(url: string): Promise<Record<string, Rows>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: tables } = await client.query(
      'select table_name as name from information_schema.tables where table_schema = current_schema()',
    )
    const found: Record<string, Rows> = {}
    for (const { name } of Names.parse(tables))
      found[name] = sorted(Rows.parse((await client.query(`select * from "${name}"`)).rows))
    return found
  } finally {
    await client.end()
  }
}

/** Every row of every table, by table; bytes as hex. */
export const readRows = async ({ url }: TestDatabase): Promise<Record<string, Rows>> =>
  url.startsWith('file:') ? sqliteRows(url.slice('file:'.length)) : postgresRows(url)

/** Runs one statement on the database, past the server. */
export async function runStatement({ url }: TestDatabase, statement: string): Promise<void> {
  if (url.startsWith('file:')) {
    const connection = new Driver(url.slice('file:'.length))
    connection.exec(statement)
    connection.close()
    return
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

// ---- The document

const JsonSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  minItems: z.int().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  pattern: z.string().optional(),
})

const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().default(false),
  schema: JsonSchema,
})

const Content = z.record(z.string(), z.object({ schema: z.unknown() }))

const DocumentedOperation = z.object({
  tags: z.array(z.string()),
  summary: z.string(),
  security: z.array(z.unknown()),
  parameters: z.array(Parameter).default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: Content.optional() })),
})

const Document = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), DocumentedOperation)),
  components: z.looseObject({ schemas: z.record(z.string(), JsonSchema) }),
})

export type Document = z.infer<typeof Document>

export interface Operation {
  /** As in `put /api/v1/vaults/{vaultId}`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly needsSession: boolean
  readonly parameters: z.infer<typeof Parameter>[]
  /** The schema of the body, for operations that take one. */
  readonly body: unknown
  /** The documented status codes. */
  readonly statuses: number[]
}

export async function readDocument(server: Server): Promise<Document> {
  return bodyOf(Document, await send(server, { path: '/api/v1/openapi.json' }))
}

export const operationsOf = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, parameters, requestBody, responses }]) => ({
      name: `${method} ${path}`,
      method: method.toUpperCase(),
      path,
      needsSession: security.length > 0,
      parameters,
      body: requestBody?.content['application/json']?.schema,
      statuses: Object.keys(responses).map(Number),
    })),
  )

/** A path with its parameters filled in; throws for a parameter that has no value. */
export const fillPath = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`No test knows what to put for {${name}} of ${path}`)
    return value
  })

// ---- Examples of schemas

/** Texts of the forms that the contract knows; a schema with another form makes `exampleOf` throw. */
const texts = (length: number): (() => string)[] => [
  () => randomUUID(),
  () => `${randomUUID()}@example.com`,
  () => fakeEnvelope(Math.max(82, Math.floor((length * 3) / 4))),
  () => randomBytes(Math.floor((length * 3) / 4)).toString('base64url'),
  () => 'a'.repeat(Math.max(1, length)),
]

function exampleText({ pattern, minLength = 0, maxLength }: z.infer<typeof JsonSchema>): string {
  const form = pattern === undefined ? undefined : new RegExp(pattern, 'u')
  for (const make of texts(minLength)) {
    const text = make()
    const fits = text.length >= minLength && text.length <= (maxLength ?? text.length)
    if (fits && (form?.test(text) ?? true)) return text
  }
  throw new Error(`No test knows a text for the pattern ${pattern}`)
}

export type Schema = z.infer<typeof JsonSchema>

/** The schema itself, behind references; of a choice the first, which `exampleOf` takes too. */
function resolveSchema(document: Document, of: unknown): Schema {
  const schema = JsonSchema.parse(of)
  const { $ref } = schema
  if ($ref !== undefined)
    return resolveSchema(document, document.components.schemas[$ref.replace('#/components/schemas/', '')])
  const [choice] = schema.anyOf ?? schema.oneOf ?? []
  return choice === undefined ? schema : resolveSchema(document, choice)
}

/** The schema of what stands at a path within an example. */
export const schemaAt = (document: Document, of: unknown, path: readonly string[]): Schema =>
  path.reduce(
    (schema, name) => resolveSchema(document, schema.properties?.[name] ?? schema.items),
    resolveSchema(document, of),
  )

/** A value that the schema accepts, with every member that it knows; throws for a schema that it cannot fill. */
export function exampleOf(document: Document, of: unknown): unknown {
  const schema = resolveSchema(document, of)
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, member]) => [name, exampleOf(document, member)]),
      )
    case 'array':
      return Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () =>
        exampleOf(document, schema.items),
      )
    case 'integer':
    case 'number':
      return schema.maximum ?? schema.minimum ?? 1
    case 'boolean':
      return true
    case 'string':
      return exampleText(schema)
    default:
      throw new Error(`No test knows a value for ${JSON.stringify(schema)}`)
  }
}
