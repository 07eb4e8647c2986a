// Two clients of one vault and a model of it, with answers that are lost. `npm run test:long` does more of it, and kills the server.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BitwardenDevice, registerBitwardenUser } from '../../support/bitwarden-client.ts'
import { engines } from '../../support/database.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { empty, namesReplaced, runSteps, steps } from './model-suite.ts'

describe.each(engines)("two clients of Bitwarden's and a model on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let devices: readonly [BitwardenDevice, BitwardenDevice]
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
    const user = await registerBitwardenUser(server)
    devices = [await BitwardenDevice.login(server, user), await BitwardenDevice.login(server, user)]
  })
  afterAll(() => server.close())

  it('agree after each of 20 sequences', async () => {
    let [changes, replaced] = [0, 0]
    await fc.assert(
      fc.asyncProperty(steps(20), async (sequence) => {
        await empty(devices[0])
        const outcome = await runSteps(sequence, {
          devices,
          pause: () => clock.advance(10),
          // It is done, and the client does not know.
          unanswered: (write) => write().catch(() => undefined),
        })
        changes += outcome.changes
        replaced += Object.keys(outcome.replaced).length
        // Whatever was replaced is kept, and opens.
        expect(await namesReplaced(server.database, devices[0])).toEqual(outcome.replaced)
      }),
      { numRuns: 20 },
    )
    expect(changes).toBeGreaterThan(20)
    expect(replaced).toBeGreaterThan(0)
  })
})
