// `npm run bench:import`: how long `limpet import` takes for 10,000 logins, from its start to its end, as a program against a server
// that is a process of its own; and how long the same import takes that finds all of them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chrome } from '../test/support/chrome.ts'
import { checkout, onBothEngines } from './servers.ts'

const items = 10_000
const password = 'kelp forest lantern dune'

await onBothEngines(async (server, { engine }) => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-bench-'))
  const limpet = (args: readonly string[], environment: Record<string, string> = {}) =>
    execFileSync(process.execPath, [`${checkout}/bin/limpet.js`, ...args], {
      input: `${password}\n`,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {
        ...process.env,
        LIMPET_STATE_DIR: join(folder, 'state'),
        LIMPET_SERVER: server.url,
        ...environment,
      },
    })
  try {
    limpet(['register', 'ada@example.com'])
    const [, key = ''] = /LIMPET_UNLOCK_KEY='([\w-]+)'/.exec(limpet(['unlock'])) ?? []
    const path = join(folder, 'export.csv')
    writeFileSync(path, chrome(items))
    const timed = (): string => {
      const began = performance.now()
      limpet(['import', path, '--yes'], { LIMPET_UNLOCK_KEY: key })
      return ((performance.now() - began) / 1000).toFixed(1)
    }
    console.log(
      `${engine}: ${items.toLocaleString('en')} items in ${timed()} s, the same again in ${timed()} s`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
