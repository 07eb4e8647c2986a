// Many strangers open the same send at the same time, through two server processes on one database: as many get it as may.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type BitwardenTestAccount, newBitwardenAccount } from '../../support/bitwarden.ts'
import { createDatabase, engines, type TestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { type ServerProcess, startProcess } from '../../support/process.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { asOwner, fileSend, openOld, sendForm, textSend } from '../../support/sends.ts'
import { times } from '../../support/tally.ts'

const Made = z.object({ id: z.string(), accessId: z.string() })
const File = z.object({ url: z.string(), sendResponse: Made.extend({ file: z.object({ id: z.string() }) }) })
const Counted = z.object({ accessCount: z.number() })

const readers = 50
const allowed = 3

describe.each(engines)(`${readers} who open a send at once on %s`, (engine) => {
  let database: TestDatabase
  let owner: BitwardenTestAccount
  let url: string
  const servers: ServerProcess[] = []
  /** The processes in turn. */
  const server = (turn: number) => ({ url: servers[turn % servers.length]?.url ?? '' })
  beforeAll(async () => {
    database = await createDatabase(engine)
    const ports = [await freePort(), await freePort()]
    url = `http://127.0.0.1:${ports[0]}`
    const environment = { BITWARDEN_API: 'on', PUBLIC_URL: url }
    for (const port of ports)
      servers.push(await startProcess({ port, databaseUrl: database.url, environment }))
    owner = await newBitwardenAccount({ url, database })
  })
  afterAll(async () => {
    for (const started of servers) await started.kill()
    await database.remove()
  })

  const outcome = async (id: string, ask: (turn: number) => Promise<{ status: number }>) => {
    const answers = await Promise.all(times(readers, ask))
    const { accessCount } = bodyOf(Counted, await asOwner({ url }, owner, 'GET', `/api/sends/${id}`))
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
    return { statuses, accessCount }
  }

  const exactly = {
    statuses: [...times(allowed, () => 200), ...times(readers - allowed, () => 404)],
    accessCount: allowed,
  }

  it(`get a text ${allowed} times, if that is what its owner allows`, async () => {
    for (let round = 0; round < 3; round++) {
      const request = textSend(Date.now(), { maxAccessCount: allowed })
      const { id, accessId } = bodyOf(Made, await asOwner({ url }, owner, 'POST', '/api/sends', request))
      expect(await outcome(id, (turn) => openOld(server(turn), accessId))).toEqual(exactly)
    }
  })

  it(`get the address of a file ${allowed} times`, async () => {
    const content = randomBytes(1000)
    const request = fileSend(Date.now(), content.length, { maxAccessCount: allowed })
    const { url: path, sendResponse } = bodyOf(
      File,
      await asOwner({ url }, owner, 'POST', '/api/sends/file/v2', request),
    )
    const { id, accessId, file } = sendResponse
    expect((await sendForm({ url }, owner.token, new URL(path).pathname, content)).status).toBe(200)
    const ask = (turn: number) =>
      send(server(turn), { method: 'POST', path: `/api/sends/${accessId}/access/file/${file.id}`, body: {} })
    expect(await outcome(id, ask)).toEqual(exactly)
  })
})
