// The commands of the credentials as an operator has them: files, editors that die, kills, and a server that reads them.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { freePort } from '../support/free-port.ts'
import { runOperator } from '../support/operator.ts'
import { runServer, startProcess } from '../support/process.ts'
import { testOpaqueSetup } from '../support/server.ts'

const program = fileURLToPath(new URL('../../bin/limpet-server.js', import.meta.url))

/** Where plaintext may be for a moment. */
const temporaryFolders = () =>
  ['/dev/shm', tmpdir()]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith('limpet-credentials-')))

describe('credentials', () => {
  let folder: string
  let file: string
  let keyFile: string
  let secret: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpet-operator-'))
    file = join(folder, 'credentials.yml.enc')
    keyFile = join(folder, 'master.key')
    secret = `secret-${randomUUID()}`
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const run = (args: string[], environment: Record<string, string> = {}) =>
    runOperator(['credentials', ...args], { LIMPET_CREDENTIALS_FILE: file, ...environment })

  /** An editor: a script that gets the file's path as $1. */
  async function editor(script: string): Promise<string> {
    const path = join(folder, `editor-${randomUUID()}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o700)
    return path
  }
  const edit = async (script: string, environment: Record<string, string> = {}) =>
    runServer(['credentials', 'edit'], {
      LIMPET_CREDENTIALS_FILE: file,
      EDITOR: await editor(script),
      ...environment,
    })
  const show = async () => (await run(['show'])).stdout

  it('are made with a key of their own, for their owner alone, and never over others', async () => {
    expect(await run(['init'])).toMatchObject({ code: 0, stdout: '' })
    for (const made of [file, keyFile]) expect((await stat(made)).mode & 0o777).toBe(0o600)
    const before = [await readFile(file, 'utf8'), await readFile(keyFile, 'utf8')]
    expect(await run(['init'])).toMatchObject({ code: 1, stderr: expect.stringContaining('there already') })
    expect([await readFile(file, 'utf8'), await readFile(keyFile, 'utf8')]).toEqual(before)
    // With a key that is there already the file alone is new.
    await rm(file)
    expect(await run(['init'])).toMatchObject({ code: 0 })
    expect(await readFile(keyFile, 'utf8')).toBe(before[1])
  })

  it('are edited, shown, and read by name', async () => {
    await run(['init'])
    expect(await edit(`printf 'API: %s\\nbackup:\\n  password: 12\\n' '${secret}' > "$1"`)).toMatchObject({
      code: 0,
    })
    expect(await show()).toBe(`API: ${secret}\nbackup:\n  password: 12\n`)
    expect((await run(['get', 'API'])).stdout).toBe(`${secret}\n`)
    expect((await run(['get', 'backup.password'])).stdout).toBe('12\n')
    for (const name of ['nothing', 'backup', 'API.x', '__proto__', ''])
      expect(await run(['get', name]), name).toMatchObject({ code: 1, stdout: '' })
    expect(await readFile(file, 'utf8')).not.toContain(secret)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await edit('true')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Nothing was changed'),
    })
    expect(temporaryFolders()).toEqual([])
  })

  it('are given to the editor in a file of the owner alone, and say nothing to others', async () => {
    await run(['init'])
    const seen = join(folder, 'seen')
    const { stderr, stdout } = await edit(
      `stat -c '%a' "$1" "$(dirname "$1")" > '${seen}'; ps -o args= -p $PPID >> '${seen}'; printf 'A: %s\\n' '${secret}' >> "$1"`,
    )
    const [fileMode, folderMode, ...processes] = (await readFile(seen, 'utf8')).split('\n')
    expect([fileMode, folderMode]).toEqual(['600', '700'])
    expect(stdout + stderr + processes.join()).not.toContain(secret)
    expect(await show()).toContain(secret)
  })

  it('are offered again where an edit is not valid, with what was written', async () => {
    await run(['init'])
    const before = await readFile(file, 'utf8')
    const counter = join(folder, 'count')
    const twice = `echo x >> '${counter}'
if [ $(wc -l < '${counter}') = 1 ]; then printf 'A: "%s\\n' '${secret}' > "$1"
else cp "$1" '${folder}/offered'; sed -i 's/"//' "$1"; fi`
    const { code, stderr } = await edit(twice)
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining(secret) })
    expect(await readFile(join(folder, 'offered'), 'utf8')).toMatch(/^#! This is not valid YAML, in line \d/)
    expect(await show()).toBe(`A: ${secret}\n`)
    expect(await readFile(file, 'utf8')).not.toBe(before)
    // Given up by leaving it as it is.
    const now = await readFile(file, 'utf8')
    expect(await edit(`grep -q '^#!' "$1" || echo '- a list' > "$1"`)).toMatchObject({ code: 1 })
    expect(await readFile(file, 'utf8')).toBe(now)
    expect(temporaryFolders()).toEqual([])
  })

  it('stay as they are where the editor fails, is missing, or dies', async () => {
    await run(['init'])
    const before = await readFile(file, 'utf8')
    for (const script of [`echo 'A: 1' > "$1"; exit 3`, `echo 'A: 1' > "$1"; kill -9 $$`])
      expect(await edit(script)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Nothing was changed'),
      })
    expect(await run(['edit'], { EDITOR: join(folder, 'missing') })).toMatchObject({ code: 1 })
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(temporaryFolders()).toEqual([])
  })

  it('lose no edit to somebody who edits them at the same time', async () => {
    await run(['init'])
    const theirs = await editor(`echo 'THEIRS: 1' > "$1"`)
    const counter = join(folder, 'count')
    const mine = `echo x >> '${counter}'
if [ $(wc -l < '${counter}') = 1 ]; then
  LIMPET_CREDENTIALS_FILE='${file}' EDITOR='${theirs}' '${process.execPath}' '${program}' credentials edit
  echo 'MINE: 1' > "$1"
else grep -q '^#! THEIRS: 1' "$1" && echo 'THEIRS: 1' >> "$1"; fi`
    expect(await edit(mine)).toMatchObject({ code: 0 })
    expect(await show()).toBe('MINE: 1\nTHEIRS: 1\n')
  })

  it('are the old or the new ones whenever it is killed, and leave no plaintext', async () => {
    await run(['init'])
    await edit(`printf 'A: old-%s\\n' '${secret}' > "$1"`)
    const ready = join(folder, 'ready')
    const slow = await editor(`printf 'A: new-%s\\n' '${secret}' > "$1"; touch '${ready}'; sleep 0.2`)
    const kill = async (delay: number, when: () => boolean) => {
      await rm(ready, { force: true })
      const child: ChildProcess = spawn(process.execPath, [program, 'credentials', 'edit'], {
        env: { PATH: process.env.PATH, LIMPET_CREDENTIALS_FILE: file, EDITOR: slow },
        stdio: 'ignore',
      })
      const gone = new Promise((resolve) => child.once('close', resolve))
      while (!when() && child.exitCode === null) await pause(2)
      await pause(delay)
      child.kill('SIGKILL')
      await gone
      expect(await show()).toMatch(new RegExp(`^A: (old|new)-${secret}\\n$`))
      // Removed by the process that outlives it, as soon as that has noticed.
      await expect.poll(temporaryFolders, { timeout: 5000 }).toEqual([])
      expect(readdirSync(folder).filter((name) => name.endsWith('.partial')).length).toBeLessThanOrEqual(9)
    }
    await kill(0, () => existsSync(ready))
    for (const delay of [190, 200, 205, 210, 220]) await kill(delay, () => existsSync(ready))
    await kill(0, () => temporaryFolders().length > 0)
  })

  it('say in a sentence of its own what is wrong with key and file', async () => {
    await run(['init'])
    const key = await readFile(keyFile, 'utf8')
    const sentences: string[] = []
    const sentence = async (environment: Record<string, string> = {}) => {
      const { code, stderr, stdout } = await run(['show'], environment)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).not.toContain('    at ')
      expect(stderr).not.toContain(key.trim())
      sentences.push(stderr.replaceAll(folder, ''))
    }
    await sentence({ LIMPET_MASTER_KEY: `${'B'.repeat(42)}A` })
    await sentence({ LIMPET_MASTER_KEY: 'short' })
    await rename(keyFile, `${keyFile}.away`)
    await sentence()
    await rename(`${keyFile}.away`, keyFile)
    const sealed = await readFile(file, 'utf8')
    await writeFile(file, sealed.slice(0, -20))
    await sentence()
    await writeFile(file, 'JWT_SECRET: plain')
    await sentence()
    await rm(file)
    await sentence()
    expect(new Set(sentences)).toHaveLength(6)
    await writeFile(file, sealed)
    expect(await run(['show'], { LIMPET_MASTER_KEY: key })).toMatchObject({ code: 0 })
    await rename(keyFile, join(folder, 'elsewhere'))
    expect(await run(['show'], { LIMPET_MASTER_KEY_FILE: join(folder, 'elsewhere') })).toMatchObject({
      code: 0,
    })
  })

  it('configure a server, after what the environment says', async () => {
    await run(['init'])
    const jwt = `${secret}-and-some-more-characters`
    await edit(`cat > "$1" <<'END'
JWT_SECRET: ${jwt}
OPAQUE_SERVER_SETUP: ${testOpaqueSetup}
DATABASE_URL: file:${join(folder, 'limpet.db')}
REGISTRATION: closed
SESSION_TTL: 12h
OWN: {a: b}
END`)
    const environment = { LIMPET_CREDENTIALS_FILE: file, SESSION_TTL: '2h', NODE_ENV: 'production' }
    expect(readConfig(environment)).toMatchObject({
      jwtSecret: jwt,
      opaqueSetup: testOpaqueSetup,
      registration: 'closed',
      sessionTtl: 7_200_000,
      production: true,
    })
    expect(() => readConfig({ ...environment, LIMPET_MASTER_KEY: 'short' })).toThrow(
      /Credentials: LIMPET_MASTER_KEY/,
    )
    const port = await freePort()
    const server = await startProcess({
      port,
      databaseUrl: '',
      jwtSecret: '',
      opaqueSetup: '',
      environment: { LIMPET_CREDENTIALS_FILE: file, NODE_ENV: 'production' },
    })
    const about: unknown = await (await fetch(`${server.url}/api/v1/server`)).json()
    expect(about).toMatchObject({ registration: 'closed' })
    expect(server.output()).not.toContain(secret)
    expect(await server.terminate()).toBe(0)
    expect(existsSync(join(folder, 'limpet.db'))).toBe(true)
  })

  it('seal any text under the same key', async () => {
    await run(['init'])
    const through = (args: string[], input: string) =>
      new Promise<string>((resolve) => {
        const child = spawn(process.execPath, [program, 'credentials', ...args], {
          env: { PATH: process.env.PATH, LIMPET_CREDENTIALS_FILE: file },
        })
        let output = ''
        child.stdout.on('data', (chunk) => {
          output += chunk
        })
        child.once('close', () => resolve(output))
        child.stdin.end(input)
      })
    const sealed = await through(['encrypt'], secret)
    expect(sealed).not.toContain(secret)
    expect(await through(['decrypt'], sealed)).toBe(`${secret}\n`)
    // What is in the file is not a text of one's own, and the other way round.
    expect(await through(['decrypt'], await readFile(file, 'utf8'))).toBe('')
    await writeFile(join(folder, 'text.enc'), sealed)
    expect(await run(['decrypt', join(folder, 'text.enc')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('from standard input'),
    })
  })

  it('seal a file beside it, for its owner alone, under its own name, and never over another', async () => {
    await run(['init'])
    const plain = join(folder, 'tls.key')
    const bytes = Buffer.from([0, 255, 10, 13, 0xc3, ...Buffer.from(secret), 10])
    await writeFile(plain, bytes)
    expect(await run(['encrypt', plain])).toMatchObject({ code: 0, stdout: '' })
    const sealed = await readFile(`${plain}.enc`, 'utf8')
    expect(sealed).toMatch(/^limpet-sealed-1\.[\w-]{11}\.[\w-]+\n$/)
    expect((await stat(`${plain}.enc`)).mode & 0o777).toBe(0o600)
    expect(await readFile(plain)).toEqual(bytes)
    const opened = async (name: string) =>
      promisify(execFile)(process.execPath, [program, 'credentials', 'decrypt', join(folder, name)], {
        env: { PATH: process.env.PATH, LIMPET_CREDENTIALS_FILE: file },
        encoding: 'buffer',
      })
    expect((await opened('tls.key.enc')).stdout).toEqual(bytes)

    await writeFile(plain, 'another')
    expect(await run(['encrypt', plain])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--force'),
    })
    expect(await readFile(`${plain}.enc`, 'utf8')).toBe(sealed)
    expect(await run(['encrypt', '--force', plain])).toMatchObject({ code: 0 })
    expect((await opened('tls.key.enc')).stdout.toString()).toBe('another')
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([])

    await rename(`${plain}.enc`, join(folder, 'other.key.enc'))
    expect(await run(['decrypt', join(folder, 'other.key.enc')])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('another name'),
    })
    for (const missing of [join(folder, 'missing'), folder])
      expect(await run(['encrypt', missing]), missing).toMatchObject({
        stdout: '',
        stderr: expect.stringMatching(/does not exist|not a regular file/),
      })
  })

  it('open as their file under their own name', async () => {
    await run(['init'])
    await edit(`printf 'A: %s\\n' '${secret}' > "$1"`)
    expect((await run(['decrypt', file])).stdout).toBe(`A: ${secret}\n`)
  })
})
