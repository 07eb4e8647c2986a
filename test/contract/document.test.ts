// The contract as a document that others read: generators of clients, validators, linters. What it says and what the server
// checks come from the same schemas; here both are asked about the same values.
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contract } from '../../src/apis/limpet/api.ts'
import { exampleOf, parseDocument, type Schema, schemasIn } from '../support/openapi.ts'

const document = parseDocument(contract('https://limpet.example'))
const components = Object.entries(document.components.schemas)
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

/** Every schema that stands in an operation. */
const inOperations = operations.flatMap(({ operationId, parameters, requestBody, responses }) => [
  ...parameters.flatMap(({ name, schema }) => schemasIn(schema, `${operationId} ${name}`)),
  ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => schemasIn(schema, operationId)),
  ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.values(content).flatMap(({ schema }) => schemasIn(schema, `${operationId} ${status}`)),
  ),
])
const inComponents = components.flatMap(([name, schema]) => schemasIn(schema, name))
const everySchema = [...inOperations, ...inComponents]

const ajv = new Ajv2020({ strict: false, validateFormats: true })
ajv.addFormat(
  'date-time',
  (text) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
)
ajv.addFormat('uri', (text) => URL.canParse(text))
for (const format of ['int32', 'int64', 'uri-reference']) ajv.addFormat(format, true)
ajv.addSchema({ $id: 'contract', components: document.components })

/** Whether a value is as a shape of the document says. */
const isDocumented = (name: string, value: unknown) =>
  ajv.validate({ $ref: `contract#/components/schemas/${name}` }, value)

describe('the document', () => {
  it('names every object, so that generators need not make up a name', () => {
    for (const { where, schema } of inOperations) expect(schema.properties, where).toBeUndefined()
    for (const { where, schema } of inComponents)
      if (where.includes('.')) expect(schema.properties, where).toBeUndefined()
  })

  it('has choices of which exactly one fits, told apart by a member where there is one', () => {
    for (const { where, schema } of everySchema) {
      expect(schema.anyOf, where).toBeUndefined()
      expect('allOf' in schema, where).toBe(false)
    }
    for (const name of ['Operation', 'SecondFactorProof'])
      expect(document.components.schemas[name], name).toHaveProperty('discriminator.mapping')
  })

  it('takes one token for each operation: some clients send a header for every alternative', () => {
    for (const { operationId, security } of operations)
      expect(security.flatMap((alternative) => Object.keys(alternative)).length, operationId).toBeLessThan(2)
  })

  it('has patterns that every language reads, and none beside a format', () => {
    const patterns = everySchema.filter(({ schema }) => schema.pattern !== undefined)
    expect(patterns.length).toBeGreaterThan(50)
    for (const { where, schema } of patterns) {
      // Classes by Unicode, \d and \w mean different letters elsewhere, and some engines cannot look ahead or behind.
      expect(schema.pattern, where).not.toMatch(/\\[pPdDwWbBuk]|\(\?[=!<]/)
      expect(schema.format, where).toBeUndefined()
    }
  })

  it('has booleans without a constant, and whole numbers with their size', () => {
    for (const { where, schema } of everySchema) {
      const types = [schema.type].flat()
      if (types.includes('boolean')) {
        expect(schema.const, where).toBeUndefined()
        expect(schema.enum, where).toBeUndefined()
      }
      expect(types, where).not.toContain('number')
      if (types.includes('integer')) expect(schema.format, where).toMatch(/^int(32|64)$/)
    }
    const revision = schemasIn(document.components.schemas.Item, 'Item').find(
      ({ where }) => where === 'Item.revision',
    )
    expect(revision?.schema.format).toBe('int64')
  })

  it('says of every text and list in a request how long it may be', () => {
    const answers = new Set(
      operations.flatMap(({ responses }) =>
        Object.values(responses).flatMap(({ content = {} }) =>
          Object.values(content).map(({ schema }) => schema),
        ),
      ),
    )
    expect(answers.size).toBeGreaterThan(0)
    const reached = new Set<string>()
    const reach = (schema: unknown, where: string) => {
      for (const inner of schemasIn(schema, where)) {
        const { $ref, type, maxLength, maxItems } = inner.schema
        const name = $ref?.split('/').at(-1)
        if (name && !reached.has(name)) {
          reached.add(name)
          reach(document.components.schemas[name], name)
        }
        const { const: constant, enum: names, format } = inner.schema
        // How large a file may be is a setting.
        const isFree = constant === undefined && names === undefined && format !== 'binary'
        if ([type].flat().includes('string') && isFree) expect(maxLength, inner.where).toBeDefined()
        if ([type].flat().includes('array')) expect(maxItems, inner.where).toBeDefined()
      }
    }
    for (const { operationId, requestBody } of operations)
      for (const { schema } of Object.values(requestBody?.content ?? {})) reach(schema, operationId)
    expect(reached.size).toBeGreaterThan(25)
  })

  it('has examples that are as their own schemas say', () => {
    const withExample = everySchema.filter(({ schema }) => schema.example !== undefined)
    expect(withExample.length).toBeGreaterThan(10)
    for (const { where, schema } of withExample) {
      const { example, ...rest } = schema
      expect(ajv.validate(rest, example), `${where}: ${JSON.stringify(example)}`).toBe(true)
    }
  })
})

// ---- The same values for both

/** Mostly what it is given; sometimes what belongs elsewhere. */
const mostly = (arbitrary: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 40, arbitrary },
    { weight: 1, arbitrary: fc.constantFrom(null, 0, 1.5, '', true, [], {}) },
  )

/** A text with one character more, fewer, or another one. */
const nearText = (text: string) =>
  fc
    .tuple(
      fc.nat(text.length),
      fc.nat(1),
      fc.oneof(fc.constant(''), fc.string({ minLength: 1, maxLength: 1, unit: 'binary' })),
    )
    .map(([at, without, put]) => text.slice(0, at) + put + text.slice(at + without))

function nearObject({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, member]) => [name, near(member)] as const)
  const [whole, partial] = [{ requiredKeys: required }, { requiredKeys: [] }]
  const record = (keys: { requiredKeys: string[] }) => fc.record(Object.fromEntries(members), keys)
  return fc.oneof(
    { weight: 8, arbitrary: record(whole) },
    { weight: 1, arbitrary: record(partial) },
    { weight: 1, arbitrary: record(whole).map((object) => ({ ...object, unknown: 1 })) },
  )
}

/** A value that is as the schema says, or nearly so. */
function near(of: unknown): fc.Arbitrary<unknown> {
  const schema = schemasIn(of, '')[0]?.schema ?? {}
  const name = schema.$ref?.split('/').at(-1)
  if (name) return near(document.components.schemas[name])
  if (schema.oneOf) return fc.oneof(...schema.oneOf.map(near))
  const { minimum = -1, maximum = Number.MAX_SAFE_INTEGER, maxLength = 40 } = schema
  const [type] = [schema.type].flat()
  if (type === 'null') return fc.constant(null)
  if (schema.const !== undefined || schema.enum) return mostly(fc.constant(exampleOf(document, schema)))
  switch (type) {
    case 'object':
      return nearObject(schema)
    case 'array':
      return mostly(fc.array(near(schema.items), { maxLength: 4 }))
    case 'integer':
      return mostly(
        fc.oneof(fc.constantFrom(minimum - 1, minimum, maximum), fc.integer({ min: 1, max: 70_000 })),
      )
    case 'boolean':
      return mostly(fc.boolean())
    case 'string': {
      const example = String(exampleOf(document, schema))
      // The format leaves open how many digits a second has; what the server writes does not.
      if (schema.format === 'date-time') return mostly(fc.constantFrom(example, 'yesterday'))
      const letters = fc.string({ unit: 'binary', maxLength: Math.min(maxLength + 2, 400) })
      const long = fc
        .constantFrom('a', '\u{1f41a}')
        .map((letter) => letter.repeat(Math.min(maxLength, 400) + 1))
      return mostly(
        fc.oneof({ weight: 30, arbitrary: fc.constant(example) }, nearText(example), letters, long),
      )
    }
    default:
      return fc.anything()
  }
}

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** What the server refuses and the document can say in words only. */
function isBeyondTheDocument(name: string, value: unknown): boolean {
  // A constant that is a plain boolean for the sake of generators.
  if (JSON.stringify(value).includes('"purged":false')) return true
  if (name === 'Batch' || name === 'ChangeAccountKey' || name === 'ResealVersions') {
    const ids = textsIn(value).filter((text) => text.length === 36)
    return new Set(ids).size < ids.length
  }
  return name === 'CreateToken' && typeof value === 'object' && value !== null && 'vaultKey' in value
}

// The document itself is written once and sent as it is.
const checked = components.filter(([name]) => name !== 'OpenApiDocument')

describe.each(checked)('%s', (name, schema) => {
  it('accepts what the server accepts, and nothing else', () => {
    const shape = z.globalRegistry._idmap.get(name)
    if (!(shape instanceof z.ZodType)) throw new Error(`No shape is called ${name}`)
    let valid = 0
    fc.assert(
      fc.property(fc.oneof(fc.constant(exampleOf(document, schema)), near(schema)), (value) => {
        const { success, data } = shape.safeParse(value)
        if (success) valid += 1
        // What people type is normalized, and what older servers left out is filled in.
        if (success) expect(isDocumented(name, value) || isDocumented(name, data)).toBe(true)
        else expect(isDocumented(name, value) && !isBeyondTheDocument(name, value)).toBe(false)
      }),
      { numRuns: 25 },
    )
    expect(valid).toBeGreaterThan(0)
  })
})
