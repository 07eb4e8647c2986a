// Many readers of the same share at the same time, through two server processes on one database: it is read once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RevealedShare, ShareReceipt } from '../../../src/contract/shares.ts'
import { createDatabase, type Engine, type TestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { type ServerProcess, startProcess } from '../../support/process.ts'
import { bodyOf, outcomeOf, type RawAnswer } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import {
  acknowledge,
  newShare,
  type RawShare,
  randomClaim,
  receiptOf,
  reveal,
  revoke,
} from '../../support/shares.ts'
import { times } from '../../support/tally.ts'

/** Runs tasks in their order, so many at a time; sockets are kept alive, so that there are no more of them. */
async function inParallel<T>(width: number, tasks: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  const queue = tasks.entries()
  const work = async () => {
    for (const [index, task] of queue) results[index] = await task()
  }
  await Promise.all(Array.from({ length: width }, work))
  return results
}

const consumed = '410 share-consumed'
const readers = 50

/** @param shareCount how many shares are read by everybody */
export const shareRaces = (engine: Engine, shareCount: number) =>
  describe(`readers at the same time on ${engine}`, () => {
    let database: TestDatabase
    const servers: ServerProcess[] = []
    /** The processes in turn. */
    const server = (turn: number) => ({ url: servers[turn % servers.length]?.url ?? '' })
    beforeAll(async () => {
      database = await createDatabase(engine)
      for (const port of [await freePort(), await freePort()])
        servers.push(await startProcess({ port, databaseUrl: database.url }))
    })
    afterAll(async () => {
      for (const started of servers) await started.kill()
      await database.remove()
    })

    /** The ciphertexts that were given, and what everybody else was answered. */
    const outcomes = (answers: RawAnswer[]) => ({
      given: answers.flatMap((answer) =>
        answer.status === 200 ? [bodyOf(RevealedShare, answer).ciphertext] : [],
      ),
      refusals: answers.filter(({ status }) => status !== 200).map(outcomeOf),
    })

    it(`read ${shareCount} shares once each, of ${shareCount * readers} who have the right proof`, async () => {
      const shares = await inParallel(
        32,
        times(shareCount, (index) => () => newShare(server(index))),
      )
      const tasks = shares.flatMap((share) =>
        times(readers, (reader) => async () => ({ share, answer: await reveal(server(reader), share) })),
      )
      const answers = Map.groupBy(await inParallel(2 * readers, tasks), ({ share }) => share)
      expect(answers.size).toBe(shareCount)
      for (const [{ ciphertext }, tried] of answers) {
        const { given, refusals } = outcomes(tried.map(({ answer }) => answer))
        expect(given).toEqual([ciphertext])
        expect(refusals).toEqual(times(readers - 1, () => consumed))
      }
      expect(await readRows(database)).toMatchObject({ share_bodies: [], claimed_share_bodies: [] })
      // Seconds on an idle machine; many tests at the same time are no reason to fail.
    }, 180_000)

    it('read a share once where each has a claim, which the winner can repeat everywhere and nobody else can', async () => {
      for (let round = 0; round < 10; round++) {
        const share = await newShare(server(round))
        const claims = times(readers, randomClaim)
        const tryAll = () =>
          Promise.all(claims.map((claim, reader) => reveal(server(reader + round), share, { claim })))
        const first = await tryAll()
        expect(outcomes(first)).toEqual({
          given: [share.ciphertext],
          refusals: times(readers - 1, () => consumed),
        })
        const winner = claims[first.findIndex(({ status }) => status === 200)] ?? ''
        // Everybody once more, the winner among them, while it also repeats by itself.
        const [again, repeated] = await Promise.all([
          tryAll(),
          Promise.all(times(10, (turn) => reveal(server(turn), share, { claim: winner }))),
        ])
        expect(again.map(outcomeOf)).toEqual(first.map(outcomeOf))
        expect(outcomes(repeated)).toEqual({ given: times(10, () => share.ciphertext), refusals: [] })
        expect((await acknowledge(server(round + 1), share, winner)).status).toBe(204)
        expect(outcomeOf(await reveal(server(round), share, { claim: winner }))).toBe(consumed)
      }
    })

    it('are all given it where they have the same claim, and so are one', async () => {
      const share = await newShare(server(0))
      const claim = randomClaim()
      const [answers, others] = await Promise.all([
        Promise.all(times(readers, (turn) => reveal(server(turn), share, { claim }))),
        reveal(server(0), { ...share, proof: share.manageToken }),
      ])
      expect(outcomes(answers)).toEqual({ given: times(readers, () => share.ciphertext), refusals: [] })
      expect(outcomeOf(others)).toBe('403 wrong-proof')
    })

    it('get it or see it revoked, and whoever revokes it learns which', async () => {
      const round = async (share: RawShare, turn: number) => {
        const revoking = Promise.withResolvers<RawAnswer>()
        const answers = times(readers, (reader) => {
          if (reader === turn % readers) revoking.resolve(revoke(server(turn), share))
          return reveal(server(reader), share)
        })
        const [{ given, refusals }, revoked] = [outcomes(await Promise.all(answers)), await revoking.promise]
        const was = { given, refusals: [...new Set(refusals)], revoked: outcomeOf(revoked) }
        expect([
          { given: [share.ciphertext], refusals: [consumed], revoked: consumed },
          { given: [], refusals: ['410 share-revoked'], revoked: '204' },
        ]).toContainEqual(was)
        const { state } = bodyOf(ShareReceipt, await receiptOf(server(turn), share))
        expect(state).toBe(given.length === 1 ? 'read' : 'revoked')
        return state
      }
      const states: string[] = []
      for (let turn = 0; turn < 60; turn++) states.push(await round(await newShare(server(turn)), turn % 3))
      // Both happen: whoever revokes comes first in one round and later and later in the next.
      expect(states).toContain('read')
      expect(states).toContain('revoked')
    })
  })
