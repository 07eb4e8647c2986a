// Stacks name the sources instead of the built file. Node's own way (--enable-source-maps) reads every map at the start, which costs
// a server 30 MB; here a map is read when the first stack is looked at.
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))

const maps = new Map()

/** The map beside a built file. @returns undefined if there is none */
function mapOf(file) {
  if (!maps.has(file)) {
    const path = `${file}.map`
    maps.set(file, existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8'))) : undefined)
  }
  return maps.get(file)
}

function describe(site) {
  const url = site.getFileName()
  if (!url?.startsWith('file:')) return String(site)
  const file = fileURLToPath(url)
  const entry = mapOf(file)?.findEntry(site.getLineNumber() - 1, site.getColumnNumber() - 1)
  if (!entry?.originalSource) return String(site)
  const source = relative(packageFolder, resolve(dirname(file), entry.originalSource))
  const name = site.getFunctionName()
  const place = `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  return name ? `${site.isAsync() ? 'async ' : ''}${name} (${place})` : place
}

/** Has every stack of this process name sources from now on. */
export function nameSourcesInStacks() {
  Error.prepareStackTrace = (error, sites) => {
    const head = Error.prototype.toString.call(error)
    try {
      return [head, ...sites.map((site) => `    at ${describe(site)}`)].join('\n')
    } catch {
      // A map that cannot be read must not hide the error.
      return [head, ...sites.map((site) => `    at ${site}`)].join('\n')
    }
  }
}
