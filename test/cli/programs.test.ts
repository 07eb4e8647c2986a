// Secrets for programs: what a program gets, and where else its secrets are not.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { marker, newShell, type Shell } from './program.ts'

const sh = (script: string) => ['--', 'sh', '-c', script]

describe.each(engines)('secrets for programs with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  /** A shell whose vault has a login and a note. */
  async function shellWithSecrets(): Promise<{ shell: Shell; secret: string; env: string[] }> {
    const shell = await newShell(server)
    await shell.enter()
    const secret = marker('secret')
    await shell.done(['add', 'login', 'Data/base', '--username', 'ada', '--set-secret', 'pin'], secret, '12')
    return { shell, secret, env: ['--env', 'PGPASSWORD=limpet://Personal/Data%2Fbase/password'] }
  }

  it('gives them to the program alone, and not the way to others', async () => {
    const { shell, secret, env } = await shellWithSecrets()
    const file = join(dirname(shell.folder), 'seen')
    shell.environment.SEEN = file
    const own = shell.environment.LIMPET_UNLOCK_KEY ?? ''
    // The program reads what its parent's arguments and environment are.
    const script =
      'printf "%s" "$PGPASSWORD" > "$SEEN"; env >> "$SEEN"; tr "\\0" "\\n" < /proc/$PPID/environ > "$SEEN.parent"; tr "\\0" "\\n" < /proc/$PPID/cmdline >> "$SEEN.parent"; tr "\\0" "\\n" < /proc/$$/cmdline >> "$SEEN.parent"'
    const { code, stderr } = await shell.startProgram('run', ...env, ...sh(script)).finish()
    expect(code, stderr).toBe(0)
    const seen = await readFile(file, 'utf8')
    expect(seen.startsWith(secret)).toBe(true)
    expect(seen).not.toContain(own)
    const parent = await readFile(`${file}.parent`, 'utf8')
    expect(parent).toContain('PGPASSWORD=limpet://')
    expect(parent).not.toContain(secret)
  })

  it('passes on arguments, exit code, input and signals', async () => {
    const { shell, env } = await shellWithSecrets()
    const ended = async (...args: string[]) => (await shell.startProgram(...args).finish()).code
    expect(await ended('run', ...env, '--', 'sh', '-c', 'exit "$2"', '--generate=7', '--', '42')).toBe(42)
    expect(await ended('run', '--', 'no-such-program')).toBe(127)
    expect(await ended('run', '--', '/')).toBe(126)
    expect(await ended('run', '--', 'sh', '-c', 'kill -TERM $$')).toBe(143)
    const { stdout } = await shell.startProgram('run', '--mask', ...env, '--', 'echo', '--env', '-x').finish()
    expect(stdout).toBe('--env -x\n')
    const waiting = shell.startProgram(
      'run',
      ...sh('trap "echo stopped; exit 9" TERM; echo ready; for tick in $(seq 600); do sleep 0.05; done'),
    )
    await vi.waitFor(() => expect(waiting.printed()).toContain('ready'), { timeout: 20_000 })
    waiting.signal('SIGTERM')
    expect(await waiting.finish()).toMatchObject({ code: 9, stdout: 'ready\nstopped\n' })
    // The first line is the password, and the rest is for the program.
    delete shell.environment.LIMPET_UNLOCK_KEY
    const fed = await shell.feed(['run', '--mask', ...env, '--', 'cat'], `${shell.password}\none\ntwo`)
    expect(fed).toMatchObject({ code: 0, stdout: 'one\ntwo' })
  })

  it('hides them in both outputs if asked', async () => {
    const { shell, secret, env } = await shellWithSecrets()
    const pin = ['--env', 'PIN=limpet://Personal/Data%2Fbase/pin']
    const result = await shell.run([
      'run',
      '--mask',
      ...env,
      ...pin,
      ...sh(
        'printf "%s" "$PGPASSWORD" | cut -c1-9 | tr -d "\\n"; printf "%s\\n" "$PGPASSWORD" | cut -c10-; echo "$PGPASSWORD" >&2; echo end',
      ),
    ])
    expect(result.stdout).toBe('••••••••\nend\n')
    expect(result.stderr).not.toContain(secret)
    expect(result.stderr).toContain('Not hidden, because shorter than 4 characters: PIN.')
  })

  it('reads files of variables, of which a later one counts, and says which line is wrong', async () => {
    const { shell, secret } = await shellWithSecrets()
    const file = join(dirname(shell.folder), '.env.limpet')
    await writeFile(
      file,
      '# for the job\n\nexport PLAIN="some text"\nTOKEN=limpet://Personal/Data%2Fbase/username\nPGPASSWORD=\'limpet://Personal/Data%2Fbase/password\'\n',
    )
    const script = 'test "$PGPASSWORD" = "$WANTED" && echo "$PLAIN $TOKEN"'
    shell.environment.WANTED = secret
    const args = ['run', '--mask', '--env-file', file, '--env', 'TOKEN=limpet://Personal/Data%2Fbase/pin']
    expect(await shell.done([...args, ...sh(script)])).toBe('some text 12')
    for (const line of [`${secret}`, 'A B=1', '1A=1', 'A="open', "A='a'b'"]) {
      await writeFile(file, `FINE=1\n${line}\n`)
      const { stderr } = await shell.ended('usage', [...args, ...sh('echo started')])
      expect(stderr).toContain('line 2')
      expect(stderr).not.toContain(secret)
    }
  })

  it('starts nothing where a reference means nothing, or several things', async () => {
    const { shell } = await shellWithSecrets()
    await shell.done(['add', 'login', 'Twice'], 'one')
    const id = await shell.done(['add', 'login', 'Twice'], 'two')
    const attempt = async (reference: string) => {
      const { code, stdout } = await shell.run([
        'run',
        '--mask',
        '--env',
        `A=${reference}`,
        ...sh('echo started'),
      ])
      return [code, stdout]
    }
    for (const malformed of ['plain', 'limpet://', 'limpet://a/b', 'limpet://a/b/c/d', 'limpet://a/%/c'])
      expect(await attempt(malformed), malformed).toEqual([2, ''])
    expect(await attempt('limpet://Other/Twice/password')).toEqual([5, ''])
    expect(await attempt('limpet://Personal/twice/password')).toEqual([5, ''])
    expect(await attempt('limpet://Personal/Twi/password')).toEqual([5, ''])
    expect(await attempt('limpet://Personal/Data%2Fbase/nothing')).toEqual([5, ''])
    expect(await attempt('limpet://Personal/Twice/password')).toEqual([6, ''])
    expect(await attempt(`limpet://Personal/${id}/password`)).toEqual([0, 'started\n'])
  })

  it('fills a template wholly or not at all', async () => {
    const { shell, secret } = await shellWithSecrets()
    const template =
      'user: {{ limpet://Personal/Data%2Fbase/username }}\r\npass: "{{limpet://Personal/Data%2Fbase/password}}"\n{{ other }} $& end'
    const filled = `user: ada\r\npass: "${secret}"\n{{ other }} $& end`
    const { bytes } = await shell.feed(['inject'], template)
    expect(bytes.toString()).toBe(filled)
    const file = join(dirname(shell.folder), 'config')
    await shell.feed(['inject', '--output', file], template)
    expect(await readFile(file, 'utf8')).toBe(filled)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await shell.feed(['inject', '--output', file], template)).code).toBe(7)
    const broken = await shell.feed(['inject'], `${template}{{ limpet://Personal/None/password }}`)
    expect(broken).toMatchObject({ code: 5, stdout: '' })
    expect((await shell.feed(['inject'], Buffer.from([0xff]))).code).toBe(2)
  })

  it('gives several items at once', async () => {
    const { shell, secret } = await shellWithSecrets()
    await shell.done(['add', 'note', 'Poem'], 'low tide')
    const items = JSON.parse(await shell.done(['get', 'Poem', 'Data/base', '--json']))
    expect(items).toMatchObject([
      { content: { name: 'Poem', notes: 'low tide' } },
      { content: { name: 'Data/base', password: secret } },
    ])
    await shell.ended('usage', ['get', 'Poem', 'Data/base', '--field', 'notes'])
    await shell.ended('notFound', ['get', 'Poem', 'None', '--json'])
  })
})
