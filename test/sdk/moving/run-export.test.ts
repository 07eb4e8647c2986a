// An export while another device writes: each item in one state of it, and what went missing is told.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ItemContent, type OpenVault, Replica } from '../../../src/sdk/index.ts'
import {
  fileOfBytes,
  type Omission,
  type OutgoingItem,
  outgoingItems,
  readIncoming,
  writers,
} from '../../../src/sdk/moving/index.ts'
import { engines } from '../../support/database.ts'
import { exportedAt, writerNamed } from '../../support/exports.ts'
import { bytesOf, fileNamed } from '../../support/files.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../../support/server.ts'

const passphrase = 'limpets cling to seven wet rocks'

/** Exports a vault, and reads the file. @param meanwhile done once the first item is in the file */
async function exported(vault: OpenVault, meanwhile: () => Promise<void>) {
  const replica = new Replica()
  await replica.pull(vault)
  const omissions: Omission[] = []
  const items = outgoingItems([{ vault, items: replica.items.values() }], {
    onOmission: (omission) => omissions.push(omission),
  })
  async function* interrupted(): AsyncGenerator<OutgoingItem> {
    let done = 0
    for await (const item of items) {
      if (done++ === 1) await meanwhile()
      yield item
    }
  }
  const pieces: Uint8Array[] = []
  const content = writerNamed(writers, 'limpet').write(interrupted(), {
    passphrase,
    vaults: [vault],
    program: 'a test',
    createdAt: exportedAt,
    onUnplaced: () => {},
  })
  for await (const piece of content) pieces.push(piece)
  const file = fileOfBytes(new Uint8Array(Buffer.concat(pieces)), 'export')
  return { omissions, ...(await readIncoming(file, { password: async () => passphrase })) }
}

/** Two members that were written together. */
const login = (at: number, state: string): ItemContent => ({
  kind: 'login',
  name: `Site ${at}`,
  username: state,
  password: state,
})

describe.each(engines)('an export on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('holds each item as it was at the start, whatever another device writes during it', async () => {
    const person = await registeredClient(server)
    const { vault } = person
    const other = await secondDevice(server, person)
    const count = 40
    const ids = Array.from({ length: count }, (): string => crypto.randomUUID())
    const write = async (into: OpenVault, state: string, which: readonly string[]) => {
      const puts = which.map(async (id) => {
        const revision = revisions.get(id) ?? null
        const sealed = await into.sealItem(id, login(ids.indexOf(id), state))
        return { op: 'put' as const, id, revision, ...sealed }
      })
      const { items } = await into.batch(await Promise.all(puts))
      for (const { id, revision } of items) revisions.set(id, revision)
    }
    const revisions = new Map<string, number>()
    await write(vault, 'first', ids)
    await write(vault, 'second', ids.slice(20))

    const { items, leftovers, omissions } = await exported(vault, async () => {
      await write(other.vault, 'third', ids)
      const [trashed = '', gone = ''] = ids.slice(-2)
      await other.vault.batch([{ op: 'trash', id: trashed, revision: revisions.get(trashed) ?? 0 }])
      await other.vault.purge(gone)
      await other.vault.create(login(count, 'third'))
    })
    expect(leftovers).toEqual([])
    expect(omissions).toEqual([])
    const byName = new Map(items.map((item) => [item.content.name, item]))
    expect(items).toHaveLength(count)
    for (const at of ids.keys()) {
      const isEdited = at >= 20
      const item = byName.get(`Site ${at}`)
      expect(item?.content).toMatchObject(login(at, isEdited ? 'second' : 'first'))
      expect(item?.trashed).toBe(false)
      const states = (item?.versions ?? []).map(({ content }) => 'username' in content && content.username)
      // The history of the one that was deleted for good went with it.
      expect(states).toEqual(isEdited && at < count - 1 ? ['first'] : [])
    }
  })

  it('is whole but for a file that went missing after the start, which it names', async () => {
    const person = await registeredClient(server)
    const { vault } = person
    const other = await secondDevice(server, person)
    const note = (name: string): ItemContent => ({ kind: 'note', name })
    await vault.create(note('First'))
    const { id } = await vault.create(note('Deed'))
    const { file } = await vault.attachments.add(id, fileNamed('deed.pdf', bytesOf(200_000)))
    await vault.attachments.add(id, fileNamed('map.png', bytesOf(150_000, 2)))
    await vault.create(note('Last'))

    const { items, leftovers, omissions } = await exported(vault, async () => {
      await other.vault.attachments.remove(id, file.id, { permanent: true })
    })
    expect(omissions).toEqual([{ vault: vault.name, itemId: id, what: { file: 'deed.pdf' } }])
    expect(leftovers).toMatchObject([{ what: expect.stringContaining('"deed.pdf", which could not be had') }])
    expect(items.map(({ content }) => content.name).sort()).toEqual(['Deed', 'First', 'Last'])
    const [map, ...more] = items.find(({ content }) => content.name === 'Deed')?.files ?? []
    expect(more).toEqual([])
    expect(map).toMatchObject({ name: 'map.png', size: 150_000 })
    const pieces: Uint8Array[] = []
    for await (const piece of map?.read(0) ?? []) pieces.push(piece)
    expect(new Uint8Array(Buffer.concat(pieces))).toEqual(bytesOf(150_000, 2))
  })
})
