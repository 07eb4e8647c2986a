// `limpet attach` and `limpet attachment`: files into items and out again, and nothing anywhere else.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { isFileName, mediaTypeOf } from '../../src/cli/local-files.ts'
import { filesOf } from '../../src/sdk/index.ts'
import { bytesOf, fileNamed, lineTo } from '../support/files.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-files-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function withItem(server: { url: string }, how: 'here' | 'as programs' = 'here') {
  const shell = await newShell(server, how)
  await shell.enter()
  const id = await shell.done(['add', 'note', 'Deed'], 'The house by the sea')
  return { shell, id, folder: await newFolder() }
}

const listed = async (shell: Shell) => JSON.parse(await shell.done(['attachment', 'list', 'Deed', '--json']))

describe('files at the shell', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite', {
      environment: { MAX_ATTACHMENT_SIZE: '3M', MAX_ATTACHMENT_BYTES: '8M' },
    })
  })
  afterAll(() => server.close())

  it('go into an item, are listed, and come out as they were', async () => {
    const { shell, folder } = await withItem(server)
    const bytes = bytesOf(200_000)
    const path = join(folder, 'deed.PDF')
    await writeFile(path, bytes)
    const id = await shell.done(['attach', 'Deed', path])
    expect(await listed(shell)).toEqual([{ id, name: 'deed.PDF', type: 'application/pdf', size: 200_000 }])
    expect(await shell.done(['attachment', 'list', 'Deed'])).toMatch(
      /NAME +TYPE +SIZE +ID\ndeed\.PDF +application/,
    )
    expect(await shell.done(['get', 'Deed'])).toMatch(/^file +deed\.PDF {2}196 KiB, application\/pdf$/m)
    expect(JSON.parse(await shell.done(['get', 'Deed', '--json'])).content.attachments).toMatchObject([
      { id },
    ])

    const out = join(folder, 'out')
    const { stderr } = await shell.ended('done', ['attachment', 'get', 'Deed', '--output', out])
    expect(stderr).toContain('196 KiB')
    expect(new Uint8Array(await readFile(out))).toEqual(bytes)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    const piped = await shell.run(['attachment', 'get', 'Deed', 'deed.PDF', '--output', '-'])
    expect(new Uint8Array(piped.bytes)).toEqual(bytes)
    expect(piped.code).toBe(0)
    const inFolder = join(folder, 'documents')
    await mkdir(inFolder)
    await shell.done(['attachment', 'get', 'Deed', id, '--output', inFolder])
    expect(await readdir(inFolder)).toEqual(['deed.PDF'])
  })

  it('overwrite nothing unless they are told to', async () => {
    const { shell, folder } = await withItem(server)
    const [path, out] = [join(folder, 'a'), join(folder, 'out')]
    await writeFile(path, 'new')
    await writeFile(out, 'old')
    await shell.done(['attach', 'Deed', path])
    const get = ['attachment', 'get', 'Deed', '--output', out]
    expect((await shell.ended('conflict', get)).stderr).toContain('--force')
    expect(await readFile(out, 'utf8')).toBe('old')
    await symlink(join(folder, 'elsewhere'), join(folder, 'dangling'))
    await shell.ended('conflict', ['attachment', 'get', 'Deed', '--output', join(folder, 'dangling')])
    await shell.done([...get, '--force'])
    expect(await readFile(out, 'utf8')).toBe('new')
    expect((await readdir(folder)).sort()).toEqual(['a', 'dangling', 'out'])
  })

  it('come from standard input, behind the answers to questions', async () => {
    const { shell } = await withItem(server)
    await shell.ended('usage', ['attach', 'Deed', '-'])
    await shell.feed(
      ['attach', 'Deed', '-', '--name', 'keys.tar', '--type', 'application/x-tar'],
      bytesOf(70_000),
    )
    delete shell.environment.LIMPET_UNLOCK_KEY
    const input = Buffer.concat([Buffer.from(`${shell.password}\n`), bytesOf(10)])
    expect((await shell.feed(['attach', 'Deed', '-', '--name', 'more'], input)).code).toBe(0)
    const { bytes } = await shell.feed(
      ['attachment', 'get', 'Deed', 'more', '--output', '-'],
      `${shell.password}\n`,
    )
    expect(new Uint8Array(bytes)).toEqual(bytesOf(10))
  })

  it('of a name that the item has are refused, or take its place', async () => {
    const { shell, folder } = await withItem(server)
    const path = join(folder, 'plan.txt')
    await writeFile(path, 'one')
    const first = await shell.done(['attach', 'Deed', path])
    expect((await shell.ended('conflict', ['attach', 'Deed', path])).stderr).toContain('--replace')
    await writeFile(path, 'two')
    const second = await shell.done(['attach', 'Deed', path, '--replace'])
    expect(await listed(shell)).toMatchObject([{ id: second, name: 'plan.txt' }])
    const versions = JSON.parse(await shell.done(['history', 'Deed', '--json']))
    expect(versions[0].content.attachments).toMatchObject([{ id: first }])
    expect(await shell.done(['history', 'Deed'])).toMatch(/file +removed: plan\.txt/)
    const old = ['attachment', 'get', 'Deed', '--revision', String(versions[0].revision), '--output', '-']
    expect((await shell.run(old)).stdout).toBe('one')
    await shell.done(['attach', 'Deed', path, '--name', 'copy.txt'])
    await shell.ended('ambiguous', ['attachment', 'get', 'Deed'])
  })

  it('are taken out, and deleted for good', async () => {
    const { shell, folder } = await withItem(server)
    const path = join(folder, 'plan.txt')
    await writeFile(path, 'one')
    const id = await shell.done(['attach', 'Deed', path])
    await shell.ended('notFound', ['attachment', 'rm', 'Deed', 'other.txt'])
    const { stderr } = await shell.ended('done', ['attachment', 'rm', 'Deed', 'plan.txt'])
    expect(stderr).toContain('keeps it')
    expect(await listed(shell)).toEqual([])
    const [version] = JSON.parse(await shell.done(['history', 'Deed', '--json']))
    const revision = ['--revision', String(version.revision)]
    await shell.ended('usage', ['attachment', 'rm', 'Deed', id, ...revision, '--permanent'])
    await shell.done(['attachment', 'rm', 'Deed', id, ...revision, '--permanent', '--yes'])
    const gone = ['attachment', 'get', 'Deed', id, ...revision, '--output', '-']
    expect((await shell.ended('notFound', gone)).stderr).toContain('does not have "plan.txt" any more')
    expect(JSON.parse(await shell.done(['status', '--json'])).quotas.attachmentBytes.used).toBe(0)
  })

  it('stay with the edits and the trash of their item', async () => {
    const { shell, folder } = await withItem(server)
    const path = join(folder, 'plan.txt')
    await writeFile(path, 'one')
    await shell.done(['attach', 'Deed', path])
    await shell.done(['edit', 'Deed', '--folder', 'House', '--name', 'Deed'])
    await shell.done(['rm', 'Deed'])
    expect((await shell.run(['attachment', 'get', 'Deed', '--trash', '--output', '-'])).stdout).toBe('one')
    await shell.done(['restore', 'Deed'])
    expect(await listed(shell)).toHaveLength(1)
    await shell.ended('usage', ['edit', 'Deed', '--set', 'attachments=none'])
    await shell.ended('usage', ['edit', 'Deed', '--unset', 'attachments'])
  })

  it('with a name that leads out of the folder are written nowhere', async () => {
    const { shell, id, folder } = await withItem(server)
    const { vault } = await shell.otherDevice()
    for (const name of ['../up.txt', 'a\u001b[2Jb'])
      await vault.attachments.add(id, fileNamed(name, bytesOf(3)))
    for (const { id: fileId } of filesOf((await vault.get(id)).content)) {
      const { stderr } = await shell.ended('usage', ['attachment', 'get', 'Deed', fileId, '--output', folder])
      expect(stderr).toContain('--output')
      expect(stderr).not.toContain('\u001b')
      await shell.done(['attachment', 'get', 'Deed', fileId, '--output', join(folder, fileId)])
    }
    expect(await readdir(folder)).toHaveLength(2)
  })

  it('too large for the server, or for the account, are told so', async () => {
    const { shell, folder } = await withItem(server)
    const path = join(folder, 'large')
    await writeFile(path, bytesOf(3_300_000))
    expect((await shell.ended('usage', ['attach', 'Deed', path])).stderr).toMatch(
      /"large" \(3\.1 MiB\) is larger/,
    )
    await writeFile(path, bytesOf(3_000_000))
    for (const name of ['one', 'two']) await shell.done(['attach', 'Deed', path, '--name', name])
    const { stderr } = await shell.ended('unexpected', ['attach', 'Deed', path])
    expect(stderr).toMatch(/There is no room for "large" \(2\.9 MiB\).*--permanent/)
    await shell.ended('usage', ['attach', 'Deed', folder])
    await shell.ended('usage', ['attach', 'Deed', join(folder, 'nothing')])
    await shell.ended('usage', ['attachment', 'put', 'Deed'])
    await shell.ended('usage', ['attachment', 'list', 'Deed', '--force'])
  })

  it('that were cut off leave nothing behind, and an upload goes on in the next run', async () => {
    const line = await lineTo(server)
    onTestFinished(() => line.close())
    const { shell, folder } = await withItem(line, 'as programs')
    const path = join(folder, 'ride')
    await writeFile(path, bytesOf(2_900_000))
    const uploads = async () => (await readdir(shell.folder)).filter((name) => name.startsWith('upload-'))

    const stalled = line.stallAfter(1_700_000)
    const running = shell.startProgram('attach', 'Deed', path)
    await stalled
    running.signal('SIGKILL')
    await running.ended
    expect(await uploads()).toHaveLength(1)
    expect(await listed(shell)).toEqual([])

    const before = line.sent()
    await shell.done(['attach', 'Deed', path])
    expect(line.sent() - before).toBeLessThan(2_400_000)
    expect(await uploads()).toEqual([])
    expect(await listed(shell)).toMatchObject([{ name: 'ride', size: 2_900_000 }])

    // A file that is cut off in the middle is read on.
    line.cutAfter('down', 1_500_000)
    await shell.done(['attachment', 'get', 'Deed', '--output', join(folder, 'back')])
    expect(new Uint8Array(await readFile(join(folder, 'back')))).toEqual(bytesOf(2_900_000))
    expect((await readdir(folder)).sort()).toEqual(['back', 'ride'])
  })
})

describe('names of files', () => {
  it.each(['scan.pdf', 'Grüße.txt', '.env', 'a b', 'con-text', '家.png', '-rf'])('takes %s', (name) => {
    expect(isFileName(name)).toBe(true)
  })

  it.each([
    '',
    '.',
    '..',
    '...',
    'a/b',
    '/etc/passwd',
    'a\\b',
    'C:evil',
    'file.txt:stream',
    'nul',
    'COM1.txt',
    'LPT¹',
    'end.',
    'end ',
    'a\nb',
    'a\u0000b',
    'a\u202eb',
    'what?',
    '\ud800',
  ])('refuses %j', (name) => {
    expect(isFileName(name)).toBe(false)
  })

  it('say the media type', () => {
    expect(mediaTypeOf('Scan.JPG')).toBe('image/jpeg')
    expect(mediaTypeOf('constructor')).toBe('')
    expect(mediaTypeOf('x.toString')).toBe('')
  })
})
