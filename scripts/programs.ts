// Builds the programs: one file each for `limpet` and `limpet-server`, with a chunk for each part that only some commands load, and
// what browsers load. Packages with native code, and the bundler, stay in node_modules.
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { z } from 'zod'
import { bundleWeb } from '../src/apis/pages/web-bundle.ts'
import { lighterPackages } from './lighter-packages.ts'
import { smallSsh2 } from './small-ssh2.ts'

const source = (path: string) => fileURLToPath(new URL(`../src/${path}`, import.meta.url))

/** Packages of CommonJS call `require`, which a module does not have. */
const requireInModules =
  "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);"

/** Older packages say their licence in another way, and have the file. */
const Manifest = z.object({ name: z.string(), license: z.string().optional() })

/** The licences of the packages that were built in: they ask to be passed on with every copy. */
function licensesOf(files: readonly string[]): string {
  const folders = new Set(files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? ''))
  folders.delete('')
  const texts = [...folders].sort().map((path) => {
    const [file] = readdirSync(path).filter((name) => /^licen[cs]e/i.test(name))
    const { name, license } = Manifest.parse(JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')))
    if (!file && !license) throw new Error(`${name} says nothing of its licence`)
    return `${name}\n\n${file ? readFileSync(join(path, file), 'utf8') : `Licence: ${license}\n`}`
  })
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

/** @param folder is made where it is missing */
export async function buildPrograms(folder: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: {
      'limpet-server': source('limpet-server.ts'),
      limpet: source('cli/limpet.ts'),
      'opaque-thread': source('domain/identity/opaque-thread.ts'),
      healthcheck: source('healthcheck.ts'),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.14',
    // Where a package has both forms, the one of modules: what is imported when it is needed keeps the names of its exports.
    mainFields: ['module', 'main'],
    external: ['@napi-rs/keyring', 'argon2', 'better-sqlite3', 'esbuild', 'pg-native'],
    banner: { js: requireInModules },
    plugins: [lighterPackages, smallSsh2],
    metafile: true,
    sourcemap: 'linked',
    sourcesContent: false,
    minifyWhitespace: true,
    // Node shows the line of an uncaught error.
    lineLimit: 160,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
  writeFileSync(join(folder, 'licenses.txt'), licensesOf(Object.keys(metafile.inputs)))
  const web = join(folder, 'web')
  mkdirSync(web, { recursive: true })
  for (const { name, content } of await bundleWeb()) writeFileSync(join(web, name), content)
}

/** Builds of earlier sources that stay: a server that runs from one may still load a chunk of it. */
const keptBuilds = 5

/**
 * Builds into a folder that no build is in yet. Any number of processes may do so at once: each builds beside it, and the first to
 * finish gives it the name.
 */
export async function buildOnce(folder: string): Promise<void> {
  const builds = dirname(folder)
  mkdirSync(builds, { recursive: true })
  // With the mode that the umask gives, unlike mkdtemp: root builds, and the service's user starts the programs.
  const draft = join(builds, `.draft-${randomUUID()}`)
  mkdirSync(draft)
  try {
    await buildPrograms(draft)
    try {
      renameSync(draft, folder)
    } catch (error) {
      if (!existsSync(folder)) throw error
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  const newestFirst = readdirSync(builds)
    .filter((name) => !name.startsWith('.'))
    .map((name) => ({ path: join(builds, name), time: statSync(join(builds, name)).mtimeMs }))
    .sort((one, other) => other.time - one.time)
  for (const { path } of newestFirst.slice(keptBuilds)) rmSync(path, { recursive: true, force: true })
}
