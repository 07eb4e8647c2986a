// What SQLite is asked: statements that it compiles once, however often they run.
import Driver from 'better-sqlite3'
import { afterEach, expect, it, vi } from 'vitest'
import { registeredClient, startServer } from '../support/server.ts'

afterEach(() => vi.restoreAllMocks())

// A plan that was made with a value in view is thrown away with the value (src/store/sqlite.ts). SQLite tells nobody when it does so.
it('plans no statement by the values of its parameters', async () => {
  const prepared = vi.spyOn(Driver.prototype, 'prepare')
  const server = await startServer('sqlite')
  try {
    const { limpet, account, vault } = await registeredClient(server, { method: 'opaque' })
    await vault.create({ kind: 'note', name: 'one', notes: 'two' })
    await account.vaults()
    await limpet.logout()
  } finally {
    await server.close()
  }
  const withParameters = prepared.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('?'))
  expect(withParameters.length).toBeGreaterThan(20)
  expect(withParameters.filter((sql) => /(?<!likely\()\?/.test(sql))).toEqual([])
})

it('prepares a statement once for a connection, and not for each unit of work', async () => {
  const server = await startServer('sqlite')
  try {
    const { vault } = await registeredClient(server)
    await vault.create({ kind: 'note', name: 'one' })
    const prepared = vi.spyOn(Driver.prototype, 'prepare')
    await vault.create({ kind: 'note', name: 'two' })
    expect(prepared).not.toHaveBeenCalled()
  } finally {
    await server.close()
  }
})
