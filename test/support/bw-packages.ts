// Before `npm run test:bitwarden`: fetches the versions of `bw`, once.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../clients/bitwarden/', import.meta.url))

const changedAt = (file: string) => statSync(`${folder}${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0

export default function setup() {
  if (changedAt('node_modules/.package-lock.json') >= changedAt('package-lock.json')) return
  const options = ['--ignore-scripts', '--no-audit', '--no-fund']
  const { status, stderr } = spawnSync('npm', ['ci', ...options], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The versions of bw could not be installed:\n${stderr}`)
}
