// The server as its contract describes it: operations and examples out of the OpenAPI document.
import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { fakeEnvelope } from './accounts.ts'
import { bodyOf, type Server, send } from './requests.ts'
import { fakeFernet } from './shares.ts'

const JsonSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  minItems: z.int().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
})

const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().default(false),
  schema: JsonSchema,
})

const Content = z.record(z.string(), z.object({ schema: z.unknown() }))

const Headers = z.record(z.string(), z.object({ $ref: z.string() }))

const DocumentedOperation = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string(),
  /** Alternatives, each the schemes that it takes together. */
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(Parameter).default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(
    z.string(),
    z.object({ description: z.string(), content: Content.optional(), headers: Headers.optional() }),
  ),
})

const Document = z.looseObject({
  openapi: z.string(),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), DocumentedOperation)),
  components: z.looseObject({ schemas: z.record(z.string(), JsonSchema) }),
})

export type Document = z.infer<typeof Document>

export const parseDocument = (document: unknown): Document => Document.parse(document)

export interface Operation {
  /** As in `put /api/v1/vaults/{vaultId}`. */
  readonly name: string
  readonly method: string
  readonly path: string
  /** A session is good for it, and perhaps a personal access token too. */
  readonly needsSession: boolean
  /** A personal access token is good for it, and nothing else. */
  readonly needsPersonalToken: boolean
  /** The scopes of personal access tokens that are good for it, any of them. */
  readonly scopes: string[]
  readonly needsManageToken: boolean
  readonly parameters: z.infer<typeof Parameter>[]
  /** The schema of the body, for operations that take one. */
  readonly body: unknown
  /** Whether its body is bytes, of which the document says nothing more. */
  readonly takesBytes: boolean
  /** The documented status codes. */
  readonly statuses: number[]
  /** The documented headers of each. */
  readonly headers: Readonly<Record<string, readonly string[]>>
}

export async function readDocument(server: Server): Promise<Document> {
  return bodyOf(Document, await send(server, { path: '/api/v1/openapi.json' }))
}

type Alternatives = Record<string, string[]>[]

/** Whether nobody is let in without any proof, and this is one. */
const needs = (scheme: string, security: Alternatives) =>
  security.every((alternative) => Object.keys(alternative).length > 0) &&
  security.some((alternative) => scheme in alternative)

/** The scopes of the personal access tokens that each scheme takes. */
const scopesOf: Readonly<Record<string, readonly string[]>> = {
  session: [],
  reader: ['read', 'write'],
  writer: ['write'],
  sharer: ['shares'],
  tokenHolder: ['read', 'write', 'shares'],
  shareManager: [],
}

/** The scopes of the personal access tokens that are let in; throws for a scheme that no test knows. */
const scopesIn = (security: Alternatives) =>
  security
    .flatMap((alternative) => Object.keys(alternative))
    .flatMap((scheme) => {
      const scopes = scopesOf[scheme]
      if (!scopes) throw new Error(`No test knows the tokens of ${scheme}`)
      return scopes
    })

export const operationsOf = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, parameters, requestBody, responses }]) => ({
      name: `${method} ${path}`,
      method: method.toUpperCase(),
      path,
      needsSession: ['session', 'reader', 'writer', 'sharer'].some((scheme) => needs(scheme, security)),
      needsPersonalToken: needs('tokenHolder', security),
      scopes: scopesIn(security),
      needsManageToken: needs('shareManager', security),
      parameters,
      body: requestBody?.content['application/json']?.schema,
      takesBytes: requestBody?.content['application/octet-stream'] !== undefined,
      statuses: Object.keys(responses).map(Number),
      headers: Object.fromEntries(
        Object.entries(responses).map(([status, { headers = {} }]) => [status, Object.keys(headers)]),
      ),
    })),
  )

/** Whether it takes a token; strangers may do everything else. */
export const isGuarded = ({ needsSession, needsManageToken, needsPersonalToken }: Operation): boolean =>
  needsSession || needsManageToken || needsPersonalToken

/** The operation that a request is one of. */
export const operationOf = (operations: readonly Operation[], method: string, path: string) =>
  operations.find(
    (operation) =>
      operation.method === method &&
      new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path.replace(/\?.*/, '')),
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
  () => fakeFernet(),
  () => '123456',
  () => '0123456789abcdef',
  () => 'usb',
  () => `lmp_${randomBytes(32).toString('base64url')}`,
  () => `lmi_${randomBytes(16).toString('base64url')}`,
  () => 'a'.repeat(Math.max(1, length)),
]

function exampleText({ format, pattern, minLength = 0, maxLength }: z.infer<typeof JsonSchema>): string {
  if (format === 'date-time') return '2999-12-31T00:00:00.000Z'
  if (format === 'uri') return 'https://limpet.example/'
  const form = pattern === undefined ? undefined : new RegExp(pattern, 'u')
  for (const make of texts(minLength)) {
    const text = make()
    const fits = text.length >= minLength && text.length <= (maxLength ?? text.length)
    if (fits && (form?.test(text) ?? true)) return text
  }
  throw new Error(`No test knows a text for the pattern ${pattern}`)
}

export type Schema = z.infer<typeof JsonSchema>

/** A schema and every one within it, each with where it stands. References are not followed. */
export function schemasIn(of: unknown, where: string): { where: string; schema: Schema }[] {
  if (of === undefined) return []
  const schema = JsonSchema.parse(of)
  const below = [
    ...Object.entries(schema.properties ?? {}),
    ...Object.entries({ ...schema.oneOf, ...schema.anyOf }),
    ...(schema.items === undefined ? [] : [['items', schema.items] as const]),
  ]
  return [{ where, schema }, ...below.flatMap(([name, inner]) => schemasIn(inner, `${where}.${name}`))]
}

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
  const [type] = [schema.type].flat()
  switch (type) {
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
      return schema.default ?? schema.maximum ?? schema.minimum ?? 1
    case 'boolean':
      return true
    case 'string':
      return exampleText(schema)
    default:
      throw new Error(`No test knows a value for ${JSON.stringify(schema)}`)
  }
}
