// Random sequences of what two clients do to one vault: no divergence from the model, and no edit lost.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Replica, type UnlockedAccount, type Vault } from '../../src/sdk/index.ts'
import type { Engine } from '../support/database.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../support/server.ts'
import { commands, expectNothingLost, type Model, type Real, type RealClient } from './model.ts'

const clientOf = async (account: UnlockedAccount, vault: Vault): Promise<RealClient> => ({
  vault: await account.openVault(vault),
  replica: new Replica(),
  known: new Map(),
})

/** @param sequences how many, each of up to 20 steps */
export const modelSuite = (engine: Engine, sequences: number) =>
  describe(`two clients and a model on ${engine}`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, { environment: { MAX_VAULTS: String(sequences + 1) } })
    })
    afterAll(() => server.close())

    it(`agree after each of ${sequences} sequences`, { timeout: 600_000 }, async () => {
      const first = await registeredClient(server)
      const second = await secondDevice(server, first)
      let effective = 0
      await fc.assert(
        fc.asyncProperty(commands, async (sequence) => {
          const { sealed } = await first.account.createVault('model')
          const real: Real = {
            clients: [await clientOf(first.account, sealed), await clientOf(second.account, sealed)],
          }
          const model: Model = { revision: 1, items: new Map(), purged: new Map() }
          await fc.asyncModelRun(() => ({ model, real }), sequence)
          await expectNothingLost(model, real)
          effective += model.revision - 1
        }),
        { numRuns: sequences },
      )
      // Guards against a generator that makes nothing but empty sequences.
      expect(effective).toBeGreaterThan(sequences)
    })
  })
