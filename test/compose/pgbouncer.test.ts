// The production deployment with PgBouncer in transaction mode before Postgres, as docs/deploying.md describes it.
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { walkThrough } from '../support/readme.ts'
import { type Deployment, hasDocker, newDeployment } from './deployment.ts'
import { eventually, newWriters, startLoad } from './load.ts'

const files = 'docker-compose.prod.yml:test/compose/pgbouncer/compose.yml'

/** The README's lines, with the pooler where the database was. */
const lines = walkThrough('production')
  .replace('docker-compose.prod.yml', files)
  .replace('@postgres/', '@pgbouncer:6432/')
  .replace(
    'chmod',
    `echo "\\"limpet_server\\" \\"$(cat secrets/database-password)\\"" > secrets/pgbouncer-users\nchmod`,
  )

describe.runIf(hasDocker())('PgBouncer in transaction mode', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await newDeployment(files)
    await deployment.run(lines)
  })
  afterAll(() => deployment?.remove())

  it('shares few connections among the servers, and no request fails', async () => {
    const documentation = await readFile(new URL('../../docs/deploying.md', import.meta.url), 'utf8')
    const settings = await readFile(new URL('pgbouncer/pgbouncer.ini', import.meta.url), 'utf8')
    const [, documented = ''] = /```ini\n(.*?)```/s.exec(documentation) ?? []
    expect(settings).toContain(documented)

    const ca = await readFile(join(deployment.folder, 'secrets', 'tls.crt'))
    const server = { url: 'https://localhost:443', agent: new Agent({ keepAlive: true, ca }) }
    const load = await startLoad(server, await newWriters(server))
    await eventually('the load went on for a while', async () => load.answered() > 500)
    const query = "select count(*) from pg_stat_activity where application_name = 'limpet'"
    const count = await deployment.run(
      `docker compose exec --no-TTY postgres psql --username limpet --no-align --tuples-only --command "${query}"`,
    )
    expect(await load.stop()).toEqual([])
    expect(load.failures()).toEqual([])
    expect(Number(count)).toBeGreaterThan(0)
    expect(Number(count)).toBeLessThanOrEqual(5)
  })
})
