// The version, from package.json.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder } from './package-folder.ts'

const manifest: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))

const isVersioned = (value: unknown): value is { version: string } =>
  typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string'

if (!isVersioned(manifest)) throw new Error('package.json has no version. Install Limpet again.')

export const { version } = manifest
