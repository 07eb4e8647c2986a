// Wrong logins without end: the right one, from elsewhere, is answered as ever.
import { describe, expect, it } from 'vitest'
import { logInBody, newAccount, randomKey } from '../../support/accounts.ts'
import { createDatabase, type Engine } from '../../support/database.ts'
import { outcomeOf, type RawAnswer, type Server, send } from '../../support/requests.ts'
import { forgetCounts } from '../../support/rows.ts'
import { startServer } from '../../support/server.ts'
import { tally, times } from '../../support/tally.ts'

const limited = '429 too-many-requests'
const wrong = '401 invalid-credentials'

/** Failures of a pair of address and e-mail before the first pause. */
const free = 20

const [here, elsewhere] = ['192.0.2.1', '198.51.100.1']

const logInFrom = (server: Server, address: string, credentials: { email: string; authKey: string }) =>
  send(server, {
    method: 'POST',
    path: '/api/v1/login',
    headers: { 'X-Forwarded-For': address },
    body: logInBody(credentials),
  })

const guess = (server: Server, address: string, { email }: { email: string }) =>
  logInFrom(server, address, { email, authKey: randomKey() })

/** @param count how many wrong logins there are */
export const manyWrongLogins = (engine: Engine, count: number) =>
  describe(`${count} wrong logins from one address on ${engine}`, () => {
    it('keep nobody out who comes from another one', { timeout: 120_000 }, async () => {
      const database = await createDatabase(engine)
      const server = await startServer(engine, {
        database,
        environment: { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' },
      })
      try {
        const owner = await newAccount(server)
        await forgetCounts(database)
        let left = count
        const answers: RawAnswer[] = []
        const attacker = async () => {
          while (left-- > 0) answers.push(await guess(server, here, owner))
        }
        const attack = Promise.all(times(50, attacker))
        const logins: RawAnswer[] = []
        for (let turn = 0; turn < 20; turn++) logins.push(await logInFrom(server, elsewhere, owner))
        expect(tally(logins)).toEqual({ '200': 20 })
        await attack
        const { [wrong]: failures = 0, [limited]: refused = 0, ...others } = tally(answers)
        expect(others).toEqual({})
        expect(failures + refused).toBe(count)
        // A few more where a pause ends before the last.
        expect(failures).toBeGreaterThanOrEqual(free)
        expect(failures).toBeLessThanOrEqual(free + 5)
        expect(outcomeOf(await logInFrom(server, elsewhere, owner))).toBe('200')
      } finally {
        await server.stop()
        await database.remove()
      }
    })
  })
