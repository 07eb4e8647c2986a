// The browser's part of the pages, as browsers load it: bundled and minified. `npm run build` writes it into the package; in a
// checkout the server makes it at the first request for a page.
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const entries = [
  'share/create.ts',
  'share/open.ts',
  'mail-links/confirm.ts',
  'connectors/webauthn.ts',
  'kit/style.css',
  'kit/icon.svg',
]

export interface BundledFile {
  /** Such as `create.js`. */
  readonly name: string
  readonly content: Uint8Array
}

export async function bundleWeb(): Promise<BundledFile[]> {
  const { outputFiles } = await build({
    entryPoints: entries.map((name) => fileURLToPath(new URL(`../../web/${name}`, import.meta.url))),
    outdir: 'web',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    loader: { '.svg': 'copy' },
    logLevel: 'silent',
  })
  return outputFiles.map(({ path, contents }) => ({ name: basename(path), content: contents }))
}
