// `limpet export`: one file of everything, and nothing where it cannot be whole.
import {
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { fileOfBytes, readIncoming } from '../../src/sdk/moving/index.ts'
import type { Result } from '../support/console.ts'
import { engines } from '../support/database.ts'
import { bytesOf, fileNamed } from '../support/files.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

const passphrase = 'limpets cling to seven wet rocks'

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-export-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const read = async (path: string, password = passphrase) =>
  readIncoming(fileOfBytes(new Uint8Array(await readFile(path)), 'export'), {
    password: async () => password,
  })

describe.each(engines)('limpet export on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  /** A shell with an account of some items, one of them edited, one in the trash, and one with a file. */
  async function filledShell(): Promise<Shell> {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'login', 'Mail', '--username', 'ada'], 'the first')
    await shell.done(['edit', 'Mail', '--set-secret', 'password'], 'the second')
    await shell.done(['add', 'note', 'Deed', '--tag', 'house'], 'By the sea')
    await shell.done(['add', 'note', 'Old'], 'gone')
    await shell.done(['rm', 'Old'])
    const { vault } = await shell.otherDevice()
    const deed = JSON.parse(await shell.done(['get', 'Deed', '--json']))
    await vault.attachments.add(deed.id, fileNamed('deed.pdf', bytesOf(200_000)))
    return shell
  }

  it('holds vaults, items, the trash, versions and files, readable by its owner only', async () => {
    const shell = await filledShell()
    const path = join(await newFolder(), 'all.limpet')
    const { stdout, stderr } = await shell.ended('done', ['export', path], passphrase)
    expect(stdout).toBe(`${path}\n`)
    expect(stderr).toMatch(/1 vault, 3 items, 1 of them in the trash, 2 earlier versions, 1 file\.\n$/)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const { items, leftovers } = await read(path)
    expect(leftovers).toEqual([])
    const byName = new Map(items.map((item) => [item.content.name, item]))
    expect(byName.get('Mail')).toMatchObject({
      vault: 'Personal',
      trashed: false,
      content: { kind: 'login', name: 'Mail', username: 'ada', password: 'the second' },
      versions: [
        { content: { kind: 'login', name: 'Mail', username: 'ada', password: 'the first' }, files: [] },
      ],
      files: [],
    })
    expect(byName.get('Old')).toMatchObject({ trashed: true, content: { notes: 'gone' } })
    const [file] = byName.get('Deed')?.files ?? []
    expect(file).toMatchObject({ name: 'deed.pdf', size: 200_000 })
    const pieces: Uint8Array[] = []
    for await (const piece of file?.read(0) ?? []) pieces.push(piece)
    expect(new Uint8Array(Buffer.concat(pieces))).toEqual(bytesOf(200_000))
    const text = (await readFile(path)).toString('latin1')
    for (const secret of ['ada', 'second', 'Mail', 'Personal', 'deed.pdf']) expect(text).not.toContain(secret)
  })

  it('goes into a pipe, and says as JSON what is in it', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    const piped = await shell.run(['export', '-'], passphrase)
    expect(piped.code).toBe(0)
    await writeFile(join(folder, 'piped'), piped.bytes)
    expect((await read(join(folder, 'piped'))).items).toHaveLength(3)
    const path = join(folder, 'all')
    expect(JSON.parse(await shell.done(['export', path, '--json'], passphrase))).toEqual({
      file: path,
      format: 'limpet',
      bytes: (await stat(path)).size,
      vaults: 1,
      items: 3,
      trashed: 1,
      versions: 2,
      files: 1,
      unplaced: {},
      omissions: [],
    })
    await shell.ended('usage', ['export', '-', '--json'], passphrase)
  })

  it('is of one vault, also with the token of that', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    await shell.ended('notFound', ['export', join(folder, 'a'), '--vault', 'Nowhere'], passphrase)
    expect(await readdir(folder)).toEqual([])
    const token = await shell.done(['token', 'create', 'job'], shell.password)
    const job = await newShell(server)
    job.environment.LIMPET_TOKEN = token
    await job.done(['export', join(folder, 'a'), '--vault', 'Personal'], passphrase)
    expect((await read(join(folder, 'a'))).items).toHaveLength(3)
  })

  it('overwrites nothing, and leaves no half file', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    const path = join(folder, 'all')
    await writeFile(path, 'old')
    expect((await shell.ended('conflict', ['export', path], passphrase)).stderr).toContain('--force')
    await symlink(join(folder, 'elsewhere'), join(folder, 'dangling'))
    await shell.ended('conflict', ['export', join(folder, 'dangling')], passphrase)
    expect(await readFile(path, 'utf8')).toBe('old')
    await shell.ended('usage', ['export', join(folder, 'missing', 'all')], passphrase)
    await shell.ended('usage', ['export', join(folder, 'new'), '--format', 'paper'], passphrase)
    for (const weak of ['', 'short', 'sunshine'])
      await shell.ended('usage', ['export', join(folder, 'new')], weak)
    expect((await readdir(folder)).sort()).toEqual(['all', 'dangling'])
    await shell.done(['export', path, '--force'], passphrase)
    expect((await read(path)).items).toHaveLength(3)
    expect((await readdir(folder)).sort()).toEqual(['all', 'dangling'])
  })

  it('is in clear only if that was said', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    for (const [format, secret] of [
      ['bitwarden-json', '"password":"the second"'],
      ['csv', ',the second,'],
    ] as const) {
      const path = join(folder, format)
      const refused = await shell.ended('usage', ['export', path, '--format', format])
      expect(refused.stderr).toContain('--in-clear')
      expect(await readdir(folder)).not.toContain(format)
      const made = await shell.ended('done', ['export', path, '--format', format, '--in-clear'])
      expect(made.stderr).toMatch(/no place for 1 item in the trash, 2 earlier versions, 1 file;/)
      expect(await readFile(path, 'utf8')).toContain(secret)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
    }
  })

  it('is of the present state or of none', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    await shell.done(['list'])
    const away = await startServer(engine)
    const { url } = away
    await away.close()
    const session = join(shell.folder, 'session.json')
    await writeFile(session, (await readFile(session, 'utf8')).replaceAll(server.url, url))
    await shell.ended('unavailable', ['export', join(folder, 'all')], passphrase)
    expect(await readdir(folder)).toEqual([])
  })

  it('says that the disk is full, and leaves the file of before or none', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    const path = join(folder, 'all')
    const other = await open(join(folder, 'old'), 'w')
    await other.writeFile('old')
    await other.close()
    /** The second piece of the file finds no space. */
    const onFullDisk = async (work: () => Promise<Result>) => {
      const handles: Pick<FileHandle, 'writeFile'> = Object.getPrototypeOf(other)
      const write = handles.writeFile
      let pieces = 0
      vi.spyOn(handles, 'writeFile').mockImplementation(async function (this: FileHandle, ...args) {
        if (++pieces === 2) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
        return write.apply(this, args)
      })
      try {
        return await work()
      } finally {
        vi.restoreAllMocks()
      }
    }
    const { stderr } = await onFullDisk(() => shell.ended('unexpected', ['export', path], passphrase))
    expect(stderr).toContain(`There is no space left for ${path}. What was written of it is removed`)
    expect(await readdir(folder)).toEqual(['old'])
    const over = ['export', join(folder, 'old'), '--force']
    await onFullDisk(() => shell.ended('unexpected', over, passphrase))
    expect(await readdir(folder)).toEqual(['old'])
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('old')
  })

  it('names what it could not take, and ends with 9', async () => {
    const shell = await filledShell()
    const folder = await newFolder()
    const { vault } = await shell.otherDevice()
    const id = crypto.randomUUID()
    const elsewhere = await vault.sealItem(crypto.randomUUID(), { kind: 'note', name: 'Moved' })
    await vault.putSealed(id, elsewhere, { 'If-None-Match': '*' }).catch(() => {})
    const { stderr } = await shell.ended('refused', ['export', join(folder, 'all')], passphrase)
    expect(stderr).toContain(`item ${id} of the vault "Personal"`)
    expect((await read(join(folder, 'all'))).items).toHaveLength(3)
  })
})
