// `npm run bench:streams`: thousands of open streams of events on one of two servers on one Postgres. Measures how long it takes from a
// PUT on the other server to the event on each stream of its account, what a stream takes of memory, and what `GET item` loses to
// the streams, beside a third server that holds none. Fewer of them: `npm run bench:streams -- 1000`.
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Item } from '../src/contract/vaults.ts'
import { newAccount, type RawAccount } from '../test/support/accounts.ts'
import { bodyOf, type Server } from '../test/support/requests.ts'
import { median, percentile } from './figures.ts'
import { measureGets } from './load.ts'
import { ask, usualEnvelope } from './place.ts'
import { newSettings, startLimpet, withDatabases } from './servers.ts'

const streams = Number(process.argv[2] ?? 5000)
const streamsOfAccount = 20
/** PUTs whose events are waited for, one after the other. */
const writes = 500
/** Each server is asked once a round, one after the other. */
const [rounds, seconds, connections] = [5, 3, 16]
/** Between two PUTs beside the requests that are measured. */
const writePauseMs = 20
/** How many streams are opened at the same time, and the longest that anything is waited for. */
const [openedTogether, longestMs] = [50, 20_000]

/** Everything that an open stream brings is told with the time at which it came. */
type Heard = (stream: Socket, vaultId: string, revision: number, at: number) => void

/** In `vault` and in `state`, which comes instead where something may have been missed. */
const vaultRevision = /\{"id":"([^"]+)","revision":(\d+)\}/g

/** Opens a stream, and resolves once its state has come. */
const openStream = (server: Server, token: string, heard: Heard) =>
  new Promise<Socket>((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`),
    )
    let hasBegun = false
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('A stream was closed')))
    socket.on('data', (chunk) => {
      const at = performance.now()
      const text = chunk.toString('latin1')
      if (!hasBegun && text.includes('event: state')) {
        hasBegun = true
        resolve(socket)
      }
      for (const [, vaultId = '', revision] of text.matchAll(vaultRevision))
        heard(socket, vaultId, Number(revision), at)
    })
  })

/** @returns the revision of the vault after it */
async function put(server: Server, { token, vaultId }: RawAccount): Promise<number> {
  const path = `/api/v1/vaults/${vaultId}/items/${randomUUID()}`
  const headers = { 'If-None-Match': '*' }
  const answer = await ask(server, { method: 'PUT', path, token, headers, body: { data: usualEnvelope() } })
  return bodyOf(Item, answer).revision
}

/** @returns milliseconds from before each PUT to each of its events */
async function measureEvents(
  server: Server,
  accounts: readonly RawAccount[],
  hearers: Set<Heard>,
): Promise<number[]> {
  const waits: number[] = []
  const revisions = new Map<string, number>()
  for (const account of accounts) revisions.set(account.vaultId, await put(server, account))
  for (let write = 0; write < writes; write++) {
    const account = accounts[write % accounts.length]
    if (!account) throw new Error('There are no accounts')
    if (write % 50 === 0) process.stderr.write(`\r${write} of ${writes} PUTs`)
    const reached = new Set<Socket>()
    const before = revisions.get(account.vaultId) ?? Number.NaN
    const began = performance.now()
    let told = () => {}
    const all = new Promise<void>((resolve) => {
      told = resolve
    })
    const hear: Heard = (stream, vaultId, revision, at) => {
      if (vaultId !== account.vaultId || revision <= before || reached.has(stream)) return
      reached.add(stream)
      waits.push(at - began)
      if (reached.size === streamsOfAccount) told()
    }
    hearers.add(hear)
    revisions.set(account.vaultId, await put(server, account))
    const isOver = await Promise.race([all.then(() => true), pause(longestMs, false, { ref: false })])
    hearers.delete(hear)
    if (!isOver) throw new Error(`${streamsOfAccount - reached.size} streams have heard nothing of a PUT`)
  }
  process.stderr.write('\n')
  return waits
}

/** @returns how to ask for it */
async function firstItem(server: Server, { token, vaultId }: RawAccount) {
  const path = `/api/v1/vaults/${vaultId}/items/${randomUUID()}`
  const headers = { 'If-None-Match': '*' }
  await ask(server, { method: 'PUT', path, token, headers, body: { data: usualEnvelope() } })
  return { path, token }
}

function closeAll(sockets: readonly Socket[]) {
  for (const socket of sockets) socket.removeAllListeners('close').destroy()
}

await withDatabases(['Postgres'], async ({ create }) => {
  const settings = {
    ...(await newSettings((await create('Postgres')).url)),
    MAX_CONNECTIONS: String(streams + 1000),
    MAX_STREAMS: String(streams),
    MAX_STREAMS_PER_ADDRESS: String(streams),
  }
  const start = () => startLimpet(settings)
  const servers = [await start(), await start(), await start()] as const
  const [writing, holding, empty] = servers
  const open: Socket[] = []
  try {
    const accounts: RawAccount[] = []
    for (let count = 0; count < streams / streamsOfAccount; count++) accounts.push(await newAccount(writing))
    const [reader] = accounts
    if (!reader) throw new Error('There are no accounts')
    const readerItem = await firstItem(writing, reader)
    // Warm, before the memory is looked at, and before the two are compared.
    for (const server of [holding, empty, holding, empty, holding, empty])
      await measureGets(server, readerItem, { connections, seconds })
    const before = holding.usage()

    const hearers = new Set<Heard>()
    const heard: Heard = (...event) => {
      for (const hear of hearers) hear(...event)
    }
    const wanted = accounts.flatMap(({ token }) => Array.from({ length: streamsOfAccount }, () => token))
    const openAll = async (server: Server): Promise<Socket[]> => {
      const sockets: Socket[] = []
      for (let from = 0; from < wanted.length; from += openedTogether) {
        const some = wanted.slice(from, from + openedTogether)
        sockets.push(...(await Promise.all(some.map((token) => openStream(server, token, heard)))))
        if (from % 500 === 0) process.stderr.write(`\r${sockets.length} of ${wanted.length} streams`)
      }
      process.stderr.write('\n')
      return sockets
    }
    open.push(...(await openAll(holding)))
    // It has held them too, so that the heaps of the two are alike: V8 makes the heap larger for a server that had more in it.
    closeAll(await openAll(empty))
    // The garbage of opening them may be collected, and the first comments come.
    await pause(longestMs)
    const during = holding.usage()

    const waits = await measureEvents(writing, accounts, hearers)

    // The PUTs beside them go to accounts with streams, or to one that nobody watches: the work of telling events is left out then.
    const unwatched = await newAccount(writing)
    const kinds = [
      { name: 'that tells the events of 50 PUTs a second', server: holding, written: accounts },
      { name: 'whose streams have nothing to tell', server: holding, written: [unwatched] },
      { name: 'without streams', server: empty, written: [unwatched] },
    ]
    const gets = new Map<string, number[]>()
    let written = accounts
    let isWriting = true
    const background = (async () => {
      for (let write = 0; isWriting; write++) {
        await put(writing, written[write % written.length] ?? unwatched)
        await pause(writePauseMs)
      }
    })()
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`\rGET item, round ${round} of ${rounds}`)
      // Another one is first each time: the machine has other things to do as well.
      for (let place = 0; place < kinds.length; place++) {
        const kind = kinds[(place + round) % kinds.length]
        if (!kind) continue
        written = kind.written
        const measured = (await measureGets(kind.server, readerItem, { connections, seconds })).perSecond
        gets.set(kind.name, [...(gets.get(kind.name) ?? []), measured])
      }
    }
    isWriting = false
    await background
    process.stderr.write('\n')

    const ms = (part: number) => percentile(waits, part).toFixed(1)
    const kilobytes = ((during.residentMb - before.residentMb) * 1024) / open.length
    console.log(
      [
        '| | |',
        '| --- | --- |',
        `| open streams | ${open.length}, ${streamsOfAccount} for each account |`,
        `| from the PUT to its events, ${waits.length} of them | p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, longest ${ms(1)} ms |`,
        `| resident memory of a stream | ${kilobytes.toFixed(1)} KiB (${before.residentMb.toFixed(0)} MiB before, ${during.residentMb.toFixed(0)} MiB with them) |`,
        ...kinds.map(
          ({ name }) =>
            `| \`GET item\` a second from a server ${name} | ${Math.round(median(gets.get(name) ?? []))} |`,
        ),
      ].join('\n'),
    )
  } finally {
    closeAll(open)
    await Promise.all(servers.map((server) => server.stop()))
  }
})
