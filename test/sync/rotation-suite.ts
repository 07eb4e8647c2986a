// Random sequences of what two clients do to one vault while its key is changed: everything opens at every moment, nothing is lost, and
// afterwards the old keys open nothing that the server still has.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  itemAssociatedData,
  OpenError,
  type OpenVault,
  open,
  purgeAssociatedData,
  vaultDataAssociatedData,
} from '../../src/sdk/index.ts'
import type { Engine } from '../support/database.ts'
import { readRows } from '../support/rows.ts'
import { registeredClient, startServer, type TestServer } from '../support/server.ts'
import { commands, Device, expectSame, type Model, noteKeys, type Real } from './rotation-model.ts'

const base64urlOf = (hex: unknown) => Buffer.from(String(hex), 'hex').toString('base64url')

/** Every envelope that the server has of a vault, with its context. */
async function envelopesOf({ database }: TestServer, vaultId: string) {
  const { vaults = [], items = [], item_versions: versions = [] } = await readRows(database)
  const inVault = (row: Record<string, unknown>) => row.vault_id === vaultId && row.data !== null
  return [
    ...vaults
      .filter(({ id }) => id === vaultId)
      .map(({ data }) => ({ data: base64urlOf(data), context: vaultDataAssociatedData(vaultId) })),
    ...items.filter(inVault).map(({ id, state, data }) => ({
      data: base64urlOf(data),
      context: (state === 'purged' ? purgeAssociatedData : itemAssociatedData)(vaultId, String(id)),
    })),
    ...versions.filter(inVault).map(({ item_id: id, data }) => ({
      data: base64urlOf(data),
      context: itemAssociatedData(vaultId, String(id)),
    })),
  ]
}

/** @returns how many of the vault's keys were tried on what the server has */
async function expectNewestKeyOnly(
  server: TestServer,
  { id: vaultId, keys: { newest } }: OpenVault,
  { keys }: Real,
) {
  const envelopes = await envelopesOf(server, vaultId)
  for (const [version, key] of keys)
    for (const { data, context } of envelopes) {
      const opening = open(key, context, data)
      if (version === newest) await opening
      else await expect(opening).rejects.toBeInstanceOf(OpenError)
    }
  return keys.size
}

/** Every replaced content is among the versions, unless they were dropped with an old key. */
async function expectVersions(model: Model, { reader }: Real) {
  for (const [id, { replaced }] of model.items) {
    const versions = await reader.vault.versions(id)
    const names = versions.map(({ content }) => content.name)
    if (model.mayDrop) expect(replaced).toEqual(expect.arrayContaining(names))
    else expect(names).toEqual(replaced)
  }
}

/** From so many sequences on, what usually happens does happen. */
const enoughToCount = 100

/** @param sequences how many, each of up to 12 steps */
export const rotationSuite = (engine: Engine, sequences: number) =>
  describe(`changes of the key on ${engine}`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, {
        environment: {
          MAX_VAULTS: String(sequences + 1),
          MAX_DELETED_ITEMS: '1000000',
          MAX_SESSIONS: '10000',
        },
      })
    })
    afterAll(() => server.close())

    it(`lose nothing in ${sequences} sequences`, { timeout: 3_000_000 }, async () => {
      const { account, email, password } = await registeredClient(server)
      const tally = { finished: 0, brokeOff: 0 }
      let tried = 0
      await fc.assert(
        fc.asyncProperty(commands, async (sequence) => {
          const { id: vaultId } = await account.createVault('model')
          try {
            const device = async () => {
              const one = new Device(server, { password, vaultId })
              await one.login(email)
              return one
            }
            const writers = [await device(), await device()] as const
            const real: Real = { writers, reader: await device(), keys: new Map(), tally }
            const model: Model = { items: new Map(), mayDrop: false }
            await fc.asyncModelRun(() => ({ model, real }), sequence)

            // Whatever broke off is finished by the next one.
            await real.writers[1].rotate({})
            const fresh = await device()
            noteKeys({ ...real, reader: fresh })
            for (const one of [...writers, real.reader, fresh]) await expectSame(model, one)
            await expectVersions(model, real)
            tried += await expectNewestKeyOnly(server, fresh.vault, real)
          } finally {
            await account.deleteVault(vaultId, password)
            await account.endOtherSessions()
          }
        }),
        { numRuns: sequences },
      )
      // Guards against a generator that changes no key, or breaks nothing off. Chance decides about a few sequences.
      if (sequences < enoughToCount) return
      expect(tally.finished).toBeGreaterThan(sequences / 4)
      expect(tally.brokeOff).toBeGreaterThan(sequences / 20)
      expect(tried).toBeGreaterThan(sequences * 2)
    })
  })
