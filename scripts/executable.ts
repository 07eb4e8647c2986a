// `npm run build:executable`: the command line as one file that needs no Node, for the system that this runs on. The file is this
// Node with the bundled program in it (https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html), and beside it
// stands its checksum, as `sha256sum --check` takes it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { version } from '../src/version.ts'
import { smallSsh2 } from './small-ssh2.ts'

if (process.platform !== 'linux') throw new Error('The executable is built on Linux, for Linux.')

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'dist', 'executable')
const bundle = join(folder, 'limpet.cjs')
const settings = join(folder, 'sea.json')
const blob = join(folder, 'sea.blob')
const executable = join(folder, `limpet-linux-${process.arch}`)

/** The mark in Node's file that says whether a program is in it. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
await build({
  entryPoints: [join(root, 'src', 'cli', 'executable.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  mainFields: ['module', 'main'],
  // Native code, for which one file has no place.
  external: ['@napi-rs/keyring'],
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'eof',
  logLevel: 'warning',
  plugins: [
    smallSsh2,
    {
      name: 'version',
      setup({ onLoad }) {
        // There is no package.json beside it.
        onLoad({ filter: /\/src\/version\.ts$/ }, () => ({
          contents: `export const version = ${JSON.stringify(version)}`,
        }))
      },
    },
  ],
})
writeFileSync(settings, JSON.stringify({ main: bundle, output: blob, disableExperimentalSEAWarning: true }))
execFileSync(process.execPath, ['--experimental-sea-config', settings], { stdio: 'pipe' })
copyFileSync(process.execPath, executable)
chmodSync(executable, 0o755)
execFileSync('postject', [executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse], { stdio: 'pipe' })
for (const path of [bundle, settings, blob]) rmSync(path)
const sum = createHash('sha256').update(readFileSync(executable)).digest('hex')
writeFileSync(`${executable}.sha256`, `${sum}  ${basename(executable)}\n`)
