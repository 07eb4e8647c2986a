// An import that ends between any two of its requests, and goes on with what is left.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AccountKeyChangedError,
  filesOf,
  type ItemContent,
  type OpenVault,
  Replica,
  type UnlockedAccount,
} from '../../../src/sdk/index.ts'
import { type ImportTarget, type Incoming, planImport, runImport } from '../../../src/sdk/moving/index.ts'
import { engines } from '../../support/database.ts'
import { fileOfText } from '../../support/moving.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../../support/server.ts'
import { serversOn } from '../../support/servers.ts'

const state = (notes: string): ItemContent => ({ kind: 'note', name: 'Deed', notes })

const incoming: Incoming = {
  format: 'test',
  leftovers: [],
  items: [
    {
      content: state('third'),
      versions: [
        { content: state('first'), files: [] },
        { content: state('second'), files: [] },
      ],
      files: [fileOfText('the deed', 'deed.txt'), fileOfText('a map', 'map.txt')],
      trashed: true,
      vault: undefined,
      place: 'item 1',
    },
  ],
}

async function itemsOf(vault: OpenVault) {
  const replica = new Replica()
  await replica.pull(vault)
  return Promise.all([...replica.items.values()].map((item) => vault.openItem(item)))
}

/** As another program exports so many notes. @param vault the vault of each one, by its number */
const notes = (count: number, vault: (at: number) => string | undefined = () => undefined): Incoming => ({
  format: 'test',
  leftovers: [],
  items: Array.from({ length: count }, (_, at) => ({
    content: { kind: 'note', name: `Note ${at}` },
    versions: [],
    files: [],
    trashed: false,
    vault: vault(at),
    place: `item ${at}`,
  })),
})

const namesOf = async (vault: OpenVault) => (await itemsOf(vault)).map(({ content }) => content.name).sort()

/** A run of the whole import into the vaults of an account, as a new one would be. */
async function importInto(
  account: UnlockedAccount,
  incoming: Incoming,
  makeVault = (name: string) => account.createVault(name),
) {
  const targets = new Map<string, ImportTarget>()
  for (const vault of await account.vaults())
    targets.set(vault.name, { name: vault.name, vault, items: await itemsOf(vault) })
  const targetOf = (name = 'Personal') => {
    const target = targets.get(name) ?? { name, vault: undefined, items: [] }
    targets.set(name, target)
    return target
  }
  const plan = await planImport(incoming, { folders: 'folder', targetOf })
  return runImport(plan, { makeVault })
}

describe.each(engines)('an import on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('finishes an item whose earlier states, files or trash were not written', async () => {
    const { vault } = await registeredClient(server)
    const run = async (signal?: AbortSignal, onProgress = () => {}) => {
      const target = { name: vault.name, vault, items: await itemsOf(vault) }
      const plan = await planImport(incoming, { folders: 'folder', targetOf: () => target })
      const makeVault = () => Promise.reject(new Error('None is made'))
      await runImport(plan, { makeVault, signal, onProgress })
    }
    // It ends before its first request, and then after a file.
    const ended = new AbortController()
    ended.abort(new Error('ended'))
    await expect(run(ended.signal)).rejects.toThrow('ended')
    const afterFile = new AbortController()
    await expect(run(afterFile.signal, () => afterFile.abort(new Error('ended')))).rejects.toThrow('ended')
    const [half] = await itemsOf(vault)
    expect(filesOf(half?.content ?? state(''))).toHaveLength(1)
    expect(half?.deletedAt).toBeNull()

    await run()
    await run()
    const items = await itemsOf(vault)
    expect(items).toHaveLength(1)
    expect(items[0]?.content).toMatchObject({ notes: 'third' })
    expect(items[0]?.deletedAt).not.toBeNull()
    expect(filesOf(items[0]?.content ?? state('')).map(({ name }) => name)).toEqual(['deed.txt', 'map.txt'])
    const versions = await vault.versions(items[0]?.id ?? '')
    expect(versions.map(({ content }) => ('notes' in content ? content.notes : ''))).toEqual(
      expect.arrayContaining(['first', 'second']),
    )
  })

  it('gives earlier states the files that they had', async () => {
    const { vault } = await registeredClient(server)
    const [map, deed] = [fileOfText('a map', 'map.txt'), fileOfText('the deed', 'deed.txt')]
    const older: Incoming = {
      format: 'test',
      leftovers: [],
      items: [
        {
          content: state('third'),
          files: [deed],
          versions: [
            { content: state('first'), files: [map] },
            { content: state('second'), files: [map, deed] },
          ],
          trashed: false,
          vault: undefined,
          place: 'item 1',
        },
      ],
    }
    const run = async (signal?: AbortSignal, onProgress = () => {}) => {
      const target = { name: vault.name, vault, items: await itemsOf(vault) }
      const plan = await planImport(older, { folders: 'folder', targetOf: () => target })
      const makeVault = () => Promise.reject(new Error('None is made'))
      const { files } = await runImport(plan, { makeVault, signal, onProgress })
      return { planned: plan.files, files }
    }
    // It ends once the second file is there, which is before the state that names it.
    const ended = new AbortController()
    let files = 0
    const end = () => {
      if (++files === 2) ended.abort(new Error('ended'))
    }
    await expect(run(ended.signal, end)).rejects.toThrow('ended')
    expect((await itemsOf(vault))[0]?.content).toMatchObject({ notes: 'first' })
    // The first one is there already.
    expect(await run()).toEqual({ planned: 1, files: 1 })
    expect(await run()).toEqual({ planned: 0, files: 0 })

    const [item, ...others] = await itemsOf(vault)
    if (!item || others.length > 0) throw new Error('There is another number of items')
    const versions = await vault.versions(item.id)
    const states = [item, ...versions].map(({ content }) => ({
      notes: 'notes' in content && content.notes,
      files: filesOf(content),
    }))
    expect(states.map(({ notes, files }) => [notes, files.map(({ name }) => name)])).toEqual([
      ['third', ['deed.txt']],
      ['second', ['map.txt', 'deed.txt']],
      ['first', ['map.txt']],
    ])
    for (const file of states.flatMap(({ files }) => files)) {
      const text = Buffer.from(await vault.attachments.read(item.id, file)).toString()
      expect(text).toBe(file.name === 'map.txt' ? 'a map' : 'the deed')
    }
  })

  it('ended by a changed account key is completed after a new login, and adds nothing twice', async () => {
    const first = await registeredClient(server)
    const second = await secondDevice(server, first)
    const { email, password } = first
    const two = notes(6, (at) => (at % 2 === 0 ? 'Personal' : 'Work'))
    // Changed by the other device between the vaults.
    const ended = importInto(second.account, two, async (name) => {
      await first.account.changeAccountKey({ password })
      return second.account.createVault(name)
    })
    await expect(ended).rejects.toBeInstanceOf(AccountKeyChangedError)
    expect(await namesOf(first.vault)).toEqual(['Note 0', 'Note 2', 'Note 4'])
    expect((await first.account.vaults()).map(({ name }) => name)).toEqual(['Personal'])
    await expect(importInto(second.account, two)).rejects.toBeInstanceOf(AccountKeyChangedError)

    const again = await second.limpet.login({ email, password })
    expect(await importInto(again, two)).toMatchObject({ items: 3, present: 0 })
    expect(await importInto(again, two)).toMatchObject({ items: 0 })
    const vaults = new Map((await first.account.vaults()).map((vault) => [vault.name, vault]))
    expect([...vaults.keys()].sort()).toEqual(['Personal', 'Work'])
    for (const [name, first] of [
      ['Personal', 0],
      ['Work', 1],
    ] as const) {
      const vault = vaults.get(name)
      if (!vault) throw new Error(`There is no vault ${name}`)
      expect(await namesOf(vault)).toEqual([first, first + 2, first + 4].map((at) => `Note ${at}`))
    }
  })
})

describe.each(engines)('the bounds of a server on %s for an import', (engine) => {
  const { start, startBeside } = serversOn(engine)

  it('end it at the quota, and more room lets the rest in, nothing twice', async () => {
    const { server, clock } = await start({ environment: { MAX_ITEMS: '600' } })
    const person = await registeredClient(server)
    const all = notes(700)
    const ended = importInto(person.account, all)
    await expect(ended).rejects.toMatchObject({
      code: 'quota-exceeded',
      message: expect.stringMatching(/\.$/),
    })
    // The batch that did not fit is not half there.
    expect(await itemsOf(person.vault)).toHaveLength(500)

    const beside = await startBeside(server, clock, { MAX_ITEMS: '1000' })
    const { account, vault } = await secondDevice(beside, person)
    expect(await importInto(account, all)).toMatchObject({ items: 200, present: 0 })
    expect(await importInto(account, all)).toMatchObject({ items: 0 })
    const names = await namesOf(vault)
    expect(names).toHaveLength(700)
    expect(new Set(names).size).toBe(700)
  })

  it('leave out a file that is too large, and not what comes behind it', async () => {
    const { server } = await start({ environment: { MAX_ATTACHMENT_SIZE: '2K' } })
    const { account, vault } = await registeredClient(server)
    const large = () => fileOfText('x'.repeat(5000), 'large.txt')
    const small = fileOfText('the deed', 'small.txt')
    const note = (name: string): ItemContent => ({ kind: 'note', name })
    const item = { versions: [], trashed: false, vault: undefined }
    const incoming: Incoming = {
      format: 'test',
      leftovers: [],
      items: [
        { ...item, content: note('First'), files: [large(), small], place: 'item 1' },
        {
          ...item,
          content: note('Second'),
          files: [small],
          versions: [{ content: note('Before'), files: [large(), small] }],
          place: 'item 2',
        },
        { ...item, content: note('Third'), files: [], place: 'item 3' },
      ],
    }
    expect(await importInto(account, incoming)).toMatchObject({
      items: 3,
      files: 2,
      tooLarge: [
        { name: 'large.txt', place: 'item 2' },
        { name: 'large.txt', place: 'item 1' },
      ],
    })
    // It is named again, as long as it is missing.
    expect(await importInto(account, incoming)).toMatchObject({
      files: 0,
      tooLarge: [{ name: 'large.txt', place: 'item 1' }],
    })
    const items = await itemsOf(vault)
    const files = items.map(({ content }) => [content.name, ...filesOf(content).map(({ name }) => name)])
    expect(files.sort()).toEqual([['First', 'small.txt'], ['Second', 'small.txt'], ['Third']])
  })
})
