// `npm run bench:files`: what a large file takes of a server's memory on its way up and down, and how long it takes. The server is a
// process of its own on each engine; its resident memory is looked at all the while.
import { randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { newAccount } from '../test/support/accounts.ts'
import { type FilePlace, filePath, newPlace } from '../test/support/attachments.ts'
import { onBothEngines, type ServerProcess } from './servers.ts'

const mebibyte = 2 ** 20
const fileBytes = 100 * mebibyte

/** What every file begins with again and again: making random bytes would be measured too. */
const block = randomBytes(mebibyte)

/** Sends a file of so many bytes, or asks for one, and reads whatever is answered. @returns its status */
function transfer(
  { url }: ServerProcess,
  token: string,
  place: FilePlace,
  method: 'PUT' | 'GET',
  bytes: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(method === 'PUT' && { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes }),
    }
    const outgoing = request(url + filePath(place), { method, headers }, (incoming) => {
      incoming.on('error', reject).on('end', () => resolve(incoming.statusCode ?? 0))
      incoming.resume()
    })
    outgoing.on('error', reject)
    if (method === 'GET') return void outgoing.end()
    let left = bytes
    const send = () => {
      while (left > 0) {
        const next = block.subarray(0, Math.min(left, block.length))
        left -= next.length
        if (!outgoing.write(next)) return void outgoing.once('drain', send)
      }
      outgoing.end()
    }
    send()
  })
}

/** The most that was resident while something was done, in MiB, and how many seconds it took. */
async function watched(server: ServerProcess, work: () => Promise<number>) {
  let isOver = false
  const began = performance.now()
  const done = work().finally(() => {
    isOver = true
  })
  let most = 0
  while (!isOver) {
    most = Math.max(most, server.usage().residentMb)
    await pause(20)
  }
  const status = await done
  if (status !== 200 && status !== 201) throw new Error(`It was answered ${status}`)
  return { most, seconds: (performance.now() - began) / 1000 }
}

await onBothEngines(
  async (server, { engine }) => {
    const { token, vaultId } = await newAccount(server)
    const move = (place: FilePlace, method: 'PUT' | 'GET', bytes: number) =>
      watched(server, () => transfer(server, token, place, method, bytes))
    // Everything that is loaded once, and the buffers that a server keeps.
    const small = newPlace(vaultId, randomUUID())
    await move(small, 'PUT', 4 * mebibyte)
    await move(small, 'GET', 4 * mebibyte)
    const { residentMb: before } = server.usage()
    const place = newPlace(vaultId, randomUUID())
    const up = await move(place, 'PUT', fileBytes)
    const down = await move(place, 'GET', fileBytes)
    const told = ({ most, seconds }: typeof up) =>
      `${(most - before).toFixed(1)} MiB more in ${seconds.toFixed(1)} s`
    console.log(`${engine}: ${before.toFixed(0)} MiB before; up ${told(up)}, down ${told(down)}`)
  },
  { MAX_ATTACHMENT_SIZE: '110M' },
)
