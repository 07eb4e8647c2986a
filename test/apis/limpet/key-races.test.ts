// Changes of keys that meet each other and writes at the same moment, on Postgres in two processes: whichever comes first decides, and
// nothing is ever stored under a key that was replaced.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Account } from '../../../src/contract/accounts.ts'
import { RotationLeft } from '../../../src/contract/rotation.ts'
import { Item, Vault, VaultList } from '../../../src/contract/vaults.ts'
import { fakeEnvelope, newAccount, type RawAccount, randomKey, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const rounds = 8

describe.each(engines)('changes of keys at the same moment on %s', (engine) => {
  let server: TestServer
  let beside: TestServer
  let account: RawAccount
  beforeAll(async () => {
    server = await startServer(engine)
    beside =
      engine === 'postgres'
        ? await startServer(engine, { database: server.database, environment: { PUBLIC_URL: server.url } })
        : server
  })
  afterAll(async () => {
    if (beside !== server) await beside.close()
    await server.close()
  })
  beforeEach(async () => {
    account = await newAccount(server)
  })

  const ask = (where: TestServer, method: string, path: string, body?: unknown, headers = {}) =>
    send(where, { method, path: `/api/v1/${path}`, token: account.token, body, headers })
  const vaultPath = () => `vaults/${account.vaultId}`
  const proof = () => ({ authKey: account.authKey })

  /** Both at once, each on another process; every other time in another order. */
  async function atOnce(
    round: number,
    one: (where: TestServer) => ReturnType<typeof ask>,
    other: (where: TestServer) => ReturnType<typeof ask>,
  ) {
    if (round % 2 === 0) return Promise.all([one(server), other(beside)])
    const [second, first] = await Promise.all([other(beside), one(server)])
    return [first, second]
  }

  const begin = (keyVersion: number, key = fakeEnvelope()) => ({
    key,
    keyVersion,
    versions: 'keep',
    ...proof(),
  })
  const vaults = async () => bodyOf(VaultList, await ask(server, 'GET', 'vaults')).vaults
  const vault = async () => Vault.parse((await vaults()).find(({ id }) => id === account.vaultId))

  const reseal = async (keyVersion: number) => {
    const left = bodyOf(RotationLeft, await ask(server, 'GET', `${vaultPath()}/rotation/left`))
    const operations = left.items.map((item) => ({ op: 'reseal', ...item, keyVersion, data: fakeEnvelope() }))
    if (operations.length > 0) await ask(server, 'POST', `${vaultPath()}/batch`, { operations })
    const versions = left.versions.map((version) => ({ ...version, keyVersion, data: fakeEnvelope() }))
    if (versions.length > 0) await ask(server, 'POST', `${vaultPath()}/rotation/versions`, { versions })
    await ask(server, 'PUT', vaultPath(), { data: fakeEnvelope(), keyVersion })
  }
  const finish = (where: TestServer, keyVersion: number) =>
    ask(where, 'POST', `${vaultPath()}/rotation/finish`, { keyVersion })

  it('begin once', async () => {
    for (let round = 0; round < rounds; round++) {
      const keyVersion = round + 2
      const [mine, theirs] = [begin(keyVersion), begin(keyVersion)]
      const answers = await atOnce(
        round,
        (where) => ask(where, 'POST', `${vaultPath()}/rotation`, mine),
        (where) => ask(where, 'POST', `${vaultPath()}/rotation`, theirs),
      )
      const outcomes = answers.map((answer) => outcomeOf(answer))
      expect(outcomes.toSorted()).toEqual(['201', '409 rotation-under-way'])
      const [winner] = outcomes[0] === '201' ? [mine] : [theirs]
      expect((await vault()).rotation?.key).toBe(winner.key)
      await reseal(keyVersion)
      expect(outcomeOf(await finish(server, keyVersion))).toBe('200')
      expect((await vault()).key).toBe(winner.key)
    }
  })

  it('finish before or after a write under the old key, and never beside it', async () => {
    const id = randomUUID()
    let headers: Record<string, string> = { 'If-None-Match': '*' }
    const write = (where: TestServer, keyVersion: number) =>
      ask(where, 'PUT', `${vaultPath()}/items/${id}`, { data: fakeEnvelope(), keyVersion }, headers)
    for (let round = 0; round < rounds; round++) {
      const keyVersion = round + 2
      await ask(server, 'POST', `${vaultPath()}/rotation`, begin(keyVersion))
      await reseal(keyVersion)
      if (round > 0) {
        const { revision } = bodyOf(Item, await ask(server, 'GET', `${vaultPath()}/items/${id}`))
        headers = { 'If-Match': `"${revision}"` }
      }
      const [written, finished] = await atOnce(
        round,
        (where) => write(where, keyVersion - 1),
        (where) => finish(where, keyVersion),
      )
      if (!written || !finished) throw new Error('Two were asked')
      if (finished.status === 200) {
        expect(outcomeOf(written)).toBe('409 key-changed')
        expect(outcomeOf(await write(server, keyVersion))).toMatch(/^20[01]$/)
      } else {
        expect([outcomeOf(finished), outcomeOf(written)]).toEqual([
          '409 rotation-incomplete',
          round === 0 ? '201' : expect.stringMatching(/^20[01]$/),
        ])
        await reseal(keyVersion)
        expect(outcomeOf(await finish(server, keyVersion))).toBe('200')
      }
      const item = bodyOf(Item, await ask(server, 'GET', `${vaultPath()}/items/${id}`))
      expect([item.keyVersion, (await vault()).keyVersion]).toEqual([keyVersion, keyVersion])
    }
  })

  /** A change of the account key, for the vaults as they stand. */
  async function accountKeyChange() {
    const { accountKeyVersion } = bodyOf(Account, await ask(server, 'GET', 'account'))
    const keys = (await vaults()).map(({ id, keyVersion, rotation }) => ({
      id,
      keyVersion,
      key: fakeEnvelope(),
      ...(rotation && { nextKey: fakeEnvelope() }),
    }))
    const version = accountKeyVersion + 1
    const body = { current: proof(), accountKey: fakeEnvelope(), accountKeyVersion: version, vaults: keys }
    return { body, accountKeyVersion }
  }

  it('change the account key, or make a vault under the old one', async () => {
    for (let round = 0; round < rounds; round++) {
      const { body, accountKeyVersion } = await accountKeyChange()
      const added = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope(), accountKeyVersion }
      const answers = await atOnce(
        round,
        (where) => ask(where, 'POST', 'account/key', body),
        (where) => ask(where, 'POST', 'vaults', added),
      )
      const outcomes = answers.map((answer) => outcomeOf(answer))
      const isChanged = outcomes[0] === '200'
      expect(outcomes).toEqual(isChanged ? ['200', '409 key-changed'] : ['409 key-changed', '201'])
      const keys = new Map((await vaults()).map(({ id, key }) => [id, key]))
      if (isChanged) expect(keys).toEqual(new Map(body.vaults.map(({ id, key }) => [id, key])))
      else expect(keys.get(added.id)).toBe(added.key)
    }
  })

  it('change the account key, or begin with a key under the old one', async () => {
    for (let round = 0; round < rounds; round++) {
      const { body, accountKeyVersion } = await accountKeyChange()
      const start = { ...begin((await vault()).keyVersion + 1), accountKeyVersion }
      const answers = await atOnce(
        round,
        (where) => ask(where, 'POST', 'account/key', body),
        (where) => ask(where, 'POST', `${vaultPath()}/rotation`, start),
      )
      const outcomes = answers.map((answer) => outcomeOf(answer))
      expect([
        ['200', '409 key-changed'],
        ['409 key-changed', '201'],
      ]).toContainEqual(outcomes)
      if (outcomes[1] !== '201') continue
      expect((await vault()).rotation?.key).toBe(start.key)
      await reseal(start.keyVersion)
      expect(outcomeOf(await finish(server, start.keyVersion))).toBe('200')
    }
  })

  it('change the account key, or the password with the old one in it', async () => {
    for (let round = 0; round < rounds; round++) {
      const { body, accountKeyVersion } = await accountKeyChange()
      const { kdf, accountKey } = registration()
      const change = { current: proof(), kdf, accountKey, authKey: randomKey(), accountKeyVersion }
      const answers = await atOnce(
        round,
        (where) => ask(where, 'POST', 'account/key', body),
        (where) => ask(where, 'POST', 'account/password', change),
      )
      const outcomes = answers.map((answer) => outcomeOf(answer))
      expect([
        ['200', '409 key-changed'],
        ['401 invalid-credentials', '200'],
      ]).toContainEqual(outcomes)
      const stored = bodyOf(Account, await ask(server, 'GET', 'account'))
      const isChanged = outcomes[0] === '200'
      expect([stored.accountKey, stored.accountKeyVersion]).toEqual(
        isChanged ? [body.accountKey, accountKeyVersion + 1] : [accountKey, accountKeyVersion],
      )
      if (!isChanged) account = { ...account, authKey: change.authKey }
    }
  })
})
