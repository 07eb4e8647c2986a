// Lists in documents that the code could outgrow.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { contract } from '../../src/apis/limpet/api.ts'
import { secondFactorRoutes } from '../../src/apis/limpet/second-factors.ts'
import { problemCatalogue } from '../../src/contract/problems.ts'
import { readConfig, secretFiles, settingNames } from '../../src/server/config.ts'
import { exampleSecrets } from '../../src/server/setting-forms.ts'
import { Settings } from '../../src/server/settings.ts'

const secret = 'of-thirty-two-bytes-or-more-and-random'
/** In form, which is all that the configuration looks at. */
const setup = 'A'.repeat(171)

describe('.env.example', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
  const examples = [...text.matchAll(/^#?([A-Z][A-Z\d_]*)=(.*)$/gm)].map(([, name = '', value = '']) => ({
    name,
    value,
  }))
  /** Settings of the credentials' own files, which are found before there is a configuration. */
  const files = ['LIMPET_CREDENTIALS_FILE', 'LIMPET_MASTER_KEY', 'LIMPET_MASTER_KEY_FILE']
  /** What has none has an example; the file says so of each. */
  const defaults = new Map<string, unknown>(Object.entries(Settings.parse({})))

  it('lists every setting, and nothing else', () => {
    expect([...new Set(examples.map(({ name }) => name))].sort()).toEqual([...settingNames, ...files].sort())
    const asFiles = Object.fromEntries(settingNames.map((name) => [`${name}_FILE`, name]))
    for (const { name } of secretFiles(asFiles)) expect(text).toContain(`${name}_FILE=`)
  })

  it('has the defaults, and examples that can be used', () => {
    const needed: Record<string, string> = { JWT_SECRET: secret, OPAQUE_SERVER_SETUP: setup }
    const seen = new Set<string>()
    for (const { name, value } of examples) {
      if (files.includes(name) || name === 'JWT_SECRET') continue
      const isFirst = !seen.has(name)
      seen.add(name)
      // SMTP_URL needs a sender.
      const beside = name === 'SMTP_URL' ? { MAIL_FROM: 'vault@example.com' } : {}
      // The CA's file of the example is not on this machine.
      const usable = value.replace(/&sslrootcert=\S+$/, '')
      readConfig({ ...needed, ...beside, ...(usable !== '' && { [name]: usable }) })
      if (isFirst && defaults.get(name) !== undefined)
        expect(Settings.parse({ [name]: value }), name).toEqual(Settings.parse({}))
    }
    const refused = examples.flatMap(({ name, value }) => (name === 'JWT_SECRET' ? [value] : []))
    expect(refused).toEqual(exampleSecrets)
  })
})

describe('the decisions', () => {
  const folder = new URL('../../docs/decisions/', import.meta.url)

  it('are listed in their README, each once, and nothing else is', () => {
    const list = readFileSync(new URL('README.md', folder), 'utf8')
    const listed = [...list.matchAll(/^\| \[([\w-]+)\]\(([\w-]+\.md)\) \| \S/gm)]
    expect(listed).toHaveLength(list.split('\n').filter((line) => line.includes('](')).length)
    for (const [, name, file] of listed) expect(file).toBe(`${name}.md`)
    const pages = readdirSync(folder).filter((file) => file !== 'README.md')
    expect(listed.map(([, , file]) => file).sort()).toEqual(pages.sort())
  })
})

describe('what the documents point to', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const documents = ['.', 'docs', 'docs/decisions', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  )
  const textOf = (document: string) => readFileSync(join(root, document), 'utf8')
  const withoutCode = (text: string) => text.replaceAll(/^ *```.*?^ *```$/gms, '')

  /** Paths are of the repository; those in docs/architecture.md may also be of `src`. A `*` ends the part that is looked at. */
  const pathsIn = (document: string) => {
    const folders = ['src', 'test', 'bench', 'scripts', 'bin', 'deploy']
    const isArchitecture = document === 'docs/architecture.md'
    const rooms = isArchitecture ? readdirSync(join(root, 'src')) : []
    return [...withoutCode(textOf(document)).matchAll(/`([\w.-]+)(\/[\w./*-]*)`/g)].flatMap(
      ([, folder = '', rest = '']) => {
        const path = `${folder}${rest}`.replace(/[^/]*\*.*$/, '')
        if (folders.includes(folder)) return [path]
        return rooms.includes(folder) ? [`src/${path}`] : []
      },
    )
  }

  it.each(documents)('%s names paths that exist', (document) => {
    const missing = pathsIn(document).filter((path) => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })

  /** What is no setting of the server: of other programs, and of the client. */
  const ofOthers = ['COMPOSE_FILE', 'NAME_FILE', 'NODE_EXTRA_CA_CERTS', 'TEST_DATABASE_URL']

  it.each(documents.filter((document) => !document.endsWith('CHANGELOG.md')))(
    '%s names settings that there are',
    (document) => {
      const named = [...textOf(document).matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(
        ([, name = '']) => name,
      )
      const known = new Set([...settingNames, ...settingNames.map((name) => `${name}_FILE`), ...ofOthers])
      expect(named.filter((name) => !known.has(name) && !name.startsWith('LIMPET_'))).toEqual([])
    },
  )

  /** The anchor that a heading gets: lower case, hyphens for spaces, nothing but letters, digits, `-` and `_`. */
  const anchorsIn = (text: string) =>
    [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    )

  it.each(documents)('%s links to pages and headings that exist', (document) => {
    const links = [...withoutCode(textOf(document)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    const broken = links.filter(([, page = '', anchor]) => {
      const target = page === '' ? document : join(dirname(document), page)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !anchorsIn(textOf(target)).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })
})

/** A section of a document in docs/, by its heading. */
function section(file: string, heading: string): string {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
  const [, behind = ''] = text.split(`\n## ${heading}\n`)
  return behind.split('\n## ')[0] ?? ''
}

/** The rows of the tables in it, each as its cells. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\|(.*)\|$/gm)].map(([, cells = '']) => cells.split('|').map((cell) => cell.trim()))

/** The requests that a cell names, with every parameter as `{id}`. */
const requestsIn = (cell = '') =>
  [...cell.matchAll(/`([A-Z]+ \/[^`]*)`/g)].map(([, request = '']) => request.replaceAll(/\{\w+\}/g, '{id}'))

const shortOf = (method: string, path: string) =>
  `${method.toUpperCase()} ${path.replace('/api/v1', '').replaceAll(/\{\w+\}/g, '{id}')}`

describe('the table of repeated requests', () => {
  it('has every request that writes, each once, and no other', () => {
    const { paths } = contract('https://limpet.example')
    const writes = Object.entries(paths ?? {}).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((method) => !['get', 'head', 'parameters'].includes(method))
        .map((method) => shortOf(method, path)),
    )
    expect(writes.length).toBeGreaterThan(30)
    const rows = rowsOf(section('protocol.md', 'Repeating a request'))
    expect(rows.flatMap(([operation]) => requestsIn(operation)).sort()).toEqual(writes.sort())
    for (const cells of rows) expect(cells, cells[0]).toHaveLength(3)
  })
})

describe('the table of second factors', () => {
  it('has every request with what it answers and its problems, and no other but the login', () => {
    const rows = rowsOf(section('second-factors.md', 'Requests')).filter(
      ([request]) => requestsIn(request).length > 0,
    )
    const inTable = rows.map(([request, body = '', answer = '', all = '']) => ({
      request: requestsIn(request).join(),
      takesBody: body !== '',
      answers: [answer.slice(0, 3)],
      problems: [...all.matchAll(/\d{3} `[a-z-]+`/g)].map(([problem]) => problem),
    }))
    const declared = secondFactorRoutes.map((route) => ({
      request: shortOf(route.method, route.path),
      takesBody: 'body' in route.request,
      answers: Object.keys(route.success),
      problems: route.problems.map((code) => `${problemCatalogue[code].status} \`${code}\``),
    }))
    expect(inTable.filter(({ request }) => request !== 'POST /login')).toEqual(declared)
    for (const { auth } of secondFactorRoutes) expect(auth).toBe('session')
  })
})
