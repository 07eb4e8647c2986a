// The files of an unpacked web vault, as they are served: known by name from the start, so that no path leads anywhere else.
import { constants } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Request, Response } from 'express'
import { ClientGone } from '../../http/body.ts'
import { Content, sendWhole } from '../../http/content.ts'
import { framable } from '../../http/exchange-classes.ts'

/** The type of what browsers load, and whether compressing it is worth it. */
const types: ReadonlyMap<string, readonly [type: string, isText: boolean]> = new Map([
  ['.html', ['text/html; charset=utf-8', true]],
  ['.js', ['text/javascript; charset=utf-8', true]],
  ['.mjs', ['text/javascript; charset=utf-8', true]],
  ['.css', ['text/css; charset=utf-8', true]],
  ['.json', ['application/json; charset=utf-8', true]],
  ['.webmanifest', ['application/manifest+json', true]],
  ['.txt', ['text/plain; charset=utf-8', true]],
  ['.svg', ['image/svg+xml', true]],
  ['.wasm', ['application/wasm', true]],
  ['.png', ['image/png', false]],
  ['.jpg', ['image/jpeg', false]],
  ['.gif', ['image/gif', false]],
  ['.ico', ['image/x-icon', false]],
  ['.webp', ['image/webp', false]],
  ['.woff', ['font/woff', false]],
  ['.woff2', ['font/woff2', false]],
])

/** More is no web vault. */
const maxFiles = 5000

/** The largest file that is kept compressed in memory. */
const maxKeptBytes = 32 * 1024 * 1024

/** Such as `main.4f1d0c2b9e8a7d6c.js`: another content has another name. */
const hashedName = /\.[\da-f]{8,64}\.\w+$/

const compress = promisify(gzip)

/** One file that is there. */
export class VaultFile {
  readonly #path: string
  readonly #type: string
  readonly #isText: boolean
  readonly #cacheControl: string
  /** Compressed, of the content that the entity tag names. */
  #kept: { etag: string; gzipped: Promise<Buffer> } | undefined

  constructor(path: string) {
    const [type, isText] = types.get(extname(path)) ?? ['application/octet-stream', false]
    this.#path = path
    this.#type = type
    this.#isText = isText
    this.#cacheControl = hashedName.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache'
  }

  async send(req: Request, res: Response, status: number): Promise<void> {
    // No symbolic link that has taken its place.
    const file = await open(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const { size, mtimeMs } = await file.stat()
      const etag = `W/"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`
      res.setHeader('Cache-Control', this.#cacheControl)
      res.setHeader('ETag', etag)
      const mayCompress = this.#isText && size <= maxKeptBytes
      if (mayCompress) res.vary('Accept-Encoding')
      if (req.get('if-none-match') === etag) return void res.writeHead(304).end()
      const headers = { 'Content-Type': this.#type }
      if (mayCompress && req.acceptsEncodings('gzip') === 'gzip') {
        const gzipped = await this.#gzipped(etag, file)
        return sendWhole(res, status, { ...headers, 'Content-Encoding': 'gzip' }, gzipped)
      }
      res.writeHead(status, { ...headers, 'Content-Length': size })
      if (req.method === 'HEAD' || size === 0) return void res.end()
      await pipeline(file.createReadStream({ autoClose: false, end: size - 1 }), res)
    } catch (error) {
      throw res.destroyed ? new ClientGone() : error
    } finally {
      await file.close()
    }
  }

  #gzipped(etag: string, file: FileHandle): Promise<Buffer> {
    if (this.#kept?.etag !== etag) {
      const gzipped = file.readFile().then((content) => compress(content))
      this.#kept = { etag, gzipped }
      gzipped.catch(() => {
        this.#kept = undefined
      })
    }
    return this.#kept.gzipped
  }
}

export class VaultFileAnswer extends Content {
  readonly #file: VaultFile
  readonly #policy: string

  /** @param policy Content-Security-Policy, which says who may frame it, too */
  constructor(file: VaultFile, policy: string) {
    super()
    this.#file = file
    this.#policy = policy
  }

  override send(req: Request, res: Response, status: number): Promise<void> {
    framable.add(res)
    res.setHeader('Content-Security-Policy', this.#policy)
    return this.#file.send(req, res, status)
  }
}

/**
 * Finds the files of a folder. Source maps, hidden files and symbolic links are not served.
 * @returns them by the paths that browsers ask for
 * @throws an error with a sentence if there is no web vault
 */
export async function filesOf(folder: string): Promise<ReadonlyMap<string, VaultFile>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = found
    .filter((entry) => entry.isFile() && extname(entry.name) !== '.map')
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep))
    .filter((parts) => parts.every((part) => !part.startsWith('.')))
  if (paths.length > maxFiles || !paths.some((parts) => parts.join('/') === 'index.html'))
    throw new Error(
      'BITWARDEN_WEB_VAULT: expected the folder of an unpacked web vault, with its index.html, that the server can read',
    )
  return new Map(paths.map((parts) => [`/${parts.join('/')}`, new VaultFile(join(folder, ...parts))]))
}
