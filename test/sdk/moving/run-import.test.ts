// An import that ends between any two of its requests, and goes on with what is left.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesOf, type ItemContent, type OpenVault } from '../../../src/sdk/index.ts'
import { type Incoming, planImport, runImport } from '../../../src/sdk/moving/index.ts'
import { engines } from '../../support/database.ts'
import { fileOfText } from '../../support/moving.ts'
import { registeredClient, startServer, type TestServer } from '../../support/server.ts'

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
  const { items } = await vault.changes(undefined)
  return Promise.all(items.flatMap((item) => ('data' in item ? [vault.openItem(item)] : [])))
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
})
