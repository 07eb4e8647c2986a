// In a checkout: which build of the programs is the one of its present sources.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))

/** What the programs are made from besides `src`. */
const tools = [
  'scripts/programs.ts',
  'scripts/lighter-packages.ts',
  'scripts/small-ssh2.ts',
  'package-lock.json',
]

/** Changes with each change to an ingredient. Of the sources names, sizes and times are enough, and are read in milliseconds. */
function fingerprint() {
  const hash = createHash('sha256')
  for (const name of tools) hash.update(readFileSync(join(checkout, name)))
  for (const entry of readdirSync(join(checkout, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const { mtimeMs, size } = statSync(path)
    hash.update(`${path}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

/** @returns the folder in which the build of the present sources is, or is to be made */
export const buildOfSources = () => join(checkout, 'dist', 'checkout', fingerprint())
