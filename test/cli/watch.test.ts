// `sync --watch` and `list --watch`: what they say, to people and to scripts, and how they end.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { restartableServer } from '../support/restartable.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type RunningProgram, type Shell } from './program.ts'

// Programs and this process share accounts.
vi.unmock('hash-wasm')
vi.unmock('@serenity-kit/opaque')

const login = (name: string) => ({ kind: 'login' as const, name, username: 'ada', password: 'secret-word' })

const patience = { timeout: 30_000 }

/** Lines of JSON, without their times. */
const linesOf = (running: RunningProgram) =>
  running
    .printed()
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { time, ...rest } = z.looseObject({ time: z.iso.datetime() }).parse(JSON.parse(line))
      return rest
    })

const until = (isSo: () => unknown) => vi.waitFor(() => expect(isSo()).toBeTruthy(), patience)

/** Starts a command that goes on until it is ended. */
function startWatch(shell: Shell, ...args: string[]): RunningProgram {
  const running = shell.startProgram(...args)
  onTestFinished(async () => {
    running.signal('SIGKILL')
    await running.ended
  })
  return running
}

async function enteredShell(server: { url: string }): Promise<Shell> {
  const shell = await newShell(server)
  await shell.enter()
  return shell
}

describe('watching at a shell', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('says a line for each change, keeps the copy up to date, and ends by Ctrl-C', async () => {
    const shell = await enteredShell(server)
    const { vault } = await shell.otherDevice()
    const before = await vault.create(login('Before'))
    await shell.done(['sync'])
    const missed = await vault.create(login('Missed'))
    const watch = startWatch(shell, 'sync', '--watch')
    await until(() => watch.remarked().includes('Changes follow'))
    const has = (line: RegExp) => until(() => line.test(watch.printed()))
    await has(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}added {5}Missed {2}\(Personal\)$/m)
    const mail = await vault.create(login('Mail'))
    await has(/added {5}Mail/)
    await vault.replace(mail.id, mail.revision, login('Post'))
    await has(/changed {3}Post/)
    await vault.trash(mail.id)
    await has(/trashed {3}Post/)
    await vault.restore(mail.id)
    await has(/restored {2}Post/)
    await vault.purge(missed.id)
    await has(/deleted {3}Missed/)
    await vault.rename('Home')
    await has(/renamed {3}vault Home/)
    watch.signal('SIGINT')
    expect((await watch.ended).code).toBe(130)
    expect(watch.printed()).not.toContain('secret-word')
    const copy = await readFile(join(shell.folder, `vault-${vault.id}.json`), 'utf8')
    const { replica } = z
      .object({ replica: z.object({ items: z.array(z.looseObject({ id: z.string() })) }) })
      .parse(JSON.parse(copy))
    expect(
      replica.items
        .filter((item) => 'data' in item)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([before.id, mail.id].toSorted())
  })

  it('says lines of JSON, and ends by SIGTERM', async () => {
    const shell = await enteredShell(server)
    const { account, vault } = await shell.otherDevice()
    const watch = startWatch(shell, 'sync', '--watch', '--json')
    const personal = { id: vault.id, name: 'Personal' }
    await until(() => linesOf(watch).some(({ event }) => event === 'ready'))
    const mail = await vault.create(login('Mail'))
    await until(() => linesOf(watch).some(({ event }) => event === 'item'))
    await vault.purge(mail.id)
    await until(() => linesOf(watch).some(({ change }) => change === 'deleted'))
    const team = await account.createVault('Team\u001b[2J')
    await until(() => linesOf(watch).filter(({ event }) => event === 'vault').length > 1)
    await account.deleteVault(team.id, shell.password)
    await until(() => linesOf(watch).filter(({ event }) => event === 'vault').length > 2)
    watch.signal('SIGTERM')
    const { code, stderr, stdout } = await watch.ended
    expect(code).toBe(143)
    expect(stderr).toBe('')
    expect(stdout).not.toContain('\u001b')
    const ofTeam = { id: team.id, name: 'Team\u001b[2J' }
    expect(linesOf(watch).filter(({ event }) => event !== 'online')).toEqual([
      { event: 'vault', change: 'added', vault: personal, items: 0 },
      { event: 'ready' },
      { event: 'item', change: 'added', id: mail.id, name: 'Mail', revision: mail.revision, vault: personal },
      { event: 'item', change: 'deleted', id: mail.id, name: 'Mail', revision: null, vault: personal },
      { event: 'vault', change: 'added', vault: ofTeam, items: 0 },
      { event: 'vault', change: 'deleted', vault: ofTeam, items: 0 },
    ])
  })

  it('lists for scripts what there is, and what becomes of it', async () => {
    const shell = await enteredShell(server)
    const { vault } = await shell.otherDevice()
    const mail = await vault.create(login('Mail'))
    await vault.create({ kind: 'note', name: 'Mail too' })
    const watch = startWatch(shell, 'list', 'mail', '--kind', 'login', '--watch', '--json')
    await until(() => linesOf(watch).some(({ event }) => event === 'ready'))
    const { revision } = await vault.replace(mail.id, mail.revision, login('Gmail'))
    await until(() => linesOf(watch).filter(({ event }) => event === 'item').length > 1)
    await vault.trash(mail.id, revision)
    await until(() => linesOf(watch).some(({ event }) => event === 'gone'))
    watch.stopReading()
    const summary = { id: mail.id, kind: 'login', username: 'ada', vault: { id: vault.id, name: 'Personal' } }
    expect(linesOf(watch).filter(({ event }) => event !== 'online')).toMatchObject([
      { event: 'item', item: { ...summary, name: 'Mail' } },
      { event: 'ready' },
      { event: 'item', item: { ...summary, name: 'Gmail' } },
      { event: 'gone', id: mail.id },
    ])
    // A pipe whose reader is gone ends it with the next line.
    await vault.restore(mail.id)
    expect((await watch.ended).code).toBe(0)
  })

  it('says that the server is away, shows what is here, and goes on when it is back', async () => {
    const own = await restartableServer()
    const shell = await enteredShell(own)
    const { vault } = await shell.otherDevice()
    await vault.create(login('Mail'))
    await shell.done(['sync'])
    await own.stop()
    const watch = startWatch(shell, 'list', '--watch')
    await until(() => watch.remarked().includes('Offline: '))
    expect(watch.printed()).toContain('Mail')
    await own.restart()
    await vault.create(login('GitHub'))
    await until(() => watch.remarked().includes('Online again.'))
    await until(() => watch.printed().includes('GitHub'))
    watch.signal('SIGHUP')
    expect((await watch.ended).code).toBe(129)
  })

  it('puts back what a server lost that was restored from a backup', async () => {
    const own = await restartableServer()
    const shell = await enteredShell(own)
    const { vault } = await shell.otherDevice()
    await vault.create(login('Before'))
    await own.backUp()
    const watch = startWatch(shell, 'sync', '--watch', '--json')
    await until(() => linesOf(watch).some(({ event }) => event === 'ready'))
    const mail = await vault.create(login('Mail'))
    await until(() => linesOf(watch).some(({ event }) => event === 'item'))
    await own.restoreBackup()
    await until(() => linesOf(watch).some(({ event }) => event === 'resynced'))
    expect(linesOf(watch).find(({ event }) => event === 'resynced')).toMatchObject({
      putBack: [{ id: mail.id, name: 'Mail' }],
      recovered: [],
    })
    const { vault: anew } = await shell.otherDevice()
    expect((await anew.get(mail.id)).content).toEqual(login('Mail'))
  })

  it('ends with the session, and with the token', async () => {
    const shell = await enteredShell(server)
    const { account, vault } = await shell.otherDevice()
    const made = await account.tokens.create({
      name: 'job',
      scopes: ['read'],
      vault,
      password: shell.password,
    })
    const watch = startWatch(shell, 'sync', '--watch')
    await until(() => watch.remarked().includes('Changes follow'))
    const job = await newShell(server)
    job.environment.LIMPET_TOKEN = made.bearerToken
    const ofToken = startWatch(job, 'sync', '--watch')
    await until(() => ofToken.remarked().includes('Changes follow'))
    await account.tokens.revoke(made.id)
    await account.endOtherSessions()
    for (const running of [watch, ofToken]) expect((await running.ended).code).toBe(3)
    expect(watch.remarked()).toContain('limpet login')
  })

  it('refuses what cannot be meant together', async () => {
    const shell = await newShell(server)
    for (const option of ['--accept', '--put-back']) await shell.ended('usage', ['sync', '--watch', option])
  })
})
