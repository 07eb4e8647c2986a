// OPAQUE through the SDK: the default, with fresh proofs, other devices, and unlocking without the server.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memorySessionStorage, OpenError, PasswordRefusedError } from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import {
  client,
  quickRegistration,
  registeredClient,
  startServer,
  type TestServer,
} from '../support/server.ts'

const failure = (attempt: Promise<unknown>) => attempt.then(() => undefined).catch((error: unknown) => error)
const wrong = { code: 'invalid-credentials', status: 401 }

describe.each(engines)('OPAQUE in the SDK on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('is the default, opens the same vaults on every device, and nothing for a wrong password', async () => {
    const password = 'Correct \u212bngstr\u00f6m'
    const email = `${randomUUID()}@example.com`
    await client(server).register({ email, password })
    const account = await client(server).login({ email, password })
    expect((await account.details()).method).toBe('opaque')
    const [vault] = await account.vaults()
    const item = await vault?.create({ kind: 'note', name: 'Kept' })
    // As another keyboard writes the same password and address.
    const elsewhere = await client(server).login({
      email: ` ${email.toUpperCase()}`,
      password: password.normalize('NFD'),
    })
    expect(elsewhere.exportKey()).toEqual(account.exportKey())
    const [same] = await elsewhere.vaults()
    expect((await same?.get(item?.id ?? ''))?.content.name).toBe('Kept')

    const byKey = await registeredClient(server)
    const errors = await Promise.all(
      [email, byKey.email, 'nobody@example.com'].map((address) =>
        failure(client(server).login({ email: address, password: 'wrong' })),
      ),
    )
    for (const error of errors) expect(error).toMatchObject({ ...wrong, message: Object(errors[1]).message })
    for (const bad of ['', '\ud800'])
      expect(await failure(client(server).login({ email, password: bad }))).toBeInstanceOf(
        PasswordRefusedError,
      )
  })

  it('unlocks on the device without the server, with the newest password', async () => {
    const storage = memorySessionStorage()
    const { email, password, account, limpet } = await registeredClient(server, { storage, method: 'opaque' })
    const offline = client({ url: server.url }, storage)
    expect((await offline.unlock(password)).exportKey()).toEqual(account.exportKey())
    expect(await failure(offline.unlock(`${password} `))).toBeInstanceOf(OpenError)
    // What is kept for it is of this device, and not what the server has.
    expect((await storage.load())?.accountKey).not.toBe((await account.details()).accountKey)

    await account.changePassword({ current: password, next: 'second tidal pool' })
    expect((await account.details()).method).toBe('opaque')
    expect((await offline.unlock('second tidal pool')).exportKey()).toEqual(account.exportKey())
    expect(await failure(offline.unlock(password))).toBeInstanceOf(OpenError)
    expect(await failure(limpet.login({ email, password }))).toMatchObject(wrong)
    await limpet.login({ email, password: 'second tidal pool' })
  })

  it('is switched to and from by the owner, who proves the password as it is', async () => {
    const { email, password, account } = await registeredClient(server)
    expect(
      await failure(account.changePassword({ current: 'wrong', next: 'fifth tidal pool', method: 'opaque' })),
    ).toMatchObject(wrong)
    expect((await account.details()).method).toBe('authKey')
    await account.changePassword({ current: password, next: 'second tidal pool' })
    expect((await account.details()).method).toBe('authKey')
    await account.changePassword({ current: 'second tidal pool', next: 'third tidal pool', method: 'opaque' })
    expect((await account.details()).method).toBe('opaque')
    expect((await client(server).login({ email, password: 'third tidal pool' })).exportKey()).toEqual(
      account.exportKey(),
    )
    expect(
      await failure(account.changePassword({ current: 'second tidal pool', next: 'fifth tidal pool' })),
    ).toMatchObject(wrong)
    await account.changePassword({
      current: 'third tidal pool',
      next: 'fourth tidal pool',
      ...quickRegistration,
    })
    expect((await account.details()).method).toBe('authKey')
    const again = await client(server).login({ email, password: 'fourth tidal pool' })
    expect(again.exportKey()).toEqual(account.exportKey())
  })

  it('deletes the account with a fresh proof', async () => {
    const { email, password, account } = await registeredClient(server, { method: 'opaque' })
    expect(await failure(account.delete('wrong'))).toMatchObject(wrong)
    await account.delete(password)
    expect(await failure(client(server).login({ email, password }))).toMatchObject(wrong)
  })
})
