// `npm run openapi`: writes docs/openapi.json from the routes. With --check it only says whether that file is current.
import { readFileSync, writeFileSync } from 'node:fs'
import { contract } from '../src/apis/limpet/api.ts'

const file = new URL('../docs/openapi.json', import.meta.url)
const document = `${JSON.stringify(contract('https://limpet.example'), null, 2)}\n`

if (process.argv.includes('--check')) {
  const current = readFileSync(file, 'utf8') === document
  console.log(
    current ? 'docs/openapi.json is current' : 'docs/openapi.json is not current. Run: npm run openapi',
  )
  process.exitCode = current ? 0 : 1
} else writeFileSync(file, document)
