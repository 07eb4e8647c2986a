// `npm run build`: everything in `dist` that is published: the programs, and the modules that other packages import, with their types.
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildOfSources } from '../bin/checkout.js'
import { buildOnce } from './programs.ts'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))

rmSync(dist, { recursive: true, force: true })
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' })
// For this checkout, which then needs the bundler no more, and for the package.
const built = buildOfSources()
await buildOnce(built)
cpSync(built, `${dist}programs`, { recursive: true })
