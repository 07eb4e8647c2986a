// What devices do to one account at the same time, through two servers on one database: one of them wins, and nothing is half of each.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import {
  askForToken,
  encString,
  keyRotation,
  newBitwardenAccount,
  passwordGrant,
  registeredApp,
} from '../../support/bitwarden.ts'
import { loginCipher, wrappedKey } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, type Server, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { sendForm } from '../../support/sends.ts'
import { serversOn } from '../../support/servers.ts'
import { times } from '../../support/tally.ts'

const Cipher = z.looseObject({ id: z.string(), name: z.string(), revisionDate: z.string() })
const Announced = z.object({ attachmentId: z.string() })
const environment = { BITWARDEN_API: 'on' }
const rotationPath = '/api/accounts/key-management/rotate-user-account-keys'

describe.each(engines)("devices at one account of Bitwarden's apps on %s", (engine) => {
  const { start, startBeside } = serversOn(engine)

  const asker =
    (server: Server, token: string) =>
    (method: string, path: string, body?: unknown, at = server) =>
      send(at, { method, path, token, ...(body !== undefined && { body }) })

  it('change an item that all of them have loaded: the first one alone, and all that was replaced is kept', async () => {
    const { server, clock } = await start({ environment })
    const beside = await startBeside(server, clock, environment)
    const { accountId, token } = await newBitwardenAccount(server, clock.now())
    const ask = asker(server, token)
    let item = bodyOf(Cipher, await ask('POST', '/api/ciphers', loginCipher()))
    const replaced: string[] = []
    for (let round = 0; round < 6; round++) {
      const writes = times(6, (turn) => {
        const body = { ...loginCipher(), lastKnownRevisionDate: item.revisionDate }
        return ask('PUT', `/api/ciphers/${item.id}`, body, turn % 2 === 0 ? server : beside)
      })
      const answers = await Promise.all(writes)
      const taken = answers.filter(({ status }) => status === 200).map((answer) => bodyOf(Cipher, answer))
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400, 400, 400])
      replaced.push(item.name)
      const [winner] = taken
      const seen = bodyOf(Cipher, await ask('GET', `/api/ciphers/${item.id}`))
      expect(seen.name).toBe(winner?.name)
      expect(seen.revisionDate > item.revisionDate).toBe(true)
      item = seen
    }
    const { item_versions: versions = [] } = await readRows(server.database)
    const kept = versions
      .filter((row) => row.vault_id === accountId)
      .map(({ data }) =>
        z.object({ name: z.string() }).parse(JSON.parse(Buffer.from(String(data), 'hex').toString())),
      )
    expect(kept.map(({ name }) => name).toSorted()).toEqual(replaced.toSorted())
  })

  it('get no mixture of two keys, if the key changes while one of them loads the vault', async () => {
    const { server, clock } = await start({ environment })
    const beside = await startBeside(server, clock, environment)
    const app = await registeredApp(server)
    const ask = asker(server, app.token)
    // More than waits in the buffers of a connection that nobody reads from.
    const ciphers = times(160, () => loginCipher({ notes: encString(110_000) }))
    const imported = await ask('POST', '/api/ciphers/import', {
      ciphers,
      folders: [],
      folderRelationships: [],
    })
    expect(imported.status).toBe(200)
    const loading = request(`${server.url}/api/sync`, { headers: { Authorization: `Bearer ${app.token}` } })
    loading.end()
    const [answer] = await once(loading, 'response')
    expect(answer.statusCode).toBe(200)
    const stamp = { masterPasswordHash: app.passwordHash }
    expect((await ask('POST', '/api/accounts/security-stamp', stamp, beside)).status).toBe(200)
    const read = async () => {
      let text = ''
      for await (const chunk of answer) text += chunk
      return text
    }
    await expect(read()).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('change the key while files are on their way: these go, and what had arrived stays', async () => {
    const { server } = await start({ environment })
    const app = await registeredApp(server)
    const ask = asker(server, app.token)
    const cipher = loginCipher()
    const { id } = bodyOf(Cipher, await ask('POST', '/api/ciphers', cipher))
    const path = `/api/ciphers/${id}/attachment`
    const announce = async (fileSize: number) => {
      const body = { fileName: encString(), key: wrappedKey(), fileSize }
      const { attachmentId } = bodyOf(Announced, await ask('POST', `${path}/v2`, body))
      return attachmentId
    }
    const [arrived, underWay, waits] = [await announce(1000), await announce(600_000), await announce(1000)]
    expect((await sendForm(server, app.token, `${path}/${arrived}`, randomBytes(1000))).status).toBe(200)
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const content = Buffer.concat([
      Buffer.from('--x\r\nContent-Disposition: form-data; name="data"; filename="y"\r\n\r\n'),
      randomBytes(600_000),
      Buffer.from('\r\n--x--\r\n'),
    ])
    const head = [
      `POST ${path}/${underWay} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${app.token}`,
      'Content-Type: multipart/form-data; boundary=x',
      `Content-Length: ${content.length}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    socket.write(content.subarray(0, 300_000))
    const pieces = async () => (await readRows(server.database)).attachment_chunks?.length
    await expect.poll(pieces).toBe(2)

    const attachments2 = { [arrived]: { fileName: encString(), key: wrappedKey() } }
    const rotation = keyRotation(app, { ciphers: [{ ...cipher, id, attachments2 }], folders: [], sends: [] })
    expect((await ask('POST', rotationPath, rotation)).status).toBe(200)
    socket.write(content.subarray(300_000))
    const [refusal] = await once(socket, 'data')
    expect(String(refusal)).toMatch(/^HTTP\/1\.1 40[14] /)
    socket.destroy()

    const { masterKeyAuthenticationHash: passwordHash } = rotation.accountUnlockData.masterPasswordUnlockData
    const login = await askForToken(server, passwordGrant({ email: app.email, passwordHash }))
    const { access_token: token } = bodyOf(z.looseObject({ access_token: z.string() }), login)
    // Its key lies under the old one, so that nobody could open it.
    for (const gone of [underWay, waits])
      expect((await sendForm(server, token, `${path}/${gone}`, randomBytes(1000))).status).toBe(404)
    const after = await send(server, { path: `/api/ciphers/${id}`, token })
    expect(JSON.parse(after.text).attachments).toMatchObject([{ id: arrived, ...attachments2[arrived] }])
    expect(await pieces()).toBe(1)
    expect(await onSnapshot(databaseOf(server.database), findDamage)).toEqual([])
  })

  it('give an item another key while a file of it is on its way: the file is announced anew', async () => {
    const { server, clock } = await start({ environment })
    const { accountId, token } = await newBitwardenAccount(server, clock.now())
    const ask = asker(server, token)
    const { id } = bodyOf(Cipher, await ask('POST', '/api/ciphers', loginCipher()))
    const path = `/api/ciphers/${id}/attachment`
    const body = { fileName: encString(), key: wrappedKey(), fileSize: 1000 }
    const { attachmentId } = bodyOf(Announced, await ask('POST', `${path}/v2`, body))
    const keyed = loginCipher({ key: wrappedKey(), encryptedFor: accountId })
    expect((await ask('PUT', `/api/ciphers/${id}`, keyed)).status).toBe(200)
    expect((await sendForm(server, token, `${path}/${attachmentId}`, randomBytes(1000))).status).toBe(404)
    expect(await onSnapshot(databaseOf(server.database), findDamage)).toEqual([])
  })
})
