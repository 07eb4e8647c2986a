// Keys of the vault in an SSH agent, asked by the programs of OpenSSH.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { lockWatch } from '../../src/cli/lock-watch.ts'
import { minutes } from '../../src/clock.ts'
import { engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { memoryKeychain } from '../support/keychain.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type RunningProgram, type Shell } from './program.ts'

const hasOpenSsh = !spawnSync('ssh-keygen', ['-?']).error && !spawnSync('ssh-add', ['-?']).error

const run = (command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      command,
      args,
      { env: { ...process.env, ...environment } },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout: stdout.toString(), stderr }),
    )
    child.stdin?.end()
  })

/** Makes a key as a user would. @returns the path of its file, beside which the public key is */
async function newKey(shell: Shell, file: string, ...how: string[]): Promise<string> {
  const path = join(dirname(shell.folder), file)
  const { code, stderr } = await run('ssh-keygen', ['-q', '-N', '', '-C', '', ...how, '-f', path])
  expect(code, stderr).toBe(0)
  return path
}

const addKey = async (shell: Shell, name: string, path: string) => {
  const { code, stderr } = await shell.feed(['add', 'ssh-key', name], await readFile(path, 'utf8'))
  expect(code, stderr).toBe(0)
}

/** An agent that goes on. @returns the path of its socket */
async function startAgent(shell: Shell, ...args: string[]): Promise<{ agent: RunningProgram; path: string }> {
  const agent = shell.startProgram('ssh-agent', ...args)
  await vi.waitFor(() => expect(agent.printed(), agent.remarked()).toContain('\n'), { timeout: 20_000 })
  const [, path = ''] = /^export SSH_AUTH_SOCK='(.*)'\n$/.exec(agent.printed()) ?? []
  expect(path).not.toBe('')
  return { agent, path }
}

async function stop(agent: RunningProgram) {
  agent.signal('SIGTERM')
  return agent.ended
}

/** Sends bytes to a socket. @returns what came back: so many bytes, or fewer if the other side closed it before */
async function answerTo(path: string, bytes: Uint8Array, most: number): Promise<Buffer> {
  const socket = connect(path)
  await once(socket, 'connect')
  let answer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk])
    if (answer.length >= most) socket.destroy()
  })
  // A side that closes with something unread resets the connection.
  socket.on('error', () => socket.destroy())
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(bytes)
  await closed
  return answer
}

const text = (bytes: Uint8Array | string) => {
  const content = Buffer.from(bytes)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}
const number = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const failure = Buffer.of(0, 0, 0, 1, 5)

const kinds: readonly { name: string; how: readonly string[] }[] = [
  { name: 'Deploy 🦪', how: ['-t', 'ed25519'] },
  { name: 'Build', how: ['-t', 'rsa', '-b', '2048'] },
  { name: 'Older form', how: ['-t', 'rsa', '-b', '2048', '-m', 'PEM'] },
  { name: 'Curve 256', how: ['-t', 'ecdsa', '-b', '256'] },
  { name: 'Curve 384', how: ['-t', 'ecdsa', '-b', '384'] },
  { name: 'Curve 521', how: ['-t', 'ecdsa', '-b', '521', '-m', 'PEM'] },
]

// Where OpenSSH's ssh-keygen and ssh-add are not installed, nothing here can be shown: apt-get install openssh-client.
describe.skipIf(!hasOpenSsh)('an SSH agent', () => {
  describe.each(engines)('with a server on %s', (engine) => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
    })
    afterAll(() => server.close())

    const enteredShell = async () => {
      const shell = await newShell(server)
      await shell.enter()
      return shell
    }

    it.each([
      ['lock', 'in this shell', []],
      ['lock', 'in another shell of the login session', ['--agent']],
      ['logout', 'in this shell', []],
    ])('forgets its keys with %s %s', async (command, _where, options) => {
      const shell = await newShell(server, 'as programs')
      await shell.done(['register', shell.email, ...options], shell.password)
      if (options.length === 0) await shell.unlock()
      await addKey(shell, 'Deploy', await newKey(shell, 'key', '-t', 'ed25519'))
      const { agent, path } = await startAgent(shell)
      expect((await run('ssh-add', ['-l'], { SSH_AUTH_SOCK: path })).stdout).toContain('Deploy')
      await shell.beside().done([command])
      // At once, and not when it looks the next time.
      expect((await run('ssh-add', ['-l'], { SSH_AUTH_SOCK: path })).stdout).not.toContain('Deploy')
      const { code, stderr } = await agent.ended
      expect(stderr).toContain('Locked: the keys are forgotten.')
      expect(code).toBe(0)
    })

    it('forgets its keys once the time of the login session is over, and does not prolong it', async () => {
      const shell = await newShell(server)
      const keychain = new Map<string, Uint8Array>()
      shell.keychain = memoryKeychain(keychain)
      await shell.done(['register', shell.email], shell.password)
      for (const keeper of ['--agent', '--keychain']) {
        await shell.done(['unlock', keeper, '--idle', '1h'], shell.password)
        const isLocked = await shell.within((surroundings) => lockWatch(surroundings))
        shell.clock.advance(minutes(50))
        expect(await isLocked(), keeper).toBe(false)
        shell.clock.advance(minutes(11))
        expect(await isLocked(), keeper).toBe(true)
      }
    })

    it('lists and signs with each kind of key, for as long as it goes on', async () => {
      const shell = await enteredShell()
      const publicKeys: { path: string; how: readonly string[] }[] = []
      for (const [index, { name, how }] of kinds.entries()) {
        const path = await newKey(shell, `key-${index}`, ...how)
        await addKey(shell, name, path)
        publicKeys.push({ path: `${path}.pub`, how })
      }
      const { agent, path } = await startAgent(shell)
      const environment = { SSH_AUTH_SOCK: path }
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
      const { stdout } = await run('ssh-add', ['-L'], environment)
      const lines = stdout.trim().split('\n')
      expect(lines).toHaveLength(kinds.length)
      for (const [index, { name }] of kinds.entries()) {
        const [type, blob] = (await readFile(publicKeys[index]?.path ?? '', 'utf8')).split(' ')
        expect(lines).toContain(`${type} ${blob?.trim()} ${name}`)
      }
      for (const { path: publicKey, how } of publicKeys) {
        // Several times: numbers of ECDSA have leading zeros now and then. With an RSA key, ssh-add of some versions asks for SHA-1.
        for (let times = 0; times < 3 && !how.includes('rsa'); times++)
          expect(await run('ssh-add', ['-T', publicKey], environment), how.join(' ')).toMatchObject({
            code: 0,
          })
        const message = join(dirname(shell.folder), 'message')
        await writeFile(message, 'text')
        const signed = await run(
          'ssh-keygen',
          ['-Y', 'sign', '-f', publicKey, '-n', 'file', message],
          environment,
        )
        expect(signed, signed.stderr).toMatchObject({ code: 0 })
        const check = `ssh-keygen -Y check-novalidate -n file -s '${message}.sig' < '${message}'; rm '${message}.sig'`
        expect((await run('sh', ['-c', check])).stdout).toContain('Good "file" signature')
      }
      expect(await stop(agent)).toMatchObject({ code: 143 })
      await expect(stat(path)).rejects.toThrow('ENOENT')
    })

    it('takes no key and gives none up', async () => {
      const shell = await enteredShell()
      const own = await newKey(shell, 'own', '-t', 'ed25519')
      const rsa = await newKey(shell, 'rsa', '-t', 'rsa', '-b', '2048')
      const strange = await newKey(shell, 'strange', '-t', 'ed25519')
      await addKey(shell, 'Own', own)
      await addKey(shell, 'RSA', rsa)
      const { agent, path } = await startAgent(shell)
      const environment = { SSH_AUTH_SOCK: path }
      for (const args of [[strange], ['-d', `${own}.pub`], ['-D'], ['-T', `${strange}.pub`]])
        expect((await run('ssh-add', args, environment)).code, args.join(' ')).not.toBe(0)
      expect((await run('ssh-add', ['-L'], environment)).stdout.trim().split('\n')).toHaveLength(2)

      // What follows an unknown request in its own message is not read as another one.
      const hidden = Buffer.concat([number(6), Buffer.of(27), number(1), Buffer.of(11)])
      expect(await answerTo(path, hidden, failure.length)).toEqual(failure)
      const blobOf = async (file: string) =>
        Buffer.from((await readFile(`${file}.pub`, 'utf8')).split(' ')[1] ?? '', 'base64')
      const signing = async (file: string, flags: Buffer) => {
        const body = Buffer.concat([Buffer.of(13), text(await blobOf(file)), text('data'), flags])
        return Buffer.concat([number(body.length), body])
      }
      // SHA-1, a key of another, and a request that is not whole; the connection goes on after each.
      const refused = [
        await signing(rsa, number(0)),
        await signing(strange, number(0)),
        await signing(own, Buffer.of(0)),
      ]
      for (const request of refused) expect(await answerTo(path, request, failure.length)).toEqual(failure)
      const listed = await answerTo(path, Buffer.concat([...refused, number(1), Buffer.of(11)]), 20)
      expect(listed.subarray(0, 15)).toEqual(Buffer.concat([failure, failure, failure]))
      expect(listed[19]).toBe(12)
      for (const nonsense of [number(0), number(256 * 1024 + 1), Buffer.from('GET / HTTP/1.1\r\n\r\n')])
        expect(await answerTo(path, nonsense, 1)).toHaveLength(0)
      expect((await run('ssh-add', ['-T', `${own}.pub`], environment)).code).toBe(0)
      await stop(agent)
    })

    it('runs a command, and ends as it ends', async () => {
      const shell = await enteredShell()
      const own = await newKey(shell, 'own', '-t', 'ed25519')
      await addKey(shell, 'Own', own)
      const command = 'echo "$SSH_AUTH_SOCK"; ssh-add -l; echo "[$LIMPET_UNLOCK_KEY]"; exit 7'
      const { code, stdout } = await shell.startProgram('ssh-agent', '--', 'sh', '-c', command).finish()
      const [path = '', listed, kept] = stdout.split('\n')
      expect(listed).toContain(' Own (ED25519)')
      expect({ code, kept }).toEqual({ code: 7, kept: '[]' })
      await expect(stat(path)).rejects.toThrow('ENOENT')
      expect((await shell.startProgram('ssh-agent', '--', 'no-such-program').finish()).code).toBe(127)
    })

    it('names the keys that cannot sign, and signs with the others', async () => {
      const shell = await enteredShell()
      const none = await shell.run(['ssh-agent', '--', 'true'])
      expect(none).toMatchObject({ code: 5 })
      expect(none.stderr).toContain('There is no SSH key that could sign.')
      await addKey(shell, 'Locked', await newKey(shell, 'locked', '-t', 'ed25519', '-N', 'passphrase'))
      await addKey(
        shell,
        'Old lock',
        await newKey(shell, 'old', '-t', 'rsa', '-m', 'PEM', '-N', 'passphrase'),
      )
      await shell.feed(
        ['add', 'ssh-key', 'Damaged'],
        `-----BEGIN RSA PRIVATE KEY-----\n${'AAAA'.repeat(12)}\n-----END RSA PRIVATE KEY-----\n`,
      )
      await addKey(shell, 'Good\u001b[2J', await newKey(shell, 'good', '-t', 'ed25519'))
      await addKey(shell, 'Gone', await newKey(shell, 'gone', '-t', 'ed25519'))
      await shell.done(['rm', 'Gone'])
      await shell.done(['vault', 'create', 'Other'])
      const { stdout, stderr, code } = await shell.startProgram('ssh-agent', '--', 'ssh-add', '-L').finish()
      expect(code, stderr).toBe(0)
      expect(stdout.trim().split('\n')).toHaveLength(1)
      expect(stdout).toContain(' Good\\u001b[2J')
      for (const name of ['Locked', 'Old lock'])
        expect(stderr).toContain(`"${name}" is left out. It is encrypted with a passphrase.`)
      expect(stderr).toContain('"Damaged" is left out. It is damaged')
      expect((await shell.run(['ssh-agent', '--vault', 'Other', '--', 'true'])).code).toBe(5)
    })

    it('makes keys, and takes keys in PKCS #8 and PEM', async () => {
      const shell = await enteredShell()
      const made = await shell.ended('done', ['add', 'ssh-key', 'Made', '--generate'])
      expect(made.stderr).toMatch(/^The public key, for authorized_keys:\nssh-ed25519 AAAA\S+$/m)
      const { content } = JSON.parse(await shell.done(['get', 'Made', '--json', '--reveal']))
      expect(made.stderr).toContain(content.publicKey)
      const path = join(dirname(shell.folder), 'made')
      await writeFile(path, content.privateKey, { mode: 0o600 })
      expect((await run('ssh-keygen', ['-y', '-f', path])).stdout.trim()).toBe(content.publicKey)
      await shell.ended('usage', ['add', 'ssh-key', 'Odd', '--generate', '--key-type', 'dsa'])
      await shell.ended('usage', ['add', 'login', 'Odd', '--generate', '--key-type', 'rsa'])
      await shell.ended('usage', ['add', 'ssh-key', 'Odd', '--generate=32'])

      const pem = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
      const pairs = [
        generateKeyPairSync('ed25519'),
        generateKeyPairSync('rsa', { modulusLength: 2048 }),
        generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      ]
      for (const [index, { privateKey }] of pairs.entries()) {
        const added = await shell.feed(['add', 'ssh-key', `PKCS ${index}`], pem(privateKey))
        expect(added.code, added.stderr).toBe(0)
      }
      const dsa = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 })
      const refused = await shell.feed(['add', 'ssh-key', 'Old'], pem(dsa.privateKey))
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('SSH takes no key of this type (dsa).')

      const listed = await shell.startProgram('ssh-agent', '--', 'ssh-add', '-L').finish()
      expect(listed.stdout.trim().split('\n')).toHaveLength(4)
      expect(listed.stdout).toContain(`${content.publicKey} Made\n`)
      expect(listed.stderr).toBe('')
    })

    it('logs in to sshd, and signs a commit that git verifies', async ({ skip }) => {
      const sshd = '/usr/sbin/sshd'
      if (!existsSync(sshd) || spawnSync('git', ['--version']).error)
        skip('sshd or git is not installed: apt-get install openssh-server git')
      const shell = await enteredShell()
      await shell.done(['add', 'ssh-key', 'Deploy', '--generate'])
      const { content } = JSON.parse(await shell.done(['get', 'Deploy', '--json']))
      const folder = dirname(shell.folder)
      const hostKey = await newKey(shell, 'host', '-t', 'ed25519')
      const authorized = join(folder, 'authorized_keys')
      await writeFile(authorized, `${content.publicKey}\n`, { mode: 0o600 })
      const port = await freePort()
      // sshd looks for this folder of its own if it is started by root.
      if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
      const settings = {
        ListenAddress: `127.0.0.1:${port}`,
        HostKey: hostKey,
        AuthorizedKeysFile: authorized,
        StrictModes: 'no',
        UsePAM: 'no',
        PasswordAuthentication: 'no',
        PidFile: 'none',
      }
      const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
      const daemon = spawn(sshd, ['-D', '-e', '-f', '/dev/null', ...options], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      onTestFinished(() => void daemon.kill())
      let told = ''
      daemon.stderr.on('data', (chunk: Buffer) => {
        told += chunk.toString()
      })
      await vi.waitFor(() => expect(told).toContain('Server listening'), { timeout: 20_000 })
      const login = `-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p ${port}`
      const ssh = `ssh ${login} ${userInfo().username}@127.0.0.1 echo arrived`
      const arrived = await shell.startProgram('ssh-agent', '--', 'sh', '-c', ssh).finish()
      expect(arrived.stdout, `${arrived.stderr}\n${told}`).toBe('arrived\n')
      // Without the agent, nobody is let in.
      expect((await run('sh', ['-c', ssh])).code).toBe(255)

      await writeFile(join(folder, 'key.pub'), `${content.publicKey}\n`)
      await writeFile(join(folder, 'signers'), `ada@example.com ${content.publicKey}\n`)
      const git = `git -c gpg.format=ssh -c user.signingkey='${folder}/key.pub' -c user.name=Ada -c user.email=ada@example.com -c gpg.ssh.allowedSignersFile='${folder}/signers' -C '${folder}/repository'`
      const script = `git init -q '${folder}/repository' && ${git} commit -q -S --allow-empty -m signed && ${git} verify-commit HEAD`
      const signed = await shell.startProgram('ssh-agent', '--', 'sh', '-c', script).finish()
      expect(signed.stderr).toContain('Good "git" signature for ada@example.com')
      expect(signed.code).toBe(0)
    })
  })
})
