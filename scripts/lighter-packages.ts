// What packages load at once and Limpet never calls is left out of the programs: it would cost every start time and memory. The
// build fails where a package has changed so that an entry no longer fits.
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { OnLoadResult, Plugin } from 'esbuild'

/** The name under which the bytes of OPAQUE's WebAssembly are imported: as the name of a file beside the programs. */
const opaqueBytes = 'limpet:opaque.wasm'

const embeddedBytes = /function wasmData\(imports\)\{return _loadWasmModule\(0, null, '([\w+/]+=*)'\)\}/

const readBytes = 'const wasmData = () => WebAssembly.compile(readFileSync(new URL(file, import.meta.url)))'

/** Files of packages, and what is built in the place of their text. */
const lighter: Readonly<Record<string, (text: string) => string>> = {
  // Express's own parsers of bodies, of which 500 kB are tables of encodings. `src/http/body.ts` reads bodies.
  'body-parser/index.js': () => 'module.exports = {}',
  // Messages in fifty languages.
  'zod/v4/locales/index.js': () => "export { default as en } from './en.js'",
  // Limiters over databases that Limpet does not have.
  'rate-limiter-flexible/index.js': () =>
    ['RateLimiterMemory', 'RateLimiterPostgres', 'RateLimiterRes']
      .map((name) => `exports.${name} = require('./lib/${name}.js')`)
      .join('\n'),
  // For exemplars, which are not turned on: the trace that a measured request is part of.
  '@opentelemetry/api/dist/index.cjs': () => '',
  // The bytes as text would stay in memory. And as soon as `Request` or `Response` is asked for, Node loads its whole HTTP client.
  '@serenity-kit/opaque/esm/index.js': (text) => `import { readFileSync } from 'node:fs'
import file from '${opaqueBytes}'
const [Request, Response] = []
${text.replace(embeddedBytes, readBytes)}`,
}

export const lighterPackages: Plugin = {
  name: 'lighter-packages',
  setup({ onEnd, onLoad, onResolve }) {
    const unmet = new Set(Object.keys(lighter))
    let bytes = Buffer.of()
    for (const [file, contentsOf] of Object.entries(lighter))
      onLoad(
        { filter: new RegExp(`/node_modules/${file.replaceAll('.', '\\.')}$`) },
        ({ path }): OnLoadResult => {
          const text = readFileSync(path, 'utf8')
          const base64 = embeddedBytes.exec(text)?.[1]
          if (base64) bytes = Buffer.from(base64, 'base64')
          unmet.delete(file)
          return { contents: contentsOf(text), resolveDir: dirname(path) }
        },
      )
    onResolve({ filter: new RegExp(`^${opaqueBytes}$`) }, () => ({
      path: 'opaque.wasm',
      namespace: 'limpet',
    }))
    onLoad({ filter: /^opaque\.wasm$/, namespace: 'limpet' }, () => ({ contents: bytes, loader: 'file' }))
    // A module that imports `node:http` has Node load its client for WebSockets with it; `require` does not.
    onResolve({ filter: /^node:http$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'required' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
    }))
    onEnd(() => {
      if (bytes.length === 0) unmet.add('the WebAssembly of OPAQUE')
      return {
        errors: [...unmet].map((text) => ({ text: `${text} is not met: mend scripts/lighter-packages.ts` })),
      }
    })
  },
}
