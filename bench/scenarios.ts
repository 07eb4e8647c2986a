// What is asked of servers: each scenario once, whoever measures it.
import { client as opaque, ready } from '@serenity-kit/opaque'
import { z } from 'zod'
import { OpaqueLoginStarted } from '../src/contract/opaque.ts'
import { snapPassPaths } from '../src/contract/paths.ts'
import { CreatedShare } from '../src/contract/shares.ts'
import { Item } from '../src/contract/vaults.ts'
import { logInBody } from '../test/support/accounts.ts'
import { shareBody } from '../test/support/shares.ts'
import type { Ask, Connection } from './connection.ts'
import { type BenchVault, type Place, usualEnvelope } from './place.ts'

/** Does once what is counted; throws unless all of it was answered as it has to be. */
export type Unit = () => Promise<void>

export interface Scenario {
  readonly title: string
  /** What the figure is for. */
  readonly why: string
  /** At how many connections it is measured. */
  readonly connections: readonly number[]
  /** Whether the table has it of bare Express, and of no server of ours. */
  readonly isBare?: boolean
  /** Another scenario that runs meanwhile, at so many connections. */
  readonly beside?: { readonly name: ScenarioName; readonly connections: number }
  /** @param index of the connection, from 0 */
  prepare(place: Place, connection: Connection, index: number): Promise<Unit> | Unit
}

const curve = [1, 4, 16, 64]
/** What writes is not asked so much: where all of them write to one vault, the last would wait too long. */
const longCurve = [...curve, 256]

function expect(status: number, answer: { status: number; body: Buffer }): Buffer {
  if (answer.status === status) return answer.body
  const [, code = ''] = /"code":"([\w-]+)"/.exec(answer.body.toString()) ?? []
  throw new Error(`answered ${answer.status} ${code} in place of ${status}`)
}

const at = <T>(list: readonly T[], index: number): T => {
  const value = list[index % list.length]
  if (value === undefined) throw new Error('The place has nothing for this connection')
  return value
}

const asking = (connection: Connection, request: Ask): Unit => {
  return async () => void expect(200, await connection.ask(request))
}

/** Replaces an item again and again, each time the revision that the answer before told. */
async function replacing(connection: Connection, { token, path }: BenchVault, id: string): Promise<Unit> {
  const item = { token, path: `${path}/items/${id}` }
  const read = (body: Buffer) => Item.parse(JSON.parse(body.toString()))
  let { revision } = read(expect(200, await connection.ask(item)))
  const body = JSON.stringify({ data: usualEnvelope() })
  return async () => {
    const headers = { 'If-Match': `"${revision}"` }
    const answer = expect(200, await connection.ask({ ...item, method: 'PUT', headers, body }))
    revision = Number(/"revision":(\d+)/.exec(answer.toString())?.[1])
  }
}

/** Next to no stretching, which is the client's: the server cannot tell. */
const keyStretching = { 'argon2id-custom': { memory: 8, iterations: 1, parallelism: 1 } }

async function loggingInByOpaque(
  connection: Connection,
  [email, password]: readonly [string, string],
): Promise<Unit> {
  await ready
  const { device } = logInBody({ email, authKey: '' })
  return async () => {
    const { clientLoginState, startLoginRequest: request } = opaque.startLogin({ password })
    const path = '/api/v1/opaque/login'
    const body = JSON.stringify({ email, request })
    const begun = expect(200, await connection.ask({ method: 'POST', path, body }))
    const { handshake, response: loginResponse } = OpaqueLoginStarted.parse(JSON.parse(begun.toString()))
    const finished = opaque.finishLogin({ password, clientLoginState, loginResponse, keyStretching })
    const proof = { handshake, finish: finished?.finishLoginRequest }
    expect(
      200,
      await connection.ask({
        method: 'POST',
        path: '/api/v1/login',
        body: JSON.stringify({ email, opaque: proof, device }),
      }),
    )
  }
}

const readItem: Pick<Scenario, 'prepare'> = {
  prepare: ({ vault }, connection, index) =>
    asking(connection, { token: vault.token, path: `${vault.path}/items/${at(vault.itemIds, index)}` }),
}

export const scenarioNames = [
  'get',
  'read',
  'replace',
  'writers',
  'sync',
  'unchanged',
  'share',
  'snappass',
  'login-key',
  'login-opaque',
  'read-beside-key',
  'read-beside-opaque',
] as const
export type ScenarioName = (typeof scenarioNames)[number]

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  get: {
    title: 'bare Express',
    why: 'the measure of the others: one JSON from memory, in the size of an item',
    connections: longCurve,
    isBare: true,
    prepare: ({ vault: { path, token } }, connection) => asking(connection, { path, token }),
  },
  read: {
    title: 'read an item',
    why: 'the commonest request, and what every request costs: token, session, route, log line',
    connections: longCurve,
    ...readItem,
  },
  replace: {
    title: 'replace an item',
    why: 'a durable write; all of them in one vault, whose row they wait for',
    connections: curve,
    prepare: ({ written }, connection, index) => replacing(connection, written, at(written.itemIds, index)),
  },
  writers: {
    title: '50 writers, a vault each',
    why: 'durable writes that need not wait for each other',
    connections: [50],
    prepare: ({ vaults }, connection, index) => {
      const vault = at(vaults, index)
      return replacing(connection, vault, at(vault.itemIds, 0))
    },
  },
  sync: {
    title: 'whole sync',
    why: 'a new device pulls a vault of 10,000 items',
    connections: [2],
    prepare:
      ({ vault: { token, path } }, connection) =>
      async () => {
        for (let since = ''; ; ) {
          const body = expect(200, await connection.ask({ token, path: `${path}/changes${since}` }))
          // The end alone: reading all of it would take longer than the server takes to write it.
          const end = body.toString('latin1', Math.max(0, body.length - 300))
          const [, cursor, more] = /"cursor":"([^"]+)","more":(true|false)\}$/.exec(end) ?? []
          if (more === undefined) throw new Error(`A page of changes ends otherwise: ${end}`)
          if (more === 'false') return
          since = `?since=${cursor}`
        }
      },
  },
  unchanged: {
    title: 'nothing changed',
    why: 'what every client asks when it wakes up',
    connections: [16],
    prepare: ({ vault: { token, path, cursor } }, connection) =>
      asking(connection, { token, path: `${path}/changes?since=${cursor}` }),
  },
  share: {
    title: 'share made and read',
    why: 'two requests of strangers and two durable writes',
    connections: curve,
    prepare: (_place, connection) => {
      const share = shareBody()
      const make = { method: 'POST', path: '/api/v1/shares', body: JSON.stringify(share) }
      const body = JSON.stringify({ proof: share.proof })
      return async () => {
        const made = expect(201, await connection.ask(make))
        const { id } = CreatedShare.parse(JSON.parse(made.toString()))
        expect(200, await connection.ask({ method: 'POST', path: `/api/v1/shares/${id}/reveal`, body }))
      }
    },
  },
  snappass: {
    title: "the same through SnapPass's routes",
    why: 'as above, and the server seals and opens what is shared',
    connections: [64],
    prepare: (_place, connection) => {
      const Made = z.object({ token: z.string() })
      const path = snapPassPaths.passwords
      const make = { method: 'POST', path, body: JSON.stringify({ password: 'correct horse', ttl: 3600 }) }
      return async () => {
        const made = expect(200, await connection.ask(make))
        const { token } = Made.parse(JSON.parse(made.toString()))
        expect(200, await connection.ask({ path: `${path}/${encodeURIComponent(token)}` }))
      }
    },
  },
  'login-key': {
    title: 'login by a key',
    why: 'Argon2id of the server, two at a time, off the event loop',
    connections: [16],
    prepare: ({ byKey }, connection, index) => {
      const [email, authKey] = at(byKey, index)
      const body = JSON.stringify(logInBody({ email, authKey }))
      return asking(connection, { method: 'POST', path: '/api/v1/login', body })
    },
  },
  'login-opaque': {
    title: 'login by OPAQUE',
    why: 'two requests, and the arithmetic of OPAQUE; clients that stretch nothing',
    connections: [16],
    prepare: ({ byOpaque }, connection, index) => loggingInByOpaque(connection, at(byOpaque, index)),
  },
  'read-beside-key': {
    title: 'one reader while 16 log in by a key',
    why: 'how long logins hold up others',
    connections: [1],
    beside: { name: 'login-key', connections: 16 },
    ...readItem,
  },
  'read-beside-opaque': {
    title: 'one reader while 16 log in by OPAQUE',
    why: 'how long logins hold up others',
    connections: [1],
    beside: { name: 'login-opaque', connections: 16 },
    ...readItem,
  },
}
