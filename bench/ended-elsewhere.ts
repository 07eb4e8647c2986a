// `npm run bench:ended-elsewhere`: how long a session that one process ends is still taken by another one. Two servers on one Postgres.
// Each round uses a session on the second server, which remembers it then, ends it on the first, and asks the second until it refuses.
import { randomBytes } from 'node:crypto'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { logIn, newAccount } from '../test/support/accounts.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { outcomeOf, type Server, send } from '../test/support/requests.ts'
import { percentile } from './figures.ts'
import { launch } from './processes.ts'

const rounds = 200

/** A lost announcement is made up for by then: the longest that a session is remembered, and some time to answer. */
const longestMs = 2000

const ask = async (server: Server, token: string) =>
  (await send(server, { path: '/api/v1/account', token })).status

/** @returns from the answer to the logout until the first refusal, in milliseconds */
async function measure(ending: Server, other: Server, token: string): Promise<number> {
  if ((await ask(other, token)) !== 200) throw new Error('The other server does not know the session')
  const answer = await send(ending, { method: 'POST', path: '/api/v1/logout', token })
  if (answer.status !== 204) throw new Error(`The logout was answered ${outcomeOf(answer)}`)
  const ended = performance.now()
  while (performance.now() - ended < longestMs)
    if ((await ask(other, token)) === 401) return performance.now() - ended
  throw new Error(`The other server takes the session for more than ${longestMs} ms`)
}

const postgres = await startPostgres()
const database = await createPostgresDatabase(postgres.url)
const settings = {
  DATABASE_URL: database.url,
  // One server to their clients: tokens name it.
  PUBLIC_URL: 'http://localhost',
  JWT_SECRET: randomBytes(32).toString('base64url'),
  OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
  RATE_LIMITS: 'off',
}
const start = async () =>
  launch('../bin/limpet-server.js', [], { ...settings, PORT: String(await freePort()) })
const [ending, other] = [await start(), await start()]
const waits: number[] = []
try {
  const account = await newAccount(ending)
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`\r${round} of ${rounds}`)
    waits.push(await measure(ending, other, (await logIn(ending, account)).token))
  }
  process.stderr.write('\n')
} finally {
  await Promise.all([ending.stop(), other.stop()])
  await database.remove()
  await postgres.stop()
}

const at = (part: number) => percentile(waits, part).toFixed(1)
console.log(
  `Refused by the other process after: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms (${rounds} sessions).`,
)
