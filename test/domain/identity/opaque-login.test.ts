// What a login by OPAQUE writes, seen from the rules: how often, and what many at once can do with one handshake.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeferredTasks } from '../../../src/domain/deferred-tasks.ts'
import { beginSession } from '../../../src/domain/identity/login.ts'
import { createOpaqueServer } from '../../../src/domain/identity/opaque.ts'
import { limiterOf } from '../../../src/domain/rate-limits/limiter.ts'
import { deriveServerKeys } from '../../../src/domain/server-keys.ts'
import { systemRandom } from '../../../src/random.ts'
import { readConfig } from '../../../src/server/config.ts'
import { createDomainServices, type DomainServices } from '../../../src/server/domain-services.ts'
import { openStore } from '../../../src/store/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { newOpaqueAccount, type Proof, startProof } from '../../support/opaque.ts'
import { startServer, TestClock, type TestServer, testOpaqueSetup, testSecret } from '../../support/server.ts'

/** The units of work that a store was given; `before` is run before each. */
function watched(store: Store) {
  const units = { count: 0, before: async () => {} }
  const watching: Store = {
    ...store,
    async write(work, options) {
      units.count++
      await units.before()
      return store.write(work, options)
    },
  }
  return { units, store: watching }
}

describe.each(engines)('a login by OPAQUE on %s', (engine) => {
  const clock = new TestClock()
  const ending: (() => Promise<unknown>)[] = []
  let server: TestServer
  let services: DomainServices
  let units: ReturnType<typeof watched>['units']
  beforeAll(async () => {
    server = await startServer(engine, { clock })
    ending.unshift(() => server.close())
    const opened = await openStore(databaseOf(server.database), {
      now: () => clock.now(),
      onIdleError: () => {},
    })
    ending.unshift(() => opened.store.close())
    const { store, ...rest } = watched(opened.store)
    units = rest.units
    const config = readConfig({
      DATABASE_URL: server.database.url,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
      RATE_LIMITS: 'off',
    })
    const keys = deriveServerKeys(testSecret, testOpaqueSetup)
    const opaque = createOpaqueServer(testOpaqueSetup)
    ending.unshift(() => opaque.close())
    services = await createDomainServices({
      ...{ clock, config, keys, opaque, store, objects: undefined, random: systemRandom },
      limiter: limiterOf(config, { keys, store }),
      deferredTasks: createDeferredTasks(),
      ending: new AbortController().signal,
    })
  })
  afterAll(async () => {
    for (const end of ending) await end()
  })

  const device = { id: randomUUID(), name: 'test', type: 'other' as const }
  const wrongFinish = () => randomBytes(64).toString('base64url')

  async function logIn(email: string, { handshake, finish }: Proof): Promise<string> {
    const password = { opaque: { handshake, finish: finish ?? '' } }
    const request = { email, password, device, address: '192.0.2.1' }
    return (await beginSession(request, services)).kind
  }

  it('writes once, and once if it is wrong', async () => {
    const { email, password } = await newOpaqueAccount(server)
    const proof = await startProof(server, email, password)
    units.count = 0
    expect(await logIn(email, proof)).toBe('begun')
    expect(units.count).toBe(1)
    const wrong = { ...(await startProof(server, email, password)), finish: wrongFinish() }
    units.count = 0
    expect(await logIn(email, wrong)).toBe('wrong-password')
    expect(units.count).toBe(1)
  })

  it('of many finishes at once, right and wrong, has one at the most that is not refused', async () => {
    const { email, password } = await newOpaqueAccount(server)
    for (let round = 0; round < 5; round++) {
      const proof = await startProof(server, email, password)
      // All of them are checked, and none is written yet.
      let arrived = 0
      let openGate = () => {}
      const gate = new Promise<void>((resolve) => {
        openGate = resolve
      })
      units.before = () => {
        if (++arrived === 12) openGate()
        return gate
      }
      const finishes = Array.from({ length: 12 }, (_, at) =>
        at % 3 === round % 3 ? proof.finish : wrongFinish(),
      )
      const answers = finishes.map((finish) => logIn(email, { ...proof, finish }))
      await gate
      units.before = async () => {}
      const kinds = await Promise.all(answers)
      expect(kinds.filter((kind) => kind === 'begun').length).toBeLessThanOrEqual(1)
      expect(new Set(kinds.filter((kind) => kind !== 'begun'))).toEqual(new Set(['wrong-password']))
      // Whichever was first: a right one after it is refused.
      expect(await logIn(email, proof)).toBe('wrong-password')
    }
  })

  it('is refused for good by a wrong finish, whatever comes of the right one that was checked beside it', async () => {
    const { email, password } = await newOpaqueAccount(server)
    const proof = await startProof(server, email, password)
    // The right one is checked, and waits; the wrong one is answered meanwhile.
    let goOn = () => {}
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const reached = new Promise<void>((resolve) => {
      units.before = () => {
        units.before = async () => {}
        resolve()
        return waiting
      }
    })
    const right = logIn(email, proof)
    await reached
    expect(await logIn(email, { ...proof, finish: wrongFinish() })).toBe('wrong-password')
    goOn()
    expect(await right).toBe('wrong-password')
  })
})
