// Files beside items through the SDK: attached on two devices, over lines that break, and against a server that lies.
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sealedFileBytes } from '../../src/contract/file-sizes.ts'
import {
  type AttachedFile,
  fileOf,
  filesOf,
  Limpet,
  type LimpetOptions,
  mergeFiles,
  NoSuchFileError,
  OpenError,
  type OpenVault,
  type PendingUpload,
  ProblemError,
  UnknownKindError,
} from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import { bytesOf, fileNamed, type Line, lineTo } from '../support/files.ts'
import {
  type RegisteredClient,
  registeredClient,
  secondDevice,
  startServer,
  type TestServer,
} from '../support/server.ts'

const note = (name: string) => ({ kind: 'note' as const, name, notes: 'low tide' })

/** Quicker to compare than the bytes. */
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof ProblemError ? error.code : error),
  )

const namesOf = ({ content }: { content: Parameters<typeof filesOf>[0] }) =>
  filesOf(content).map(({ name }) => name)

/** @param start where in the file the bytes begin */
type Tamper = (bytes: Uint8Array, start: number) => Uint8Array

/** The platform's fetch, but the bytes of files are what `tamper` makes of them. */
const lyingFetch =
  (tamper: () => Tamper | undefined): NonNullable<LimpetOptions['fetch']> =>
  async (url, init) => {
    const answer = await fetch(url, init)
    const change = tamper()
    if (!change || answer.headers.get('Content-Type') !== 'application/octet-stream') return answer
    const start = Number(/\d+/.exec(init.headers.Range ?? '0')?.[0])
    const bytes = change(new Uint8Array(await answer.arrayBuffer()), start)
    return new Response(new Uint8Array(bytes), {
      status: answer.status,
      headers: { 'Content-Type': 'application/octet-stream' },
    })
  }

describe.each(engines)('files of items on %s', (engine) => {
  let server: TestServer
  let owner: RegisteredClient
  let vault: OpenVault
  beforeAll(async () => {
    server = await startServer(engine, {
      environment: { MAX_ATTACHMENT_SIZE: '6M', MAX_ATTACHMENT_BYTES: '64M' },
    })
    owner = await registeredClient(server)
    vault = owner.vault
  })
  afterAll(() => server.close())

  const usedBytes = async ({ account }: Pick<RegisteredClient, 'account'>) =>
    (await account.details()).quotas?.attachmentBytes.used ?? 0

  it.each([0, 1, 65_536, 200_000, 3_000_000])('%i bytes come back as they were', async (size) => {
    const { id } = await vault.create(note('Deed'))
    const bytes = bytesOf(size)
    const progress: [number, number][] = []
    const { item, file } = await vault.attachments.add(
      id,
      { ...fileNamed('deed.pdf', bytes), type: 'application/pdf' },
      { onProgress: (...told) => progress.push(told) },
    )
    expect(file).toMatchObject({ name: 'deed.pdf', type: 'application/pdf', size })
    expect(filesOf(item.content)).toEqual([file])
    expect(item.content).toMatchObject(note('Deed'))
    expect(progress.at(-1)).toEqual([sealedFileBytes(size), sealedFileBytes(size)])
    const other = await secondDevice(server, owner)
    const seen = await other.vault.get(id)
    expect(filesOf(seen.content)).toEqual([file])
    expect(digest(await other.vault.attachments.read(id, file))).toBe(digest(bytes))
  })

  it('takes a Blob', async () => {
    const { id } = await vault.create(note('Blob'))
    const bytes = bytesOf(100_000)
    const { file } = await vault.attachments.add(
      id,
      fileOf(new Blob([bytes], { type: 'image/png' }), 'tide.png'),
    )
    expect(file.type).toBe('image/png')
    expect(digest(await vault.attachments.read(id, file))).toBe(digest(bytes))
  })

  it('two devices that attach at once keep both', async () => {
    const { id } = await vault.create(note('Shared'))
    const other = await secondDevice(server, owner)
    await Promise.all([
      vault.attachments.add(id, fileNamed('here', bytesOf(10))),
      other.vault.attachments.add(id, fileNamed('there', bytesOf(20))),
      other.vault.edit(id, (content) => ({ ...content, folder: 'Sea' })),
    ])
    const item = await vault.get(id)
    expect(namesOf(item).sort()).toEqual(['here', 'there'])
    expect(item.content).toMatchObject({ folder: 'Sea', notes: 'low tide' })
  })

  it('an edit keeps files, also one by a client that does not know them', async () => {
    const { id } = await vault.create(note('Edited'))
    const { item, file } = await vault.attachments.add(id, fileNamed('kept', bytesOf(70_000)))
    const edited = await vault.replace(id, item.revision, { ...item.content, name: 'Edited again' })
    expect(namesOf(edited)).toEqual(['kept'])
    // It keeps members that it does not know, and sends no ids.
    const { data } = await vault.sealItem(id, edited.content)
    await vault.putSealed(id, { data }, { 'If-Match': `"${edited.revision}"` })
    expect(digest(await vault.attachments.read(id, file))).toBe(digest(bytesOf(70_000)))
    expect(filesOf((await vault.get(id)).content)).toEqual([file])
  })

  it('what was replaced or taken out comes back with its version, until it is gone for good', async () => {
    const device = await registeredClient(server)
    const { attachments } = device.vault
    const { id } = await device.vault.create(note('History'))
    const { file: first } = await attachments.add(id, fileNamed('plan', bytesOf(100)))
    const { file: second, item } = await attachments.replace(id, first.id, fileNamed('plan', bytesOf(200, 2)))
    expect(filesOf(item.content)).toEqual([second])
    const removed = await attachments.remove(id, second.id)
    expect(filesOf(removed.content)).toEqual([])
    expect(removed.content).not.toHaveProperty('attachments')
    const before = (await device.vault.versions(id)).map(({ content }) => filesOf(content))
    expect(before.slice(0, 2)).toEqual([[second], [first]])
    expect(digest(await attachments.read(id, second))).toBe(digest(bytesOf(200, 2)))
    const version = (await device.vault.versions(id))[1]
    if (!version) throw new Error('There is no version')
    const restored = await device.vault.replace(id, removed.revision, version.content)
    expect(filesOf(restored.content)).toEqual([first])
    expect(digest(await attachments.read(id, first))).toBe(digest(bytesOf(100)))
    await attachments.remove(id, first.id, { permanent: true })
    expect(await codeOf(attachments.read(id, first))).toBe('not-found')
    await attachments.purge(id, second.id)
    expect(await usedBytes(device)).toBe(0)
    await expect(attachments.remove(id, first.id)).rejects.toThrow(NoSuchFileError)
  })

  it('the trash keeps files, and deleting for good frees them', async () => {
    const device = await registeredClient(server)
    const { id } = await device.vault.create(note('Trash'))
    const { file } = await device.vault.attachments.add(id, fileNamed('kept', bytesOf(5000)))
    await device.vault.trash(id)
    expect(digest(await device.vault.attachments.read(id, file))).toBe(digest(bytesOf(5000)))
    const restored = await device.vault.restore(id)
    expect(filesOf(restored.content)).toEqual([file])
    expect(await usedBytes(device)).toBe(sealedFileBytes(5000))
    await device.vault.purge(id)
    expect(await usedBytes(device)).toBe(0)
  })

  it('files of another item are copied for it', async () => {
    const { id } = await vault.create(note('Original'))
    const { file } = await vault.attachments.add(id, fileNamed('plan', bytesOf(150_000)))
    const copyId = randomUUID()
    const gone = { ...file, id: randomUUID() }
    const { copied, lost } = await vault.attachments.copy(id, [file, gone], copyId)
    expect(lost).toEqual([gone])
    const copy = await vault.create({ ...note('Copy'), attachments: copied }, copyId)
    const [copiedFile] = filesOf(copy.content)
    if (!copiedFile) throw new Error('There is no file')
    expect(copiedFile).toMatchObject({ name: 'plan', size: 150_000 })
    expect(copiedFile.salt).not.toBe(file.salt)
    expect(digest(await vault.attachments.read(copyId, copiedFile))).toBe(digest(bytesOf(150_000)))
  })

  it('says what there is no room for, before it has sent it', async () => {
    const { id } = await vault.create(note('Large'))
    let read = 0
    const large = { ...fileNamed('large', bytesOf(7_000_000)), name: 'large' }
    const counted = {
      ...large,
      async *read(start: number) {
        for await (const piece of large.read(start)) {
          read += piece.length
          yield piece
        }
      },
    }
    expect(await codeOf(vault.attachments.add(id, counted))).toBe('too-large')
    // Once for the tags, and the first part.
    expect(read).toBeLessThan(7_000_000 + 2_000_000)
    const poor = await startServer(engine, { environment: { MAX_ATTACHMENT_BYTES: '100K' } })
    try {
      const device = await registeredClient(poor)
      const item = await device.vault.create(note('Poor'))
      const added = device.vault.attachments.add(item.id, fileNamed('a', bytesOf(120_000)))
      expect(await codeOf(added)).toBe('quota-exceeded')
      expect(filesOf((await device.vault.get(item.id)).content)).toEqual([])
    } finally {
      await poor.close()
    }
  })

  it('leaves items of kinds alone that it does not know', async () => {
    const id = randomUUID()
    await vault.putSealed(id, await vault.sealItem(id, { kind: 'passport', name: 'x' }), {
      'If-None-Match': '*',
    })
    await expect(vault.attachments.add(id, fileNamed('a', bytesOf(1)))).rejects.toThrow(UnknownKindError)
  })

  it('is gone for good where another device deleted the item meanwhile', async () => {
    const { id } = await vault.create(note('Deleted'))
    const other = await secondDevice(server, owner)
    const added = vault.attachments.add(id, fileNamed('a', bytesOf(10)), {
      onPending: () => other.vault.purge(id),
    })
    expect(await codeOf(added)).toBe('not-found')
  })

  describe('over a line that breaks', () => {
    let line: Line
    beforeAll(async () => {
      line = await lineTo(server)
    })
    afterAll(() => line.close())
    const overTheLine = () => secondDevice(line, owner)

    it('an upload goes on where it was', async () => {
      const { vault: away } = await overTheLine()
      const { id } = await away.create(note('Train'))
      const bytes = bytesOf(4_000_000)
      const [before, cuts] = [line.sent(), line.cuts()]
      line.cutAfter('up', 1_700_000)
      const { file } = await away.attachments.add(id, fileNamed('ride', bytes), {
        onProgress: (done) => {
          if (line.cuts() === cuts + 1 && done > 2_500_000) line.cutAfter('up', 300_000)
        },
      })
      expect(line.cuts()).toBeGreaterThan(cuts + 1)
      expect(digest(await vault.attachments.read(id, file))).toBe(digest(bytes))
      // Each cut costs a part at the most.
      expect(line.sent() - before).toBeLessThan(sealedFileBytes(4_000_000) + 3 * 1024 * 1024)
    })

    it('a download goes on where it was', async () => {
      const { vault: away } = await overTheLine()
      const { id } = await away.create(note('Train'))
      const bytes = bytesOf(4_000_000)
      const { file } = await away.attachments.add(id, fileNamed('ride', bytes))
      const cuts = line.cuts()
      line.cutAfter('down', 1_000_000)
      let told = 0
      const whole = await away.attachments.read(id, file, {
        onProgress: (done) => {
          expect(done).toBeGreaterThan(told)
          told = done
        },
      })
      expect(line.cuts()).toBe(cuts + 1)
      expect(digest(whole)).toBe(digest(bytes))
    })

    it('a later run goes on with an upload, and never with another file', async () => {
      const { vault: away } = await overTheLine()
      const { id } = await away.create(note('Later'))
      const bytes = bytesOf(5_000_000)
      const given = new AbortController()
      let pending: PendingUpload | undefined
      const first = away.attachments.add(id, fileNamed('ride', bytes), {
        signal: given.signal,
        onPending: (begun) => {
          pending = begun
        },
        onProgress: (done) => {
          if (done > 2_000_000) given.abort(new Error('The train left'))
        },
      })
      await expect(first).rejects.toThrow('The train left')
      expect(filesOf((await away.get(id)).content)).toEqual([])
      if (!pending) throw new Error('Nothing was begun')

      const changed = bytes.slice()
      changed[10] = 0
      const other = await away.attachments.add(id, fileNamed('changed', changed), { resume: pending })
      expect(other.file.id).not.toBe(pending.attachmentId)
      expect(other.file.salt).not.toBe(pending.salt)

      const before = line.sent()
      const resumed = await overTheLine()
      const { file } = await resumed.vault.attachments.add(id, fileNamed('ride', bytes), { resume: pending })
      expect(file).toMatchObject({ id: pending.attachmentId, salt: pending.salt })
      expect(line.sent() - before).toBeLessThan(3_200_000)
      expect(digest(await vault.attachments.read(id, file))).toBe(digest(bytes))
      // The item names it already: a third run, of which the second one's answer was lost, changes nothing.
      const again = await resumed.vault.attachments.add(id, fileNamed('ride', bytes), { resume: pending })
      expect(namesOf(again.item)).toEqual(['changed', 'ride'])
    })

    it('gives up a download when it is told to', async () => {
      const { id } = await vault.create(note('Abort'))
      const { file } = await vault.attachments.add(id, fileNamed('a', bytesOf(3_000_000)))
      const given = new AbortController()
      const reading = vault.attachments.read(id, file, {
        signal: given.signal,
        onProgress: () => given.abort(new Error('No longer wanted')),
      })
      await expect(reading).rejects.toThrow('No longer wanted')
    })
  })

  describe('a server that lies', () => {
    const size = 200_000
    const chunk = 65_536 + 16
    let tamper: Tamper | undefined
    let victim: OpenVault
    let itemId: string
    let file: AttachedFile
    /** The sealed bytes of another file of the item. */
    let swapped = new Uint8Array(0)
    beforeAll(async () => {
      const limpet = new Limpet({
        server: server.url,
        device: { id: randomUUID(), name: 'victim', type: 'other' },
        acceptAuthKey: () => true,
        fetch: lyingFetch(() => tamper),
      })
      const account = await limpet.login({ email: owner.email, password: owner.password })
      const [opened] = await account.vaults()
      if (!opened) throw new Error('There is no vault')
      victim = opened
      itemId = (await victim.create(note('Victim'))).id
      file = (await victim.attachments.add(itemId, fileNamed('good', bytesOf(size)))).file
      const { file: other } = await victim.attachments.add(itemId, fileNamed('other', bytesOf(size, 2)))
      tamper = (bytes) => {
        swapped = bytes.slice()
        return bytes
      }
      await victim.attachments.read(itemId, other)
    })

    const cutOff =
      (length: number): Tamper =>
      (bytes, start) =>
        bytes.slice(0, Math.max(0, length - start))

    it.each<[string, Tamper]>([
      ['cuts it off at a chunk', cutOff(65 + chunk)],
      ['cuts it off in a chunk', cutOff(100_000)],
      ['leaves the last byte out', cutOff(sealedFileBytes(size) - 1)],
      ['gives nothing', cutOff(0)],
      ['goes on after the end', (bytes) => new Uint8Array([...bytes, 0])],
      [
        'exchanges chunks',
        (bytes) =>
          new Uint8Array([
            ...bytes.slice(0, 65),
            ...bytes.slice(65 + chunk, 65 + 2 * chunk),
            ...bytes.slice(65, 65 + chunk),
            ...bytes.slice(65 + 2 * chunk),
          ]),
      ],
      ['gives another file of the item', () => swapped],
      [
        'changes a bit of the last chunk',
        (bytes) => bytes.map((byte, at) => (at === bytes.length - 20 ? byte ^ 1 : byte)),
      ],
    ])('that %s is refused', async (_, lie) => {
      tamper = lie
      await expect(victim.attachments.read(itemId, file)).rejects.toThrow(OpenError)
      tamper = undefined
      expect(digest(await victim.attachments.read(itemId, file))).toBe(digest(bytesOf(size)))
    })
  })
})

describe('two lists of files that came from one', () => {
  const file = (id: string, name = id) => ({ id, name, type: '', size: 1, salt: '' })
  const [a, b, c, d] = [file('a'), file('b'), file('c'), file('d')]
  it.each([
    ['what both added stays', [a], [a, b], [a, c], [a, c, b]],
    ['what one removed goes', [a, b], [a], [a, b, c], [a, c]],
    ['what the other removed goes', [a, b], [a, b, d], [b], [b, d]],
    ['a new name stays', [a, b], [file('a', 'mine'), b], [a, b, c], [file('a', 'mine'), b, c]],
    ['a new name of the other stays', [a], [a], [file('a', 'theirs')], [file('a', 'theirs')]],
    ['nothing changed', [a, b], [a, b], [a, b], [a, b]],
  ])('%s', (_, before, mine, theirs, merged) => {
    expect(mergeFiles(before, mine, theirs)).toEqual(merged)
  })
})
