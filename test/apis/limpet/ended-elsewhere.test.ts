// What one process ends is refused by the others as soon as they hear of it. The clock stands still here, so that nothing that they
// remember runs out by itself: without the announcement they would take it for ever.
import { describe, expect, it } from 'vitest'
import { memorySessionStorage } from '../../../src/sdk/session-storage.ts'
import { listening, loseListeners } from '../../support/listeners.ts'
import { operatorOf } from '../../support/operator.ts'
import { client, registeredClient } from '../../support/server.ts'
import { serversOn } from '../../support/servers.ts'

describe('two processes on Postgres', () => {
  const { start, startBeside } = serversOn('postgres')

  async function pair() {
    const { server, clock } = await start()
    const beside = await startBeside(server, clock)
    // Both listen before anything is to be heard.
    await listening(server.database, 2)
    const storage = memorySessionStorage()
    const { limpet, email, password } = await registeredClient(server, { storage })
    const session = await storage.load()
    const accessToken = session?.accessToken
    const askBeside = async () => {
      const answer = await fetch(`${beside.url}/api/v1/account`, {
        headers: { Authorization: `Bearer ${accessToken}` },
      })
      return answer.status
    }
    /** Resolves once the other process refuses; the time limit of the test is the end of waiting. */
    const refusedBeside = async () => {
      while ((await askBeside()) !== 401);
    }
    expect(await askBeside()).toBe(200)
    return { server, limpet, credentials: { email, password }, askBeside, refusedBeside }
  }

  it('refuse a session that the other one ended', async () => {
    const { limpet, refusedBeside } = await pair()
    await limpet.logout()
    await refusedBeside()
  })

  it('refuse a session that was ended from another device, and one that the operator ended', async () => {
    const { server, credentials, askBeside, refusedBeside } = await pair()
    const other = client(server)
    const account = await other.login(credentials)
    expect(await askBeside()).toBe(200)
    await account.endOtherSessions()
    await refusedBeside()
    const third = await pair()
    await operatorOf(third.server.database).json('users', 'disable', third.credentials.email)
    await third.refusedBeside()
  })

  it('refuse what was ended while they could not listen, once they listen again', async () => {
    const { server, limpet, refusedBeside } = await pair()
    expect(await loseListeners(server.database)).toBe(2)
    await limpet.logout()
    await refusedBeside()
  })
})
