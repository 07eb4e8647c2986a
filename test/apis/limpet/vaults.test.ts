// Vaults and items over HTTP: preconditions, trash, versions, batches, pages and changes, to the letter of the contract.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { days } from '../../../src/clock.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { limits } from '../../../src/contract/sizes.ts'
import {
  BatchResult,
  Changes,
  Item,
  ItemPage,
  type ItemState,
  ItemVersions,
  Tombstone,
  Vault,
  VaultList,
} from '../../../src/contract/vaults.ts'
import { deleteOldVersions } from '../../../src/domain/vaults/versions.ts'
import { ConflictError, Replica, ResyncRequiredError } from '../../../src/sdk/index.ts'
import { openStore } from '../../../src/store/open.ts'
import { fakeEnvelope, logIn, newAccount, type RawAccount, randomKey } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, outcomeOf, type RawAnswer, type RawRequest, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import {
  registeredClient,
  secondDevice,
  startServer,
  TestClock,
  type TestServer,
} from '../../support/server.ts'

const tag = (revision: number) => `"${revision}"`
const ifMatch = (revision: number) => ({ 'If-Match': tag(revision) })
const ifNone = { 'If-None-Match': '*' }

type ItemPageShape = z.infer<typeof ItemPage>

describe.each(engines)('vaults on %s', (engine) => {
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

  const itemPath = (id: string) => `${vaultPath}/items/${id}`

  const put = (id: string, headers: Record<string, string>, data = fakeEnvelope()) =>
    call('PUT', itemPath(id), { headers, body: { data } })

  const created = async (id: string = randomUUID(), data = fakeEnvelope()) =>
    bodyOf(Item, await put(id, ifNone, data))

  const removeVault = (headers: Record<string, string> = {}) =>
    call('DELETE', vaultPath, { headers, body: { authKey: account.authKey } })

  const batch = (operations: unknown[]) => call('POST', `${vaultPath}/batch`, { body: { operations } })

  const get = async <T>(shape: z.ZodType<T>, path: string) => bodyOf(shape, await call('GET', path))

  const revision = async () => {
    const { vaults } = await get(VaultList, '/api/v1/vaults')
    return vaults.find(({ id }) => id === account.vaultId)?.revision ?? 0
  }

  /** Lets time pass, with a new session if the old one's is over. */
  async function later(ms: number) {
    clock.advance(ms)
    account = { ...account, ...(await logIn(server, account)) }
  }

  /** Every page from the beginning, or from a cursor. */
  async function allChanges(limit = 1000, from?: string) {
    const items: ItemState[] = []
    let since = from
    for (;;) {
      const page = await get(
        Changes,
        `${vaultPath}/changes?limit=${limit}${since === undefined ? '' : `&since=${since}`}`,
      )
      expect(page.items.length).toBeLessThanOrEqual(limit)
      items.push(...page.items)
      since = page.cursor
      if (!page.more) return { items, cursor: page.cursor }
      expect(page.items.length).toBeGreaterThan(0)
    }
  }

  const problemOf = (answer: RawAnswer) => bodyOf(Problem, answer)

  /** Runs something that must have no effect. */
  async function unchanged<T>(work: () => Promise<T>): Promise<T> {
    const before = await readRows(server.database)
    const result = await work()
    expect(await readRows(server.database)).toEqual(before)
    return result
  }

  describe('vaults', () => {
    it('are made once, and the same again is no second one', async () => {
      const body = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() }
      const first = await call('POST', '/api/v1/vaults', { body })
      expect(first.status).toBe(201)
      expect(first.headers).toMatchObject({ location: `/api/v1/vaults/${body.id}`, etag: '"1"' })
      const stranger = await newAccount(server)
      await unchanged(async () => {
        const again = await call('POST', '/api/v1/vaults', { body })
        expect(again.status).toBe(200)
        expect(again.headers.etag).toBe('"1"')
        expect(bodyOf(Vault, again)).toEqual(bodyOf(Vault, first))
        for (const change of [{ data: fakeEnvelope() }, { key: fakeEnvelope() }]) {
          const other = await call('POST', '/api/v1/vaults', { body: { ...body, ...change } })
          expect(outcomeOf(other)).toBe('409 id-taken')
        }
        // Somebody else learns that the id is taken, and nothing of what it is taken by.
        const theirs = await call('POST', '/api/v1/vaults', { body, token: stranger.token })
        expect(outcomeOf(theirs)).toBe('409 id-taken')
        expect(theirs.text).not.toContain(body.data)
      })
      const { vaults } = await get(VaultList, '/api/v1/vaults')
      expect(vaults.map(({ id }) => id).sort()).toEqual([account.vaultId, body.id].sort())
    })

    it('are deleted with a fresh proof of the password, which a wrong one is not', async () => {
      const { item_versions: _, ...before } = await readRows(server.database)
      const attempt = async (body: unknown, path = vaultPath, token = account.token) =>
        outcomeOf(await call('DELETE', path, { token, ...(body !== undefined && { body }) }))
      expect(await attempt(undefined)).toMatch(/^4(00|15) /)
      expect(await attempt({})).toBe('400 malformed-request')
      expect(await attempt({ authKey: randomKey() })).toBe('401 invalid-credentials')
      const stranger = await newAccount(server)
      expect(await attempt({ authKey: stranger.authKey }, vaultPath, stranger.token)).toBe('404 not-found')
      const { items, vaults = [] } = await readRows(server.database)
      expect(items).toEqual(before.items)
      expect(vaults.filter(({ id }) => id === account.vaultId)).toHaveLength(1)
      expect((await removeVault()).status).toBe(204)
      const { account_events: events = [] } = await readRows(server.database)
      expect(
        events.filter((row) => row.type === 'vault-deleted' && row.account_id === account.accountId),
      ).toHaveLength(1)
      // The failed proof is noted a moment later. The tests that follow compare all rows.
      const noted = async () =>
        (await readRows(server.database)).account_events?.some((row) => row.type === 'proof-failed')
      await expect.poll(noted, { timeout: 20_000 }).toBe(true)
    })

    it('are listed page by page, each bounded by number and by bytes', async () => {
      const large = () => fakeEnvelope(limits.sealedBytes)
      const ids = [account.vaultId]
      for (let count = 0; count < 20; count++) {
        clock.advance(count % 2)
        const body = { id: randomUUID(), key: fakeEnvelope(), data: count < 2 ? fakeEnvelope() : large() }
        expect((await call('POST', '/api/v1/vaults', { body })).status).toBe(201)
        ids.push(body.id)
      }
      for (const limit of [1, 7, 1000]) {
        const seen: string[] = []
        let pages = 0
        for (let cursor: string | null = ''; cursor !== null; pages++) {
          const query: string = cursor === '' ? '' : `&cursor=${cursor}`
          const answer = await call('GET', `/api/v1/vaults?limit=${limit}${query}`)
          // Base64url takes a third more than the bytes; the last vault may be over the bound.
          expect(answer.text.length).toBeLessThan(((limits.pageBytes + limits.sealedBytes) * 4) / 3 + 20_000)
          const page = bodyOf(VaultList, answer)
          seen.push(...page.vaults.map(({ id }) => id))
          cursor = page.nextCursor
        }
        expect(seen.toSorted()).toEqual(ids.toSorted())
        expect(pages).toBe(limit === 1000 ? 2 : Math.ceil(ids.length / limit))
      }
      const wrong = Buffer.from('x').toString('base64url')
      expect(outcomeOf(await call('GET', `/api/v1/vaults?cursor=${wrong}`))).toBe('400 malformed-request')
    })

    it('are renamed through the SDK, unless somebody else did so first', async () => {
      const first = await registeredClient(server)
      const second = await secondDevice(server, first)
      await first.vault.rename('Home')
      expect(first.vault.name).toBe('Home')
      const refused = await second.vault.rename('Office').catch((error) => error)
      expect(refused.code).toBe('revision-conflict')
      const [seen] = await second.account.vaults()
      expect(seen?.name).toBe('Home')
      await seen?.rename('Office')
      expect((await first.account.vaults()).map(({ name }) => name)).toEqual(['Office'])
      const more = await first.account.createVault('More')
      await first.account.deleteVault(more.id, first.password)
      expect(await first.account.vaults()).toHaveLength(1)
    })

    it('are replaced at the revision that is named, or at any', async () => {
      await created()
      const data = fakeEnvelope()
      const wrong = await unchanged(() => call('PUT', vaultPath, { headers: ifMatch(1), body: { data } }))
      expect(outcomeOf(wrong)).toBe('412 revision-conflict')
      expect(problemOf(wrong).current).toMatchObject({ id: account.vaultId, revision: 2, itemCount: 1 })
      const right = await call('PUT', vaultPath, { headers: ifMatch(2), body: { data } })
      expect(right.headers.etag).toBe('"3"')
      expect(bodyOf(Vault, right)).toMatchObject({ data, revision: 3, itemCount: 1 })
      expect(bodyOf(Vault, await call('PUT', vaultPath, { body: { data } })).revision).toBe(4)
    })

    it('are deleted with everything in them, once', async () => {
      const { id, revision: at } = await created()
      await put(id, ifMatch(at))
      const stale = await unchanged(() => removeVault(ifMatch(at)))
      expect(outcomeOf(stale)).toBe('412 revision-conflict')
      expect((await removeVault(ifMatch(at + 1))).status).toBe(204)
      expect(outcomeOf(await removeVault())).toBe('404 not-found')
      for (const [method, path] of [
        ['GET', `${vaultPath}/items`],
        ['GET', `${vaultPath}/changes`],
        ['GET', itemPath(id)],
        ['GET', `${itemPath(id)}/versions`],
      ] as const)
        expect(outcomeOf(await call(method, path)), `${method} ${path}`).toBe('404 not-found')
      expect(JSON.stringify(await readRows(server.database))).not.toContain(id)
    })

    it('do not come back by a late repetition, or by anything else under their id', async () => {
      const body = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() }
      const path = `/api/v1/vaults/${body.id}`
      const make = (what = body) => call('POST', '/api/v1/vaults', { body: what })
      expect((await make()).status).toBe(201)
      expect((await call('DELETE', path, { body: { authKey: account.authKey } })).status).toBe(204)
      await unchanged(async () => {
        for (const what of [body, { ...body, key: fakeEnvelope(), data: fakeEnvelope() }])
          expect(outcomeOf(await make(what))).toBe('409 id-taken')
      })
      // The deletion is known of the account alone, and goes with it.
      const isLeft = async () => {
        const { deleted_vaults: rows = [] } = await readRows(server.database)
        return rows.filter((row) => row.vault_id === body.id).map((row) => row.account_id)
      }
      expect(await isLeft()).toEqual([account.accountId])
      const gone = await call('DELETE', '/api/v1/account', { body: { authKey: account.authKey } })
      expect(gone.status).toBe(204)
      expect(await isLeft()).toEqual([])
    })

    it('do not come back by a repetition at the moment of the deletion', async () => {
      const body = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() }
      const make = () => call('POST', '/api/v1/vaults', { body })
      expect((await make()).status).toBe(201)
      const [removed, ...made] = await Promise.all([
        call('DELETE', `/api/v1/vaults/${body.id}`, { body: { authKey: account.authKey } }),
        ...Array.from({ length: 6 }, make),
      ])
      expect(removed.status).toBe(204)
      for (const answer of made) expect(['200', '409 id-taken']).toContain(outcomeOf(answer))
      expect((await get(VaultList, '/api/v1/vaults')).vaults.map(({ id }) => id)).toEqual([account.vaultId])
    })

    it('count their items outside of the trash', async () => {
      const [kept, trashed, purged] = [await created(), await created(), await created()]
      await call('DELETE', itemPath(trashed.id))
      await call('DELETE', `${itemPath(purged.id)}?permanent=true`)
      const { vaults } = await get(VaultList, '/api/v1/vaults')
      expect(vaults).toMatchObject([{ itemCount: 1, revision: 6 }])
      expect((await get(ItemPage, `${vaultPath}/items`)).items).toEqual([kept])
    })
  })

  describe('items', () => {
    it('are created by PUT with If-None-Match, and described by ETag and Location', async () => {
      const id = randomUUID()
      const data = fakeEnvelope()
      const answer = await put(id, ifNone, data)
      expect(answer.status).toBe(201)
      expect(answer.headers).toMatchObject({ etag: '"2"', location: itemPath(id) })
      const at = new Date(clock.now()).toISOString()
      const item = {
        id,
        vaultId: account.vaultId,
        data,
        keyVersion: 1,
        revision: 2,
        createdAt: at,
        updatedAt: at,
        deletedAt: null,
      }
      expect(JSON.parse(answer.text)).toEqual(item)
      const read = await call('GET', itemPath(id))
      expect(read.headers.etag).toBe('"2"')
      expect(JSON.parse(read.text)).toEqual(item)
      const head = await call('HEAD', itemPath(id))
      expect([head.status, head.text, head.headers.etag]).toEqual([200, '', '"2"'])
    })

    it('are created by POST, with an id or without, and the same again changes nothing', async () => {
      const data = fakeEnvelope()
      const unnamed = await call('POST', `${vaultPath}/items`, { body: { data } })
      expect(unnamed.status).toBe(201)
      const { id } = bodyOf(Item, unnamed)
      expect(unnamed.headers.location).toBe(itemPath(id))
      const body = { id: randomUUID(), data: fakeEnvelope() }
      const first = await call('POST', `${vaultPath}/items`, { body })
      expect(first.status).toBe(201)
      expect(first.headers).toMatchObject({ location: itemPath(body.id), etag: '"3"' })
      await unchanged(async () => {
        const again = await call('POST', `${vaultPath}/items`, { body })
        expect(again.status).toBe(200)
        expect(again.headers.etag).toBe('"3"')
        expect(bodyOf(Item, again)).toEqual(bodyOf(Item, first))
        const other = await call('POST', `${vaultPath}/items`, { body: { ...body, data } })
        expect(outcomeOf(other)).toBe('409 id-taken')
      })
    })

    it('are two where two vaults have the same id', async () => {
      const id = randomUUID()
      const second = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() }
      await call('POST', '/api/v1/vaults', { body: second })
      const here = await created(id)
      const there = `/api/v1/vaults/${second.id}/items/${id}`
      const other = await call('PUT', there, { headers: ifNone, body: { data: fakeEnvelope() } })
      expect(other.status).toBe(201)
      expect((await call('DELETE', `${there}?permanent=true`)).status).toBe(204)
      expect(await get(Item, itemPath(id))).toEqual(here)
      await put(id, ifMatch(here.revision))
      expect((await get(ItemVersions, `${itemPath(id)}/versions`)).versions).toHaveLength(1)
      expect((await get(Changes, `/api/v1/vaults/${second.id}/changes`)).items).toEqual([
        { id, revision: 3, purged: true },
      ])
    })

    it('are not sent again to whoever has their revision', async () => {
      const { id, revision: at } = await created()
      for (const known of [tag(at), `W/${tag(at)}`, `"1", ${tag(at)}`, `W/"1",W/${tag(at)} `]) {
        const answer = await call('GET', itemPath(id), { headers: { 'If-None-Match': known } })
        expect([answer.status, answer.text, answer.headers.etag], known).toEqual([304, '', tag(at)])
      }
      for (const known of ['"1"', String(at), 'x', '""'])
        expect((await call('GET', itemPath(id), { headers: { 'If-None-Match': known } })).status).toBe(200)
    })

    it.each(['1', '"1', '"1", "2"', '*', '"0"', '"one"', '""', 'W/1'])(
      'says of If-Match: %s that one revision in quotes was expected',
      async (value) => {
        const { id } = await created()
        const headers = { 'If-Match': value }
        for (const answer of [await put(id, headers), await call('DELETE', itemPath(id), { headers })]) {
          expect(outcomeOf(answer)).toBe('400 malformed-request')
          const [error, ...others] = bodyOf(Problem, answer).errors ?? []
          expect(error?.message).toContain('one revision in quotes, such as "12"')
          expect(others).toEqual([])
        }
      },
    )

    it('are written only with a precondition that holds', async () => {
      const { id, revision: at } = await created()
      const { revision: now } = bodyOf(Item, await put(id, ifMatch(at)))
      expect(now).toBe(at + 1)
      await unchanged(async () => {
        expect(outcomeOf(await put(id, {}))).toBe('428 precondition-required')
        expect(outcomeOf(await put(randomUUID(), {}))).toBe('428 precondition-required')
        const item = await get(Item, itemPath(id))
        for (const headers of [ifMatch(at), ifMatch(now + 1), ifNone]) {
          const answer = await put(id, headers)
          expect(outcomeOf(answer)).toBe('412 revision-conflict')
          expect(problemOf(answer).current).toEqual(item)
        }
        expect(outcomeOf(await put(randomUUID(), ifMatch(1)))).toBe('404 not-found')
        expect(outcomeOf(await call('DELETE', itemPath(id), { headers: ifMatch(at) }))).toBe(
          '412 revision-conflict',
        )
        expect(outcomeOf(await call('POST', `${itemPath(id)}/restore`, { headers: ifMatch(at) }))).toBe(
          '412 revision-conflict',
        )
      })
      // A proxy that compresses weakens the tag; it still means the same.
      expect((await put(id, { 'If-Match': `W/${tag(now)}` })).status).toBe(200)
    })

    it('leave a tombstone, which no late repetition replaces, and which gives way to whoever names its revision', async () => {
      const { id, data, revision: at } = await created()
      expect((await call('DELETE', `${itemPath(id)}?permanent=true`, { headers: ifMatch(at) })).status).toBe(
        204,
      )
      const tombstone = { id, revision: at + 1, purged: true }
      await unchanged(async () => {
        for (const headers of [ifMatch(at), ifNone]) {
          const answer = await put(id, headers)
          expect(outcomeOf(answer)).toBe('412 revision-conflict')
          expect(Tombstone.strict().parse(problemOf(answer).current)).toEqual(tombstone)
        }
        const again = await call('POST', `${vaultPath}/items`, { body: { id, data } })
        expect(outcomeOf(again)).toBe('409 id-taken')
        for (const revision of [null, at]) {
          const answer = await batch([{ op: 'put', id, data, revision }])
          expect(problemOf(answer).conflicts).toEqual([{ id, current: tombstone }])
        }
        for (const [method, path] of [
          ['GET', itemPath(id)],
          ['DELETE', itemPath(id)],
          ['POST', `${itemPath(id)}/restore`],
          ['GET', `${itemPath(id)}/versions`],
        ] as const)
          expect(outcomeOf(await call(method, path)), `${method} ${path}`).toBe('404 not-found')
        expect((await call('DELETE', `${itemPath(id)}?permanent=true`)).status).toBe(204)
        const unknown = await call('DELETE', `${itemPath(randomUUID())}?permanent=true`)
        expect(outcomeOf(unknown)).toBe('404 not-found')
      })
      expect((await allChanges()).items).toEqual([tombstone])
      clock.advance(1)
      const now = new Date(clock.now()).toISOString()
      const answer = await put(id, ifMatch(at + 1))
      expect(answer.status).toBe(200)
      expect(bodyOf(Item, answer)).toMatchObject({ revision: at + 2, createdAt: now, deletedAt: null })
      expect((await get(ItemVersions, `${itemPath(id)}/versions`)).versions).toEqual([])
      expect((await allChanges()).items).toEqual([bodyOf(Item, answer)])
    })

    it('go to the trash, are not destroyed by asking twice, and come back', async () => {
      const { id, data } = await created()
      clock.advance(1000)
      const at = new Date(clock.now()).toISOString()
      const trashed = await call('DELETE', itemPath(id))
      expect(bodyOf(Item, trashed)).toMatchObject({ deletedAt: at, data, revision: 3 })
      expect(trashed.headers.etag).toBe('"3"')
      clock.advance(1000)
      await unchanged(async () => {
        for (const path of [itemPath(id), `${itemPath(id)}?permanent=false`]) {
          const again = await call('DELETE', path)
          expect(again.status).toBe(200)
          expect(again.text).toBe(trashed.text)
        }
      })
      const list = async (state: string) =>
        (await get(ItemPage, `${vaultPath}/items?state=${state}`)).items.map((item) => item.id)
      expect([await list('active'), await list('trash')]).toEqual([[], [id]])
      expect((await get(Item, itemPath(id))).deletedAt).toBe(at)
      // What is in the trash may be edited there, by a client that had it open.
      const edited = bodyOf(Item, await put(id, ifMatch(3)))
      expect(edited).toMatchObject({ revision: 4, deletedAt: at })
      const restored = bodyOf(Item, await call('POST', `${itemPath(id)}/restore`, { headers: ifMatch(4) }))
      expect(restored).toMatchObject({ deletedAt: null, data: edited.data, revision: 5 })
      await unchanged(async () => {
        const again = await call('POST', `${itemPath(id)}/restore`)
        expect([again.status, bodyOf(Item, again)]).toEqual([200, restored])
      })
      expect([await list('active'), await list('trash')]).toEqual([[id], []])
    })

    it.each(['active', 'trash'])('are deleted for good out of %s, with their versions', async (state) => {
      const { id, revision: at } = await created()
      await put(id, ifMatch(at))
      if (state === 'trash') await call('DELETE', itemPath(id))
      const stale = await unchanged(() =>
        call('DELETE', `${itemPath(id)}?permanent=true`, { headers: ifMatch(at) }),
      )
      expect(outcomeOf(stale)).toBe('412 revision-conflict')
      expect((await call('DELETE', `${itemPath(id)}?permanent=true`)).status).toBe(204)
      const { items = [], item_versions: versions = [] } = await readRows(server.database)
      expect(items.filter((row) => row.id === id)).toMatchObject([{ data: null, state: 'purged' }])
      expect(versions.filter((row) => row.item_id === id)).toEqual([])
    })

    it('keep what was replaced, newest first, twenty deep and what stood when the day began', async () => {
      let item = await created()
      const replaced: { revision: number; data: string }[] = []
      for (let count = 0; count < 25; count++) {
        replaced.unshift({ revision: item.revision, data: item.data })
        clock.advance(1)
        item = bodyOf(Item, await put(item.id, ifMatch(item.revision)))
      }
      // Neither the trash nor coming back makes a version: the content stays.
      await call('DELETE', itemPath(item.id))
      await call('POST', `${itemPath(item.id)}/restore`)
      const { versions } = await get(ItemVersions, `${itemPath(item.id)}/versions`)
      expect(versions.map(({ revision, data }) => ({ revision, data }))).toEqual([
        ...replaced.slice(0, 20),
        ...replaced.slice(-1),
      ])
      expect(versions[0]?.replacedAt).toBe(item.updatedAt)
      const { item_versions: rows = [] } = await readRows(server.database)
      expect(rows.filter((row) => row.item_id === item.id)).toHaveLength(21)
    })

    it('keep of each day what stood when it began, however fast somebody writes', async () => {
      let item = await created()
      await later(days(1))
      const atDayBreak: string[] = []
      for (let day = 0; day < 3; day++) {
        atDayBreak.unshift(item.data)
        for (let count = 0; count < 30; count++) {
          clock.advance(1)
          item = bodyOf(Item, await put(item.id, ifMatch(item.revision)))
        }
        await later(days(1))
      }
      const contents = async () =>
        (await get(ItemVersions, `${itemPath(item.id)}/versions`)).versions.map(({ data }) => data)
      const kept = await contents()
      expect(kept).toEqual(expect.arrayContaining(atDayBreak))
      expect(kept).toHaveLength(20 + 3)
      // That is for some weeks; then the depth decides alone, with the next write.
      await later(days(31))
      await put(item.id, ifMatch(item.revision))
      expect(await contents()).toHaveLength(20)
    })

    it('keep what was replaced for ninety days', async () => {
      const first = await created()
      const second = bodyOf(Item, await put(first.id, ifMatch(first.revision)))
      await later(days(40))
      const third = bodyOf(Item, await put(first.id, ifMatch(second.revision)))
      const kept = async () =>
        (await get(ItemVersions, `${itemPath(first.id)}/versions`)).versions.map(({ revision }) => revision)
      await later(days(50))
      expect(await kept()).toEqual([second.revision, first.revision])
      await later(1)
      expect(await kept()).toEqual([second.revision])
      await later(days(40))
      expect(await kept()).toEqual([])
      // The cleanup removes the rows too, and leaves what was replaced since.
      await put(first.id, ifMatch(third.revision))
      const { store } = await openStore(databaseOf(server.database), { now: () => 0, onIdleError: () => {} })
      await deleteOldVersions({ store }, clock.now())
      await store.close()
      const { item_versions: rows = [] } = await readRows(server.database)
      expect(rows.filter((row) => row.item_id === first.id)).toHaveLength(1)
    })

    it('raise the revision of their vault by one with each write that has an effect', async () => {
      const { id } = await created()
      let expected = 2
      const steps: [string, () => Promise<RawAnswer>][] = [
        ['replace', () => put(id, ifMatch(expected))],
        ['trash', () => call('DELETE', itemPath(id))],
        ['restore', () => call('POST', `${itemPath(id)}/restore`)],
        ['create', () => call('POST', `${vaultPath}/items`, { body: { data: fakeEnvelope() } })],
        ['rename', () => call('PUT', vaultPath, { body: { data: fakeEnvelope() } })],
        ['purge', () => call('DELETE', `${itemPath(id)}?permanent=true`)],
      ]
      for (const [what, step] of steps) {
        expect((await step()).status, what).toBeLessThan(300)
        expect(await revision(), what).toBe(++expected)
      }
    })
  })

  describe('pages', () => {
    it('give every item once, in the order of ids, whatever their size', async () => {
      const ids = Array.from({ length: 7 }, () => randomUUID()).sort()
      await batch(ids.map((id) => ({ op: 'put', id, data: fakeEnvelope(), revision: null })))
      const [first = '', , third = ''] = ids
      for (const id of [first, third]) await call('DELETE', itemPath(id))
      for (const [state, expected] of [
        ['active', ids.filter((id) => id !== first && id !== third)],
        ['trash', [first, third]],
      ] as const)
        for (const limit of [1, 2, 3, 1000]) {
          const seen: string[] = []
          let cursor: string | null = ''
          while (cursor !== null) {
            const page: ItemPageShape = await get(
              ItemPage,
              `${vaultPath}/items?state=${state}&limit=${limit}${cursor && `&cursor=${cursor}`}`,
            )
            expect(page.items.length).toBeLessThanOrEqual(limit)
            seen.push(...page.items.map(({ id }) => id))
            cursor = page.nextCursor
          }
          expect(seen).toEqual(expected)
        }
    })

    it('do not lose their place when items come and go between them', async () => {
      const ids = Array.from({ length: 4 }, () => randomUUID()).sort()
      await batch(ids.map((id) => ({ op: 'put', id, data: fakeEnvelope(), revision: null })))
      const page = await get(ItemPage, `${vaultPath}/items?limit=2`)
      await call('DELETE', `${itemPath(ids[1] ?? '')}?permanent=true`)
      await created('00000000-0000-4000-8000-000000000000')
      const rest = await get(ItemPage, `${vaultPath}/items?cursor=${page.nextCursor}`)
      expect(rest.items.map(({ id }) => id)).toEqual(ids.slice(2))
      expect(rest.nextCursor).toBeNull()
    })

    it('end by bytes, go on where they ended, and lose nothing', async () => {
      const bytes = 200 * 1024
      const ids = Array.from({ length: 45 }, () => randomUUID()).sort()
      const put = (some: string[]) =>
        batch(some.map((id) => ({ op: 'put', id, data: fakeEnvelope(bytes), revision: null })))
      for (const start of [0, 15, 30]) expect((await put(ids.slice(start, start + 15))).status).toBe(200)
      const most = Math.ceil(limits.pageBytes / bytes)

      const listed: string[][] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: ItemPageShape = await get(ItemPage, `${vaultPath}/items${cursor && `?cursor=${cursor}`}`)
        listed.push(page.items.map(({ id }) => id))
        cursor = page.nextCursor
      }
      expect(listed.flat()).toEqual(ids)
      expect(listed.map(({ length }) => length)).toEqual([most, most, 45 - 2 * most])

      const changed: string[][] = []
      let since = ''
      for (let more = true; more; ) {
        const page: Changes = await get(Changes, `${vaultPath}/changes${since && `?since=${since}`}`)
        changed.push(page.items.map(({ id }) => id))
        since = page.cursor
        more = page.more
      }
      expect(changed.flat().sort()).toEqual(ids)
      expect(changed.map(({ length }) => length)).toEqual([most, most, 45 - 2 * most])
      // So much would slow down every test that compares all rows.
      await removeVault()
    })

    it('hold at least one item, however large', async () => {
      const { id } = await created(randomUUID(), fakeEnvelope(limits.sealedBytes))
      expect((await get(ItemPage, `${vaultPath}/items?limit=1`)).items.map((item) => item.id)).toEqual([id])
      const larger = await put(randomUUID(), ifNone, fakeEnvelope(limits.sealedBytes + 1))
      expect(outcomeOf(larger)).toBe('400 malformed-request')
    })
  })

  describe('batches', () => {
    it('keep the marker of a deletion with its tombstone, the first one, and nowhere else', async () => {
      const [id, other] = [randomUUID(), randomUUID()]
      const item = await created(id)
      const [marker, second] = [fakeEnvelope(), fakeEnvelope()]
      const purge = { op: 'purge', id, revision: item.revision, marker }
      const tombstone = { id, revision: item.revision + 1, purged: true, marker, keyVersion: 1 }
      expect(bodyOf(BatchResult, await batch([purge])).items).toEqual([tombstone])
      expect((await allChanges()).items).toContainEqual(tombstone)
      expect((await call('GET', itemPath(id))).status).toBe(404)
      // Again, also with another marker, it stays the first one, and nothing is written.
      for (const again of [{ marker: second }, { marker }, {}])
        expect(
          bodyOf(BatchResult, await batch([{ op: 'purge', id, revision: tombstone.revision, ...again }])),
        ).toEqual({ revision: tombstone.revision, items: [tombstone] })
      // A deletion without a marker gets one by the repetition that has one.
      await created(other)
      await call('DELETE', `${itemPath(other)}?permanent=true`)
      const bare = (await allChanges()).items.find((one) => one.id === other)
      expect(bare).toEqual({ id: other, revision: expect.any(Number), purged: true })
      const given = { op: 'purge', id: other, revision: bare?.revision, marker: second }
      expect(bodyOf(BatchResult, await batch([given])).items).toMatchObject([{ marker: second }])
      // What comes back has no version that is a marker.
      expect((await put(id, ifMatch(tombstone.revision))).status).toBe(200)
      const { versions } = await get(ItemVersions, `${itemPath(id)}/versions`)
      expect(versions).toEqual([])
      for (const bad of ['', 'x', fakeEnvelope(2000)]) {
        const answer = await batch([{ op: 'purge', id, revision: 9, marker: bad }])
        expect(outcomeOf(answer)).toBe('400 malformed-request')
      }
    })

    it('apply all operations under one revision, and answer in their order', async () => {
      const [a, b, c, d] = [await created(), await created(), await created(), await created()]
      await call('DELETE', itemPath(c.id))
      const id = randomUUID()
      const data = fakeEnvelope()
      const answer = await batch([
        { op: 'purge', id: d.id, revision: d.revision },
        { op: 'put', id, data, revision: null },
        { op: 'restore', id: c.id, revision: 6 },
        { op: 'put', id: a.id, data, revision: a.revision },
        { op: 'trash', id: b.id, revision: b.revision },
      ])
      const { revision: at, items } = bodyOf(BatchResult, answer)
      expect(at).toBe(7)
      expect(items).toMatchObject([
        { id: d.id, revision: 7, purged: true },
        { id, revision: 7, data, deletedAt: null },
        { id: c.id, revision: 7, data: c.data, deletedAt: null },
        { id: a.id, revision: 7, data },
        { id: b.id, revision: 7, data: b.data, deletedAt: expect.any(String) },
      ])
      expect(await revision()).toBe(7)
      expect((await get(ItemVersions, `${itemPath(a.id)}/versions`)).versions).toMatchObject([
        { data: a.data },
      ])
    })

    it('apply nothing where one operation meets something else, and show what stands there', async () => {
      const [a, b, c] = [await created(), await created(), await created()]
      await call('DELETE', `${itemPath(c.id)}?permanent=true`)
      const id = randomUUID()
      const data = fakeEnvelope()
      const answer = await unchanged(() =>
        batch([
          { op: 'put', id: a.id, data, revision: a.revision },
          { op: 'put', id: b.id, data, revision: b.revision + 9 },
          { op: 'put', id: c.id, data, revision: c.revision },
          { op: 'trash', id, revision: 1 },
          { op: 'put', id: randomUUID(), data, revision: null },
        ]),
      )
      expect(outcomeOf(answer)).toBe('412 revision-conflict')
      expect(problemOf(answer).conflicts).toEqual([
        { id: b.id, current: b },
        { id: c.id, current: { id: c.id, revision: 5, purged: true } },
        { id, current: null },
      ])
    })

    it('do not create over what exists', async () => {
      const item = await created()
      const answer = await unchanged(() =>
        batch([{ op: 'put', id: item.id, data: fakeEnvelope(), revision: null }]),
      )
      expect(problemOf(answer).conflicts).toEqual([{ id: item.id, current: item }])
    })

    it('name each item once', async () => {
      const item = await created()
      const operation = { id: item.id, revision: item.revision }
      const answer = await unchanged(() =>
        batch([
          { op: 'trash', ...operation },
          { op: 'purge', ...operation },
        ]),
      )
      expect(outcomeOf(answer)).toBe('400 malformed-request')
    })

    it('hold 500 operations and no more', async () => {
      const operations = Array.from({ length: 501 }, () => ({
        op: 'put',
        id: randomUUID(),
        data: fakeEnvelope(82),
        revision: null,
      }))
      expect(outcomeOf(await unchanged(() => batch(operations)))).toBe('400 malformed-request')
      expect(outcomeOf(await batch([]))).toBe('400 malformed-request')
      const answer = await batch(operations.slice(1))
      expect(bodyOf(BatchResult, answer).items).toHaveLength(500)
      expect(await revision()).toBe(2)
      const { items } = await allChanges(333)
      expect(items.map(({ id }) => id).sort()).toEqual(
        operations
          .slice(1)
          .map(({ id }) => id)
          .sort(),
      )
    })

    it('change nothing, not even the revision, where all of it is so already', async () => {
      const [active, trashed] = [await created(), await created()]
      await call('DELETE', itemPath(trashed.id))
      const answer = await unchanged(() =>
        batch([
          { op: 'restore', id: active.id, revision: active.revision },
          { op: 'trash', id: trashed.id, revision: 4 },
        ]),
      )
      expect(bodyOf(BatchResult, answer)).toMatchObject({
        revision: 4,
        items: [{ revision: 2 }, { revision: 4 }],
      })
    })
  })

  describe('changes', () => {
    it('come in the order of revisions, and pages inside a batch lose nothing', async () => {
      await created()
      const ids = Array.from({ length: 5 }, () => randomUUID())
      await batch(ids.map((id) => ({ op: 'put', id, data: fakeEnvelope(), revision: null })))
      await created()
      const whole = await allChanges()
      expect(whole.items).toHaveLength(7)
      expect(whole.items.map(({ revision: at }) => at)).toEqual([2, 3, 3, 3, 3, 3, 4])
      for (const limit of [1, 2, 3, 6, 7]) expect((await allChanges(limit)).items).toEqual(whole.items)
    })

    it('since a cursor are what came after it, and nothing where nothing came', async () => {
      const first = await created()
      const { cursor } = await allChanges()
      expect(await allChanges(1000, cursor)).toEqual({ items: [], cursor })
      const second = await created()
      const replaced = bodyOf(Item, await put(first.id, ifMatch(first.revision)))
      const next = await allChanges(1, cursor)
      expect(next.items).toEqual([second, replaced])
      // What only the vault itself went through moves the cursor too.
      await call('PUT', vaultPath, { body: { data: fakeEnvelope() } })
      const after = await allChanges(1000, next.cursor)
      expect(after.items).toEqual([])
      expect((await allChanges(1000, after.cursor)).items).toEqual([])
    })

    it('are followed by a replica through the SDK', async () => {
      const { vault } = await registeredClient(server)
      const replica = new Replica()
      const items = []
      for (const name of ['one', 'two', 'three']) items.push(await vault.create({ kind: 'note', name }))
      await replica.pull(vault)
      const [one, two, three] = items
      if (!one || !two || !three) throw new Error('Nothing was created')
      await vault.replace(one.id, one.revision, { kind: 'note', name: 'uno' })
      await vault.purge(two.id)
      await vault.trash(three.id)
      const conflict = await vault
        .replace(two.id, two.revision, { kind: 'note', name: 'dos' })
        .catch((e) => e)
      expect(conflict).toBeInstanceOf(ConflictError)
      expect(conflict.current).toBeUndefined()
      expect((await replica.pull(vault)).changed).toEqual([one.id, two.id, three.id])
      expect([...replica.items.keys()].sort()).toEqual([one.id, three.id].sort())
    })

    it('are refused since what never was a cursor, as malformed and not as another history', async () => {
      await created()
      const { cursor } = await allChanges()
      const bytes = Buffer.from(cursor, 'base64url')
      const beyond = Buffer.from(bytes)
      beyond.fill(0xff, 1, 9)
      const never = [
        'AAAA',
        'x',
        cursor.slice(0, -4),
        `${cursor}AAAA`,
        Buffer.concat([Buffer.from([9]), bytes.subarray(1)]).toString('base64url'),
        beyond.toString('base64url'),
      ]
      for (const since of never) {
        const answer = await call('GET', `${vaultPath}/changes?since=${since}`)
        expect(outcomeOf(answer)).toBe('400 malformed-request')
        expect(bodyOf(Problem, answer).errors?.map(({ path }) => path)).toEqual(['query.since'])
      }
    })

    const refused = async (cursor: string) =>
      expect(outcomeOf(await call('GET', `${vaultPath}/changes?since=${cursor}`))).toBe('410 resync-required')

    it('are refused since the future, as after a restored backup', async () => {
      await created()
      const { cursor } = await allChanges()
      await created()
      const ahead = (await allChanges()).cursor
      await runStatement(
        server.database,
        `delete from items where vault_id = '${account.vaultId}' and revision = 3; update vaults set revision = 2 where id = '${account.vaultId}'`,
      )
      await refused(ahead)
      expect((await allChanges(1000, cursor)).items).toEqual([])
    })

    it('are refused since another vault', async () => {
      const second = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() }
      await call('POST', '/api/v1/vaults', { body: second })
      const { cursor } = await get(Changes, `/api/v1/vaults/${second.id}/changes`)
      await refused(cursor)
    })

    it('are refused since another life of the same vault', async () => {
      await created()
      const { cursor } = await allChanges()
      await removeVault()
      // Its owner cannot make it again; somebody else can take the id.
      account = { ...(await newAccount(server)), vaultId: account.vaultId }
      const body = { id: account.vaultId, key: fakeEnvelope(), data: fakeEnvelope() }
      expect((await call('POST', '/api/v1/vaults', { body })).status).toBe(201)
      const [item] = [await created(), await created()]
      await refused(cursor)
      expect((await allChanges()).items[0]).toEqual(item)
    })

    it('are refused since another epoch of the database, of which the SDK tells', async () => {
      const { vault } = await registeredClient(server)
      const replica = new Replica()
      const item = await vault.create({ kind: 'note', name: 'kept' })
      await replica.pull(vault)
      await runStatement(server.database, `update instance set epoch = '${randomUUID()}'`)
      await expect(replica.pull(vault)).rejects.toBeInstanceOf(ResyncRequiredError)
      expect(await replica.resync(vault)).toEqual([])
      expect([...replica.items.keys()]).toEqual([item.id])
    })
  })
})
