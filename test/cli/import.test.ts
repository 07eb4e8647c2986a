// `limpet import`: what another program exported, shown before anything is written, and never written twice.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chrome } from '../support/chrome.ts'
import { engines } from '../support/database.ts'
import { fileWith } from '../support/moving.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { serversOn } from '../support/servers.ts'
import { evil, steering } from '../support/terminal.ts'
import { newShell, type Shell } from './program.ts'

const bitwarden = (...items: object[]) =>
  JSON.stringify({ encrypted: false, folders: [{ id: 'f', name: 'Work/Web' }], items })

describe.each(engines)('an import on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  const entered = async () => {
    const shell = await newShell(server)
    await shell.enter()
    const listed = async (...args: string[]) => JSON.parse(await shell.done(['list', '--json', ...args]))
    const imported = async (path: string, ...args: string[]) =>
      JSON.parse(await shell.done(['import', path, '--yes', '--json', ...args]))
    return { shell, listed, imported }
  }

  it('writes nothing before it was seen, and everything afterwards, once', async () => {
    const { shell, listed, imported } = await entered()
    const path = await fileWith(chrome(3))
    const shown = await shell.done(['import', path, '--dry-run'])
    expect(shown).toContain('Chrome, Edge and their relatives (CSV): 3 new items.')
    expect(shown).toMatch(/^login +3$/m)
    expect(shown).toMatch(/^Personal +3$/m)
    expect(await listed()).toEqual([])
    expect(await imported(path)).toMatchObject({ kinds: { login: 3 }, present: 0, written: { items: 3 } })
    expect(await listed()).toHaveLength(3)
    const content = JSON.parse(await shell.done(['get', 'Site 1', '--json', '--reveal'])).content
    expect(content).toMatchObject({
      username: 'user-1',
      password: 'pass,word-1',
      urls: ['https://site-1.example.com'],
    })
    expect(await imported(path)).toMatchObject({ kinds: {}, present: 3, written: null })
    expect(await listed()).toHaveLength(3)
  })

  it('leaves out what its owner changed, trashed or deleted for good since', async () => {
    const { shell, listed, imported } = await entered()
    const path = await fileWith(chrome(4))
    await imported(path)
    await shell.done(['edit', 'Site 0', '--username', 'another'])
    await shell.done(['rm', 'Site 1'])
    expect(await imported(path)).toMatchObject({ kinds: {}, present: 3, presentInTrash: 1 })
    await shell.done(['rm', 'Site 2', '--permanent', '--yes'])
    // What is gone for good is new again: its owner imports it on purpose.
    expect(await imported(path)).toMatchObject({ kinds: { login: 1 }, written: { items: 1 } })
    expect(await imported(path)).toMatchObject({ kinds: {}, written: null })
    expect(await listed()).toHaveLength(3)
  })

  it('goes on where it broke off', async () => {
    const { imported, listed } = await entered()
    await imported(await fileWith(chrome(5)))
    const path = await fileWith(chrome(12))
    expect(await imported(path)).toMatchObject({ present: 5, written: { items: 7 } })
    expect(await listed()).toHaveLength(12)
  })

  it('keeps trash, folders and favourites', async () => {
    const { shell, imported } = await entered()
    const path = await fileWith(
      bitwarden(
        { type: 1, name: 'In use', folderId: 'f', favorite: true, login: { password: 'p' } },
        { type: 2, name: 'Thrown away', notes: 'n', deletedDate: '2025-01-01T00:00:00Z' },
      ),
    )
    expect(await imported(path)).toMatchObject({ trashed: 1, written: { items: 2 } })
    expect(JSON.parse(await shell.done(['get', 'In use', '--json'])).content).toMatchObject({
      folder: 'Work/Web',
      favourite: true,
    })
    expect(await shell.done(['list', '--trash'])).toContain('Thrown away')
    expect(await imported(path)).toMatchObject({ kinds: {}, begun: 0, written: null })
  })

  it('makes folders into tags or vaults if that is chosen', async () => {
    const { shell, imported } = await entered()
    const path = await fileWith(bitwarden({ type: 2, name: 'N', notes: 'n', folderId: 'f' }))
    await imported(path, '--folders', 'tags')
    expect(JSON.parse(await shell.done(['get', 'N', '--json'])).content.tags).toEqual(['Work', 'Web'])
    expect(await imported(path, '--folders', 'vaults')).toMatchObject({
      vaults: [{ id: null, name: 'Work', items: 1 }],
    })
    expect(await imported(path, '--folders', 'vaults')).toMatchObject({ vaults: [], present: 1 })
    const item = JSON.parse(await shell.done(['get', 'N', '--json', '--vault', 'Work']))
    expect(item.content.folder).toBe('Web')
  })

  it('tells items that are too large, and takes the others', async () => {
    const { shell, imported, listed } = await entered()
    const path = await fileWith(
      bitwarden(
        { type: 2, name: 'Before', notes: 'n' },
        { type: 1, name: 'Large', login: { username: 'u'.repeat(300_000), password: 'p' } },
        { type: 2, name: 'Long', notes: 'n'.repeat(300_000) },
        { type: 2, name: 'Behind', notes: 'n' },
      ),
    )
    const shown = await shell.done(['import', path, '--dry-run'])
    expect(shown).toMatch(/an item that is too large +1 +nothing: it is not taken +item 2/)
    expect(shown).toMatch(/notes that are too long +1 +the file notes.txt +item 3/)
    expect(await imported(path)).toMatchObject({ written: { items: 3, files: 1, tooLarge: [] } })
    const names = (await listed()).map(({ name }: { name: string }) => name)
    expect(names.sort()).toEqual(['Before', 'Behind', 'Long'])
  })

  it('is told that the account key was changed, and is done after a new login', async () => {
    const { shell, imported, listed } = await entered()
    const path = await fileWith(chrome(3))
    const { account } = await shell.otherDevice()
    await account.changeAccountKey({ password: shell.password })
    const { stderr } = await shell.ended('loggedOut', ['import', path, '--yes'])
    expect(stderr).toContain('The account key was changed on another device. Log in again')
    expect((await account.vaults()).map(({ itemCount }) => itemCount)).toEqual([0])
    await shell.done(['login', shell.email], shell.password)
    await shell.unlock()
    expect(await imported(path)).toMatchObject({ present: 0, written: { items: 3 } })
    expect(await imported(path)).toMatchObject({ present: 3, written: null })
    expect(await listed()).toHaveLength(3)
  })

  it('of two at once writes each item once', async () => {
    const { shell, listed } = await entered()
    const path = await fileWith(chrome(30))
    const both = await Promise.all([
      shell.run(['import', path, '--yes', '--json']),
      shell.run(['import', path, '--yes', '--json']),
    ])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(await listed()).toHaveLength(30)
  })
})

describe.each(engines)('an import with a token on %s', (engine) => {
  const { start, startBeside } = serversOn(engine)

  /** A job that has nothing but the token of the first vault of a new account. */
  async function job(server: TestServer, scope: string) {
    const shell = await newShell(server)
    await shell.enter()
    const token = await shell.done(['token', 'create', 'job', '--scope', scope], shell.password)
    const at = async (place: { url: string }) => {
      const job = await newShell(place)
      job.environment.LIMPET_TOKEN = token
      return job
    }
    return { shell, at }
  }
  const namesIn = async (shell: Shell) =>
    JSON.parse(await shell.done(['list', '--json'])).map(({ name }: { name: string }) => name)

  it('is refused before anything is written, if it may not write or needs another vault', async () => {
    const { server } = await start()
    const path = await fileWith(chrome(2))
    const reading = await job(server, 'read')
    const { stderr } = await (await reading.at(server)).ended('unexpected', ['import', path, '--yes'])
    expect(stderr).toContain('The token in LIMPET_TOKEN may not write.')
    expect(stderr).toContain('--scope write')
    expect(await namesIn(reading.shell)).toEqual([])

    const writing = await job(server, 'read,write')
    const two = await fileWith(
      bitwarden({ type: 2, name: 'Here' }, { type: 2, name: 'Elsewhere', folderId: 'f' }),
    )
    const refused = await (await writing.at(server)).ended('usage', [
      'import',
      two,
      '--yes',
      '--folders',
      'vaults',
    ])
    expect(refused.stderr).toContain('A token cannot make the vault "Work".')
    expect(await namesIn(writing.shell)).toEqual([])
  })

  it('ends at the quota with what is there and what to do, and goes on once there is more room', async () => {
    const { server, clock } = await start({ environment: { MAX_ITEMS: '510' } })
    const { shell, at } = await job(server, 'read,write')
    const path = await fileWith(chrome(520))
    const { stderr } = await (await at(server)).ended('unexpected', ['import', path, '--yes'])
    expect(stderr).toContain('There is no more room: ')
    expect(stderr).toContain('500 of 520 items are imported. The same command goes on from there')
    const beside = await startBeside(server, clock, { MAX_ITEMS: '1000' })
    const again = await (await at(beside)).done(['import', path, '--yes', '--json'])
    expect(JSON.parse(again)).toMatchObject({ present: 500, written: { items: 20 } })
    const names = await namesIn(shell)
    expect(names).toHaveLength(520)
    expect(new Set(names).size).toBe(520)
  })

  it('names a file that is too large, and takes all else', async () => {
    const { server } = await start({ environment: { MAX_ATTACHMENT_SIZE: '2K' } })
    const { shell, at } = await job(server, 'read,write')
    const path = await fileWith(
      bitwarden({ type: 2, name: 'Long', notes: 'n'.repeat(300_000) }, { type: 2, name: 'Behind' }),
    )
    const { stderr } = await (await at(server)).ended('unexpected', ['import', path, '--yes'])
    expect(stderr).toContain('larger than the server allows, and were left out:\n"notes.txt" of item 1')
    expect((await namesIn(shell)).sort()).toEqual(['Behind', 'Long'])
  })
})

describe('an import at the shell', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  const entered = async () => {
    const shell = await newShell(server)
    await shell.enter()
    return shell
  }

  it('asks, and needs --yes where nobody can be asked', async () => {
    const shell = await entered()
    const { stderr } = await shell.ended('usage', ['import', await fileWith(chrome(1))])
    expect(stderr).toContain('needs --yes here')
  })

  it('reads standard input, behind the password', async () => {
    const shell = await entered()
    const { stdout } = await shell.feed(['import', '-', '--yes', '--json'], bitwarden({ type: 2, name: 'N' }))
    expect(JSON.parse(stdout)).toMatchObject({ written: { items: 1 } })
  })

  it('takes any table whose columns are named', async () => {
    const shell = await entered()
    const path = await fileWith('Konto;Kennwort;Seite;Farbe\nada;geheim;example.com;blau\n')
    const { stderr } = await shell.ended('usage', ['import', path, '--yes'])
    expect(stderr).toContain('--column')
    const named = ['--column', 'username=Konto', '--column', 'password=kennwort', '--column', 'url=Seite']
    await shell.done(['import', path, '--yes', ...named])
    expect(JSON.parse(await shell.done(['get', 'example.com', '--json', '--reveal'])).content).toMatchObject({
      username: 'ada',
      password: 'geheim',
      fields: [{ name: 'Farbe', value: 'blau', hidden: true }],
    })
    const wrong = await shell.ended('usage', ['import', path, '--yes', '--column', 'username=Name'])
    expect(wrong.stderr).toContain('no column "Name". It has: Konto, Kennwort, Seite, Farbe.')
    await shell.ended('usage', ['import', path, '--yes', '--column', 'colour=Farbe'])
  })

  it('tells what has no place of its own, what is lost first', async () => {
    const shell = await entered()
    const path = await fileWith(
      bitwarden({
        type: 1,
        name: 'N',
        reprompt: 1,
        login: { password: 'p', fido2Credentials: [{ rpId: 'x' }] },
      }),
    )
    const shown = await shell.done(['import', path, '--dry-run'])
    expect(shown).toMatch(
      /a passkey of an unknown form +1 +nothing: it is not taken +item 1\nMaster password re-prompt +1 +a field +item 1/,
    )
  })

  it('says what to do about a file that it cannot read', async () => {
    const shell = await entered()
    const cases: [text: string, sentence: RegExp][] = [
      ['hello', /of no format that is known here/],
      ['{"encrypted":false,"items":[', /of no format that is known here/],
      [
        JSON.stringify({ encrypted: true, encKeyValidation_DO_NOT_EDIT: '2.a|b|c', items: [] }),
        /"Password protected"/,
      ],
      ['name,url,username,password\n"a', /quotation marks/],
    ]
    for (const [text, sentence] of cases) {
      const { stderr } = await shell.ended('usage', ['import', await fileWith(text), '--yes'])
      expect(stderr).toMatch(sentence)
    }
    expect((await shell.ended('usage', ['import', '/nowhere', '--yes'])).stderr).toContain('There is no file')
  })

  it('shows nothing that steers the terminal', async () => {
    const shell = await entered()
    const path = await fileWith(
      bitwarden({
        type: 1,
        name: evil,
        [evil]: evil,
        login: { password: evil, fido2Credentials: [{ rpId: evil }] },
      }),
      'export.json',
    )
    for (const args of [['--dry-run'], ['--dry-run', '--json']])
      expect(await shell.done(['import', path, ...args])).not.toMatch(steering)
    const { stderr } = await shell.ended('usage', ['import', path, '--format', evil, '--yes'])
    expect(stderr).not.toMatch(steering)
  })
})
