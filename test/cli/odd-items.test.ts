// Items that a command line cannot take as they come: malformed ones, exact numbers, and what a server shows without its owner's doing.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import {
  itemAssociatedData,
  type OpenVault,
  open,
  Replica,
  seal,
  type UnlockedAccount,
  vaultKeyAssociatedData,
} from '../../src/sdk/index.ts'
import { send } from '../support/requests.ts'
import { runStatement } from '../support/rows.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(() => server.close())

const bytesOf = (text: string) => new TextEncoder().encode(text)
const nothingThere = { 'If-None-Match': '*' }

const keyOf = ({ sealed }: OpenVault, account: UnlockedAccount) =>
  open(account.exportKey(), vaultKeyAssociatedData(account.accountId, sealed.id), sealed.key)

it('tells what is malformed from what does not open, and removes both', async () => {
  const shell = await newShell(server)
  await shell.enter()
  const { account, vault } = await shell.otherDevice()
  const key = await keyOf(vault, account)
  const [malformed, foreign] = [randomUUID(), randomUUID()]
  const sealed = await seal(key, itemAssociatedData(vault.id, malformed), bytesOf('{"kind":"note","name":7}'))
  await vault.putSealed(malformed, { data: sealed }, nothingThere)
  await vault.putSealed(foreign, { data: sealed }, nothingThere)
  const { stderr } = await shell.ended('refused', ['list'])
  expect(stderr).toMatch(new RegExp(`opened, and what is inside is malformed.*${malformed}`))
  expect(stderr).toMatch(new RegExp(`cannot be opened with its key.*${foreign}`))
  expect((await shell.ended('refused', ['get', malformed])).stderr).toContain('malformed')
  const [synced] = JSON.parse((await shell.ended('refused', ['sync', '--json'])).stdout).vaults
  expect(synced).toMatchObject({ malformed: [malformed], unreadable: [foreign], refused: [] })
  await shell.done(['rm', malformed])
  expect((await vault.changes(undefined)).items.find(({ id }) => id === malformed)).toMatchObject({
    deletedAt: expect.any(String),
  })
  for (const id of [malformed, foreign]) await shell.done(['rm', id, '--permanent', '--yes'])
  expect((await shell.ended('done', ['list'])).stderr).toMatch(/^There is no item here\..*\n$/)
})

it('gives numbers and members back as they were, after an edit', async () => {
  const shell = await newShell(server)
  await shell.enter()
  const { account, vault } = await shell.otherDevice()
  const key = await keyOf(vault, account)
  const id = randomUUID()
  const odd = '"a":12345678901234567890,"b":1.0,"c":1e400,"__proto__":{"d":-0}'
  const text = `{"kind":"login","name":"Odd",${odd},"fields":[{"name":"PIN","value":"1","hidden":true,"e":2.50}]}`
  const data = await seal(key, itemAssociatedData(vault.id, id), bytesOf(text))
  await vault.putSealed(id, { data }, nothingThere)
  await shell.done(['edit', 'Odd', '--username', 'ada', '--set', 'colour=blue'])
  const replica = new Replica()
  await replica.pull(vault)
  const item = replica.items.get(id)
  if (!item) throw new Error('The item is not there')
  const edited = new TextDecoder().decode(await open(key, itemAssociatedData(vault.id, id), item.data))
  expect(edited).toContain(odd)
  expect(edited).toContain('"hidden":true,"e":2.50')
  expect(edited).toContain('"username":"ada"')
  expect(edited).toContain('"edits":1')
  expect(await shell.done(['get', 'Odd', '--json'])).toContain('12345678901234567890')
  expect(await shell.done(['get', 'Odd', '--field', 'b'])).toBe('1.0')
})

it('keeps its copy of what was deleted without a marker, until the person decides', async () => {
  const shell = await newShell(server)
  await shell.enter()
  const id = await shell.done(['add', 'login', 'Mail'], 'one')
  const session = JSON.parse(await readFile(join(shell.folder, 'session.json'), 'utf8'))
  const { accessToken: token } = z.object({ accessToken: z.string() }).parse(session)
  const { vault } = await shell.otherDevice()
  const path = `/api/v1/vaults/${vault.id}/items/${id}?permanent=true`
  const deleteByScript = async () =>
    expect((await send(server, { method: 'DELETE', path, token })).status).toBe(204)
  await deleteByScript()
  const read = await shell.ended('done', ['get', 'Mail', '--field', 'password'])
  expect(read.stdout).toBe('one\n')
  expect(read.stderr).toContain('limpet sync --put-back')
  for (const command of [['edit', 'Mail', '--username', 'ada'], ['rm', 'Mail'], ['list'], ['sync']])
    await shell.ended('refused', command)
  await shell.ended('usage', ['sync', '--put-back', '--accept'])
  await shell.done(['sync', '--put-back'])
  expect((await shell.ended('done', ['sync'])).stderr).toBe('')
  const back = (await shell.otherDevice()).vault
  expect((await back.get(id)).content).toMatchObject({ password: 'one' })
  await deleteByScript()
  await shell.ended('refused', ['sync'])
  await shell.done(['sync', '--accept'])
  await shell.ended('notFound', ['get', 'Mail'])
  expect((await shell.ended('done', ['sync'])).stderr).toBe('')
})

it("takes a vault's name back, or puts it back, once the person says so", async () => {
  const shell = await newShell(server)
  await shell.enter()
  const { vault } = await shell.otherDevice()
  const goBack = async (data: string) => {
    const hex = Buffer.from(data, 'base64url').toString('hex')
    await runStatement(
      server.database,
      `update vaults set data = x'${hex}', revision = revision + 1 where id = '${vault.id}'`,
    )
  }
  const old = vault.sealed.data
  await vault.rename('Renamed')
  expect(await shell.done(['sync'])).toBe('Renamed: nothing new')
  await goBack(old)
  for (const command of [['sync'], ['list']])
    expect((await shell.ended('refused', command)).stderr).toContain('limpet sync --put-back')
  expect(await shell.done(['sync', '--put-back'])).toBe('Renamed: nothing new')
  expect((await shell.otherDevice()).vault.name).toBe('Renamed')
  expect((await shell.ended('done', ['sync'])).stderr).toBe('')
  await goBack(old)
  await shell.ended('refused', ['sync'])
  expect(await shell.done(['sync', '--accept'])).toBe('Personal: nothing new')
  expect((await shell.ended('done', ['sync'])).stderr).toBe('')
})

it('takes over what another device deleted for good', async () => {
  const shell = await newShell(server)
  await shell.enter()
  const id = await shell.done(['add', 'login', 'Mail'], 'one')
  const { vault } = await shell.otherDevice()
  await vault.purge(id)
  expect((await shell.ended('done', ['sync'])).stderr).toBe('')
  await shell.ended('notFound', ['get', 'Mail'])
})
