// A few seconds of the worst that strangers and one account can send: the process lives, and answers others as ever. How soon it
// does is measured by `npm run bench:attack`, for a minute.
import { describe, expect, it } from 'vitest'
import { newAccount } from '../support/accounts.ts'
import { attack, heapOfContainer } from '../support/attack.ts'
import { createDatabase, engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startProcess } from '../support/process.ts'
import { send } from '../support/requests.ts'

describe.each(engines)('a server with little memory on %s', (engine) => {
  it('outlives everything at once', async () => {
    const database = await createDatabase(engine)
    const server = await startProcess({
      port: await freePort(),
      databaseUrl: database.url,
      environment: { NODE_OPTIONS: heapOfContainer, RATE_LIMITS: 'on', LOG_LEVEL: 'warn' },
    })
    try {
      const outcomes = await attack(server, { account: await newAccount(server), ms: 3000 })
      expect(server.output()).not.toContain('FATAL')
      expect(Object.keys(outcomes['nested brackets'] ?? {})).toContain('400 malformed-request')
      expect(Object.keys(outcomes['bodies without end'] ?? {})).toEqual(['413'])
      const all = Object.values(outcomes).flatMap(Object.keys)
      expect(all.filter((outcome) => outcome.startsWith('500') || outcome === 'nothing')).toEqual([])
      expect((await send(server, { path: '/healthz' })).status).toBe(200)
      const other = await newAccount(server)
      expect((await send(server, { path: '/api/v1/vaults', token: other.token })).status).toBe(200)
    } finally {
      await server.kill()
      await database.remove()
    }
  })
})
