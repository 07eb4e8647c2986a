// `npm run bench:size-waits -- SECONDS STATE…`: what a GET waits, one at a time, on servers of databases that `npm run bench:size-fill` has
// filled, in turn. A server removes what is too old when it starts, and a command can be run on a database meanwhile.
import { setTimeout as pause } from 'node:timers/promises'
import { Changes } from '../../src/contract/vaults.ts'
import { logIn } from '../../test/support/accounts.ts'
import { bodyOf } from '../../test/support/requests.ts'
import { figure, percentile, table } from '../figures.ts'
import { ask } from '../place.ts'
import { machine } from '../results.ts'
import { startLimpet } from '../servers.ts'
import { emailOf, readState, Vaults } from './state.ts'

const everyMs = 10
/** Code is compiled first. */
const warmUp = 20

async function open(file: string) {
  const { settings, authKey } = readState(file)
  const server = await startLimpet(settings)
  const { token } = await logIn(server, { email: emailOf(0), authKey })
  const [vault] = bodyOf(Vaults, await ask(server, { path: '/api/v1/vaults', token })).vaults
  const path = `/api/v1/vaults/${vault?.id}`
  const { items } = bodyOf(Changes, await ask(server, { path: `${path}/changes?limit=256`, token }))
  const waits: number[] = []
  const look = async (turn: number) => {
    const began = performance.now()
    await ask(server, { path: `${path}/items/${items[turn % items.length]?.id}`, token })
    if (turn >= warmUp) waits.push(performance.now() - began)
  }
  return { file, server, waits, look }
}

const [seconds, ...files] = process.argv.slice(2)
if (!seconds || files.length === 0) throw new Error('SECONDS STATE…')
const opened: Awaited<ReturnType<typeof open>>[] = []
try {
  for (const file of files) opened.push(await open(file))
  const end = performance.now() + Number(seconds) * 1000
  for (let turn = 0; performance.now() < end; turn++) {
    for (const { look } of opened) await look(turn)
    await pause(everyMs)
  }
  const rows = opened.map(({ file, server, waits }) => {
    const { processorMs, peakMb } = server.usage()
    return [
      file,
      figure(waits.length),
      ...[0.5, 0.99, 1].map((part) => figure(percentile(waits, part))),
      figure(processorMs / 1000),
      figure(peakMb),
    ]
  })
  const head = ['database', 'GETs', 'p50 ms', 'p99 ms', 'longest ms', 'processor s of the server', 'most MB']
  process.stdout.write(`${machine()}\n\n${table(head, rows)}\n`)
} finally {
  for (const { server } of opened) await server.stop()
}
