// The last step of `npm run build`: writes what browsers load into `dist/web`, where the published server reads it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { bundleWeb } from '../src/web-bundle.ts'

const folder = new URL('../dist/web/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const { name, content } of await bundleWeb()) writeFileSync(new URL(name, folder), content)
