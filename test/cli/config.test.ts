// The configuration: its commands, its file written by hand, and what comes before it.
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configurationPath } from '../../src/cli/configuration.ts'
import { minutes } from '../../src/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

const offline = { url: 'http://127.0.0.1:9' }

const folderOf = ({ folder }: Shell) => `${folder}-config`
const fileOf = (shell: Shell) => join(folderOf(shell), 'config.json')

async function written(shell: Shell, text: string) {
  await mkdir(folderOf(shell), { recursive: true })
  await writeFile(fileOf(shell), text)
}

describe('the configuration', () => {
  it('is where the system keeps such things', () => {
    expect(configurationPath({}, 'linux', '/home/ada')).toBe('/home/ada/.config/limpet/config.json')
    expect(configurationPath({ XDG_CONFIG_HOME: '/xdg' }, 'linux', '/home/ada')).toBe(
      '/xdg/limpet/config.json',
    )
    expect(configurationPath({}, 'darwin', '/Users/ada')).toBe(
      '/Users/ada/Library/Application Support/limpet/config.json',
    )
    expect(configurationPath({ LIMPET_CONFIG_DIR: '/here' }, 'darwin', '/Users/ada')).toBe(
      '/here/config.json',
    )
  })

  it('is set, shown and unset by commands', async () => {
    const shell = await newShell(offline)
    expect(await shell.done(['config', 'list'])).toMatch(/^server +\(not set\)$/m)
    await shell.done(['config', 'set', 'server', 'https://vault.example.com'])
    await shell.done(['config', 'set', 'vault', 'Production'])
    await shell.done(['config', 'set', 'idle', '1h'])
    await shell.done(['config', 'set', 'idle', '2h'])
    expect(await shell.done(['config', 'get', 'idle'])).toBe('2h')
    expect(await shell.done(['config', 'list'])).toMatch(/^vault +Production$/m)
    await shell.done(['config', 'unset', 'vault'])
    await shell.ended('notFound', ['config', 'get', 'vault'])
    const file = fileOf(shell)
    expect(JSON.parse(await shell.done(['config', 'list', '--json']))).toEqual({
      file,
      server: 'https://vault.example.com',
      vault: null,
      idle: '2h',
      unlock: null,
    })
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      server: 'https://vault.example.com',
      idle: '2h',
    })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folderOf(shell))).toEqual(['config.json'])
  })

  it.each([
    [['server', 'vault.example.com'], 'is not the URL of a server'],
    [['server', 'http://vault.example.com'], 'over https'],
    [['server', 'https://ada:secret@vault.example.com'], 'is not the URL of a server'],
    [['vault', ''], 'is not empty'],
    [['idle', '59s'], 'from 1m to 24h'],
    [['idle', '25h'], 'from 1m to 24h'],
    [['idle', 'soon'], 'from 1m to 24h'],
    [['unlock', 'yes'], 'is neither agent nor keychain'],
    [['colour', 'red'], 'There is no setting "colour"; there is: server, vault, idle, unlock.'],
  ])('refuses to set %j, and changes nothing', async (args, sentence) => {
    const shell = await newShell(offline)
    await shell.done(['config', 'set', 'idle', '1h'])
    const before = await readFile(fileOf(shell), 'utf8')
    expect((await shell.ended('usage', ['config', 'set', ...args])).stderr).toContain(sentence)
    expect(await readFile(fileOf(shell), 'utf8')).toBe(before)
  })

  it.each([
    ['{"server": ', '1: "server" is not a text in quotes'],
    ['{\n  "idle": "1h"\n  "vault": "Home"\n}\n', '3: it is not JSON: there should be }'],
    ['{"idle": "1h"', '1: it is not JSON: there should be }'],
    ['{"idle": "1h"}\n\nserver', '3: it is not JSON: something follows its last }'],
    ['{"idle": "1h",\n}', '2: it is not JSON: there should be a setting in quotes'],
    ['{"idle"\n"1h"}', '2: it is not JSON: there should be :'],
    ['{"idle": "1h",\n"idle": "2h"}', '2: "idle" is there twice'],
    ['', '1: it is not an object'],
    ['[]', '1: it is not an object'],
    ['{"sever": "https://vault.example.com"}', '1: there is no setting "sever", only server, vault, idle'],
    ['{\n"vault": "Home",\n"idle": 15}', '3: "idle" is not a text in quotes'],
    ['{"vault": "Ho\nme"}', '1: "vault" is not a text in quotes'],
    ['{"idle": "1y"}', '1: "idle": "1y" is not a time from 1m to 24h'],
    ['{"unlock": "never"}', '1: "unlock": "never" is neither agent nor keychain'],
    ['{"server": "\\u001b[31m"}', '1: "server": "\\u001b[31m" is not the URL of a server'],
  ])('names the file, the line and the mistake in it: %j', async (text, mistake) => {
    const shell = await newShell(offline)
    await written(shell, text)
    for (const args of [
      ['config', 'list'],
      ['config', 'set', 'vault', 'Home'],
    ]) {
      const { stderr } = await shell.ended('usage', args)
      expect(stderr).toContain(`The configuration ${fileOf(shell)} has a mistake in line ${mistake}`)
    }
    expect(await readFile(fileOf(shell), 'utf8')).toBe(text)
  })

  it('tells a mistake at once, also to a command that needs nothing of it, and never keeps anybody from locking', async () => {
    const shell = await newShell(offline)
    await written(shell, '{\n  "idle": "1 hour"\n}\n')
    for (const args of [['register', shell.email], ['list'], ['status'], ['generate']]) {
      const { stderr } = await shell.ended('usage', args)
      expect(stderr).toMatch(/^limpet: The configuration .* has a mistake in line 2: .*\n$/)
    }
    await shell.done(['lock'])
    await shell.done(['logout'])
    await shell.done(['completion', 'bash'])
  })

  it('stays a link to where its owner keeps it', async () => {
    const shell = await newShell(offline)
    await written(shell, '')
    const kept = join(folderOf(shell), 'kept.json')
    await writeFile(kept, '{"idle": "1h"}')
    const linked = await newShell(offline)
    await mkdir(folderOf(linked))
    await symlink(kept, fileOf(linked))
    await linked.done(['config', 'set', 'vault', 'Home'])
    expect(JSON.parse(await readFile(kept, 'utf8'))).toEqual({ idle: '1h', vault: 'Home' })
  })
})

describe('what comes before what', () => {
  let server: TestServer
  let other: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
    other = await startServer('sqlite')
  })
  afterAll(async () => {
    await server.close()
    await other.close()
  })

  it('takes an option, the environment, the session and then the configuration for the server', async () => {
    const shell = await newShell(offline)
    const serverNow = async () => JSON.parse(await shell.done(['status', '--json'])).server
    await shell.done(['config', 'set', 'server', other.url])
    const { email, password } = shell
    // The environment names a server that does not answer.
    expect((await shell.ended('unavailable', ['register', email])).stderr).toContain(offline.url)
    await shell.done(['register', email, '--server', server.url], password)
    await shell.done(['login', email, '--server', server.url], password)
    expect(await serverNow()).toBe(server.url)
    // An empty environment: the session is before the configuration, which has no such account.
    shell.environment.LIMPET_SERVER = undefined
    await shell.done(['login', email], password)
    expect(await serverNow()).toBe(server.url)
    await shell.done(['logout'])
    await shell.ended('wrongPassword', ['login', email], password)
    await shell.done(['register', email], password)
    await shell.done(['login', email], password)
    expect(await serverNow()).toBe(other.url)
  })

  it('puts new items into the vault of the configuration where there are several', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const vaultOf = async (...args: string[]) =>
      JSON.parse(await shell.done(['add', 'identity', ...args, '--json'])).vault.name
    await shell.done(['config', 'set', 'vault', 'Production'])
    // There is only one.
    expect(await vaultOf('one')).toBe('Personal')
    await shell.done(['vault', 'create', 'Work'])
    const { stderr } = await shell.ended('notFound', ['add', 'identity', 'two'])
    expect(stderr).toContain(`There is no vault "Production", which ${fileOf(shell)} names.`)
    await shell.done(['config', 'set', 'vault', 'Work'])
    expect(await vaultOf('two')).toBe('Work')
    expect(await vaultOf('three', '--vault', 'Personal')).toBe('Personal')
    const bulk = await shell.ended('done', ['add', '--from-json'], '[{"kind": "note", "name": "four"}]')
    expect(bulk.code).toBe(0)
    const listed = JSON.parse(await shell.done(['list', 'four', '--json']))
    expect(listed[0].vault.name).toBe('Work')
    const csv = join(folderOf(shell), 'five.csv')
    await writeFile(csv, 'title,secret\nfive,abc\n')
    await shell.done(['import', csv, '--column', 'name=title', '--column', 'password=secret', '--yes'])
    expect(JSON.parse(await shell.done(['list', 'five', '--json']))[0].vault.name).toBe('Work')
    // It hides nothing.
    expect(await shell.done(['list'])).toMatch(/one.*two/s)
  })

  it('forgets the key after the time of the configuration, unless an option says otherwise', async () => {
    const shell = await newShell(server)
    await shell.done(['register', shell.email], shell.password)
    await shell.done(['config', 'set', 'idle', '30m'])
    expect((await shell.ended('done', ['unlock', '--agent'], shell.password)).stderr).toContain('30m')
    shell.clock.advance(minutes(29))
    await shell.done(['list'])
    shell.clock.advance(minutes(31))
    await shell.ended('usage', ['list'])
    expect((await shell.ended('done', ['unlock', '--idle', '5m'], shell.password)).stderr).toContain('5m')
    shell.clock.advance(minutes(6))
    await shell.ended('usage', ['list'])
  })
})
