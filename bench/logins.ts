// `npm run bench:logins`: how long the owner of an account waits while one address tries 10,000 wrong passwords on it in a minute.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { logInBody, newAccount, randomKey } from '../test/support/accounts.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { outcomeOf, send } from '../test/support/requests.ts'
import { percentile } from './figures.ts'
import { launch } from './processes.ts'

const wrongLogins = 10_000
const ownerLogins = 20
const seconds = 60

async function measure(engine: string, databaseUrl: string) {
  const port = await freePort()
  const server = await launch('../bin/limpet-server.js', [], {
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    JWT_SECRET: randomBytes(32).toString('base64url'),
    TRUST_PROXY: '127.0.0.1',
  })
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
  await server.stop()
  const wait = (part: number) => Math.round(percentile(waits, part))
  console.log(
    `${engine}: the owner logged in ${waits.length} of ${ownerLogins} times, p50 ${wait(0.5)} ms, p95 ${wait(0.95)} ms, most ${wait(1)} ms; the attacker in ${took} s: ${refused}`,
  )
}

const postgres = await startPostgres()
for (const [engine, database] of [
  ['SQLite', await createSqliteDatabase()],
  ['Postgres', await createPostgresDatabase(postgres.url)],
] as const) {
  await measure(engine, database.url)
  await database.remove()
}
await postgres.stop()
