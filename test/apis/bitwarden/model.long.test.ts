// Two clients of one vault and a model of it, while the server is killed again and again in the middle of a write.
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BitwardenDevice, registerBitwardenUser } from '../../support/bitwarden-client.ts'
import { createDatabase, engines } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { startProcess } from '../../support/process.ts'
import { empty, namesReplaced, runSteps, steps } from './model-suite.ts'

const sequences = 20

describe.each(engines)("two clients of Bitwarden's, a model and a server that is killed on %s", (engine) => {
  it(`agree after each of ${sequences} sequences`, { timeout: 900_000 }, async () => {
    const database = await createDatabase(engine)
    const port = await freePort()
    const start = () =>
      startProcess({ port, databaseUrl: database.url, environment: { BITWARDEN_API: 'on' } })
    let server = await start()
    let kills = 0
    try {
      const user = await registerBitwardenUser(server)
      const devices = [
        await BitwardenDevice.login(server, user),
        await BitwardenDevice.login(server, user),
      ] as const
      for (const sequence of fc.sample(steps(30), sequences)) {
        await empty(devices[0])
        const { replaced } = await runSteps(sequence, {
          devices,
          pause: () => {},
          async unanswered(write) {
            const ended = write().catch(() => undefined)
            await new Promise((resolve) => setTimeout(resolve, randomInt(0, 15)))
            await server.kill()
            await ended
            server = await start()
            kills++
          },
        })
        expect(await namesReplaced(database, devices[0])).toEqual(replaced)
      }
      // Chance decides how many; none at all would mean that the test does not do what it says.
      expect(kills).toBeGreaterThan(0)
    } finally {
      await server.kill()
      await database.remove()
    }
  })
})
