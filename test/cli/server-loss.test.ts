// The command line without its server, and after its server was restored from a backup.
import { expect, it } from 'vitest'
import { Replica } from '../../src/sdk/index.ts'
import { restartableServer } from '../support/restartable.ts'
import { newShell } from './program.ts'

it('reads without the server what was last here, and writes nothing then', async () => {
  const server = await restartableServer()
  const shell = await newShell(server)
  await shell.enter()
  await shell.done(['add', 'login', 'Mail'], 'one')
  await server.stop()
  const { stdout, stderr } = await shell.ended('done', ['get', 'Mail', '--field', 'password'])
  expect(stdout).toBe('one\n')
  expect(stderr).toContain('Nothing listens at')
  // The pauses between the tries are longer than the patience before a progress line.
  expect(stderr).toContain('Asking the server…')
  expect(await shell.done(['list'])).toContain('Mail')
  await shell.ended('unavailable', ['add', 'login', 'Other'], 'two')
  await shell.ended('unavailable', ['rm', 'Mail'])
  await shell.ended('unavailable', ['sync'])
  expect((await shell.ended('done', ['logout'])).stderr).toContain('here only')
  await shell.ended('unavailable', ['login', shell.email], shell.password)
})

it('puts back what a restored backup lost, and overwrites nothing', async () => {
  const server = await restartableServer()
  const shell = await newShell(server)
  await shell.enter()
  await shell.done(['add', 'login', 'Kept'], 'same')
  await shell.done(['add', 'login', 'Edited'], 'old')
  await shell.done(['add', 'login', 'Edited twice'], 'old')
  await server.backUp()
  const lost = await shell.done(['add', 'login', 'Lost', '--username', 'ada'], 'only here')
  await shell.done(['edit', 'Edited', '--set-secret', 'password'], 'new')
  await shell.done(['edit', 'Edited twice', '--set-secret', 'password'], 'lost edit')
  await server.restoreBackup()
  // In the new history the item gets revisions as high as those that were lost.
  const { vault } = await shell.otherDevice()
  let item = (await Promise.all([...(await itemsOf(vault))].map((one) => vault.openItem(one)))).find(
    ({ content }) => content.name === 'Edited twice',
  )
  for (const password of ['a', 'b', 'c', 'd'])
    if (item) item = await vault.replace(item.id, item.revision, { ...item.content, password })

  expect((await shell.ended('done', ['get', 'Lost', '--field', 'password'])).stderr).toContain('limpet sync')
  await shell.ended('conflict', ['rm', 'Lost'])
  const synced = JSON.parse(await shell.done(['sync', '--json']))
  expect(synced.vaults).toMatchObject([{ resynced: true, putBack: [{ id: lost, name: 'Lost' }] }])
  const recovered: { name: string }[] = synced.vaults[0].recovered
  expect(recovered.map(({ name }) => name).sort()).toEqual(['Edited (recovered)', 'Edited twice (recovered)'])
  const password = (name: string) => shell.done(['get', name, '--field', 'password'])
  expect(await password('Lost')).toBe('only here')
  expect(await password('Edited')).toBe('old')
  expect(await password('Edited (recovered)')).toBe('new')
  expect(await password('Edited twice')).toBe('d')
  expect(await password('Edited twice (recovered)')).toBe('lost edit')
  expect(await password('Kept')).toBe('same')
  expect(await shell.done(['sync'])).toBe('Personal: nothing new')
})

it('puts back what a restored backup lost without the files that went with it, and says which', async () => {
  const server = await restartableServer()
  const shell = await newShell(server)
  await shell.enter()
  const attach = (item: string, name: string) => shell.feed(['attach', item, '-', '--name', name], name)
  const get = async (item: string, name: string) =>
    (await shell.run(['attachment', 'get', item, name, '--output', '-'])).stdout
  await shell.done(['add', 'note', 'Edited'], 'old')
  await attach('Edited', 'before.txt')
  await server.backUp()
  await attach('Edited', 'after.txt')
  const lost = await shell.done(['add', 'note', 'Lost'], 'only here')
  await attach('Lost', 'gone.txt')
  await server.restoreBackup()

  const synced = JSON.parse(await shell.done(['sync', '--json']))
  expect(synced.vaults).toMatchObject([
    {
      putBack: [{ id: lost, name: 'Lost', lostFiles: ['gone.txt'] }],
      recovered: [{ name: 'Edited (recovered)', lostFiles: ['after.txt'] }],
    },
  ])
  const files = async (item: string) =>
    JSON.parse(await shell.done(['attachment', 'list', item, '--json'])).map(
      (file: { name: string }) => file.name,
    )
  expect(await files('Lost')).toEqual([])
  expect(await shell.done(['get', 'Lost', '--field', 'notes'])).toBe('only here')
  // A file of another item is sealed anew for the copy.
  expect(await files('Edited (recovered)')).toEqual(['before.txt'])
  expect(await get('Edited (recovered)', 'before.txt')).toBe('before.txt')
  expect(await get('Edited', 'before.txt')).toBe('before.txt')
  expect(await shell.done(['sync'])).toBe('Personal: nothing new')
})

async function itemsOf(vault: Parameters<Replica['pull']>[0]) {
  const replica = new Replica()
  await replica.pull(vault)
  return replica.items.values()
}
