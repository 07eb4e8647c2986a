// One-time codes, passphrases and the clipboard at the shell.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { clearClipboard, clipboards } from '../../src/cli/clipboard.ts'
import { generatePassphrase, passwordBits } from '../../src/cli/passwords.ts'
import { words } from '../../src/cli/words.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

// Programs and this process share accounts.
vi.unmock('hash-wasm')
vi.unmock('@serenity-kit/opaque')

const offline = { url: 'http://127.0.0.1:9' }

/** A desktop whose clipboard is a file. */
async function fakeDesktop() {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-desktop-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'content')
  const programs = {
    'wl-copy': `#!/bin/sh\necho "$@" > '${folder}/arguments'\nenv > '${folder}/environment'\nexec cat > '${file}'\n`,
    'wl-paste': `#!/bin/sh\nexec cat '${file}'\n`,
  }
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), script)
    await chmod(join(folder, name), 0o755)
  }
  const environment = {
    WAYLAND_DISPLAY: 'wayland-0',
    PATH: `${folder}:${process.env.PATH}`,
    DISPLAY: '',
    LIMPET_CLIPBOARD_SECONDS: '1',
  }
  return { folder, environment, content: () => readFile(file, 'utf8') }
}

describe('totp', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('prints the code of a login, and says what is missing', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const totp = new TOTP({ label: 'ada', issuer: 'Site', algorithm: 'SHA512', digits: 8, period: 3600 })
    await shell.done(['add', 'login', 'Mail', '--set-secret', 'totp'], 'one', totp.toString())
    await shell.done(['add', 'login', 'Plain'], 'one')
    await shell.done(['add', 'login', 'Odd', '--set-secret', 'totp'], 'one', 'odd secret 1')
    const now = Date.now()
    const possible = [totp.generate({ timestamp: now }), totp.generate({ timestamp: now + 3_600_000 })]
    expect(possible).toContain(await shell.done(['totp', 'Mail']))
    const json = JSON.parse(await shell.done(['totp', 'Mail', '--json']))
    expect(json).toMatchObject({ code: expect.stringMatching(/^\d{8}$/), period: 3600 })
    expect(Date.parse(json.expiresAt) / 1000 - Date.now() / 1000).toBeLessThan(3601)
    expect((await shell.ended('notFound', ['totp', 'Plain'])).stderr).toContain('--set-secret totp')
    const odd = await shell.ended('usage', ['totp', 'Odd'])
    expect(odd.stderr).toContain('not base32')
    expect(odd.stderr).not.toContain('odd secret')
    await shell.ended('usage', ['totp', 'Mail', '--copy', '--json'])
  })

  it('goes on with --watch, a line for each code, until a signal', async () => {
    const shell = await newShell(server, 'as programs')
    await shell.enter()
    const secret = 'otpauth://totp/x?secret=MEMEMEMEMEMEMEME&period=1'
    await shell.done(['add', 'login', 'Mail', '--set-secret', 'totp'], 'one', secret)
    const running = shell.startProgram('totp', 'Mail', '--watch')
    await vi.waitFor(() => expect(running.printed().split('\n').length).toBeGreaterThan(2), {
      timeout: 20_000,
    })
    running.signal('SIGINT')
    const { code, stdout } = await running.ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/^(\d{6}\n){2,}$/)
  })

  it('and other secrets go to the clipboard by standard input, and are taken out of it', async () => {
    const shell = await newShell(server, 'as programs')
    await shell.enter()
    await shell.done(['add', 'login', 'Mail'], 'clipped secret')
    const { folder, environment, content } = await fakeDesktop()
    Object.assign(shell.environment, environment)
    const { stdout, stderr } = await shell.ended('done', ['get', 'Mail', '--copy'])
    expect(stdout).toBe('')
    expect(stderr).toContain('Copied password of "Mail". In 1 seconds')
    expect(await readFile(join(folder, 'arguments'), 'utf8')).not.toContain('clipped')
    expect(await readFile(join(folder, 'environment'), 'utf8')).not.toContain('clipped')
    await vi.waitFor(async () => expect(await content()).toBe(''), { timeout: 20_000 })
  })
})

describe('the clipboard', () => {
  const digestOf = async (text: string) =>
    Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))).toString('base64')

  it('is cleared only while it holds what was copied', async () => {
    const { folder, environment, content } = await fakeDesktop()
    await writeFile(join(folder, 'content'), 'something else')
    expect(await clearClipboard(await digestOf('secret'), environment, 'linux')).toBe(false)
    expect(await content()).toBe('something else')
    // As programs print it that end with a line break.
    await writeFile(join(folder, 'content'), 'secret\r\n')
    expect(await clearClipboard(await digestOf('secret'), environment, 'linux')).toBe(true)
    expect(await content()).toBe('')
  })

  it('is that of the desktop, and without one the command says so', async () => {
    const programs = (environment: NodeJS.ProcessEnv, platform: NodeJS.Platform) =>
      clipboards(environment, platform).map(({ copy: [program] }) => program)
    expect(programs({ WAYLAND_DISPLAY: 'wayland-0', DISPLAY: ':0' }, 'linux')).toEqual([
      'wl-copy',
      'xclip',
      'xsel',
    ])
    expect(programs({ DISPLAY: ':0' }, 'linux')).toEqual(['xclip', 'xsel'])
    expect(programs({}, 'darwin')).toEqual(['pbcopy'])
    expect(programs({}, 'win32')).toEqual(['clip.exe'])
    expect(programs({ WSL_DISTRO_NAME: 'Debian' }, 'linux')).toEqual(['clip.exe'])
    const shell = await newShell(offline)
    Object.assign(shell.environment, { WAYLAND_DISPLAY: '', DISPLAY: '', WSL_DISTRO_NAME: '' })
    if (process.platform === 'linux')
      expect((await shell.ended('unexpected', ['generate', '--copy'])).stderr).toContain('no clipboard here')
    Object.assign(shell.environment, { DISPLAY: ':0', PATH: '/nonexistent' })
    if (process.platform === 'linux')
      expect((await shell.ended('unexpected', ['generate', '--copy'])).stderr).toContain(
        'Install one of them',
      )
    Object.assign(shell.environment, { LIMPET_CLIPBOARD_SECONDS: 'soon' })
    await shell.ended('usage', ['generate', '--copy'])
  })
})

describe('passphrases', () => {
  it('are of a list in which every word is once and begins no other', () => {
    expect(words).toHaveLength(7776)
    expect(new Set(words).size).toBe(7776)
    const sorted = words.toSorted()
    for (const [index, word] of sorted.entries())
      expect(sorted[index + 1]?.startsWith(word) ?? false, word).toBe(false)
  })

  it('have as many words as were asked for, and say their entropy', async () => {
    const shell = await newShell(offline)
    expect((await shell.done(['generate', '--words', '6'])).split('-').length).toBeGreaterThanOrEqual(6)
    const { password, bits } = JSON.parse(
      await shell.done(['generate', '--words', '7', '--separator', '_', '--json']),
    )
    const drawn = password.split('_')
    expect(drawn).toHaveLength(7)
    for (const word of drawn) expect(words).toContain(word)
    expect(bits).toBe(90.4)
    await shell.ended('usage', ['generate', '--words', '3'])
    await shell.ended('usage', ['generate', '--separator', '_'])
    await shell.ended('usage', ['generate', '--words', '6', '--length', '20'])
  })

  it('favour no word', () => {
    const list = ['a', 'b', 'c']
    const counts = Map.groupBy(generatePassphrase(list, 9000, ' ').password.split(' '), (word) => word)
    // 3,000 each; a deviation of 400 is nine standard deviations.
    for (const { length } of counts.values()) expect(Math.abs(length - 3000)).toBeLessThan(400)
  })

  it('and passwords say how many there are', () => {
    // Three characters, one of each class, in any of six orders.
    expect(2 ** passwordBits({ length: 3, symbols: false })).toBeCloseTo(6 * 26 * 26 * 10, 3)
    expect(passwordBits({ length: 20, symbols: true })).toBeGreaterThan(126)
    expect(passwordBits({ length: 20, symbols: true })).toBeLessThan(20 * Math.log2(82))
  })
})
