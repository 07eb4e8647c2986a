// The SDK as a page would load it.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const entry = fileURLToPath(new URL('../../src/sdk/index.ts', import.meta.url))

/** The SDK as one script that leaves its exports in `limpet`. */
export async function bundleSdk(options: { minify: boolean; external?: string[] }) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'limpet',
    target: 'es2022',
    logLevel: 'silent',
    ...options,
  })
  const [output] = outputFiles
  if (!output) throw new Error('esbuild made nothing')
  return { script: output.text, inputs: Object.entries(metafile.inputs) }
}
