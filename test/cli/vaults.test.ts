// Whole vaults by typing: made, listed, renamed, deleted; and what their items were before.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

describe.each(engines)('vaults and versions, with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  async function enteredShell(): Promise<Shell> {
    const shell = await newShell(server)
    await shell.enter()
    return shell
  }

  it('are made, listed and renamed', async () => {
    const shell = await enteredShell()
    const id = await shell.done(['vault', 'create', 'Production'])
    await shell.ended('conflict', ['vault', 'create', 'Production'])
    await shell.ended('usage', ['vault', 'create', ' '])
    await shell.done(['add', 'login', 'Database', '--vault', 'Production'], 'one')
    expect(JSON.parse(await shell.done(['vault', 'list', '--json']))).toMatchObject([
      { name: 'Personal', items: 0, keyVersion: 1 },
      { id, name: 'Production', items: 1, keyVersion: 1 },
    ])
    expect(await shell.done(['vault', 'list'])).toMatch(new RegExp(`^Production +1 .*${id}$`, 'm'))
    await shell.ended('conflict', ['vault', 'rename', 'Production', 'Personal'])
    await shell.done(['vault', 'rename', 'production'.replace('p', 'P'), 'Live'])
    expect(await shell.done(['vault', 'list'])).toMatch(/^Live +1 /m)
    const { stderr } = await shell.ended('notFound', ['vault', 'rename', 'Produktion', 'Other'])
    expect(stderr).toContain('"Live"')
    // A token for it is what scripts need it for.
    expect(await shell.done(['token', 'create', 'deploy', '--vault', 'Live'], shell.password)).toContain('.')
  })

  it('are deleted once their name was typed, and with items only if that is said', async () => {
    const shell = await enteredShell()
    const id = await shell.done(['vault', 'create', 'Old'])
    await shell.done(['add', 'login', 'Mail', '--vault', 'Old'], 'one')
    await shell.done(['rm', 'Mail'])
    const { stderr } = await shell.ended('conflict', ['vault', 'rm', 'Old'], shell.password, 'Old')
    expect(stderr).toContain('1 item, of which 1 in the trash')
    const all = ['vault', 'rm', 'Old', '--with-items']
    await shell.ended('usage', all, shell.password, 'Personal')
    await shell.ended('usage', all, shell.password)
    await shell.ended('wrongPassword', all, 'another password', 'Old')
    expect(await shell.done(['vault', 'list'])).toContain(id)
    await shell.done(all, shell.password, 'Old')
    expect(await shell.done(['vault', 'list'])).not.toContain(id)
    // The copy is gone too: nothing speaks of a vault that is missing.
    expect(JSON.parse(await shell.done(['sync', '--json'])).missing).toEqual([])
  })

  it('are not deleted if another device writes meanwhile', async () => {
    const shell = await enteredShell()
    const { account } = await shell.otherDevice()
    const vault = await account.createVault('Old')
    const pulls = () => server.log().split('/changes').length
    const before = pulls()
    const removing = shell.start('vault', 'rm', 'Old')
    removing.write(`${shell.password}\n`)
    await vi.waitFor(() => expect(pulls()).toBeGreaterThan(before), { timeout: 20_000 })
    await vault.create({ kind: 'note', name: 'Poem', notes: 'one' })
    removing.write('Old\n')
    const { code } = await removing.finish()
    expect(code).toBe(7)
    expect(await account.vaults()).toHaveLength(2)
  })

  it('keep what an item was, show what was changed, and put it back', async () => {
    const shell = await enteredShell()
    const id = await shell.done(['add', 'login', 'Mail', '--username', 'ada'], 'first secret')
    await shell.done(['edit', 'Mail', '--username', 'ada@example.com', '--set', 'team=core'])
    await shell.done(['edit', 'Mail', '--set-secret', 'password'], 'second secret')
    const text = await shell.done(['history', 'Mail'])
    expect(text).toMatch(/as it is now.*\n +password +changed\n/)
    expect(text).toMatch(/ username +ada → ada@example.com\n/)
    expect(text).toMatch(/ team +added: core\n/)
    expect(text).not.toContain('secret')
    const revealed = await shell.done(['history', 'Mail', '--reveal'])
    expect(revealed).toContain('first secret → second secret')

    const versions = JSON.parse(await shell.done(['history', 'Mail', '--json']))
    expect(versions.map(({ content }: { content: object }) => content)).toMatchObject([
      { username: 'ada@example.com', password: 'first secret' },
      { username: 'ada', password: 'first secret' },
    ])
    // In the item too, where other clients show it, and where it outlasts the server's versions.
    const present = JSON.parse(await shell.done(['get', id, '--json', '--reveal'])).content
    expect(present).toMatchObject({
      password: 'second secret',
      previousPasswords: [{ password: 'first secret', replacedAt: expect.stringMatching(/Z$/) }],
    })
    const oldest = String(versions[1].revision)
    await shell.done(['restore', 'Mail', '--revision', oldest])
    expect(JSON.parse(await shell.done(['get', id, '--json'])).content).toEqual(versions[1].content)
    // As a version of its own: what it replaced is not lost.
    expect(await shell.done(['history', 'Mail', '--reveal'])).toContain('second secret → first secret')
    const { stderr } = await shell.ended('done', ['restore', 'Mail', '--revision', oldest])
    expect(stderr).toContain('Nothing was written')
    await shell.ended('notFound', ['restore', 'Mail', '--revision', '999'])
    const others = await shell.otherDevice()
    expect(await others.vault.versions(id)).toHaveLength(3)
  })
})
