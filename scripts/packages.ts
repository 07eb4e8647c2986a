// `npm run build:packages`, after a build: the packages that are published: `limpet` for clients (SDK and command line) and `limpet-server`. The repository is one package;
// these are folders of what each of them needs from a build, with the dependencies that these files really import.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Versions of packages, by name. */
const Versions = z.record(z.string(), z.string()).default({})

const Export = z.object({ types: z.string(), default: z.string() })

const Manifest = z.object({
  version: z.string(),
  license: z.string(),
  engines: z.object({ node: z.string() }),
  exports: z.record(z.string(), z.union([z.string(), Export])),
  dependencies: Versions,
  optionalDependencies: Versions,
})

interface Package {
  readonly name: string
  readonly description: string
  /** Programs of `bin`. */
  readonly programs: readonly string[]
  /** Of `exports` in package.json. */
  readonly exports: readonly string[]
  /** Files and folders that no file imports. */
  readonly beside: readonly string[]
}

const packages: readonly Package[] = [
  {
    name: 'limpet',
    description: 'The client SDK of Limpet, a zero-knowledge password vault, and its command line',
    programs: ['limpet'],
    exports: ['.', './moving'],
    beside: [],
  },
  {
    name: 'limpet-server',
    description: 'The server of Limpet, a zero-knowledge password vault',
    programs: ['limpet-server', 'opaque-thread', 'healthcheck'],
    exports: ['./credentials'],
    beside: ['dist/programs/web', 'migrations', '.env.example', 'docs/limpet.service'],
  },
]

const reference = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*(["'])([^"'\n]+)\1|(["'])(\.\/[\w.-]+\.wasm)\3/g

interface Reachable {
  /** Paths below the repository. */
  readonly files: Set<string>
  readonly dependencies: Set<string>
}

/** The file and everything that it imports, at once or later; and the packages that it needs. */
function reach(file: string, found: Reachable): void {
  const path = relative(root, file)
  if (found.files.has(path) || !existsSync(file)) return
  found.files.add(path)
  if (existsSync(`${file}.map`)) found.files.add(`${path}.map`)
  if (!/\.[jt]s$/.test(file)) return
  for (const [, , imported, , asset] of readFileSync(file, 'utf8').matchAll(reference)) {
    const name = imported ?? asset ?? ''
    if (name.startsWith('.')) {
      const target = join(dirname(file), name)
      reach(target, found)
      // Types, which can come from files that the code does not load.
      if (file.endsWith('.d.ts')) reach(target.replace(/\.[jt]s$/, '.d.ts'), found)
    } else if (!name.startsWith('node:') && !builtinModules.includes(name)) {
      const [first = '', second = ''] = name.split('/')
      found.dependencies.add(first.startsWith('@') ? `${first}/${second}` : first)
    }
  }
}

/** What stands in `versions` for the names that are needed. */
const pick = (versions: Record<string, string>, needed: ReadonlySet<string>) =>
  Object.fromEntries(Object.entries(versions).filter(([name]) => needed.has(name)))

/** Makes the folders of both packages below `folder`, from what a build wrote into `dist`. */
function assemblePackages(folder: string): void {
  const manifest = Manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  const { version, license, engines } = manifest
  for (const { name, description, programs, beside, ...one } of packages) {
    const found: Reachable = { files: new Set(), dependencies: new Set() }
    for (const program of programs) {
      reach(join(root, 'bin', `${program}.js`), found)
      reach(join(root, 'dist', 'programs', `${program}.js`), found)
    }
    const exported = Object.entries(manifest.exports).filter(([path]) => one.exports.includes(path))
    for (const [, value] of exported) {
      for (const file of Object.values(Export.parse(value))) reach(join(root, file), found)
    }
    const target = join(folder, name)
    rmSync(target, { recursive: true, force: true })
    const own = [...found.files].filter((path) => /^(bin|dist)\//.test(path))
    for (const path of [...own, ...beside, 'dist/programs/licenses.txt', 'LICENSE', 'CHANGELOG.md']) {
      mkdirSync(dirname(join(target, path)), { recursive: true })
      cpSync(join(root, path), join(target, path), { recursive: true })
    }
    cpSync(join(root, 'docs', 'packages', `${name}.md`), join(target, 'README.md'))
    const published = {
      name,
      version,
      description,
      license,
      type: 'module',
      engines,
      exports: { ...Object.fromEntries(exported), './package.json': './package.json' },
      bin: { [name]: `bin/${name}.js` },
      dependencies: pick(manifest.dependencies, found.dependencies),
      optionalDependencies: pick(manifest.optionalDependencies, found.dependencies),
    }
    writeFileSync(join(target, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`)
  }
}

assemblePackages(join(root, 'dist', 'packages'))
