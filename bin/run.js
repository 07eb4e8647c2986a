// Starts a program of this package: from its sources in a checkout, from `dist` in an installed package. Plain JavaScript, so
// that a Node that is too old can say so.
import { existsSync } from 'node:fs'

const least = [22, 14]

export async function run(program) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < least[0] || (major === least[0] && minor < least[1])) {
    process.stderr.write(
      `Limpet needs Node ${least.join('.')} or later; this is ${process.versions.node}. In a checkout "npm start" and "npx limpet" bring their own.\n`,
    )
    process.exit(1)
  }
  const source = new URL(`../src/${program}.ts`, import.meta.url)
  await import(existsSync(source) ? source.href : new URL(`../dist/${program}.js`, import.meta.url).href)
}
