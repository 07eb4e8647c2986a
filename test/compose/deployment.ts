// A clone of the project and its deployment in containers, apart from any other one on this machine.
import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInProject } from '../support/readme.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

function works(...command: string[]): boolean {
  const [program = '', ...args] = command
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Why nothing can be deployed here, if so. */
function whatIsMissing(): string | undefined {
  if (!works('docker', 'info')) return 'no Docker engine answers'
  if (!works('docker', 'compose', 'version')) return 'Docker has no Compose'
  return undefined
}

/** Whether the tests with containers can run; says aloud where they cannot. */
export function hasDocker(): boolean {
  const missing = whatIsMissing()
  if (missing) process.stderr.write(`\nNOT RUN: ${missing} here, so the compose files were not tried.\n\n`)
  return missing === undefined
}

export interface Deployment {
  /** Where the clone is. */
  readonly folder: string
  /** Runs lines of a shell in the clone. @returns what they wrote to standard output */
  run(script: string): Promise<string>
  /** Runs `docker compose` with words that need no quotes. */
  compose(words: string): Promise<string>
  /** Removes the containers, their volumes and the clone. */
  remove(): Promise<void>
}

/** A clone as it would be after a commit. @param file the compose file that `compose` works with */
export async function newDeployment(file: string): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-compose-'))
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const names = execFileSync('git', list, { cwd: project, encoding: 'utf8' }).split('\0').filter(Boolean)
  for (const name of names) await cp(join(project, name), join(folder, name))
  // The file's own name of the deployment may be in use by somebody who depends on it.
  const environment = { COMPOSE_PROJECT_NAME: 'limpet-test', COMPOSE_FILE: file }
  const run = (script: string) => runInProject(script, environment, folder)
  const compose = (words: string) => run(`docker compose --progress quiet ${words} 2>&1`)
  return {
    folder,
    run,
    compose,
    async remove() {
      await compose('down --volumes --timeout 5')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
