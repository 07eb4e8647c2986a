// What is told of announcements that come in any order, while the state is being read, or in great numbers. The store is none, so that each
// moment can be chosen.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { limits } from '../../../src/contract/sizes.ts'
import { VaultCaller } from '../../../src/domain/caller.ts'
import type { Announcement } from '../../../src/domain/live/announcements.ts'
import { Watches, type WatchListener } from '../../../src/domain/live/watches.ts'
import type { Listener } from '../../../src/store/announcements.ts'
import { unusedStore } from '../../support/app.ts'
import { TestClock } from '../../support/server.ts'

/** Watches over a database that has one vault, and what it is asked. */
function setUp(bounds = { total: 10, ofAccount: 5, ofAddress: 5 }) {
  const listeners: Listener[] = []
  const answers: (() => void)[] = []
  const database = { revision: 1, isSlow: false, isAway: false }
  const watches = new Watches({
    clock: new TestClock(),
    config: { watches: bounds },
    ending: new AbortController().signal,
    store: {
      ...unusedStore,
      read: async (work) => {
        if (database.isAway) throw new Error('away')
        return work(Object.create(null))
      },
      listen(listener) {
        listeners.push(listener)
        return () => {}
      },
    },
    accessEnds: async (_reader, accesses) => new Map(accesses.map(({ id }) => [id, 1e15])),
    async listRevisions() {
      const { revision } = database
      if (database.isSlow) await new Promise<void>((resolve) => answers.push(resolve))
      return { vaults: [{ id: 'v', revision }], more: false }
    },
    revisionMarks: async () => new Map(),
  })
  const announce = (announcement: Announcement) => {
    for (const { heard } of listeners) heard(JSON.stringify(announcement))
  }
  const changed = (revision: number | null, vaultId = 'v') =>
    announce({ kind: 'vault-changed', accountId: 'a', vaultId, revision })
  const missed = () => {
    for (const listener of listeners) listener.missed()
  }
  return { announce, answers, changed, database, missed, watches }
}

const caller = VaultCaller.bySession({ accountId: 'a', sessionId: 's' })

/** A stream's listener, which writes down what it is told. */
function notebook() {
  const told: string[] = []
  const listener: WatchListener = {
    state: ({ vaults }) => told.push(`state ${vaults.map(({ revision }) => revision)}`),
    changed: (news) => told.push(`changed ${[...news].map(([id, revision]) => `${id} ${revision}`)}`),
    accountChanged: () => told.push('account'),
    ended: (reason) => told.push(reason),
  }
  return { told, listener }
}

/** Lets everything run that waits for no timer. */
const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(
  () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }),
)
afterEach(() => void vi.useRealTimers())

describe('a watch', () => {
  async function watching(parts = setUp()) {
    const { told, listener } = notebook()
    const place = parts.watches.reserve('events', caller, '192.0.2.1')
    place.start(listener)
    await settle()
    return { ...parts, told, place }
  }

  it('tells the highest revision of those that come at once, in whatever order, and then that a vault is gone', async () => {
    const { changed, told } = await watching()
    changed(2)
    for (const revision of [5, 4, 3]) changed(revision)
    expect(told).toEqual(['state 1', 'changed v 2'])
    await vi.advanceTimersByTimeAsync(100)
    expect(told.slice(2)).toEqual(['changed v 5'])
    for (const revision of [6, null, 7]) changed(revision)
    await vi.advanceTimersByTimeAsync(100)
    expect(told.slice(3)).toEqual(['changed v null'])
  })

  it('tells the state again if something changed while it was read', async () => {
    const parts = setUp()
    parts.database.isSlow = true
    const { answers, changed, database, told } = await watching(parts)
    expect(told).toEqual([])
    changed(2)
    database.revision = 2
    answers.shift()?.()
    await settle()
    expect(told).toEqual(['state 1'])
    answers.shift()?.()
    await settle()
    expect(told).toEqual(['state 1', 'state 2'])
  })

  it('tells of the account after the first state, and not before', async () => {
    const parts = setUp()
    parts.database.isSlow = true
    const { announce, answers, told } = await watching(parts)
    announce({ kind: 'account-changed', accountId: 'a' })
    expect(told).toEqual([])
    answers.shift()?.()
    await settle()
    expect(told).toEqual(['state 1', 'account'])
  })

  it('is told the state in place of very many vaults', async () => {
    const { changed, told } = await watching()
    changed(2)
    for (let index = 0; index <= limits.stateVaults; index++) changed(1, `v${index}`)
    await vi.advanceTimersByTimeAsync(100)
    expect(told).toEqual(['state 1', 'changed v 2', 'state 1'])
  })

  it('waits for a database that is away, and tells the state when it is back', async () => {
    const { database, missed, told } = await watching()
    database.isAway = true
    missed()
    await vi.advanceTimersByTimeAsync(2000)
    expect(told).toEqual(['state 1'])
    database.isAway = false
    await vi.advanceTimersByTimeAsync(500)
    expect(told).toEqual(['state 1', 'state 1'])
  })

  it('tells nothing once it is closed, and keeps no timer', async () => {
    const { changed, place, told, watches } = await watching()
    changed(2)
    changed(3)
    place.close()
    place.close()
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual(['state 1', 'changed v 2'])
    expect(watches.counts()).toEqual({ events: 0, changes: 0, hubs: 0, 'anonymous-hubs': 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is counted with the network around an address, sixteen times as many, and with all others', () => {
    const { watches } = setUp({ total: 34, ofAccount: 1, ofAddress: 2 })
    const reserve = (account: number, address: string) =>
      watches.reserve(
        'events',
        VaultCaller.bySession({ accountId: `account ${account}`, sessionId: 's' }),
        address,
      )
    for (let index = 0; index < 32; index++) reserve(index, `2001:db8:1:${index}::/64`)
    expect(() => reserve(32, '2001:db8:1:ffff::/64')).toThrow('The network has 32')
    expect(() => reserve(0, '192.0.2.1')).toThrow('The account has 1')
    for (const account of [32, 33]) reserve(account, '192.0.2.1')
    expect(() => reserve(34, '192.0.2.2')).toThrow('as many streams open as it may')
  })
})
