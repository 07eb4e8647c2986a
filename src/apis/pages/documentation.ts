// The page for developers: the contract to read at /docs.
import { z } from 'zod'
import { pagePaths, pathTo, serverPaths } from '../../contract/paths.ts'
import { problemCatalogue } from '../../contract/problems.ts'
import { html, type Part, prose } from '../../http/html.ts'
import type { OpenApi } from '../../http/openapi.ts'
import type { Page } from '../../http/page.ts'
import { plainPage } from './plain-page.ts'

/** The few members of a JSON Schema that the page shows. */
interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly 'x-extensible-enum'?: readonly unknown[]
  readonly properties?: Record<string, unknown>
  readonly required?: readonly string[]
  readonly items?: unknown
  readonly anyOf?: readonly unknown[]
  readonly oneOf?: readonly unknown[]
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null

const anchor = (name: string) => `shape-${name}`

const listed = (values: readonly unknown[]): Part =>
  values.flatMap((value, index) => [index ? ' or ' : '', html`<code>${JSON.stringify(value)}</code>`])

/** A schema in a few words: a link to its shape, or its type. */
function typeOf(schema: unknown): Part {
  if (!isSchema(schema)) return 'anything'
  const name = schema.$ref?.split('/').at(-1)
  if (name) return html`<a href="#${anchor(name)}">${name}</a>`
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.enum) return listed(schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.flatMap((choice, index) => [index ? ' or ' : '', typeOf(choice)])
  if (schema.items !== undefined)
    return ['list of ', typeOf(schema.items), [schema.type].flat().includes('null') ? ' or null' : undefined]
  const known = schema['x-extensible-enum']
  if (known) return [listed(known), ', and names that a newer server may have']
  return [schema.type ?? 'object'].flat().join(' or ')
}

/** What a schema consists of, as a list; nothing for a plain value. */
function membersOf(schema: unknown): Part {
  if (!isSchema(schema) || schema.$ref) return undefined
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.map(membersOf)
  if (schema.items !== undefined) return membersOf(schema.items)
  if (!schema.properties) return undefined
  const required = new Set(schema.required)
  return html`<ul class="tree">${Object.entries(schema.properties).map(
    ([name, member]) =>
      html`<li><code>${name}</code>${required.has(name) ? '' : '?'} <span class="soft">${typeOf(member)}${
        isSchema(member) && member.description ? [' · ', prose(member.description)] : undefined
      }</span>${membersOf(member)}</li>`,
  )}</ul>`
}

const Content = z.record(z.string(), z.object({ schema: z.unknown() })).optional()

const Operation = z.object({
  tags: z.array(z.string()).default([]),
  summary: z.string().default(''),
  description: z.string().default(''),
  security: z.array(z.record(z.string(), z.unknown())).default([]),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        description: z.string().default(''),
        schema: z.unknown(),
      }),
    )
    .default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: Content })),
})

/** What the page shows of the document, so that it need not know every member that OpenAPI has. */
const Document = z.object({
  info: z.object({ description: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({
    schemas: z.record(z.string(), z.unknown()),
    securitySchemes: z.record(z.string(), z.object({ description: z.string() })),
  }),
})

type Operation = z.infer<typeof Operation>
type Schemes = z.infer<typeof Document>['components']['securitySchemes']

const schemaOf = (content: z.infer<typeof Content>) => Object.values(content ?? {})[0]?.schema

const parameterRow = ({ name, in: place, required, schema, description }: Operation['parameters'][number]) =>
  html`<tr><td><code>${name}</code>${required ? '' : '?'}</td><td>${place}</td><td>${typeOf(schema)}</td><td class="soft">${prose(description)}</td></tr>`

const responseRow = ([status, { description, content }]: [string, Operation['responses'][string]]) =>
  html`<tr><td>${status}</td><td>${content ? typeOf(schemaOf(content)) : ''}</td><td class="soft">${prose(description)}</td></tr>`

/** What a caller has to have, unless none is taken as well. */
function needs({ security }: Operation, schemes: Schemes): Part {
  const choices = security.map((choice) => Object.keys(choice))
  if (choices.some((names) => names.length === 0)) return undefined
  const words = choices.flat().map((name) => schemes[name]?.description ?? name)
  return words.length > 0 ? html` <span class="soft">(needs ${words.join(' or ')})</span>` : undefined
}

function operationSection(
  { method, path, operation }: { method: string; path: string; operation: Operation },
  schemes: Schemes,
): Part {
  const body = schemaOf(operation.requestBody?.content)
  return html`<section id="${method}${path}">
<h3><span class="method">${method.toUpperCase()}</span> <span class="path"><code>${path}</code></span></h3>
<p>${prose(operation.summary)}${needs(operation, schemes)}</p>
${operation.description ? html`<p class="soft">${prose(operation.description)}</p>` : undefined}
${operation.parameters.length ? html`<table>${operation.parameters.map(parameterRow)}</table>` : undefined}
${body === undefined ? undefined : html`<p>Body: ${typeOf(body)}</p>${membersOf(body)}`}
<table>${Object.entries(operation.responses).map(responseRow)}</table>
</section>`
}

export function documentationPage(document: OpenApi): Page {
  const { info, paths, components } = Document.parse(document)
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = Map.groupBy(operations, ({ operation }) => operation.tags[0] ?? '')
  return plainPage(
    'HTTP contract',
    html`<h1>Limpet's HTTP contract</h1>
<p>${info.description} Version ${info.version}. The same as a file: <a href="${serverPaths.contract}">openapi.json</a>. What clients put into the sealed members is the subject of <code>docs/protocol.md</code> in the source.</p>
<nav>${[...tags].map(
      ([tag, entries]) =>
        html`<p><b>${tag}</b></p><ul>${entries.map(
          ({ method, path }) =>
            html`<li><a href="#${method}${path}"><code>${method.toUpperCase()} ${path}</code></a></li>`,
        )}</ul>`,
    )}</nav>
${[...tags].map(
  ([tag, entries]) =>
    html`<h2>${tag}</h2>${entries.map((entry) => operationSection(entry, components.securitySchemes))}`,
)}
<h2>Shapes</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) =>
    html`<section id="${anchor(name)}"><h3>${name}</h3><p class="soft">${
      isSchema(schema) && schema.description ? prose(schema.description) : typeOf(schema)
    }</p>${membersOf(schema)}</section>`,
)}
<h2>Problems</h2>
<p>Errors are <code>application/problem+json</code> (RFC 9457). Decide by <code>code</code>, never by the words.</p>
<table>${Object.entries(problemCatalogue).map(
      ([code, { status, title }]) =>
        html`<tr><td>${status}</td><td><a href="${pathTo(pagePaths.problem, { code })}"><code>${code}</code></a></td><td>${title}</td></tr>`,
    )}</table>`,
  )
}
