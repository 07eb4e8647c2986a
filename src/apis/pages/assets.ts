// The scripts, the stylesheet and the icon of the pages, each under a name that changes with its content.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Asset } from '../../http/asset.ts'
import type { BundledFile } from './web-bundle.ts'

export interface WebAsset {
  /** Such as `create-4f1d….js`. */
  readonly fileName: string
  readonly answer: Asset
}

const mediaTypes = new Map([
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
])

/** What was built beside the program. */
async function readBuilt(): Promise<BundledFile[]> {
  const folder = new URL('web/', import.meta.url)
  const names = await readdir(folder)
  return Promise.all(names.map(async (name) => ({ name, content: await readFile(new URL(name, folder)) })))
}

/** For tests and scripts, which run the sources as they are. */
async function bundle(): Promise<BundledFile[]> {
  const { bundleWeb } = await import('./web-bundle.ts')
  return bundleWeb()
}

function toAsset({ name, content }: BundledFile): [string, WebAsset] {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16)
  const extension = extname(name)
  const fileName = `${name.slice(0, -extension.length)}-${hash}${extension}`
  const answer = new Asset({
    type: mediaTypes.get(extension) ?? 'application/octet-stream',
    content: Buffer.from(content),
    gzipped: gzipSync(content, { level: 9 }),
    isImmutable: true,
  })
  return [name, { fileName, answer }]
}

let loaded: Promise<ReadonlyMap<string, WebAsset>> | undefined

/** Each asset by the name that it has in `src/web`; made or read once for the process. */
export function webAssets(): Promise<ReadonlyMap<string, WebAsset>> {
  loaded ??= (import.meta.url.endsWith('.ts') ? bundle() : readBuilt()).then(
    (files) => new Map(files.map(toAsset)),
  )
  return loaded
}
