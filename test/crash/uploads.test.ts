// `npm run test:crash`: what was stored of an upload survives kill -9, and the upload goes on there.
import { randomInt, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AttachmentPage } from '../../src/contract/attachments.ts'
import { findDamage } from '../../src/operator/database-damage.ts'
import { onSnapshot } from '../../src/operator/whole-database.ts'
import { newAccount } from '../support/accounts.ts'
import { fakeFile, getFile, newPlace, putFile } from '../support/attachments.ts'
import { createDatabase, engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { startProcess } from '../support/process.ts'
import { bodyOf, outcomeOf, send } from '../support/requests.ts'

const kills = 5

describe.each(engines)('an upload whose server is killed, on %s', (engine) => {
  it('goes on behind what was stored, and is whole in the end', { timeout: 120_000 }, async () => {
    const database = await createDatabase(engine)
    const settings = { port: await freePort(), databaseUrl: database.url }
    let server = await startProcess(settings)
    try {
      const { token, vaultId } = await newAccount(server)
      const place = newPlace(vaultId, randomUUID())
      const file = fakeFile(24 * 2 ** 20)
      const path = `/api/v1/vaults/${vaultId}/items/${place.itemId}/attachments`
      let first = 0
      for (let kill = 0; kill < kills; kill++) {
        const sending = putFile(server, token, place, file, { first }).then(outcomeOf, () => 'lost')
        await new Promise((resolve) => setTimeout(resolve, randomInt(100)))
        await server.kill()
        await sending
        server = await startProcess(settings)
        const listed = await send(server, { path, token })
        const [upload] = listed.status === 200 ? bodyOf(AttachmentPage, listed).attachments : []
        expect(await onSnapshot(databaseOf(database), findDamage)).toEqual([])
        if (!upload) continue
        expect(upload.receivedBytes).toBeGreaterThanOrEqual(first)
        first = upload.receivedBytes
        if (first === file.length) break
      }
      if (first < file.length)
        expect(['200', '201']).toContain(outcomeOf(await putFile(server, token, place, file, { first })))
      expect((await getFile(server, token, place)).bytes.equals(file)).toBe(true)
    } finally {
      await server.kill()
      await database.remove()
    }
  })
})
