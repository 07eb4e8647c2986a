// Every command of `bw` that a personal vault has, in both versions, on both engines. The tests of a device build on each other.
import { randomBytes } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type BitwardenUser, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { type Bw, type BwVersion, bwVersions, newBw } from '../support/bw.ts'
import { engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'

const Item = z.looseObject({
  id: z.uuid(),
  name: z.string(),
  type: z.int(),
  folderId: z.string().nullish(),
  notes: z.string().nullish(),
  login: z.looseObject({ username: z.string().nullish(), password: z.string().nullish() }).nullish(),
  attachments: z.array(z.looseObject({ id: z.string(), fileName: z.string(), size: z.string() })).optional(),
  passwordHistory: z.array(z.looseObject({ password: z.string() })).nullish(),
})
const Items = z.array(Item)
const Folder = z.looseObject({ id: z.uuid(), name: z.string() })
const Send = z.looseObject({ id: z.uuid(), accessUrl: z.string(), name: z.string() })

const parsed = <T>(shape: z.ZodType<T>, json: string): T => shape.parse(JSON.parse(json))

const versions = Object.keys(bwVersions).filter((version): version is BwVersion => version in bwVersions)

const empty = { organizationId: null, collectionIds: null, folderId: null, favorite: false, reprompt: 0 }

const login = (name: string, more: object = {}) => ({
  ...empty,
  type: 1,
  name,
  notes: null,
  fields: [],
  login: {
    uris: [{ match: null, uri: 'https://example.com/login' }],
    username: 'ada',
    password: 'a first password',
    totp: null,
  },
  ...more,
})

const totpSecret = 'JBSWY3DPEHPK3PXP'

/** One of each further kind that both versions know. */
const otherKinds = [
  { ...empty, type: 2, name: 'a note', notes: 'its text', secureNote: { type: 0 }, fields: [] },
  {
    ...empty,
    type: 3,
    name: 'a card',
    notes: null,
    card: {
      cardholderName: 'Ada',
      brand: 'Visa',
      number: '4242424242424242',
      expMonth: '4',
      expYear: '2031',
      code: '123',
    },
  },
  {
    ...empty,
    type: 4,
    name: 'an identity',
    notes: null,
    identity: {
      title: 'Dr',
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: 'ada@example.com',
      ssn: '000-00-0000',
    },
  },
]

describe.each(engines)('on %s', (engine) => {
  let proxy: TlsProxy
  let server: TestServer
  beforeAll(async () => {
    proxy = await startTlsProxy()
    server = await startServer(engine, {
      environment: { BITWARDEN_API: 'on', PUBLIC_URL: proxy.url, MAX_ATTACHMENT_SIZE: '100M' },
    })
    proxy.pointAt(server.url)
  })
  afterAll(async () => {
    await server.close()
    await proxy.close()
  })

  describe.each(versions)('bw %s', (version) => {
    let user: BitwardenUser
    let bw: Bw
    /** Of somebody without an account, in the other version. */
    let bwOfOther: Bw
    let begun: number
    beforeAll(async () => {
      begun = proxy.seen.length
      user = await registerBitwardenUser(server)
      bw = await newBw(version, proxy)
      bwOfOther = await newBw(version === '2026.9.0' ? '2025.12.1' : '2026.9.0', proxy)
    })
    afterAll(async () => {
      await bw.remove()
      await bwOfOther.remove()
    })

    const create = async (item: object) => parsed(Item, await bw.out(['create', 'item'], { input: item }))
    const get = async (id: string) => parsed(Item, await bw.out(['get', 'item', id]))
    const list = async (...more: string[]) => parsed(Items, await bw.out(['list', 'items', ...more]))

    it('is told that a password is wrong', async () => {
      const { code, stderr } = await bw.run(['login', user.email, 'another password', '--raw'])
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/password is incorrect|invalid master password/i),
      ])
    })

    it('logs in, locks, unlocks, and says how it stands', async () => {
      await bw.login(user.email, user.password)
      const Status = z.object({ status: z.string(), userEmail: z.string(), serverUrl: z.string() })
      const status = async () => parsed(Status, await bw.out(['status']))
      expect(await status()).toEqual({ status: 'unlocked', userEmail: user.email, serverUrl: proxy.url })
      expect(await bw.out(['login', '--check'])).toMatch(/logged in/i)
      await bw.out(['lock'])
      expect(await status()).toMatchObject({ status: 'locked' })
      const { code, stderr } = await bw.run(['unlock', 'another password', '--raw'])
      expect([code, stderr]).toEqual([1, expect.stringMatching(/invalid master password|decryption/i)])
      await bw.unlock(user.password)
      expect(await bw.out(['unlock', '--check'])).toMatch(/unlocked/i)
      expect(await bw.out(['sync'])).toMatch(/Syncing complete/)
      expect(await bw.out(['sync', '--last'])).toMatch(/^\d{4}-/)
      expect(await bw.out(['get', 'fingerprint', 'me'])).toMatch(/^\w+(-\w+){4}/)
    })

    it('does without the server what needs none', async () => {
      expect((await bw.out(['generate', '-ulns', '--length', '20'])).trim()).toHaveLength(20)
      // Some words of the list have a hyphen in them.
      const passphrase = await bw.out(['generate', '-p', '--words', '4', '--separator', '_'])
      expect(passphrase.trim().split('_')).toHaveLength(4)
      expect(await bw.out(['encode'], { input: 'text' })).toBe('dGV4dA==')
      expect(parsed(z.looseObject({}), await bw.out(['get', 'template', 'item.login']))).toHaveProperty(
        'uris',
      )
    })

    it('makes, finds, edits and deletes items of each kind', async () => {
      const made = await create(
        login('mail', { login: { ...login('').login, totp: totpSecret }, favorite: true }),
      )
      expect(made).toMatchObject({ name: 'mail', favorite: true, login: { username: 'ada' } })
      expect(await get(made.id)).toMatchObject({ name: 'mail', login: { password: 'a first password' } })
      expect(await bw.out(['get', 'username', made.id])).toBe('ada')
      expect(await bw.out(['get', 'password', 'mail'])).toBe('a first password')
      expect(await bw.out(['get', 'uri', made.id])).toBe('https://example.com/login')
      const totp = new TOTP({ secret: Secret.fromBase32(totpSecret) })
      const before = totp.generate()
      const code = await bw.out(['get', 'totp', made.id])
      // It takes seconds: another code may have begun meanwhile.
      expect([before, totp.generate()]).toContain(code)

      const { passwordHistory } = await editOf(made.id, (item) => ({
        ...item,
        notes: 'now with a note',
        fields: [{ name: 'pin', value: '1234', type: 1, linkedId: null }],
        login: { ...item.login, password: 'a second password' },
      }))
      expect(passwordHistory).toMatchObject([{ password: 'a first password' }])
      expect(await bw.out(['get', 'notes', made.id])).toBe('now with a note')
      expect((await list('--search', 'mail')).map(({ id }) => id)).toEqual([made.id])
      expect((await list('--url', 'https://example.com')).map(({ id }) => id)).toEqual([made.id])

      for (const item of otherKinds) {
        const { id } = await create(item)
        const {
          organizationId: _,
          collectionIds: __,
          folderId: ___,
          fields: ____,
          ...rest
        } = { fields: [], ...item }
        const expected = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
        expect(await get(id)).toMatchObject(expected)
        await bw.out(['delete', 'item', id, '--permanent'])
      }
      expect(await list()).toHaveLength(1)
    })

    const editOf = async (id: string, change: (item: z.infer<typeof Item>) => object) =>
      parsed(Item, await bw.out(['edit', 'item', id], { input: change(await get(id)) }))

    it('keeps items in folders', async () => {
      const folder = parsed(Folder, await bw.out(['create', 'folder'], { input: { name: 'work' } }))
      const { id } = await create(login('in a folder', { folderId: folder.id }))
      expect((await list('--folderid', folder.id)).map((item) => item.id)).toEqual([id])
      const renamed = await bw.out(['edit', 'folder', folder.id], { input: { name: 'office' } })
      expect(parsed(Folder, renamed).name).toBe('office')
      expect(parsed(Folder, await bw.out(['get', 'folder', folder.id])).name).toBe('office')
      expect(
        parsed(
          z.array(z.looseObject({ name: z.string() })),
          await bw.out(['list', 'folders', '--search', 'office']),
        ),
      ).toHaveLength(1)
      await bw.out(['delete', 'folder', folder.id])
      await bw.out(['sync'])
      expect((await get(id)).folderId ?? null).toBeNull()
      await bw.out(['delete', 'item', id, '--permanent'])
    })

    it('moves items into the trash and the archive, and back', async () => {
      const { id } = await create(login('moved'))
      await bw.out(['delete', 'item', id])
      expect((await list('--trash')).map((item) => item.id)).toEqual([id])
      await bw.out(['restore', 'item', id])
      expect(await list('--trash')).toEqual([])
      if (version === '2026.9.0') {
        await bw.out(['archive', 'item', id])
        expect((await list('--archived')).map((item) => item.id)).toEqual([id])
        await bw.out(['restore', 'item', id])
        expect(await list('--archived')).toEqual([])
      }
      await bw.out(['delete', 'item', id, '--permanent'])
      await bw.out(['sync'])
      expect((await bw.run(['get', 'item', id])).code).toBe(1)
    })

    it('adds, reads and removes files', async () => {
      const { id } = await create(login('with a file'))
      const [given, taken] = [join(bw.folder, 'given.bin'), join(bw.folder, 'taken.bin')]
      const content = randomBytes(3 * 2 ** 20 + 17)
      await writeFile(given, content)
      const made = parsed(Item, await bw.out(['create', 'attachment', '--file', given, '--itemid', id]))
      const [file] = made.attachments ?? []
      expect(file?.fileName).toBe('given.bin')
      await bw.out(['sync'])
      await bw.out(['get', 'attachment', file?.id ?? '', '--itemid', id, '--output', taken])
      expect((await readFile(taken)).equals(content)).toBe(true)
      // An edit keeps the file.
      expect((await editOf(id, (item) => ({ ...item, notes: 'edited' }))).attachments).toHaveLength(1)
      await bw.out(['delete', 'attachment', file?.id ?? '', '--itemid', id])
      await bw.out(['sync'])
      expect((await get(id)).attachments ?? []).toEqual([])
      await bw.out(['delete', 'item', id, '--permanent'])
    })

    it('adds and reads a file of the largest size, and says so if one is larger', async () => {
      const { id } = await create(login('with a large file'))
      const [given, taken] = [join(bw.folder, 'given.bin'), join(bw.folder, 'taken.bin')]
      const content = randomBytes(100 * 2 ** 20)
      await writeFile(given, content)
      const made = parsed(Item, await bw.out(['create', 'attachment', '--file', given, '--itemid', id]))
      await bw.out([
        ...['get', 'attachment', made.attachments?.[0]?.id ?? ''],
        ...['--itemid', id, '--output', taken],
      ])
      expect((await readFile(taken)).equals(content)).toBe(true)
      await writeFile(given, Buffer.concat([content, randomBytes(100_000)]))
      const { code, stderr } = await bw.run(['create', 'attachment', '--file', given, '--itemid', id])
      expect([code, stderr]).toEqual([1, expect.stringMatching(/MiB at the most/)])
      expect((await get(id)).attachments).toHaveLength(1)
      await bw.out(['delete', 'item', id, '--permanent'])
      await rm(given)
      await rm(taken)
    })

    it('sends texts and files that somebody without an account receives', async () => {
      const made = parsed(Send, await bw.out(['send', '-n', 'a text', '--fullObject', 'the secret']))
      expect(await bwOfOther.out(['receive', made.accessUrl])).toBe('the secret')
      expect(parsed(Send, await bw.out(['send', 'get', made.id]))).toMatchObject({ name: 'a text' })
      expect(parsed(z.array(Send), await bw.out(['send', 'list'])).map(({ id }) => id)).toEqual([made.id])
      await bw.out(['send', 'edit', '--itemid', made.id], { input: { ...made, name: 'renamed' } })
      expect(parsed(z.array(Send), await bw.out(['send', 'list']))).toMatchObject([{ name: 'renamed' }])
      await bw.out(['send', 'delete', made.id])
      expect((await bwOfOther.run(['receive', made.accessUrl])).code).toBe(1)

      const once = parsed(Send, await bw.out(['send', '-a', '1', '--fullObject', 'read once']))
      expect(await bwOfOther.out(['receive', once.accessUrl])).toBe('read once')
      expect((await bwOfOther.run(['receive', once.accessUrl])).code).toBe(1)

      const guarded = parsed(
        Send,
        await bw.out(['send', '--password', 'open sesame', '--fullObject', 'guarded']),
      )
      const wrong = await bwOfOther.run(['receive', guarded.accessUrl, '--password', 'wrong'])
      expect(wrong.code).toBe(1)
      expect(await bwOfOther.out(['receive', guarded.accessUrl, '--password', 'open sesame'])).toBe('guarded')
      await bw.out(['send', 'remove-password', guarded.id])
      // The other one still has its grant of the time with the password, which has ended.
      expect(await bw.out(['receive', guarded.accessUrl])).toBe('guarded')

      const [given, taken] = [join(bw.folder, 'sent.bin'), join(bw.folder, 'received.bin')]
      const content = randomBytes(2 ** 20)
      await writeFile(given, content)
      const file = parsed(Send, await bw.out(['send', '-f', given, '--fullObject']))
      await bwOfOther.out(['receive', file.accessUrl, '--output', taken])
      expect((await readFile(taken)).equals(content)).toBe(true)
    })

    it('exports what it has, and imports it again', async () => {
      const exported = join(bw.folder, 'exported.json')
      await bw.out(['export', '--format', 'json', '--output', exported])
      const Exported = z.looseObject({ items: Items })
      const { items } = parsed(Exported, await readFile(exported, 'utf8'))
      expect(items.length).toBeGreaterThan(0)
      const before = (await list()).length
      await bw.out(['import', 'bitwardenjson', exported])
      expect(await list()).toHaveLength(before + items.length)
      for (const format of ['csv', 'encrypted_json']) {
        const file = join(bw.folder, `exported.${format}`)
        await bw.out(['export', '--format', format, '--output', file])
        expect((await stat(file)).size).toBeGreaterThan(100)
      }
      await bw.out(['import', 'bitwardenjson', join(bw.folder, 'exported.encrypted_json')])
      expect(await list()).toHaveLength(2 * (before + items.length))
    })

    it('serves its own API to programs of its machine', async () => {
      const port = await freePort()
      const serving = bw.start(['serve', '--hostname', '127.0.0.1', '--port', String(port)])
      try {
        const ask = async (path: string, body?: object) => {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, {
            method: body ? 'POST' : 'GET',
            ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
          })
          return z.looseObject({ success: z.boolean() }).parse(await response.json())
        }
        await expect
          .poll(() => ask('/status').catch(() => ({ success: false })), { timeout: 60_000 })
          .toMatchObject({ success: true })
        expect(await ask('/object/item', login('served'))).toMatchObject({
          success: true,
          data: { name: 'served' },
        })
        expect(await ask('/sync', {})).toMatchObject({ success: true })
        expect(await ask('/list/object/items?search=served')).toMatchObject({
          data: { data: [{ name: 'served' }] },
        })
      } finally {
        serving.kill()
      }
    })

    it('logs out, and asks for nothing that is not there', async () => {
      await bw.out(['logout'])
      expect((await bw.run(['list', 'items'])).code).toBe(1)
      const missed = proxy.seen
        .slice(begun)
        .filter(({ status = 0 }) => status === 404 || status === 405 || status >= 500)
      // A Send that is gone.
      expect(missed.filter(({ path }) => !/\/sends\/access|\/connect\/token/.test(path))).toEqual([])
    })
  })
})
