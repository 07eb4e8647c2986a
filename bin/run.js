// Starts a program of this package from the one file that it was built into. A checkout builds it first when a source has changed.
// Plain JavaScript, so that a Node that is too old can say so.
import { accessSync, constants, existsSync } from 'node:fs'
import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildOfSources } from './checkout.js'
import { nameSourcesInStacks } from './stacks.js'

const minimum = [22, 14]

const packageFolder = fileURLToPath(new URL('..', import.meta.url))

/** The folder of the built programs: as published, or as this checkout's sources now are. */
async function builtPrograms() {
  if (!existsSync(join(packageFolder, 'src'))) return join(packageFolder, 'dist', 'programs')
  const folder = buildOfSources()
  if (!existsSync(folder)) {
    const { buildOnce } = await import('../scripts/programs.ts')
    await buildOnce(folder)
  }
  return folder
}

/**
 * Lets V8 keep what it compiled: beside the program, or for a user who cannot write there in a folder of their own. Never in the
 * folder for temporary files that all users of a machine share: another user could put code there first.
 */
function keepCompiled(programs) {
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return
  const beside = join(programs, 'compiled')
  try {
    if (!existsSync(beside)) accessSync(programs, constants.W_OK)
    module.enableCompileCache(beside)
  } catch {
    module.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'limpet'))
  }
}

/** @param program such as `limpet-server` */
export async function run(program) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    process.stderr.write(
      `Limpet needs Node ${minimum.join('.')} or later; this is ${process.versions.node}. In a checkout "npm start" and "npx limpet" bring their own.\n`,
    )
    process.exit(1)
  }
  const programs = await builtPrograms()
  keepCompiled(programs)
  nameSourcesInStacks()
  await import(pathToFileURL(join(programs, `${program}.js`)).href)
}
