// `npm run bench:ended-elsewhere`: how long a session that one process ends is still taken by another one. Two servers on one Postgres.
// Each round uses a session on the second server, which remembers it then, ends it on the first, and asks the second until it refuses.
import { logIn, newAccount } from '../test/support/accounts.ts'
import { outcomeOf, type Server, send } from '../test/support/requests.ts'
import { endProgress, percentile, progress } from './figures.ts'
import { newSettings, startLimpet, withDatabases } from './servers.ts'

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

const waits: number[] = []
await withDatabases(['Postgres'], async ({ create }) => {
  const settings = await newSettings((await create('Postgres')).url)
  const [ending, other] = [await startLimpet(settings), await startLimpet(settings)]
  try {
    const account = await newAccount(ending)
    for (let round = 1; round <= rounds; round++) {
      progress(`${round} of ${rounds}`)
      waits.push(await measure(ending, other, (await logIn(ending, account)).token))
    }
    endProgress()
  } finally {
    await Promise.all([ending.stop(), other.stop()])
  }
})

const at = (part: number) => percentile(waits, part).toFixed(1)
console.log(
  `Refused by the other process after: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms (${rounds} sessions).`,
)
