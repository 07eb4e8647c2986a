// Python with packages, for programs of the documents and of others.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What the tests use, each of one version. */
const packages = ['argon2-cffi==25.1.0', 'cryptography==50.0.2', 'pykeepass==4.2.0']

const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))
const folder = `${cache}python-${packages.join('-').replaceAll(/[^\w.]+/g, '-')}`

const succeeds = (program: string, args: readonly string[]) =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0

/** Makes the environment under another name first, so that a half one is never taken for a whole one. */
function install(): boolean {
  mkdirSync(cache, { recursive: true })
  const draft = `${folder}.${process.pid}`
  try {
    if (!succeeds('python3', ['-m', 'venv', draft])) return false
    if (!succeeds(`${draft}/bin/python`, ['-m', 'pip', 'install', '--quiet', ...packages])) return false
    if (!existsSync(folder)) renameSync(draft, folder)
    return true
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/**
 * Python with the packages above, which the first call installs.
 * @returns undefined if there is no Python here, or the packages cannot be had; said on standard error
 */
export function pythonWithPackages(): string | undefined {
  if (existsSync(folder) || install()) return `${folder}/bin/python`
  process.stderr.write(
    'There is no Python with the packages of test/support/python.ts here: its tests are skipped.\n',
  )
  return undefined
}
