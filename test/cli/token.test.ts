// Personal access tokens at the command line: made by an account, used by a job that has nothing else.
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { marker, newShell, type Shell } from './program.ts'

const whole = /^lmp_[\w-]{43}\.[\w-]{43}$/

/** A server on which sharing takes an account too, for the tests of a suite, and people at it. */
function serverFor(engine: Engine) {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { environment: { SHARES: 'accounts' } })
  })
  afterAll(() => server.close())

  /** A shell with a session, and an item in each of two vaults. */
  async function owner() {
    const shell = await newShell(server)
    await shell.enter()
    const { account } = await shell.otherDevice()
    await account.createVault('Production')
    const [secret, other] = [marker('production'), marker('personal')]
    await shell.done(['add', 'login', 'Database', '--vault', 'Production'], secret)
    await shell.done(['add', 'login', 'Diary', '--vault', 'Personal'], other)
    return { shell, secret, other }
  }

  const create = (shell: Shell, ...args: string[]) =>
    shell.done(['token', 'create', 'job', '--vault', 'Production', ...args], shell.password)

  /** A job: an empty state folder, and the token in its environment. */
  async function jobWith(token: string) {
    const job = await newShell(server)
    job.environment.LIMPET_TOKEN = token
    return job
  }

  const filesOf = ({ folder }: Shell) => readdir(folder).catch(() => [])

  return { owner, create, jobWith, filesOf, log: () => server.log() }
}

describe.each(engines)('a token at the command line with a server on %s', (engine) => {
  const { owner, create, jobWith, filesOf, log } = serverFor(engine)

  it('reads and decrypts one vault without login, password and state', async () => {
    const { shell, secret } = await owner()
    const token = await create(shell)
    expect(token).toMatch(whole)
    const job = await jobWith(token)
    expect(await job.done(['get', 'Database', '--field', 'password'])).toBe(secret)
    const listed = JSON.parse(await job.done(['list', '--json']))
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(['Database'])
    await job.ended('notFound', ['get', 'Diary'])
    await job.done(['sync'])
    expect(await filesOf(job)).toEqual([])
    const { stderr } = await job.ended('unexpected', ['add', 'note', 'Log'], 'text')
    expect(stderr).toContain('may not write')
    expect(stderr).not.toContain(token)
    for (const half of token.split('.')) expect(log()).not.toContain(half)
  })

  it('with the scope write adds, edits, trashes and restores, which the owner finds', async () => {
    const { shell } = await owner()
    const job = await jobWith(await create(shell, '--scope', 'write'))
    const id = await job.done(['add', 'note', 'Log'], 'deployed')
    await job.done(['edit', 'Log', '--name', 'Deployment'])
    expect(await shell.done(['get', id, '--field', 'notes'])).toBe('deployed')
    await job.done(['rm', 'Deployment'])
    expect(await job.done(['list', '--trash'])).toContain('Deployment')
    await job.done(['restore', 'Deployment'])
    expect(await shell.done(['get', 'Deployment', '--field', 'vault'])).toBe('Production')
    const refused = await job.ended('usage', ['rm', 'Deployment', '--permanent', '--yes'])
    expect(refused.stderr).toContain('deletes nothing for good')
    await shell.done(['rm', 'Deployment', '--permanent', '--yes'])
    await job.ended('notFound', ['get', id])
    expect(await filesOf(job)).toEqual([])
  })

  it('with the scope shares makes links where the server wants an account for it', async () => {
    const { shell, secret } = await owner()
    const both = await jobWith(await create(shell, '--scope', 'read,shares'))
    const link = await both.done(['share', '--item', 'Database', '--field', 'password'])
    expect((await both.feed(['open'], link)).stdout).toBe(secret)
    const sharesOnly = await shell.done(['token', 'create', 'links', '--scope', 'shares'], shell.password)
    expect(sharesOnly).toMatch(/^lmp_[\w-]{43}$/)
    const job = await jobWith(sharesOnly)
    expect((await job.feed(['share'], 'a secret')).stdout).toContain('/s/')
    await job.ended('usage', ['get', 'Database'])
    const readOnly = await jobWith(await create(shell))
    expect((await readOnly.feed(['share'], 'a secret')).code).toBe(1)
  })

  it('is listed with its last use, and revoked for every job', async () => {
    const { shell } = await owner()
    const made = JSON.parse(await create(shell, '--expires', '12h', '--json'))
    expect(made).toMatchObject({ name: 'job', scopes: ['read'], vault: { name: 'Production' } })
    expect(made.token).toMatch(whole)
    const hours = (Date.parse(made.expiresAt) - Date.parse(made.createdAt)) / 3_600_000
    expect(hours).toBeCloseTo(12, 1)
    const job = await jobWith(made.token)
    await job.done(['list'])
    const [listed] = JSON.parse(await shell.done(['token', 'list', '--json']))
    expect(listed).toMatchObject({ id: made.id, vault: made.vault, lastUsedAt: expect.any(String) })
    expect(JSON.stringify(listed)).not.toContain('lmp_')
    expect(await shell.done(['token', 'list'])).toContain('Production')
    await shell.done(['token', 'revoke', 'job'])
    const { stderr } = await job.ended('loggedOut', ['list'])
    expect(stderr).toContain('revoked')
    await shell.ended('notFound', ['token', 'revoke', 'job'])
  })
})

describe('a token at the command line', () => {
  const { owner, create, jobWith } = serverFor('sqlite')

  it('is refused for what is about the account, and where it is not whole', async () => {
    const { shell } = await owner()
    const token = await create(shell, '--expires', 'never')
    // In the very shell that has a session: the token is not passed over.
    shell.environment.LIMPET_TOKEN = token
    for (const args of [
      ['status'],
      ['unlock'],
      ['logout'],
      ['login', shell.email],
      ['register', shell.email],
      ['token', 'list'],
    ]) {
      const { stderr } = await shell.ended('usage', args)
      expect(stderr).toContain('unset LIMPET_TOKEN')
    }
    const [half = '', secret = ''] = token.split('.')
    for (const text of ['x', half.slice(1), `${half}.`, `${half}.${secret.slice(1)}`, `${token}.x`]) {
      const { stderr } = await (await jobWith(text)).ended('usage', ['list'])
      expect(stderr).toContain('not whole')
      expect(stderr).not.toContain(half.slice(5))
    }
    await (await jobWith(half)).ended('usage', ['list'])
    await (await jobWith(`${half}.${'A'.repeat(43)}`)).ended('refused', ['list'])
    // As where a secret of the CI system is not set.
    shell.environment.LIMPET_TOKEN = ''
    await shell.done(['token', 'list'])
  })

  it('takes only what it understands', async () => {
    const { shell } = await owner()
    await shell.ended('usage', ['token', 'make', 'job'])
    await shell.ended('usage', ['token', 'create'])
    await shell.ended('usage', ['token', 'list', 'job'])
    await shell.ended('usage', ['token', 'revoke'])
    await shell.ended('usage', ['token', 'create', 'job', '--scope', 'admin', '--vault', 'Production'])
    await shell.ended('usage', ['token', 'create', 'job', '--expires', '10y', '--vault', 'Production'])
    await shell.ended('usage', ['token', 'create', '', '--vault', 'Production'])
    await shell.ended('usage', ['token', 'list', '--expires', '1h'])
    await shell.ended('ambiguous', ['token', 'create', 'job'], shell.password)
    await shell.ended('notFound', ['token', 'create', 'job', '--vault', 'Nowhere'], shell.password)
    expect(await shell.done(['token', 'list'])).toBe('')
    await create(shell)
    await create(shell)
    const { stderr } = await shell.ended('ambiguous', ['token', 'revoke', 'job'])
    expect(stderr.match(/[0-9a-f-]{36}/g)).toHaveLength(2)
  })
})
