// The package as it is published: built, packed, and used from JavaScript and TypeScript that know nothing of this checkout.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { freePort } from './support/free-port.ts'
import { testSecret } from './support/server.ts'

const run = promisify(execFile)
const checkout = fileURLToPath(new URL('..', import.meta.url))
const compiler = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc')

/** What a build and a packing need of a checkout. */
const ingredients = [
  'bin',
  'docs',
  'migrations',
  'scripts',
  'src',
  'test',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]

/** Output of a command, also of one that fails: a compiler tells its errors there. */
const outputOf = (command: string, args: string[], cwd: string): Promise<string> =>
  run(command, args, { cwd }).then(
    ({ stdout }) => stdout,
    (error: unknown) => z.object({ stdout: z.string() }).parse(error).stdout,
  )

const Manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) })

/** Puts into a folder what npm would install with the package: what it depends on, and what that depends on. */
async function installDependencies(folder: string) {
  const done = new Set<string>()
  const install = async (manifest: string) => {
    const { dependencies } = Manifest.parse(JSON.parse(await readFile(manifest, 'utf8')))
    for (const name of Object.keys(dependencies).filter((each) => !done.has(each))) {
      done.add(name)
      const source = join(checkout, 'node_modules', name)
      await cp(source, join(folder, name), { recursive: true })
      await install(join(source, 'package.json'))
    }
  }
  await install(join(checkout, 'package.json'))
}

const Packed = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }))

describe('the package', () => {
  let folder: string
  /** Where the packed files are, as npm would install them. */
  let installed: string
  let packed: string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpet-package-'))
    const copy = join(folder, 'copy')
    for (const name of ingredients) await cp(join(checkout, name), join(copy, name), { recursive: true })
    await symlink(join(checkout, 'node_modules'), join(copy, 'node_modules'))
    expect((await run('npm', ['run', '--silent', 'build'], { cwd: copy })).stdout).toBe('')
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: copy })
    packed = Packed.parse(JSON.parse(stdout)).flatMap(({ files }) => files.map(({ path }) => path))

    const consumer = join(folder, 'consumer')
    installed = join(consumer, 'node_modules', 'limpet')
    for (const path of packed) {
      await mkdir(dirname(join(installed, path)), { recursive: true })
      await cp(join(copy, path), join(installed, path))
    }
    await installDependencies(join(consumer, 'node_modules'))
    await writeFile(join(consumer, 'package.json'), '{ "type": "module" }')
  }, 180_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const inConsumer = (name: string) => join(folder, 'consumer', name)

  it('holds what runs, the migrations, and nothing of the workshop', () => {
    for (const path of [
      'bin/limpet.js',
      'bin/limpet-server.js',
      'bin/run.js',
      'bin/checkout.js',
      'bin/stacks.js',
      'dist/programs/limpet.js',
      'dist/programs/limpet-server.js',
      'dist/programs/healthcheck.js',
      'dist/sdk/index.js',
      'dist/sdk/index.d.ts',
      'dist/programs/web/create.js',
      'dist/programs/web/open.js',
      'dist/programs/web/style.css',
      'dist/programs/web/icon.svg',
      'migrations/sqlite/meta/_journal.json',
      'migrations/postgres/meta/_journal.json',
      'package.json',
    ])
      expect(packed).toContain(path)
    const folders = new Set(packed.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))
    expect([...folders].sort()).toEqual(['bin', 'dist', 'docs', 'migrations'])
    expect(
      packed.filter((path) => /(^|\/)(\.env|data\/|node_modules)|\.(db|log|png|tgz)$/.test(path)),
    ).toEqual([])
    expect(packed.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([])
    expect(packed.filter((path) => path.startsWith('dist/checkout/'))).toEqual([])
  })

  /** A built program's file, and those that it loads with it whether they are needed or not. */
  async function loadedWith(name: string, loaded = new Map<string, string>()): Promise<Map<string, string>> {
    if (loaded.has(name)) return loaded
    const text = await readFile(join(installed, 'dist', 'programs', name), 'utf8')
    loaded.set(name, text)
    for (const [, file = ''] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) await loadedWith(file, loaded)
    return loaded
  }

  /** kB of code, decimal; what a start costs in time and memory goes with them. */
  const budgets = [
    { program: 'limpet-server', part: 'limpet-server', kB: 5 },
    { program: 'limpet-server', part: 'lifecycle', kB: 1800 },
    { program: 'limpet', part: 'limpet', kB: 5 },
    { program: 'limpet', part: 'reading', kB: 620 },
  ]
  it.each(budgets)('$program loads little code for $part', async ({ part, kB }) => {
    const [name = ''] = packed
      .map((path) => /^dist\/programs\/(.+\.js)$/.exec(path)?.[1] ?? '')
      .filter((file) => file.replace(/(-[A-Z0-9]{8})?\.js$/, '') === part)
    const texts = [...(await loadedWith(name)).values()]
    expect(texts.reduce((sum, text) => sum + text.length, 0) / 1000).toBeLessThan(kB)
    // Tables of encodings, a driver of a database, WebAuthn, mail: each is left out, or loaded when it is used.
    const needless = /gb18030|Cannot use a pool after calling end|tsyringe|SMTPConnection/
    expect(texts.map((text) => needless.exec(text)?.[0]).filter(Boolean)).toEqual([])
  })

  it('passes the licences of what is built in on', async () => {
    const licences = await readFile(join(installed, 'dist', 'programs', 'licenses.txt'), 'utf8')
    for (const name of ['express', 'pg', '@serenity-kit/opaque', 'zod'])
      expect(licences).toMatch(new RegExp(`^${name}$`, 'm'))
    expect(licences).toContain('Permission is hereby granted')
  })

  it('is built in a clone so that the user of a service can start what root has built', async () => {
    const builds = join(folder, 'copy', 'dist', 'checkout')
    const modes = await Promise.all(
      (await readdir(builds)).map(async (name) => (await stat(join(builds, name))).mode & 0o777),
    )
    expect(modes).toEqual([0o777 & ~process.umask()])
  })

  it('has every migration of the checkout', async () => {
    for (const engine of ['sqlite', 'postgres']) {
      const files = await readdir(join(checkout, 'migrations', engine))
      const expected = files
        .filter((name) => name.endsWith('.sql'))
        .map((name) => `migrations/${engine}/${name}`)
      expect(expected).not.toEqual([])
      expect(packed).toEqual(expect.arrayContaining(expected))
    }
  })

  it('imports no TypeScript file from JavaScript', async () => {
    const wrong: string[] = []
    for (const path of packed.filter((name) => name.endsWith('.js') && name.startsWith('dist/'))) {
      const text = await readFile(join(installed, path), 'utf8')
      if (/(from|import\()\s*['"][^'"]+\.ts['"]/.test(text)) wrong.push(path)
    }
    expect(wrong).toEqual([])
  })

  it('is imported by its name from plain JavaScript', async () => {
    const script = `
      import { Limpet, newKey, seal, open } from 'limpet'
      import { readFileSync } from 'node:fs'
      const key = newKey()
      const opened = await open(key, ['item'], await seal(key, ['item'], new TextEncoder().encode('works')))
      new Limpet({ server: 'https://vault.example.com', device: { id: '', name: '', type: 'other' } })
      console.log(new TextDecoder().decode(opened), import.meta.resolve('limpet').endsWith('/dist/sdk/index.js'))
    `
    await writeFile(inConsumer('use.js'), script)
    const { stdout } = await run(process.execPath, ['--no-experimental-strip-types', 'use.js'], {
      cwd: inConsumer('.'),
    })
    expect(stdout.trim()).toBe('works true')
  })

  it('has types that a strict consumer can use, and that notice a mistake', async () => {
    const script = `
      import { Limpet, type OpenItem, Replica } from 'limpet'
      const limpet = new Limpet({ server: 'https://vault.example.com', device: { id: '', name: '', type: 'other' } })
      export async function names(): Promise<string[]> {
        const account = await limpet.login({ email: 'ada@example.com', password: 'x' })
        const [vault] = await account.vaults()
        if (!vault) return []
        const replica = new Replica()
        await replica.pull(vault)
        const items: OpenItem[] = await Promise.all([...replica.items.values()].map((item) => vault.openItem(item)))
        // The kind is not one of them: an untyped package would let it pass.
        await vault.create({ kind: 'nonsense', name: 'x' })
        return items.map(({ content }) => content.name)
      }
    `
    await writeFile(inConsumer('use.ts'), script)
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck']
    const args = [compiler, ...options, '--lib', 'es2024,dom', 'use.ts']
    const output = await outputOf(process.execPath, args, inConsumer('.'))
    const errors = output.split('\n').filter((line) => line.includes('error'))
    expect(errors).toEqual([expect.stringMatching(/^use\.ts.*"nonsense"/)])
  })

  it('starts a server that finds its migrations and its pages, and a command line that knows its version', async () => {
    const port = await freePort()
    const child = spawn(
      process.execPath,
      ['--no-experimental-strip-types', join(installed, 'bin', 'limpet-server.js')],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          PORT: String(port),
          DATABASE_URL: `file:${join(folder, 'data', 'limpet.db')}`,
          JWT_SECRET: testSecret,
        },
      },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk
      })
    const gone = once(child, 'exit')
    try {
      let status = 0
      while (status === 0 && child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
        status = response?.status ?? 0
      }
      expect(status, output).toBe(200)
      const origin = `http://127.0.0.1:${port}`
      const page = await (await fetch(origin)).text()
      const [, script = ''] = /<script type="module" src="([^"]+)"/.exec(page) ?? []
      expect(script).toMatch(/^\.\/assets\/create-[0-9a-f]{16}\.js$/)
      const built = await readFile(join(installed, 'dist', 'programs', 'web', 'create.js'), 'utf8')
      expect(await (await fetch(new URL(script, origin))).text()).toBe(built)
    } finally {
      child.kill('SIGTERM')
    }
    await gone
    expect(child.exitCode).toBe(0)
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')))
    const bin = join(installed, 'bin', 'limpet.js')
    const { stdout } = await run(process.execPath, ['--no-experimental-strip-types', bin, '--version'])
    expect(stdout).toContain(version)
  })

  it('loads nothing of Node that a start does not need: its HTTP client for `fetch` takes longer than the rest', async () => {
    const hook = join(folder, 'loaded.cjs')
    await writeFile(
      hook,
      "process.on('exit', () => require('node:fs').writeFileSync(process.env.LOADED, process.moduleLoadList.join('\\n')))",
    )
    const loadedBy = async (program: string, args: string[], environment: Record<string, string>) => {
      const LOADED = join(folder, 'loaded')
      const options = ['--require', hook, join(installed, 'bin', `${program}.js`), ...args]
      const ended = run(process.execPath, options, {
        env: { PATH: process.env.PATH, LOADED, ...environment },
      })
      await expect(ended).rejects.toThrow(server)
      return readFile(LOADED, 'utf8')
    }
    const port = String(await freePort())
    const server = `http://127.0.0.1:${port}`
    // It asks, and nothing answers.
    const token = { LIMPET_SERVER: server, LIMPET_TOKEN: `lmp_${'A'.repeat(43)}.${'A'.repeat(43)}` }
    for (const [program, args, environment] of [
      ['limpet', ['get', 'Mail'], { ...token, LIMPET_STATE_DIR: join(folder, 'state') }],
      ['healthcheck', [], { PORT: port }],
    ] as const) {
      const loaded = await loadedBy(program, [...args], environment)
      expect(loaded).toContain('_http_client')
      expect(loaded).not.toContain('undici')
    }
  })

  it('names sources in stacks', async () => {
    const { stderr } = await run(process.execPath, [join(installed, 'bin', 'limpet.js'), 'get', 'nothing'], {
      env: { LIMPET_STATE_DIR: join(folder, 'state'), LIMPET_DEBUG: '1' },
    }).catch((error: unknown) => z.object({ stderr: z.string() }).parse(error))
    expect(stderr).toMatch(/^ +at .*src\/cli\/[\w/-]+\.ts:\d+:\d+/m)
  })
})
