// `npm run check:clients`: the contract as others read it. Linters find nothing in it, and clients that generators make from it
// compile, register, log in, put, get and sync against a server. Other people's clients of Bitwarden's API do, too, on both engines. No part of
// `npm test`: it fetches the generators, each of one version, and needs the languages. What cannot be had is said and skipped; with --all
// that fails.
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BitwardenDevice, registerBitwardenUser } from '../test/support/bitwarden-client.ts'
import { freePort } from '../test/support/free-port.ts'
import { keepExitCode, startPostgres } from '../test/support/postgres.ts'
import { testOpaqueSetup, testSecret } from '../test/support/server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const contract = path.join(root, 'docs/openapi.json')
const drivers = path.join(root, 'test/clients')
const temporary = mkdtempSync(path.join(tmpdir(), 'limpet-clients-'))

/** A program that did not end well; its output says why. */
class Failed extends Error {}
/** A language, a generator or a registry that is not to be had here. */
class NotHere extends Error {}

const tail = (output: string) => output.trim().split('\n').slice(-30).join('\n')

/** Runs a program to its end. @throws NotHere if there is no such program, Failed if it fails */
function run(
  program: string,
  args: readonly string[],
  cwd = temporary,
  variables: Readonly<Record<string, string>> = {},
): void {
  const env = { ...process.env, ...variables }
  const { error, status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' })
  if (error && 'code' in error && error.code === 'ENOENT') throw new NotHere(`there is no ${program}`)
  if (status !== 0) throw new Failed(`${program} ${args.join(' ')}\n${tail(`${stdout}\n${stderr}`)}`)
}

/** The same for what comes out of a registry. @throws NotHere if it fails */
function fetchTools(program: string, args: readonly string[], cwd: string): void {
  try {
    run(program, args, cwd)
  } catch (error) {
    if (error instanceof Failed) throw new NotHere(`it could not be installed:\n${error.message}`)
    throw error
  }
}

const folder = (name: string): string => {
  const made = path.join(temporary, name)
  mkdirSync(made)
  return made
}

/** Installs npm packages into a folder, without their install scripts. */
function npmPackages(name: string, packages: readonly string[]): string {
  const here = folder(name)
  writeFileSync(path.join(here, 'package.json'), '{ "private": true, "type": "module" }')
  fetchTools('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], here)
  return here
}

/** A virtual environment of Python with these packages in it; the folder of its programs. */
function pythonPackages(here: string, packages: readonly string[]): string {
  run('python3', ['-m', 'venv', 'venv'], here)
  const bin = path.join(here, 'venv/bin')
  fetchTools(path.join(bin, 'pip'), ['install', '--quiet', ...packages], here)
  return bin
}

const openApiGenerator = '7.17.0'
const mavenDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

/** Makes a client with openapi-generator, which Maven fetches, and of which each language has its own options. */
function openApiGenerated(language: string, here: string, ...options: string[]): void {
  run('java', ['-version'])
  const jar = path.join(temporary, `openapi-generator-cli-${openApiGenerator}.jar`)
  if (!existsSync(jar))
    fetchTools(
      'mvn',
      [
        '--batch-mode',
        '--quiet',
        `${mavenDependencies}:copy`,
        `-Dartifact=org.openapitools:openapi-generator-cli:${openApiGenerator}`,
        `-DoutputDirectory=${temporary}`,
      ],
      temporary,
    )
  run('java', ['-jar', jar, 'generate', '-g', language, '-i', contract, '-o', here, ...options], here)
}

const nodeProgram = (here: string, script: string, ...args: string[]) =>
  run(process.execPath, [path.join(here, 'node_modules', script), ...args], here)

/** An account of Bitwarden's apps with one item in it. @returns what a driver is told of it */
async function bitwardenAccount(url: string) {
  const user = await registerBitwardenUser({ url })
  const device = await BitwardenDevice.login({ url }, user)
  await device.createItem({ name: 'mail', username: 'ada', password: 'a password' })
  const { apiKey } = z
    .looseObject({ apiKey: z.string() })
    .parse(await device.ask('POST', '/api/accounts/api-key', { masterPasswordHash: device.passwordHash }))
  return {
    email: user.email,
    variables: { PASSWORD: user.password, CLIENT_ID: `user.${device.accountId}`, CLIENT_SECRET: apiKey },
  }
}

const rbwVersion = '1.15.0'

/** A PATH with rbw's programs. Compiling them takes ten minutes: those on the PATH are taken, if they are of this version. */
function rbwPath(here: string): string {
  const { error, stdout } = spawnSync('rbw', ['--version'], { encoding: 'utf8' })
  if (!error && stdout.trim() === `rbw ${rbwVersion}`) return process.env.PATH ?? ''
  run('cargo', ['--version'])
  // Without --debug it takes half an hour.
  const options = ['--locked', '--debug', '--quiet', '--root', here]
  fetchTools('cargo', ['install', `rbw@${rbwVersion}`, ...options], here)
  return `${path.join(here, 'bin')}:${process.env.PATH}`
}

/** A server on each engine, as a check needs it: where it is. */
interface Servers {
  sqlite(): Promise<string>
  postgres(): Promise<string>
}

/** Each check, and what it does with servers. */
const checks: Record<string, (servers: Servers) => void | Promise<void>> = {
  'Redocly finds nothing'() {
    const here = npmPackages('redocly', ['@redocly/cli@2.46.0'])
    nodeProgram(
      here,
      '@redocly/cli/bin/cli.js',
      'lint',
      '--extends=recommended',
      '--max-problems=1000',
      contract,
    )
  },

  'Spectral finds nothing'() {
    const here = npmPackages('spectral', ['@stoplight/spectral-cli@6.16.3'])
    const rules = path.join(here, 'rules.yaml')
    writeFileSync(rules, 'extends: ["spectral:oas"]\n')
    const cli = '@stoplight/spectral-cli/dist/index.js'
    nodeProgram(here, cli, 'lint', '--fail-severity=hint', '--ruleset', rules, contract)
  },

  async 'TypeScript, by openapi-typescript and openapi-fetch'(servers) {
    const url = await servers.sqlite()
    const here = npmPackages('typescript', [
      'openapi-typescript@7.13.0',
      'openapi-fetch@0.17.0',
      'typescript@5.9.3',
      '@types/node@24.19.2',
    ])
    nodeProgram(here, 'openapi-typescript/bin/cli.js', contract, '-o', 'limpet.d.ts')
    copyFileSync(path.join(drivers, 'typescript/drive.ts'), path.join(here, 'drive.ts'))
    const options = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
      '--skipLibCheck',
    ]
    nodeProgram(here, 'typescript/bin/tsc', ...options, 'drive.ts')
    run(process.execPath, ['drive.js', url], here)
  },

  async 'Python, by openapi-python-client'(servers) {
    const url = await servers.sqlite()
    const here = folder('python')
    const bin = pythonPackages(here, ['openapi-python-client==0.29.1', 'ruff==0.14.5'])
    const generator = path.join(bin, 'openapi-python-client')
    const output = path.join(here, 'limpet_client')
    run(
      generator,
      [
        'generate',
        '--meta',
        'none',
        '--fail-on-warning',
        '--config',
        config(here),
        '--path',
        contract,
        '--output-path',
        output,
      ],
      here,
    )
    run(path.join(bin, 'python'), ['-m', 'compileall', '-q', 'limpet_client'], here)
    copyFileSync(path.join(drivers, 'python/drive.py'), path.join(here, 'drive.py'))
    run(path.join(bin, 'python'), ['drive.py', url], here)
  },

  async 'Python, by openapi-generator'(servers) {
    const url = await servers.sqlite()
    const here = folder('python-openapi-generator')
    openApiGenerated('python', here, '--package-name', 'limpet_client')
    const bin = pythonPackages(here, ['--requirement', 'requirements.txt'])
    run(path.join(bin, 'python'), ['-m', 'compileall', '-q', 'limpet_client'], here)
    copyFileSync(path.join(drivers, 'python-openapi-generator/drive.py'), path.join(here, 'drive.py'))
    run(path.join(bin, 'python'), ['drive.py', url], here)
  },

  async 'Go, by oapi-codegen'(servers) {
    const url = await servers.sqlite()
    const here = folder('go')
    run('go', ['mod', 'init', 'example.com/limpet'], here)
    const generator = 'github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2'
    fetchTools('go', ['run', generator, '-version'], here)
    run(
      'go',
      ['run', generator, '-generate', 'types,client', '-package', 'main', '-o', 'client.go', contract],
      here,
    )
    copyFileSync(path.join(drivers, 'go/main.go'), path.join(here, 'main.go'))
    fetchTools('go', ['get', 'github.com/oapi-codegen/runtime@v1.8.0'], here)
    fetchTools('go', ['mod', 'tidy'], here)
    run('go', ['build', '-o', 'drive', '.'], here)
    run(path.join(here, 'drive'), [url], here)
  },

  async 'Rust, by openapi-generator'(servers) {
    const url = await servers.sqlite()
    const here = folder('rust')
    run('cargo', ['--version'])
    // Its clients that wait do not compile where a body is a file.
    const options = 'packageName=limpet_client,supportAsync=true'
    openApiGenerated('rust', here, '--additional-properties', options)
    fetchTools('cargo', ['add', '--quiet', 'base64@=0.22.1', 'rand@=0.9.2', 'uuid@=1.18.1'], here)
    // The client has tokio, without what a program of its own needs.
    fetchTools('cargo', ['add', '--quiet', 'tokio', '--features', 'macros,rt-multi-thread'], here)
    fetchTools('cargo', ['fetch', '--quiet'], here)
    mkdirSync(path.join(here, 'src/bin'))
    copyFileSync(path.join(drivers, 'rust/drive.rs'), path.join(here, 'src/bin/drive.rs'))
    // TLS would need libraries of the system, and the server here has none.
    run('cargo', ['build', '--quiet', '--offline', '--no-default-features'], here)
    run(path.join(here, 'target/debug/drive'), [url], here)
  },

  'Kotlin, by openapi-generator, which is compiled only'() {
    const here = folder('kotlin')
    openApiGenerated('kotlin', here)
    copyFileSync(path.join(drivers, 'kotlin/pom.xml'), path.join(here, 'pom.xml'))
    const maven = ['--batch-mode', '--quiet']
    fetchTools('mvn', [...maven, `${mavenDependencies}:go-offline`], here)
    run('mvn', [...maven, '--offline', 'kotlin:compile'], here)
  },

  async "python-vaultwarden, by the API of Bitwarden's apps"(servers) {
    const bin = pythonPackages(folder('python-vaultwarden'), ['python-vaultwarden==1.1.2'])
    const driver = path.join(drivers, 'python-vaultwarden/drive.py')
    for (const url of [await servers.sqlite(), await servers.postgres()]) {
      const { email, variables } = await bitwardenAccount(url)
      run(path.join(bin, 'python'), [driver, url, email], temporary, variables)
    }
  },

  async "rbw, by the API of Bitwarden's apps"(servers) {
    const here = folder('rbw')
    const programs = { PATH: rbwPath(here) }
    for (const url of [await servers.sqlite(), await servers.postgres()]) {
      const { email, variables } = await bitwardenAccount(url)
      run('sh', [path.join(drivers, 'rbw/drive.sh'), url, email], here, { ...variables, ...programs })
    }
  },
}

/** Without hooks: they would format what nobody reads. */
function config(here: string): string {
  const file = path.join(here, 'config.yaml')
  writeFileSync(file, 'post_hooks: []\n')
  return file
}

/** What has been started, and is stopped at the end, the last one first. */
const stops: (() => unknown)[] = []

/** Starts a server. @returns where it is */
async function startServer(databaseUrl: string): Promise<string> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = spawn(process.execPath, [path.join(root, 'bin/limpet-server.js')], {
    cwd: temporary,
    stdio: 'ignore',
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      PUBLIC_URL: url,
      DATABASE_URL: databaseUrl,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
      BITWARDEN_API: 'on',
    },
  })
  stops.push(() => server.kill())
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (let attempt = 0; !(await isReady()); attempt += 1) {
    if (attempt > 600) throw new Error('The server did not start within a minute')
    await sleep(100)
  }
  return url
}

async function startOnPostgres(): Promise<string> {
  keepExitCode()
  const { url, stop } = await startPostgres()
  stops.push(stop)
  return startServer(url)
}

/** Does it when it is first asked for, and gives the same again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

const servers: Servers = {
  sqlite: once(() => startServer('file:./limpet.db')),
  postgres: once(startOnPostgres),
}
let [failed, skipped] = [0, 0]
try {
  const [only] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
  const chosen = Object.entries(checks).filter(([name]) => only === undefined || name.startsWith(only))
  if (chosen.length === 0)
    throw new Error(`No check begins with ${only}. There are:\n${Object.keys(checks).join('\n')}`)
  for (const [name, check] of chosen) {
    try {
      await check(servers)
      console.log(`ok       ${name}`)
    } catch (error) {
      if (error instanceof NotHere) {
        skipped += 1
        console.log(`skipped  ${name}: ${error.message}`)
      } else if (error instanceof Failed) {
        failed += 1
        console.log(`failed   ${name}: ${error.message}`)
      } else throw error
    }
  }
} finally {
  for (const stop of stops.toReversed()) await stop()
  rmSync(temporary, { recursive: true, force: true })
}
if (failed > 0 || (skipped > 0 && process.argv.includes('--all'))) process.exitCode = 1
