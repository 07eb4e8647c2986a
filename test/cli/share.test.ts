// One-time links at the command line: the real program, and servers of every kind of share policy.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { largestSecretBytes, newShareKey, parseShareLink, sharesOf } from '../../src/sdk/index.ts'
import type { Result } from '../support/console.ts'
import { engines } from '../support/database.ts'
import { startServer, TestClock, type TestServer } from '../support/server.ts'
import { marker, newShell, program, type Shell } from './program.ts'

const day = 86_400_000

describe.each(engines)('one-time links with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  /** Shares without a session, as somebody who has no account. */
  async function shared(shell: Shell, secret: string | Uint8Array, ...options: string[]): Promise<string> {
    const { stdout, stderr, code } = await shell.feed(['share', ...options], secret)
    expect(stderr).toContain('once, until')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^http:.*\n$/)
    return stdout.trimEnd()
  }

  it('bring every byte, once', async () => {
    const shell = await newShell(server, 'as programs')
    const secret = Buffer.concat([Buffer.from('first line\r\n\0'), randomBytes(5000), Buffer.from('\n\n')])
    const link = await shared(shell, secret)
    expect(link.startsWith(`${server.url}/s/`)).toBe(true)
    const opened = await shell.run(['open', link])
    expect(opened).toMatchObject({ code: 0, bytes: secret })
    const again = await shell.ended('notFound', ['open', link])
    expect(again.stdout).toBe('')
    expect(again.stderr).toMatch(/already read on \d{4}-\d\d-\d\d \d\d:\d\d\. If that was not you/)
  })

  it('bring one byte, and the most', async () => {
    const shell = await newShell(server, 'as programs')
    for (const secret of [Buffer.from('\n'), randomBytes(largestSecretBytes)]) {
      const { bytes } = await shell.run(['open', await shared(shell, secret)])
      expect(bytes).toEqual(secret)
    }
  })

  it('with a passphrase: the first line, and then the secret', async () => {
    const shell = await newShell(server)
    const passphrase = marker('passphrase')
    const secret = Buffer.from([0xff, 0x0a, 0x80, 0x0a])
    const input = Buffer.concat([Buffer.from(`${passphrase}\r\n`), secret])
    const link = await shared(shell, input, '--passphrase')
    const wrong = await shell.ended('wrongPassword', ['open', link], 'another')
    expect(wrong.stderr).toContain('Nothing was lost')
    await shell.ended('usage', ['open', link])
    await shell.ended('usage', ['open', link], '')
    const right = await shell.feed(['open', link], passphrase)
    expect(right).toMatchObject({ code: 0, bytes: secret })
    const again = await shell.ended('notFound', ['open', link], passphrase)
    expect(again.stderr).toMatch(/already read on \d{4}-/)
    expect((await shell.ended('notFound', ['open', link])).stderr).toContain('already read')
  })

  it('are asked for where they are not given, and are forgiven what happens to them on their way', async () => {
    const shell = await newShell(server)
    expect(await shell.done(['open'], await shared(shell, 'one'))).toBe('one')
    const encoded = (await shared(shell, 'two')).replace('#', '%23')
    expect(await shell.done(['open', `<${encoded}>.`])).toBe('two')
    const link = await shared(shell, 'pass\nthree', '--passphrase')
    expect(await shell.done(['open'], link, 'pass')).toBe('three')
  })

  it('share a value of the vault', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'login', 'Mail', '--set', 'host=mx'], 'tïdal-p00l')
    const link = await shell.done(['share', '--item', 'mail', '--field', 'password', '--vault', 'Personal'])
    expect(await shell.done(['open', link])).toBe('tïdal-p00l')
    delete shell.environment.LIMPET_UNLOCK_KEY
    const locked = ['share', '--item', 'Mail', '--field', 'host', '--passphrase']
    const second = await shell.done(locked, shell.password, 'pass')
    expect(await shell.done(['open', second], 'pass')).toBe('mx')
    await shell.ended('notFound', ['share', '--item', 'Mail', '--field', 'pin'], shell.password)
    await shell.ended('notFound', ['share', '--item', 'Post', '--field', 'password'], shell.password)
  })

  it('say in JSON how to look after them', async () => {
    const shell = await newShell(server)
    const made = JSON.parse((await shell.feed(['share', '--json', '--ttl', '90s'], 'secret')).stdout)
    expect(Object.keys(made)).toEqual(['link', 'id', 'expiresAt', 'manageToken'])
    const shares = sharesOf(server.url)
    const { createdAt } = await shares.receipt(made)
    expect(Date.parse(made.expiresAt) - Date.parse(createdAt)).toBe(90_000)
    await shares.revoke(made)
    const { stderr } = await shell.ended('notFound', ['open', made.link])
    expect(stderr).toMatch(/took the share back on \d{4}-/)
  })

  it('leave neither the key nor the secret in the state folder or the server’s log', async () => {
    const shell = await newShell(server)
    const secret = marker('secret')
    const link = await shared(shell, secret)
    expect(await shell.done(['open', link])).toBe(secret)
    const { key } = parseShareLink(link)
    for (const hidden of [secret, key]) expect(server.log()).not.toContain(hidden)
  })
})

describe('one-time links', () => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite', { clock })
  })
  afterAll(() => server.close())

  it('live as long as they are told to, a week otherwise', async () => {
    const shell = await newShell(server)
    const lives = async (...options: string[]) => {
      const { stdout } = await shell.feed(['share', '--json', ...options], 'secret')
      return Date.parse(JSON.parse(stdout).expiresAt) - clock.now()
    }
    expect(await lives()).toBe(7 * day)
    expect(await lives('--ttl', '1m')).toBe(60_000)
    expect(await lives('--ttl', '60s')).toBe(60_000)
    expect(await lives('--ttl', '15m')).toBe(900_000)
    expect(await lives('--ttl', '1h')).toBe(3_600_000)
    expect(await lives('--ttl', '14d')).toBe(14 * day)
    for (const ttl of ['59s', '15d', '1209601s', '0', '7', '1w', '1.5h', '-1h', ''])
      expect((await shell.ended('usage', ['share', `--ttl=${ttl}`], 'x')).stderr).toContain('from 1m to 14d')
  })

  it('expire, and say when', async () => {
    const shell = await newShell(server)
    const link = await shell.done(['share', '--ttl', '1h'], 'secret')
    clock.advance(3_600_000)
    const { stderr } = await shell.ended('notFound', ['open', link])
    expect(stderr).toMatch(/expired on \d{4}-\d\d-\d\d \d\d:\d\d; nobody had read it/)
  })

  it('are not used up by a wrong key, and not found under a wrong id', async () => {
    const shell = await newShell(server)
    const link = await shell.done(['share'], 'secret')
    const { id, key } = parseShareLink(link)
    const { stderr } = await shell.ended('wrongPassword', ['open', link.replace(key, newShareKey())])
    expect(stderr).toContain('Nothing was lost')
    await shell.ended('notFound', ['open', link.replace(id, 'A'.repeat(22))])
    expect(await shell.done(['open', link])).toBe('secret')
  })

  it('are refused where they are incomplete or lead elsewhere, without being repeated', async () => {
    const shell = await newShell(server)
    const link = await shell.done(['share'], 'secret')
    const { key } = parseShareLink(link)
    const cut = [link.slice(0, -1), link.slice(0, -20), link.slice(0, link.indexOf('#')), `${link}x`]
    for (const incomplete of cut) {
      const { stderr } = await shell.ended('usage', ['open', incomplete])
      expect(stderr).toContain('incomplete')
      expect(stderr).not.toContain(key.slice(0, 10))
    }
    const insecure = link.replace(server.url, 'http://vault.example.com')
    for (const elsewhere of ['', 'secret', 'https://example.com/', insecure])
      await shell.ended('usage', ['open'], elsewhere)
    expect(await shell.done(['open'], `> **<${link}>**,`)).toBe('secret')
  })

  it('hold neither nothing nor too much', async () => {
    const shell = await newShell(server)
    expect((await shell.run(['share'])).stderr).toContain('the secret is empty')
    const large = await shell.feed(['share'], randomBytes(largestSecretBytes + 1))
    expect(large).toMatchObject({ code: 2, stdout: '' })
    expect(large.stderr).toContain('65,471 bytes')
    // Not ended: it has to notice without waiting for all of it.
    const endless = shell.startProgram('share')
    for (let sent = 0; sent <= 2 * largestSecretBytes; sent += 1 << 16) endless.write(randomBytes(1 << 16))
    expect((await endless.ended).code).toBe(2)
    await shell.ended('usage', ['share', '--passphrase'], '', 'secret')
    await shell.ended('usage', ['share', '--field', 'password'], 'secret')
    await shell.ended('usage', ['share', '--item', 'Mail'], 'secret')
    await shell.ended('usage', ['share', 'secret'])
  })

  it('are unavailable where the server is', async () => {
    const shell = await newShell({ url: 'http://127.0.0.1:9' })
    await shell.ended('unavailable', ['share'], 'secret')
    await shell.ended('unavailable', ['open', `http://127.0.0.1:9/s/${'A'.repeat(22)}#${newShareKey()}`])
  })

  it.runIf(process.platform === 'linux')(
    'say so where standard output takes nothing, and the server does not hear that it arrived',
    async () => {
      const shell = await newShell(server)
      const link = await shell.done(['share'], 'secret')
      const acknowledged = () => server.log().split('/ack').length
      const before = acknowledged()
      const full = await open('/dev/full', 'w')
      try {
        const child = spawn(process.execPath, [program, 'open', link], {
          stdio: ['ignore', full.fd, 'pipe'],
          env: { ...process.env, LIMPET_STATE_DIR: shell.folder },
        })
        if (!child.stderr) throw new Error('There is no pipe for standard error')
        const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
        expect(code).toBe(1)
        expect(stderr).toMatch(/could not be written: ENOSPC/)
        expect(acknowledged()).toBe(before)
      } finally {
        await full.close()
      }
    },
  )
})

describe('the reader', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  interface Forwarded {
    readonly path: string
    readonly status: number
    readonly body: string
  }

  /** Opens a link through somebody on the way who changes answers. */
  async function openThrough(link: string, change: (answer: Forwarded) => Forwarded) {
    const paths: string[] = []
    const between = createServer(async (request, response) => {
      const path = request.url ?? ''
      paths.push(`${request.method} ${path.split('/').at(-1)}`)
      const body = await text(request)
      const answer = await fetch(`${server.url}${path}`, {
        method: request.method ?? '',
        headers: { 'Content-Type': 'application/json' },
        ...(body !== '' && { body }),
      })
      const changed = change({ path, status: answer.status, body: await answer.text() })
      response.writeHead(changed.status, { 'Content-Type': 'application/json' }).end(changed.body)
    })
    await once(between.listen(0, '127.0.0.1'), 'listening')
    try {
      const address = between.address()
      const port = typeof address === 'object' ? address?.port : undefined
      const shell = await newShell(server)
      const result = await shell.run(['open', link.replace(server.url, `http://127.0.0.1:${port}`)])
      return { result, paths }
    } finally {
      between.close()
    }
  }

  const share = async (secret: string) => (await newShell(server)).done(['share'], secret)
  const ids = (link: string) => [`HEAD ${parseShareLink(link).id}`, 'POST reveal']

  it('says that the secret has arrived, after it has', async () => {
    const link = await share('secret')
    const { result, paths } = await openThrough(link, (answer) => answer)
    expect(result).toMatchObject({ code: 0, stdout: 'secret\n' })
    expect(paths).toEqual([...ids(link), 'POST ack'])
  })

  it('does not mind when the server does not hear of it', async () => {
    const link = await share('secret')
    const { result } = await openThrough(link, (answer) =>
      answer.path.endsWith('/ack') ? { ...answer, status: 418, body: '' } : answer,
    )
    expect(result).toMatchObject({ code: 0, stdout: 'secret\n' })
    expect(result.stderr).not.toContain('limpet:')
  })

  it('refuses what the key does not open, and does not say that it has arrived', async () => {
    const link = await share('secret')
    const { result, paths } = await openThrough(link, (answer) =>
      answer.path.endsWith('/reveal')
        ? {
            ...answer,
            body: answer.body.replace(/[\w-](?=[\w-]{30}=*"\}$)/, (one) => (one === 'A' ? 'B' : 'A')),
          }
        : answer,
    )
    expect(result).toMatchObject({ code: 9, stdout: '' })
    expect(result.stderr).toContain('does not open with the key of the link')
    expect(paths).toEqual(ids(link))
  })

  it('asks no more where the server says that there were too many tries', async () => {
    const link = await share('secret')
    const problem = { type: 'https://example.com/x', title: 'x', detail: 'Too many tries.', requestId: 'x' }
    const body = JSON.stringify({ ...problem, status: 429, code: 'too-many-requests' })
    const { result } = await openThrough(link, (answer) =>
      answer.path.endsWith('/reveal') ? { ...answer, status: 429, body } : answer,
    )
    expect(result).toMatchObject({ code: 8, stdout: '' })
  })
})

describe('who may share', () => {
  const withServer = async (policy: string, use: (server: TestServer, shell: Shell) => Promise<void>) => {
    const server = await startServer('sqlite', { environment: { SHARES: policy } })
    try {
      await use(server, await newShell(server))
    } finally {
      await server.close()
    }
  }
  const sentence = ({ stderr }: Result) => stderr

  it('is who has a session where the server says so; everybody may open', () =>
    withServer('accounts', async (server, shell) => {
      expect(sentence(await shell.ended('loggedOut', ['share'], 'secret'))).toContain('limpet login')
      await shell.done(['register', shell.email], shell.password)
      await shell.done(['login', shell.email], shell.password)
      const link = await shell.done(['share'], 'secret')
      const stranger = await newShell(server)
      expect(await stranger.done(['open', link])).toBe('secret')
    }))

  it('is nobody where shares are off', () =>
    withServer('off', async (_server, shell) => {
      await shell.ended('unexpected', ['share'], 'secret')
    }))
})
