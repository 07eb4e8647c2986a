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
      versions: [state('first'), state('second')],
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
})
