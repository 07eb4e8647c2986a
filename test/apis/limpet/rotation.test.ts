// Changing the key of a vault over HTTP: what each step takes and leaves, and that nothing is ever left without a key.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AccountEventList } from '../../../src/contract/accounts.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { RotationBegun, RotationLeft, VersionsResealed } from '../../../src/contract/rotation.ts'
import { CreatedToken, CurrentToken } from '../../../src/contract/tokens.ts'
import { BatchResult, Changes, Item, ItemVersions, Vault, VaultList } from '../../../src/contract/vaults.ts'
import { fakeEnvelope, newAccount, type RawAccount, randomKey } from '../../support/accounts.ts'
import { type FilePlace, fakeFile, getFile, newPlace, putFile } from '../../support/attachments.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, outcomeOf, type RawRequest, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { newToken } from '../../support/tokens.ts'

const ifMatch = (revision: number) => ({ 'If-Match': `"${revision}"` })
const ifNone = { 'If-None-Match': '*' }

describe.each(engines)('changing the key of a vault on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let account: RawAccount
  let vaultPath: string
  beforeAll(async () => {
    server = await startServer(engine, { clock })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    account = await newAccount(server)
    vaultPath = `/api/v1/vaults/${account.vaultId}`
  })

  const call = (method: string, path: string, request: Omit<RawRequest, 'method' | 'path'> = {}) =>
    send(server, { method, path, token: account.token, ...request })

  const newKey = (keyVersion = 2, versions: 'keep' | 'drop' = 'keep') => ({
    key: fakeEnvelope(),
    keyVersion,
    versions,
    authKey: account.authKey,
  })
  const begin = (body: unknown = newKey()) => call('POST', `${vaultPath}/rotation`, { body })
  const begun = async (body: unknown = newKey()) => bodyOf(RotationBegun, await begin(body))
  const finish = (keyVersion = 2) => call('POST', `${vaultPath}/rotation/finish`, { body: { keyVersion } })
  const left = async (query = '') =>
    bodyOf(RotationLeft, await call('GET', `${vaultPath}/rotation/left${query}`))
  const batch = (operations: unknown[], token = account.token) =>
    call('POST', `${vaultPath}/batch`, { body: { operations }, token })
  const reseal = (id: string, revision: number, keyVersion = 2, data = fakeEnvelope()) =>
    batch([{ op: 'reseal', id, data, keyVersion, revision }])
  const resealVersions = (versions: unknown[]) =>
    call('POST', `${vaultPath}/rotation/versions`, { body: { versions } })
  const renameVault = (keyVersion?: number) =>
    call('PUT', vaultPath, { body: { data: fakeEnvelope(), keyVersion } })

  const put = (id: string, headers: Record<string, string>, keyVersion?: number, data = fakeEnvelope()) =>
    call('PUT', `${vaultPath}/items/${id}`, { headers, body: { data, keyVersion } })
  const created = async (id: string = randomUUID(), keyVersion?: number) =>
    bodyOf(Item, await put(id, ifNone, keyVersion))

  const vault = async () => {
    const { vaults } = bodyOf(VaultList, await call('GET', '/api/v1/vaults'))
    return Vault.parse(vaults.find(({ id }) => id === account.vaultId))
  }
  const changes = async () => bodyOf(Changes, await call('GET', `${vaultPath}/changes`)).items
  const versionsOf = async (id: string) =>
    bodyOf(ItemVersions, await call('GET', `${vaultPath}/items/${id}/versions`)).versions

  /** Seals everything that is left under the key that is to follow, a few at a time, and finishes. */
  async function complete(keyVersion = 2) {
    for (;;) {
      const { items, versions, counts } = await left('?limit=3')
      if (items.length > 0) {
        const operations = items.map(({ id, revision }) => ({
          op: 'reseal',
          id,
          revision,
          keyVersion,
          data: fakeEnvelope(),
        }))
        expect(outcomeOf(await batch(operations))).toBe('200')
      } else if (versions.length > 0) {
        const resealed = versions.map((version) => ({ ...version, keyVersion, data: fakeEnvelope() }))
        const answer = bodyOf(VersionsResealed, await resealVersions(resealed))
        expect(answer.resealed).toBe(versions.length)
      } else if (counts.vaultData > 0) expect(outcomeOf(await renameVault(keyVersion))).toBe('200')
      else break
    }
    return bodyOf(Vault, await finish(keyVersion))
  }

  /** All rows, but for what is noted a moment later: the last use of tokens, and failed proofs. */
  async function rows() {
    const { personal_tokens: _, ...others } = await readRows(server.database)
    const events = others.account_events?.filter(({ type }) => type !== 'proof-failed') ?? []
    return { ...others, account_events: events }
  }

  /** Runs something that must have no effect. */
  async function unchanged<T>(work: () => Promise<T>): Promise<T> {
    const before = await rows()
    const result = await work()
    expect(await rows()).toEqual(before)
    return result
  }

  /** What the account stores is what its row says. */
  async function requireCounted() {
    const { accounts, vaults, items, item_versions: versions } = await readRows(server.database)
    const own = [vaults, items, versions].flatMap((table) =>
      (table ?? []).filter((row) => (row.vault_id ?? row.id) === account.vaultId),
    )
    const bytes = own.reduce((sum, { data }) => sum + (data === null ? 0 : String(data).length / 2), 0)
    expect(accounts?.find(({ id }) => id === account.accountId)?.stored_bytes).toBe(
      engine === 'postgres' ? String(bytes) : bytes,
    )
  }

  /** An item with two versions, one in the trash, and tombstones with a marker and without. */
  async function inhabit() {
    const { id, revision } = await created()
    const second = bodyOf(Item, await put(id, ifMatch(revision)))
    const third = bodyOf(Item, await put(id, ifMatch(second.revision)))
    const trashed = await created()
    await call('DELETE', `${vaultPath}/items/${trashed.id}`)
    const [marked, unmarked] = [await created(), await created()]
    const purge = { op: 'purge', id: marked.id, revision: marked.revision, marker: fakeEnvelope() }
    expect(outcomeOf(await batch([purge]))).toBe('200')
    await call('DELETE', `${vaultPath}/items/${unmarked.id}?permanent=true`)
    return { item: third, trashed: trashed.id, marked: marked.id, unmarked: unmarked.id }
  }

  it('goes through its steps, and keeps what stood there: states, times, versions', async () => {
    const { item, trashed, marked, unmarked } = await inhabit()
    const before = await changes()
    const oldVersions = await versionsOf(item.id)
    const body = newKey()
    const start = await begin(body)
    expect(start.status).toBe(201)
    const { vault: started, endedTokens } = bodyOf(RotationBegun, start)
    expect(endedTokens).toEqual([])
    const startedAt = new Date(clock.now()).toISOString()
    expect(started).toMatchObject({
      keyVersion: 1,
      dataKeyVersion: 1,
      rotation: { key: body.key, keyVersion: 2, versions: 'keep', startedAt },
    })
    expect(await vault()).toEqual(started)
    expect((await left()).counts).toEqual({ items: 3, versions: 2, attachments: 0, vaultData: 1 })
    clock.advance(60_000)
    const finished = await complete()
    expect(finished).toMatchObject({
      key: body.key,
      keyVersion: 2,
      dataKeyVersion: 2,
      rotation: null,
      itemCount: 1,
    })
    expect(await vault()).toEqual(finished)
    const after = new Map((await changes()).map((state) => [state.id, state]))
    for (const state of before) {
      const now = after.get(state.id)
      // There is nothing in it to seal.
      if (state.id === unmarked) expect(now).toEqual(state)
      else {
        expect(now?.keyVersion).toBe(2)
        expect(now?.revision).toBeGreaterThan(state.revision)
        const gone = { revision: 0, keyVersion: 0, data: '', marker: '' }
        expect({ ...now, ...gone }).toEqual({ ...state, ...gone })
      }
    }
    expect([...after.keys()].sort()).toEqual([item.id, trashed, marked, unmarked].sort())
    const newVersions = await versionsOf(item.id)
    expect(newVersions.map(({ data: _, ...version }) => version)).toEqual(
      oldVersions.map(({ data: _, ...version }) => ({ ...version, keyVersion: 2 })),
    )
    expect(newVersions.map(({ data }) => data)).not.toEqual(oldVersions.map(({ data }) => data))
    expect(outcomeOf(await call('GET', `${vaultPath}/rotation/left`))).toBe('409 key-changed')
    await requireCounted()
  })

  it('names items first, then versions, no more than was asked for', async () => {
    await inhabit()
    await begun()
    const one = await left('?limit=2')
    expect([one.items.length, one.versions.length]).toEqual([2, 0])
    const all = await left('?limit=4')
    expect([all.items.length, all.versions.length]).toEqual([3, 1])
    expect(outcomeOf(await call('GET', `${vaultPath}/rotation/left?limit=0`))).toBe('400 malformed-request')
  })

  it('deletes versions at the end if they are dropped, and frees what they took', async () => {
    const { item } = await inhabit()
    const { counts } = await begun(newKey(2, 'drop')).then(() => left())
    expect(counts).toMatchObject({ items: 3, versions: 0 })
    const [current] = (await left()).items.filter(({ id }) => id === item.id)
    await reseal(item.id, current?.revision ?? 0)
    // Written under the new key while the change was under way: it stays.
    const resealed = bodyOf(Item, await call('GET', `${vaultPath}/items/${item.id}`))
    expect(outcomeOf(await put(item.id, ifMatch(resealed.revision), 2))).toBe('200')
    expect(await versionsOf(item.id)).toHaveLength(3)
    await complete()
    expect(await versionsOf(item.id)).toMatchObject([{ keyVersion: 2, data: resealed.data }])
    await requireCounted()
  })

  it('takes writes under both keys while it is under way, and finishes only when nothing is left', async () => {
    const item = await created()
    await begun()
    expect(outcomeOf(await reseal(item.id, item.revision))).toBe('200')
    expect(outcomeOf(await renameVault(2))).toBe('200')
    const incomplete = async () => {
      const answer = await unchanged(() => finish())
      expect(outcomeOf(answer)).toBe('409 rotation-incomplete')
      return bodyOf(Problem, answer).left
    }
    const old = await created()
    expect(old.keyVersion).toBe(1)
    const fresh = await created(randomUUID(), 2)
    expect(fresh.keyVersion).toBe(2)
    expect(await incomplete()).toEqual({ items: 1, versions: 0, attachments: 0, vaultData: 0 })
    await reseal(old.id, old.revision)
    // An older client writes over what lies under the new key: the version that it replaces lies under it, the item does not.
    const resealed = bodyOf(Item, await call('GET', `${vaultPath}/items/${item.id}`))
    const again = bodyOf(Item, await put(item.id, ifMatch(resealed.revision)))
    expect(again.keyVersion).toBe(1)
    expect(await versionsOf(item.id)).toMatchObject([{ keyVersion: 2 }])
    expect(outcomeOf(await renameVault())).toBe('200')
    expect(await incomplete()).toEqual({ items: 1, versions: 0, attachments: 0, vaultData: 1 })
    const marker = { marker: fakeEnvelope(), keyVersion: 1 }
    expect(outcomeOf(await batch([{ op: 'purge', id: item.id, revision: again.revision, ...marker }]))).toBe(
      '200',
    )
    expect(await incomplete()).toEqual({ items: 1, versions: 0, attachments: 0, vaultData: 1 })
    expect((await complete()).keyVersion).toBe(2)
  })

  it('refuses writes under the old key afterwards, and under keys that are not there', async () => {
    const item = await created()
    await begun()
    await unchanged(async () => expect(outcomeOf(await finish(3))).toBe('409 key-changed'))
    const present = await complete()
    const purge = { op: 'purge', id: item.id, revision: 5, marker: fakeEnvelope() }
    const requests = (keyVersion?: number) => [
      put(item.id, ifNone, keyVersion),
      put(randomUUID(), ifNone, keyVersion),
      call('POST', `${vaultPath}/items`, { body: { id: randomUUID(), data: fakeEnvelope(), keyVersion } }),
      renameVault(keyVersion),
      batch([{ op: 'put', id: randomUUID(), data: fakeEnvelope(), revision: null, keyVersion }]),
      batch([{ ...purge, keyVersion }]),
      reseal(item.id, 5, keyVersion ?? 1),
      reseal(item.id, 5, 2),
    ]
    for (const keyVersion of [undefined, 1, 3])
      await unchanged(async () => {
        for (const answer of await Promise.all(requests(keyVersion))) {
          expect(outcomeOf(answer)).toBe('409 key-changed')
          expect(bodyOf(Problem, answer).current).toEqual(present)
        }
      })
    // What brings no envelope needs no key.
    expect(outcomeOf(await call('DELETE', `${vaultPath}/items/${item.id}`))).toBe('200')
    expect(outcomeOf(await call('POST', `${vaultPath}/items/${item.id}/restore`))).toBe('200')
    expect(outcomeOf(await call('DELETE', `${vaultPath}/items/${item.id}?permanent=true`))).toBe('204')
  })

  it('reseals what is expected, and nothing else', async () => {
    const { item, marked, unmarked } = await inhabit()
    const states = new Map((await changes()).map((state) => [state.id, state]))
    const revisionOf = (id: string) => states.get(id)?.revision ?? 0
    await unchanged(async () =>
      expect(outcomeOf(await reseal(item.id, item.revision))).toBe('409 key-changed'),
    )
    await begun()
    await unchanged(async () => {
      expect(outcomeOf(await reseal(item.id, item.revision, 1))).toBe('409 key-changed')
      expect(outcomeOf(await reseal(item.id, item.revision - 1))).toBe('412 revision-conflict')
      expect(outcomeOf(await reseal(randomUUID(), 1))).toBe('412 revision-conflict')
      // There is nothing to seal in a tombstone without a marker.
      expect(outcomeOf(await reseal(unmarked, revisionOf(unmarked)))).toBe('412 revision-conflict')
    })
    const data = fakeEnvelope()
    const answer = await reseal(marked, revisionOf(marked), 2, data)
    expect(bodyOf(BatchResult, answer).items).toMatchObject([{ purged: true, marker: data, keyVersion: 2 }])
    // It comes back over its tombstone as always.
    const now = (await changes()).find(({ id }) => id === marked)
    expect(outcomeOf(await put(marked, ifMatch(now?.revision ?? 0), 2))).toBe('200')
  })

  it('passes over versions that are gone or done', async () => {
    const { item, trashed } = await inhabit()
    const version = (itemId: string, revision: number, keyVersion = 2) => ({
      itemId,
      revision,
      keyVersion,
      data: fakeEnvelope(),
    })
    await unchanged(async () =>
      expect(outcomeOf(await resealVersions([version(item.id, 2)]))).toBe('409 key-changed'),
    )
    await begun()
    const [known] = (await left()).versions
    const done = version(known?.itemId ?? '', known?.revision ?? 0)
    const wanted = [done, version(item.id, 4711), version(trashed, done.revision), version(randomUUID(), 1)]
    expect(bodyOf(VersionsResealed, await resealVersions(wanted)).resealed).toBe(1)
    await unchanged(async () => {
      expect(bodyOf(VersionsResealed, await resealVersions(wanted)).resealed).toBe(0)
      expect(outcomeOf(await resealVersions([version(item.id, 2, 1)]))).toBe('409 key-changed')
      expect(outcomeOf(await resealVersions([done, done]))).toBe('400 malformed-request')
      expect(outcomeOf(await resealVersions([]))).toBe('400 malformed-request')
    })
    const standing = (await versionsOf(item.id)).find(({ revision }) => revision === done.revision)
    expect(standing).toMatchObject({ data: done.data, keyVersion: 2 })
  })

  it('is begun once: the same again is no second one, another one has to wait', async () => {
    const body = newKey()
    const { vault: started } = await begun(body)
    await unchanged(async () => {
      const again = await begin(body)
      expect(again.status).toBe(200)
      expect(bodyOf(RotationBegun, again)).toEqual({ vault: started, endedTokens: [] })
      for (const other of [newKey(), { ...body, versions: 'drop' }]) {
        const answer = await begin(other)
        expect(outcomeOf(answer)).toBe('409 rotation-under-way')
        expect(bodyOf(Problem, answer).current).toEqual(started)
      }
      for (const keyVersion of [1, 3])
        expect(outcomeOf(await begin(newKey(keyVersion)))).toBe('409 key-changed')
    })
    const finished = await complete()
    await unchanged(async () => {
      expect(bodyOf(Vault, await finish())).toEqual(finished)
      const late = await begin(body)
      expect(outcomeOf(late)).toBe('409 key-changed')
      expect(bodyOf(Problem, late).current).toEqual(finished)
    })
    await begun(newKey(3))
    await unchanged(async () => expect(outcomeOf(await finish(2))).toBe('200'))
    expect((await complete(3)).keyVersion).toBe(3)
  })

  it('takes a fresh proof of the password, and leaves a note', async () => {
    await unchanged(async () => {
      const { authKey: _, ...unproved } = newKey()
      expect(outcomeOf(await begin(unproved))).toBe('400 malformed-request')
    })
    expect(outcomeOf(await begin({ ...newKey(), authKey: randomKey() }))).toBe('401 invalid-credentials')
    expect((await vault()).rotation).toBeNull()
    await begun()
    await complete()
    const { events } = bodyOf(AccountEventList, await call('GET', '/api/v1/account/events'))
    const noted = events.map(({ type }) => type)
    for (const type of ['vault-key-change-started', 'vault-key-changed'])
      expect(noted.filter((one) => one === type)).toHaveLength(1)
  })

  it('ends the tokens for the vault at the beginning, and no others', async () => {
    const forVault = await newToken(server, account, { vaultId: account.vaultId, vaultKey: fakeEnvelope() })
    const forAll = await newToken(server, account)
    const list = (token: string) => call('GET', '/api/v1/vaults', { token })
    expect([outcomeOf(await list(forVault.token)), outcomeOf(await list(forAll.token))]).toEqual([
      '200',
      '200',
    ])
    const { endedTokens } = await begun()
    expect(endedTokens.map(({ id }) => id)).toEqual([forVault.id])
    expect(outcomeOf(await list(forVault.token))).toBe('401 not-authenticated')
    expect(outcomeOf(await list(forAll.token))).toBe('200')
    // One key alone would read half of the vault.
    const wanted = {
      name: 'x',
      scopes: ['read', 'write'],
      vaultId: account.vaultId,
      vaultKey: fakeEnvelope(),
      authKey: account.authKey,
    }
    const make = (keyVersion?: number) =>
      call('POST', '/api/v1/tokens', { body: { ...wanted, ...(keyVersion && { keyVersion }) } })
    await unchanged(async () => {
      for (const keyVersion of [1, 2])
        expect(outcomeOf(await make(keyVersion))).toBe('409 rotation-under-way')
    })
    await complete()
    await unchanged(async () => expect(outcomeOf(await make())).toBe('409 key-changed'))
    const { token } = bodyOf(CreatedToken, await make(2))
    const current = bodyOf(CurrentToken, await call('GET', '/api/v1/tokens/current', { token }))
    expect(current.keyVersion).toBe(2)
    const write = (keyVersion?: number) =>
      call('PUT', `${vaultPath}/items/${randomUUID()}`, {
        token,
        headers: ifNone,
        body: { data: fakeEnvelope(), keyVersion },
      })
    expect([outcomeOf(await write(2)), outcomeOf(await write())]).toEqual(['201', '409 key-changed'])
  })

  it('is for sessions: a token writes, and neither begins nor reseals', async () => {
    const item = await created()
    const { token } = await newToken(server, account, { scopes: ['read', 'write'] })
    const attempts = async () => [
      await call('POST', `${vaultPath}/rotation`, { token, body: newKey() }),
      await call('GET', `${vaultPath}/rotation/left`, { token }),
      await call('POST', `${vaultPath}/rotation/finish`, { token, body: { keyVersion: 2 } }),
    ]
    for (const answer of await attempts()) expect(outcomeOf(answer)).toBe('403 token-not-allowed')
    await begun()
    const operation = {
      op: 'reseal',
      id: item.id,
      revision: item.revision,
      data: fakeEnvelope(),
      keyVersion: 2,
    }
    await unchanged(async () =>
      expect(outcomeOf(await batch([operation], token))).toBe('403 insufficient-scope'),
    )
    const body = { data: fakeEnvelope(), keyVersion: 2 }
    const put = { token, headers: ifMatch(item.revision), body }
    expect(outcomeOf(await call('PUT', `${vaultPath}/items/${item.id}`, put))).toBe('200')
  })

  describe('with files', () => {
    const file = fakeFile()
    const upload = (itemId: string, keyVersion = 1, content = file) => {
      const place = newPlace(account.vaultId, itemId)
      const query = `?keyVersion=${keyVersion}`
      return putFile(server, account.token, place, content, { query }).then((answer) => ({ place, answer }))
    }
    const uploaded = async (itemId: string, keyVersion?: number) => {
      const { place, answer } = await upload(itemId, keyVersion)
      expect(outcomeOf(answer)).toBe('201')
      return place
    }
    const statusOf = async (place: FilePlace) => (await getFile(server, account.token, place)).status
    const write = async (id: string, files: FilePlace[], revision?: number, keyVersion?: number) =>
      bodyOf(
        Item,
        await call('PUT', `${vaultPath}/items/${id}`, {
          headers: revision === undefined ? ifNone : ifMatch(revision),
          body: { data: fakeEnvelope(), attachments: files.map((place) => place.id), keyVersion },
        }),
      )
    const storedFiles = async () => {
      const { accounts, attachments } = await readRows(server.database)
      const stored = accounts?.find(({ id }) => id === account.accountId)?.stored_attachment_bytes
      const own = attachments?.filter((row) => row.vault_id === account.vaultId) ?? []
      expect(Number(stored)).toBe(own.reduce((sum, row) => sum + Number(row.bytes), 0))
      return own.map(({ id }) => id).sort()
    }

    /** An item whose version names one file, and which names another one itself. */
    async function itemWithFiles() {
      const id = randomUUID()
      const [first, second] = [await uploaded(id), await uploaded(id)]
      const { revision } = await write(id, [first])
      return { id, first, second, item: await write(id, [second], revision) }
    }

    it('finishes only when every file that something names was replaced', async () => {
      const { id, first, second, item } = await itemWithFiles()
      await begun()
      expect((await left()).counts).toEqual({ items: 1, versions: 1, attachments: 2, vaultData: 1 })
      await renameVault(2)
      // Sealed under the new key, and still with the old files: that is seen.
      await reseal(id, item.revision)
      const [version] = (await left()).versions
      const data = fakeEnvelope()
      const known = { itemId: id, revision: version?.revision ?? 0, keyVersion: 2, data }
      expect(bodyOf(VersionsResealed, await resealVersions([known])).resealed).toBe(1)
      const now = await left()
      expect(now.counts).toEqual({ items: 0, versions: 0, attachments: 2, vaultData: 0 })
      expect(now.items.map((left) => left.id)).toEqual([id])
      expect(now.versions).toEqual([{ itemId: id, revision: known.revision }])
      await unchanged(async () => expect(outcomeOf(await finish())).toBe('409 rotation-incomplete'))

      const missing = { ...known, attachments: [randomUUID()] }
      await unchanged(async () =>
        expect(outcomeOf(await resealVersions([missing]))).toBe('409 attachment-missing'),
      )
      const [newFirst, newSecond] = [await uploaded(id, 2), await uploaded(id, 2)]
      const operation = { op: 'reseal', id, data: fakeEnvelope(), keyVersion: 2, attachments: [newSecond.id] }
      const revision = now.items[0]?.revision
      expect(outcomeOf(await batch([{ ...operation, revision }]))).toBe('200')
      expect(await storedFiles()).toEqual([first.id, newFirst.id, newSecond.id].sort())
      await resealVersions([{ ...known, attachments: [newFirst.id] }])
      expect(await storedFiles()).toEqual([newFirst.id, newSecond.id].sort())
      expect(outcomeOf(await finish())).toBe('200')
      expect(await versionsOf(id)).toMatchObject([{ attachments: [newFirst.id], keyVersion: 2 }])
      expect([await statusOf(second), await statusOf(newFirst), await statusOf(newSecond)]).toEqual([
        404, 200, 200,
      ])
    })

    it('frees what only dropped versions name, and uploads under the old key', async () => {
      const { id, item } = await itemWithFiles()
      const { place: waiting } = await upload(id)
      await begun(newKey(2, 'drop'))
      await renameVault(2)
      expect((await left()).counts).toMatchObject({ items: 1, versions: 0, attachments: 1 })
      const fresh = await uploaded(id, 2)
      const operation = { op: 'reseal', id, data: fakeEnvelope(), keyVersion: 2, attachments: [fresh.id] }
      expect(outcomeOf(await batch([{ ...operation, revision: item.revision }]))).toBe('200')
      expect((await left()).counts).toEqual({ items: 0, versions: 0, attachments: 0, vaultData: 0 })
      expect(await storedFiles()).toHaveLength(3)
      expect(outcomeOf(await finish())).toBe('200')
      expect(await storedFiles()).toEqual([fresh.id])
      expect(await statusOf(waiting)).toBe(404)
      await requireCounted()
    })

    it('names a version under the new key whose files are not, also if versions are dropped', async () => {
      const { id, item } = await itemWithFiles()
      await begun(newKey(2, 'drop'))
      await renameVault(2)
      // A client that knows of no files writes under the new key, twice: the files stay as they are.
      const once = bodyOf(Item, await put(id, ifMatch(item.revision), 2))
      const fresh = await uploaded(id, 2)
      await write(id, [fresh], once.revision, 2)
      const now = await left()
      expect(now.counts).toMatchObject({ items: 0, attachments: 1 })
      expect(now).toMatchObject({ items: [], versions: [{ itemId: id, revision: once.revision }] })
      expect(outcomeOf(await finish())).toBe('409 rotation-incomplete')
      const other = await uploaded(id, 2)
      const version = { itemId: id, revision: once.revision, data: fakeEnvelope(), keyVersion: 2 }
      await resealVersions([{ ...version, attachments: [other.id] }])
      expect(outcomeOf(await finish())).toBe('200')
      expect(await storedFiles()).toEqual([fresh.id, other.id].sort())
    })

    it('takes uploads under the keys that the vault takes', async () => {
      const id = randomUUID()
      const outcomes = async () => {
        const answers = [1, 2, 3].map(async (keyVersion) => outcomeOf((await upload(id, keyVersion)).answer))
        return Promise.all(answers)
      }
      expect(await outcomes()).toEqual(['201', '409 key-changed', '409 key-changed'])
      await begun()
      expect(await outcomes()).toEqual(['201', '201', '409 key-changed'])
      await complete()
      expect(await outcomes()).toEqual(['409 key-changed', '201', '409 key-changed'])
    })
  })

  it('stays possible for a full account, within an eighth of what it may have', async () => {
    const full = await startServer(engine, { clock, environment: { MAX_BYTES: '1M' } })
    try {
      const owner = await newAccount(full)
      const path = `/api/v1/vaults/${owner.vaultId}`
      const ask = (method: string, end: string, body: unknown, headers = {}) =>
        send(full, { method, path: path + end, token: owner.token, body, headers })
      const write = (id: string, bytes: number, headers: Record<string, string>) =>
        ask('PUT', `/items/${id}`, { data: fakeEnvelope(bytes) }, headers)
      const id = randomUUID()
      for (const bytes of [262_144, 262_144, 262_144, 162_024])
        expect(outcomeOf(await write(randomUUID(), bytes, ifNone))).toBe('201')
      // With the vault's own data, of 120 bytes, that is all.
      const item = bodyOf(Item, await write(id, 100_000, ifNone))
      expect(outcomeOf(await write(randomUUID(), 82, ifNone))).toBe('403 quota-exceeded')
      const key = { key: fakeEnvelope(), keyVersion: 2, versions: 'keep', authKey: owner.authKey }
      expect(outcomeOf(await ask('POST', '/rotation', key))).toBe('201')
      const reseal = async (bytes: number) => {
        const data = fakeEnvelope(bytes)
        const { revision } = item
        return outcomeOf(
          await ask('POST', '/batch', { operations: [{ op: 'reseal', id, data, keyVersion: 2, revision }] }),
        )
      }
      expect(await reseal(100_000 + 131_073)).toBe('403 quota-exceeded')
      expect(await reseal(100_000 + 131_072)).toBe('200')
      // What is no reseal keeps to the limit.
      expect(outcomeOf(await write(randomUUID(), 82, ifNone))).toBe('403 quota-exceeded')
    } finally {
      await full.close()
    }
  })

  it('is over with the vault', async () => {
    await begun()
    expect(outcomeOf(await call('DELETE', vaultPath, { body: { authKey: account.authKey } }))).toBe('204')
    for (const answer of [
      await begin(),
      await finish(),
      await call('GET', `${vaultPath}/rotation/left`),
      await resealVersions([{ itemId: randomUUID(), revision: 1, keyVersion: 2, data: fakeEnvelope() }]),
    ])
      expect(outcomeOf(answer)).toBe('404 not-found')
  })
})
