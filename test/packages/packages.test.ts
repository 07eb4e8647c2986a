// The packages and the executable as they are published: built, packed, installed in an empty folder, and used there with nothing of
// this checkout, on the oldest Node that they are for and on the present one.
import { execFile, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startServer, type TestServer, testSecret } from '../support/server.ts'

const run = promisify(execFile)
const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** The newest release of the oldest line of Node that package.json's `engines` has. */
const oldestNode = '22.23.3'

const ingredients = [
  ...['bin', 'docs', 'migrations', 'scripts', 'src', '.env.example', 'CHANGELOG.md', 'LICENSE'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
]

const quietly = ['--no-audit', '--no-fund', '--loglevel=error']

let folder: string
let server: TestServer
/** The packed packages. */
let [clientFile, serverFile] = ['', '']
/** The folder of the oldest Node's program. */
let oldest: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpet-packages-'))
  server = await startServer('sqlite')
  const copy = join(folder, 'copy')
  for (const name of ingredients) await cp(join(checkout, name), join(copy, name), { recursive: true })
  await symlink(join(checkout, 'node_modules'), join(copy, 'node_modules'))
  const installsNode = mkdir(join(folder, 'node'))
    .then(() => run('npm', ['init', '--yes'], { cwd: join(folder, 'node') }))
    .then(() => run('npm', ['install', ...quietly, `node@${oldestNode}`], { cwd: join(folder, 'node') }))
  await run('npm', ['run', '--silent', 'build:packages'], { cwd: copy })
  for (const name of ['limpet', 'limpet-server'])
    await run('npm', ['pack', '--silent', `./dist/packages/${name}`, '--pack-destination', folder], {
      cwd: copy,
    })
  const packed = (await readdir(folder)).filter((name) => name.endsWith('.tgz')).sort()
  ;[clientFile = '', serverFile = ''] = packed.map((name) => join(folder, name))
  await installsNode
  oldest = join(folder, 'node', 'node_modules', 'node', 'bin')
})
afterAll(async () => {
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

/** An empty folder with one package in it, and what runs there with a Node. */
async function install(file: string, node: string) {
  const place = await mkdtemp(join(folder, 'place-'))
  const { PATH = '' } = process.env
  const environment = {
    PATH: `${node}${delimiter}${PATH}`,
    HOME: place,
    LIMPET_STATE_DIR: join(place, 'state'),
  }
  const inPlace = { cwd: place, env: { ...process.env, ...environment } }
  await writeFile(join(place, 'package.json'), '{ "type": "module" }')
  await run('npm', ['install', ...quietly, file], inPlace)
  return {
    place,
    environment: inPlace.env,
    bin: (name: string) => join(place, 'node_modules', '.bin', name),
    installed: async () => {
      const names = await readdir(join(place, 'node_modules'))
      return names.filter((name) => !name.startsWith('.'))
    },
  }
}

/** Runs a program with lines on its standard input. @returns its standard output */
async function feed(program: string, args: string[], env: NodeJS.ProcessEnv, input: string) {
  const running = run(program, args, { env })
  running.child.stdin?.end(input)
  return (await running).stdout
}

/** Registers, logs in, stores a secret and reads it. */
async function useCommandLine(program: string, env: NodeJS.ProcessEnv) {
  const email = `${randomUUID()}@example.com`
  const password = `quiet heron ${randomUUID()}\n`
  const here = { ...env, LIMPET_SERVER: server.url }
  await feed(program, ['register', email], here, password)
  await feed(program, ['login', email], here, password)
  await feed(program, ['add', 'login', 'Mail'], here, `${password}low tide\n`)
  expect(await feed(program, ['get', 'Mail', '--field', 'password'], here, password)).toBe('low tide\n')
}

const nodes = [
  { name: `Node ${oldestNode}`, node: () => oldest },
  { name: 'the present Node', node: () => dirname(process.execPath) },
]

describe.each(nodes)('on $name', ({ node }) => {
  it('the client package has an SDK and a command line, and nothing of the server', async () => {
    const { place, environment, bin, installed } = await install(clientFile, node())
    const names = await installed()
    for (const name of ['argon2', 'better-sqlite3', 'express', 'pg', 'yaml'])
      expect(names).not.toContain(name)
    await useCommandLine(bin('limpet'), environment)
    const script = `
      import { Limpet, Replica } from 'limpet'
      import * as moving from 'limpet/moving'
      const device = { id: crypto.randomUUID(), name: 'script', type: 'other' }
      const limpet = new Limpet({ server: process.env.LIMPET_SERVER, device })
      const [email, password] = [crypto.randomUUID() + '@example.com', 'quiet heron ' + crypto.randomUUID()]
      await limpet.register({ email, password })
      const [vault] = await (await limpet.login({ email, password })).vaults()
      await vault.create({ kind: 'note', name: 'Tide' })
      const replica = new Replica()
      await replica.pull(vault)
      console.log(process.versions.node, replica.items.size, Object.keys(moving).length > 0)
    `
    await writeFile(join(place, 'use.js'), script)
    const { stdout } = await run('node', ['use.js'], {
      cwd: place,
      env: { ...environment, LIMPET_SERVER: server.url },
    })
    const { stdout: version } = await run('node', ['--version'], { env: environment })
    expect(stdout).toBe(`${version.trim().slice(1)} 1 true\n`)
  })

  it('the server package serves, and reads its own settings', async () => {
    const { place, environment, bin, installed } = await install(serverFile, node())
    expect(await installed()).toContain('better-sqlite3')
    const port = await freePort()
    const settings = {
      PORT: String(port),
      HOST: '127.0.0.1',
      DATABASE_URL: `file:${join(place, 'data', 'limpet.db')}`,
      JWT_SECRET: testSecret,
    }
    const child = spawn(bin('limpet-server'), [], { cwd: place, env: { ...environment, ...settings } })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        output += text
      })
    const gone = once(child, 'exit')
    try {
      await expect
        .poll(
          () =>
            fetch(`http://127.0.0.1:${port}/readyz`).then(
              ({ status }) => status,
              () => output,
            ),
          {
            timeout: 60_000,
          },
        )
        .toBe(200)
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('<script type="module"')
    } finally {
      child.kill('SIGTERM')
    }
    await gone
    expect(child.exitCode, output).toBe(0)
    await writeFile(
      join(place, 'use.js'),
      "import { decrypt } from 'limpet-server/credentials'\nconsole.log(typeof decrypt)",
    )
    expect((await run('node', ['use.js'], { cwd: place, env: environment })).stdout).toBe('function\n')
  })
})

describe('a dependency on the repository', () => {
  it('is built when it is installed: programs, modules and types are there', async () => {
    const copy = join(folder, 'copy')
    const git = (...args: string[]) => run('git', args, { cwd: copy })
    await git('init', '--quiet')
    await git('add', ...ingredients)
    const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com']
    await git(...author, 'commit', '--quiet', '--message', 'test')
    const place = await mkdtemp(join(folder, 'place-'))
    await run('npm', ['pack', '--silent', `git+file://${copy}`], { cwd: place })
    const [packed = ''] = await readdir(place)
    const files = (await run('tar', ['--list', '--file', join(place, packed)])).stdout.split('\n')
    for (const path of [
      'dist/sdk/index.js',
      'dist/sdk/index.d.ts',
      'dist/programs/limpet.js',
      'bin/limpet.js',
    ])
      expect(files).toContain(`package/${path}`)
    expect(files.filter((path) => path.startsWith('package/dist/packages'))).toEqual([])
  }, 240_000)
})

describe.runIf(process.platform === 'linux')('the executable', () => {
  it('is the command line without a Node beside it, and has the checksum that is told', async () => {
    const copy = join(folder, 'copy')
    await run('npm', ['run', '--silent', 'build:executable'], { cwd: copy })
    const built = join(copy, 'dist', 'executable')
    const name = `limpet-linux-${process.arch}`
    expect((await readdir(built)).sort()).toEqual([name, `${name}.sha256`])
    const sum = createHash('sha256')
      .update(await readFile(join(built, name)))
      .digest('hex')
    expect(await readFile(join(built, `${name}.sha256`), 'utf8')).toBe(`${sum}  ${name}\n`)
    const place = await mkdtemp(join(folder, 'place-'))
    const moved = join(place, 'limpet')
    await cp(join(built, name), moved)
    await useCommandLine(moved, { PATH: '/nowhere', HOME: place, LIMPET_STATE_DIR: join(place, 'state') })
  })
})
