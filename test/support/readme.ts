// The README's walk-throughs, and the shell that runs them.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const project = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (page: string) => readFile(new URL(`../../${page}`, import.meta.url), 'utf8')
const pages = {
  'README.md': await textOf('README.md'),
  'docs/bitwarden.md': await textOf('docs/bitwarden.md'),
}

/** The lines of a walk-through as they stand there. */
export function walkThrough(name: string, page: keyof typeof pages = 'README.md'): string {
  const [, block] = pages[page].split(new RegExp(`<!-- walk-through: ${name} -->\\n *\`\`\`sh\\n`))
  const [lines] = block?.split('```') ?? []
  if (!lines) throw new Error(`${page} has no walk-through "${name}"`)
  return lines
}

/** Answers what asks for the master password, as somebody at a terminal would. */
export const answering = `npx() { printf '%s\\n' 'kelp forest lantern dune' | command npx --no "$@"; }\n`

/** Runs lines in a folder, the first that fails being the last. @returns what they wrote to standard output */
export async function runInProject(
  script: string,
  environment: Readonly<Record<string, string>>,
  folder = project,
): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-c', `set -euo pipefail\n${script}`], {
    cwd: folder,
    env: { ...process.env, ...environment },
    // The log of a deployment that was attacked for a minute is long.
    maxBuffer: 512 * 1024 * 1024,
  })
  return stdout
}
