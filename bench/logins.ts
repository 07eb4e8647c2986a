// `npm run bench:logins`: how long the owner of an account waits while one address tries 10,000 wrong passwords on it in a minute.
import { setTimeout as pause } from 'node:timers/promises'
import { logInBody, newAccount, randomKey } from '../test/support/accounts.ts'
import { outcomeOf, send } from '../test/support/requests.ts'
import { percentile } from './figures.ts'
import { onBothEngines, type ServerProcess } from './servers.ts'

const wrongLogins = 10_000
const ownerLogins = 20
const seconds = 60

async function measure(engine: string, server: ServerProcess) {
  const owner = await newAccount(server)
  const logIn = (address: string, authKey: string) =>
    send(server, {
      method: 'POST',
      path: '/api/v1/login',
      headers: { 'X-Forwarded-For': address },
      body: logInBody({ email: owner.email, authKey }),
    }).then(outcomeOf)

  const began = performance.now()
  /** Waits until the given part of the minute is over. */
  const until = (part: number) => pause(Math.max(0, began + part * seconds * 1000 - performance.now()))

  const answers: Promise<string>[] = []
  const attack = async () => {
    for (let index = 0; index < wrongLogins; index++) {
      await until(index / wrongLogins)
      answers.push(logIn('192.0.2.1', randomKey()))
    }
  }
  const waits: number[] = []
  const visits = async () => {
    for (let index = 0; index < ownerLogins; index++) {
      await until(index / ownerLogins)
      const asked = performance.now()
      const outcome = await logIn('198.51.100.1', owner.authKey)
      if (outcome === '200') waits.push(performance.now() - asked)
    }
  }
  await Promise.all([attack(), visits()])
  const outcomes = Map.groupBy(await Promise.all(answers), (outcome) => outcome)
  const refused = [...outcomes].map(([outcome, all]) => `${all.length} × ${outcome}`).join(', ')
  const took = Math.round((performance.now() - began) / 1000)
  const wait = (part: number) => Math.round(percentile(waits, part))
  console.log(
    `${engine}: the owner logged in ${waits.length} of ${ownerLogins} times, p50 ${wait(0.5)} ms, p95 ${wait(0.95)} ms, most ${wait(1)} ms; the attacker in ${took} s: ${refused}`,
  )
}

await onBothEngines((server, { engine }) => measure(engine, server), {
  RATE_LIMITS: 'on',
  TRUST_PROXY: '127.0.0.1',
})
