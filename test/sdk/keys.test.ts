// Changes of keys through the SDK and the command line: what other devices, tokens, files and copies meet.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AccountKeyChangedError,
  fileOf,
  filesOf,
  itemAssociatedData,
  RefusedError,
  Replica,
  seal,
  UnreadableError,
} from '../../src/sdk/index.ts'
import { newShell } from '../cli/program.ts'
import { engines } from '../support/database.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../support/server.ts'

const note = (name: string) => ({ kind: 'note' as const, name })

describe.each(engines)('changed keys on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('a new account key: other devices log in again, and go on with their copies', async () => {
    const first = await registeredClient(server, { method: 'opaque' })
    const { id } = await first.vault.create(note('kept'))
    const second = await secondDevice(server, first)
    const replica = new Replica()
    await replica.pull(second.vault)
    const { password, email, account } = first
    await account.changeAccountKey({ password })
    expect(account.accountKeyVersion).toBe(2)
    await account.createVault('Made under the new key')

    const unlocked = await second.limpet.unlock(password)
    await expect(unlocked.vaults()).rejects.toBeInstanceOf(AccountKeyChangedError)
    await expect(unlocked.createVault('x')).rejects.toBeInstanceOf(AccountKeyChangedError)
    const change = { current: password, next: 'quiet harbour under the moon' }
    await expect(unlocked.changePassword(change)).rejects.toBeInstanceOf(AccountKeyChangedError)

    const again = await second.limpet.login({ email, password })
    const vault = (await again.vaults()).find((one) => one.id === first.vault.id)
    if (!vault) throw new Error('The vault is not there')
    expect((await replica.pull(vault)).refused).toEqual([])
    const item = replica.items.get(id)
    expect(item && (await vault.openItem(item)).content).toEqual(note('kept'))
    await first.account.changePassword(change)
    expect((await second.limpet.login({ email, password: change.next })).accountKeyVersion).toBe(2)
  })

  it('files are sealed anew, of versions too, and again by the next change', async () => {
    const { account, vault, password } = await registeredClient(server)
    const { id } = await vault.create(note('with files'))
    const bytes = [new Uint8Array(100_000).fill(7), new Uint8Array(3).fill(9)]
    const [old, small] = bytes.map((part, at) => fileOf(new Blob([part]), `file ${at}`))
    if (!old || !small) throw new Error('There are no files')
    await vault.attachments.add(id, old)
    const { item } = await vault.attachments.add(id, small)
    const [replaced] = filesOf(item.content)
    await vault.attachments.remove(id, replaced?.id ?? '')
    for (const keyVersion of [2, 3]) {
      const result = await account.rotateVaultKey(vault.id, { password })
      expect(result.vault.sealed.keyVersion).toBe(keyVersion)
      const { content } = await result.vault.get(id)
      const [file] = filesOf(content)
      expect(file && (await result.vault.attachments.read(id, file))).toEqual(bytes[1])
      const versions = await result.vault.versions(id)
      const ofVersion = versions.flatMap((one) => filesOf(one.content)).find(({ name }) => name === 'file 0')
      expect(ofVersion && (await result.vault.attachments.read(id, ofVersion))).toEqual(bytes[0])
    }
  })

  it('a device that was away compares its copy with what the server shows', async () => {
    const first = await registeredClient(server)
    const { id, revision } = await first.vault.create(note('one'))
    await first.vault.replace(id, revision, note('two'))
    const away = await secondDevice(server, first)
    const replica = new Replica()
    await replica.pull(away.vault)
    const stored = replica.export()
    await first.account.rotateVaultKey(first.vault.id, { password: first.password })

    const [vault] = await (await secondDevice(server, first)).account.vaults()
    if (!vault) throw new Error('The vault is not there')
    const later = new Replica(stored)
    expect((await later.pull(vault)).refused).toEqual([])
    // What a key of before opens is what it is compared with, so an older state is refused.
    const item = later.items.get(id)
    const before = stored.items.find((one) => one.id === id)
    if (!item || !before) throw new Error('The item is not there')
    expect(await vault.seals.follows(before, item)).toBe(true)
    expect(await vault.seals.follows(item, { ...before, revision: item.revision + 1 })).toBe(false)
    // A server that comes back with the old key.
    await expect(vault.data.take({ ...away.vault.sealed, revision: 1_000_000 })).rejects.toBeInstanceOf(
      RefusedError,
    )
  })

  it('a device that knows an item from before writes over it: being sealed anew is no conflict', async () => {
    const first = await registeredClient(server)
    const { id } = await first.vault.create(note('one'))
    const other = await first.vault.create(note('other'))
    const second = await secondDevice(server, first)
    const [known, trashed] = [await second.vault.get(id), await second.vault.get(other.id)]
    const { vault } = await first.account.rotateVaultKey(first.vault.id, { password: first.password })
    const written = await second.vault.replace(id, known.revision, note('two'))
    expect(written.content).toEqual(note('two'))
    expect((await second.vault.trash(other.id, trashed.revision)).deletedAt).not.toBeNull()
    // What another device wrote stays a conflict, also if it is the same text.
    await expect(second.vault.replace(id, known.revision, note('three'))).rejects.toThrow('was changed')
    const seen = await vault.get(id)
    await second.vault.replace(id, seen.revision, note('two'))
    await expect(vault.replace(id, seen.revision, note('two'))).rejects.toThrow('was changed')
  })

  it('what does not open stops the change, and is named', async () => {
    const { account, vault, password } = await registeredClient(server)
    const [id, kept] = [randomUUID(), await vault.create(note('kept'))]
    const data = await seal(new Uint8Array(32), itemAssociatedData(vault.id, id), new Uint8Array(1))
    await vault.putSealed(id, { data }, { 'If-None-Match': '*' })
    const failed = await account.rotateVaultKey(vault.id, { password }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(UnreadableError)
    expect(failed).toMatchObject({ itemIds: [id] })
    expect((await vault.get(kept.id)).content).toEqual(note('kept'))
    const result = await account.rotateVaultKey(vault.id, { password, dropUnreadable: true })
    expect(result).toMatchObject({ resumed: true, dropped: [id] })
    expect((await result.vault.get(kept.id)).content).toEqual(note('kept'))
  })

  it('is typed: says which tokens ended, and leaves this shell unlocked', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'note', 'Tides'], 'low at noon')
    await shell.done(['token', 'create', 'job'], shell.password)
    const changed = JSON.parse(await shell.done(['vault', 'rotate-key', '--json'], shell.password))
    expect(changed).toMatchObject({
      name: 'Personal',
      keyVersion: 2,
      resumed: false,
      versions: 'keep',
      endedTokens: [{ name: 'job' }],
      dropped: [],
    })
    const other = await newShell(server)
    await other.done(['login', shell.email], shell.password)
    await other.done(['list'], shell.password)
    await shell.done(['account', 'rotate-key'], shell.password)
    expect(await shell.done(['get', 'Tides', '--field', 'notes'])).toBe('low at noon')
    const { stderr } = await other.ended('loggedOut', ['list'], shell.password)
    expect(stderr).toContain('limpet login')
    await other.done(['login', shell.email], shell.password)
    expect(await other.done(['get', 'Tides', '--field', 'notes'], shell.password)).toBe('low at noon')
    await shell.ended('usage', ['vault', 'rotate-key', '--versions', 'some'], shell.password)
    await shell.ended('usage', ['account', 'drop'], shell.password)
  })
})
