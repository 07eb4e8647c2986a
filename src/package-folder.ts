// Where this package lies: sources run from `src`, programs from the folder that they were built into, both some way below it.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function folderWith(name: string, start: string): string {
  if (existsSync(join(start, name))) return start
  const parent = dirname(start)
  if (parent === start)
    throw new Error(`This copy of Limpet is not complete: ${name} is missing. Install it again.`)
  return folderWith(name, parent)
}

/** The folder of package.json and of `migrations`. */
export const packageFolder = folderWith('package.json', dirname(fileURLToPath(import.meta.url)))
