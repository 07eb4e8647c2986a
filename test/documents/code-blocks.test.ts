// Every block of code in the README and in docs: what a reader copies is compiled, parsed or run. TypeScript and JavaScript are compiled
// under `strict`, shell is parsed by bash and its commands of Limpet are looked up in their declarations, data is parsed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { commands as clientCommands } from '../../src/cli/commands.ts'
import { commands as serverCommands } from '../../src/operator/commands.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Block {
  readonly document: string
  readonly language: string
  readonly code: string
  /** What marks it as one that a test runs, and which. */
  readonly run: string | undefined
}

const documents = ['.', 'docs', 'docs/decisions', 'docs/packages'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)

const blocksIn = (document: string): Block[] =>
  [
    ...readFileSync(join(root, document), 'utf8').matchAll(
      /(?:<!-- (walk-through|script): (.*?) -->\n)?^( *)```(\w*)\n(.*?)^\3```$/gms,
    ),
  ].map(([, , run, indent = '', language = '', code = '']) => ({
    document,
    language,
    run,
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))

const blocks = documents.flatMap(blocksIn)

const named = (languages: readonly string[]) =>
  blocks
    .filter(({ language }) => languages.includes(language))
    .map((block) => ({ ...block, name: `${block.document}: ${block.code.split('\n')[0]}` }))

/** Why shell blocks of a document are looked at and not run; those with a mark are run. */
const notRun: Readonly<Record<string, string>> = {
  'README.md': 'they start a server, run every test, or are for another machine',
  'CONTRIBUTING.md': 'they run every test',
  'docs/bitwarden.md':
    'they need a deployment and an app of Bitwarden; npm run test:bitwarden uses the server so',
  'docs/command-line.md': 'they are excerpts, and test/cli runs each of the commands',
  'docs/credentials.md': 'they edit with $EDITOR; test/credentials runs the commands',
  'docs/deploying.md':
    'they need Docker, root, and a name in the DNS; npm run test:compose starts the deployment',
  'docs/lost-device.md': 'they are excerpts, and test/cli runs each of the commands',
  'docs/metrics.md': 'they ask a server that has METRICS_PORT; test/server/metrics.test.ts does',
  'docs/moving-in.md': 'they read files of other programs; test/cli runs the commands with such files',
  'docs/moving-out.md': 'they are excerpts; test/cli runs the commands',
  'docs/operating.md': 'they name accounts of a server; test/operator runs each of the commands',
  'docs/operations.md':
    'they need folders of root, systemd or another database; test/operator and npm run test:crash run the commands',
  'docs/packages/limpet.md': 'they install for the whole machine; npm run test:packages installs in a folder',
  'docs/packages/limpet-server.md':
    'they install for the whole machine; npm run test:packages installs in a folder',
  'docs/secrets-for-programs.md': 'they are excerpts; test/cli runs the commands, and the snippets for CI',
  'docs/snappass.md': 'they ask a server that has the API switched on; test/apis/snappass does',
}

/** Names that a block uses and that stand in the text around it. */
const given: Readonly<Record<string, string>> = {
  'README.md': `
    import type { UnlockedAccount } from 'limpet'
    declare const password: string
    declare const account: UnlockedAccount
    declare const signal: AbortSignal`,
  'docs/second-factors.md': `
    import type { Limpet, UnlockedAccount } from 'limpet'
    declare const limpet: Limpet
    declare const account: UnlockedAccount
    declare const email: string
    declare const password: string
    declare const codeOfTheApp: string
    declare function ask(): Promise<string>`,
}

describe('blocks of TypeScript and JavaScript', () => {
  const folder = mkdtempSync(join(root, 'node_modules', '.cache', 'blocks-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('compile under strict', () => {
    const declared = (code: string) =>
      new Set([...code.matchAll(/(?:const|function) \[?\{? ?(\w+)/g)].map(([, name]) => name))
    const files = named(['ts', 'js']).map(({ document, code, name }, index) => {
      const own = declared(code)
      const before = (given[document] ?? '')
        .split('\n')
        .filter((line) => !own.has(/declare (?:const|function) (\w+)/.exec(line)?.[1] ?? ''))
      const file = join(folder, `${index}.mts`)
      writeFileSync(file, `${before.join('\n')}\n${code}\nexport {}\n`)
      return { file, name }
    })
    expect(files.length).toBeGreaterThan(5)
    const program = ts.createProgram(
      files.map(({ file }) => file),
      {
        strict: true,
        noEmit: true,
        target: ts.ScriptTarget.ES2024,
        module: ts.ModuleKind.NodeNext,
        lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
        types: ['node'],
        typeRoots: [join(root, 'node_modules', '@types')],
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        paths: {
          limpet: [join(root, 'src', 'sdk', 'index.ts')],
          'limpet/moving': [join(root, 'src', 'sdk', 'moving', 'index.ts')],
          'limpet-server/credentials': [join(root, 'src', 'credentials', 'index.ts')],
        },
      },
    )
    const mistakes = files.flatMap(({ file, name }) => {
      const source = program.getSourceFile(file)
      const found = [...program.getSemanticDiagnostics(source), ...program.getSyntacticDiagnostics(source)]
      return found.map(({ messageText }) => `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
    })
    expect(mistakes).toEqual([])
  })
})

/** The words of a command up to what ends it, as a shell would split them; enough for what stands in documents. */
const wordsOf = (text: string) =>
  [...text.matchAll(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\$\([^)]*\)|[^\s"'|;&<>()])+/g)].map(([word]) =>
    word.replaceAll(/["']/g, ''),
  )

/** Calls of Limpet's programs in lines of shell, each with what follows it. */
function callsIn(code: string): { program: string; args: string[] }[] {
  const lines = code.replaceAll(/\\\n/g, ' ').replaceAll(/(^|\s)#.*$/gm, '')
  return [
    ...lines.matchAll(
      /(?:^ *(?:[A-Z_]+=\S* )*|[|;&({"]\s*|\$\(|npx |exec (?:-T |--no-TTY )?app-1 |run --rm |bin\/(?=limpet[\w-]*\.js))(limpet-server|limpet)(?:\.js)?(?= |$|\))((?:"[^"]*"|'[^']*'|[^|;&<>)\n])*)/gm,
    ),
  ].map(([, program = '', rest = '']) => ({ program, args: wordsOf(rest) }))
}

describe('blocks of shell', () => {
  const shells = named(['sh'])

  it.each(shells)('$name', async ({ code, document, run }) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(run ?? notRun[document], 'is it run, or why not?').toBeDefined()
    for (const { program, args } of callsIn(code)) {
      // `docker run --rm limpet ARGS` names the image, whose program is the server.
      const isServer = program === 'limpet-server' || code.includes(`run --rm limpet ${args[0]}`)
      const found = await (isServer ? serverCommands : clientCommands).find(args)
      if (isServer && args.length === 0) continue
      if (['help', '--version'].includes(args[0] ?? '')) continue
      expect(found?.command.name, `${program} ${args.join(' ')}`).toBeDefined()
      if (!found) continue
      const { options } = found.command
      // Throws for an option that there is not, and for one with a value too many.
      parseArgs({ args: found.args.slice(0, beforeChild(found.args)), options, allowPositionals: true })
    }
  })

  it('that are not run have a reason, and no document has one that needs none', () => {
    const needed = new Set(shells.filter(({ run }) => run === undefined).map(({ document }) => document))
    expect(Object.keys(notRun).filter((document) => !needed.has(document))).toEqual([])
  })

  it('use Limpet, so that the search for its calls finds some', () => {
    expect(shells.flatMap(({ code }) => callsIn(code)).length).toBeGreaterThan(40)
  })
})

/** Where the command line of a child begins, which has options of its own. */
const beforeChild = (args: readonly string[]) => (args.includes('--') ? args.indexOf('--') : args.length)

describe('blocks of data', () => {
  it.each(named(['json']))('$name', ({ code }) => {
    JSON.parse(code)
  })

  it.each(named(['yaml']))('$name', ({ code }) => {
    expect(parseAllDocuments(code).flatMap(({ errors }) => errors)).toEqual([])
  })

  it.each(named(['ini']))('$name', ({ code }) => {
    for (const line of code.trimEnd().split('\n')) expect(line).toMatch(/^(\[\w+\]|\w+ ?=.*|#.*|)$/)
  })

  it.each(named(['cron']))('$name', ({ code }) => {
    const [, line = ''] = /^(?:[\d*/,-]+ ){5}(.*)$/.exec(code.trimEnd()) ?? []
    expect(line).not.toBe('')
    expect(spawnSync('bash', ['-n'], { input: line.replaceAll('\\%', '%'), encoding: 'utf8' }).status).toBe(0)
  })

  it('are of languages that something here looks at', () => {
    const known = ['ts', 'js', 'sh', 'json', 'yaml', 'ini', 'cron']
    const others: Readonly<Record<string, string>> = {
      '': 'drawings and formulas',
      sql: 'a superuser of Postgres runs them; test/compose does what they do',
      python: 'test/documents or test/clients runs the script',
    }
    const unknown = blocks.filter(({ language }) => !known.includes(language) && !(language in others))
    expect(unknown.map(({ document, language }) => `${document}: ${language}`)).toEqual([])
  })
})
