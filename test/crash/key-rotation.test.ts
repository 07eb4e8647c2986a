// `npm run test:crash`: a server that is killed while it changes the user key of an account of Bitwarden's apps leaves everything under the
// old key, or everything under the new one, and every file with its bytes.
import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findDamage } from '../../src/operator/database-damage.ts'
import { onSnapshot } from '../../src/operator/whole-database.ts'
import {
  askForToken,
  encString,
  keyRotation,
  newAppDevice,
  passwordGrant,
  registeredApp,
} from '../support/bitwarden.ts'
import { loginCipher, wrappedKey } from '../support/ciphers.ts'
import { createDatabase, engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { startProcess } from '../support/process.ts'
import { bodyOf, send } from '../support/requests.ts'
import { sendForm } from '../support/sends.ts'
import { times } from '../support/tally.ts'

const kills = 6
const items = 400

const Granted = z.looseObject({ access_token: z.string(), Key: z.string() })
const Item = z.looseObject({
  id: z.string(),
  name: z.string(),
  attachments: z.array(z.looseObject({ id: z.string(), key: z.string(), url: z.string() })).nullable(),
})
const Synced = z.looseObject({ ciphers: z.array(Item) })

describe.each(engines)(`a change of the user key, killed ${kills} times on %s`, (engine) => {
  it('is done as a whole, or not at all', { timeout: 600_000 }, async () => {
    const database = await createDatabase(engine)
    const port = await freePort()
    const start = () =>
      startProcess({ port, databaseUrl: database.url, environment: { BITWARDEN_API: 'on' } })
    let server = await start()
    try {
      const app = await registeredApp(server)
      let { token } = app
      const ask = (method: string, path: string, body?: unknown) =>
        send(server, { method, path, token, ...(body !== undefined && { body }) })
      const ciphers = times(items, () => loginCipher())
      const imported = await ask('POST', '/api/ciphers/import', {
        ciphers,
        folders: [],
        folderRelationships: [],
      })
      expect(imported.status).toBe(200)
      const sync = async () => bodyOf(Synced, await ask('GET', '/api/sync')).ciphers
      const [first] = await sync()
      const path = `/api/ciphers/${first?.id}/attachment`
      const content = randomBytes(700_000)
      const announced = await ask('POST', `${path}/v2`, {
        fileName: encString(),
        key: wrappedKey(),
        fileSize: content.length,
      })
      const { attachmentId } = bodyOf(z.object({ attachmentId: z.string() }), announced)
      expect((await sendForm(server, token, `${path}/${attachmentId}`, content)).status).toBe(200)

      let { passwordHash } = app
      let done = 0
      for (let kill = 1; kill <= kills; kill++) {
        const before = await sync()
        const attachments2 = { [attachmentId]: { fileName: encString(), key: wrappedKey() } }
        const after = before.map(({ id }) => ({
          ...loginCipher(),
          id,
          ...(id === first?.id && { attachments2 }),
        }))
        const rotation = keyRotation({ ...app, passwordHash }, { ciphers: after, folders: [], sends: [] })
        const asked = ask('POST', '/api/accounts/key-management/rotate-user-account-keys', rotation).catch(
          () => undefined,
        )
        await pause(randomInt(50, 900))
        await server.kill()
        await asked
        server = await start()

        const { masterKeyAuthenticationHash: newHash, masterKeyEncryptedUserKey: newKey } =
          rotation.accountUnlockData.masterPasswordUnlockData
        const logIn = (hash: string) =>
          askForToken(server, passwordGrant({ email: app.email, passwordHash: hash }, newAppDevice()))
        const byNew = await logIn(newHash)
        const isDone = byNew.status === 200
        const login = bodyOf(Granted, isDone ? byNew : await logIn(passwordHash))
        token = login.access_token
        expect(login.Key === newKey).toBe(isDone)
        const namesOf = (list: readonly { id: string; name: string }[]) =>
          list.map(({ id, name }) => [id, name]).toSorted()
        const seen = await sync()
        expect(namesOf(seen)).toEqual(namesOf(isDone ? after : before))
        const [file] = seen.find(({ id }) => id === first?.id)?.attachments ?? []
        if (isDone) expect(file).toMatchObject(attachments2[attachmentId] ?? {})
        const bytes = Buffer.from(await (await fetch(file?.url ?? '')).arrayBuffer())
        expect(bytes.equals(content)).toBe(true)
        expect(await onSnapshot(databaseOf(database), findDamage)).toEqual([])
        if (isDone) {
          done++
          passwordHash = newHash
        }
        process.stdout.write(`${engine}: killed ${kill} of ${kills} times, ${done} changes done\n`)
      }
    } finally {
      await server.kill()
      await database.remove()
    }
  })
})
