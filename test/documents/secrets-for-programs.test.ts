// The snippets of docs/secrets-for-programs.md, run as a runner of each service runs them.
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { marker, newShell, program } from '../cli/program.ts'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'

const documentation = await readFile(new URL('../../docs/secrets-for-programs.md', import.meta.url), 'utf8')

function snippet(name: string): unknown {
  const [, block = ''] = documentation.split(`<!-- snippet: ${name} -->\n\`\`\`yaml\n`)
  return parse(block.split('```')[0] ?? '')
}

const Action = z.object({
  runs: z.object({ steps: z.tuple([z.object({ run: z.string(), env: z.record(z.string(), z.string()) })]) }),
})
const Pipeline = z.object({ deploy: z.object({ script: z.array(z.string()) }) })

describe.each(engines)('secrets for jobs with a server on %s', (engine) => {
  let server: TestServer
  let folder: string
  const secret = marker('secret')
  let token = ''

  beforeAll(async () => {
    server = await startServer(engine)
    folder = await mkdtemp(join(tmpdir(), 'limpet-job-'))
    const executable = async (name: string, text: string) => {
      await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`)
      await chmod(join(folder, name), 0o755)
    }
    await executable('limpet', `exec '${process.execPath}' '${program}' "$@"`)
    await executable(
      'deploy',
      'echo "deployed with $PGPASSWORD"; test -z "$LIMPET_TOKEN"; printf "%s" "$PGPASSWORD" > used',
    )
  })
  afterAll(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function prepare() {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['vault', 'create', 'Production'])
    await shell.done(['add', 'login', 'Database', '--vault', 'Production'], secret)
    token = await shell.done(['token', 'create', 'deploy', '--vault', 'Production'], shell.password)
  }

  const bash = (script: string, environment: Record<string, string>) =>
    promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: {
        PATH: `${folder}:${process.env.PATH}`,
        LIMPET_SERVER: server.url,
        LIMPET_TOKEN: token,
        LIMPET_STATE_DIR: join(folder, 'state'),
        ...environment,
      },
    })

  it('reach a step of GitHub and a job of GitLab, and no log', async () => {
    await prepare()
    const [step] = Action.parse(snippet('github')).runs.steps
    expect(Object.keys(step.env).sort()).toEqual(['COMMANDS', 'LIMPET_SERVER', 'LIMPET_TOKEN', 'VARIABLES'])
    const github = await bash(step.run, {
      RUNNER_TEMP: folder,
      VARIABLES: 'PGPASSWORD=limpet://Production/Database/password',
      COMMANDS: './deploy',
    })
    expect(github.stdout).toBe('deployed with ••••••••\n')
    expect(await readFile(join(folder, 'used'), 'utf8')).toBe(secret)
    await rm(join(folder, 'used'))

    const gitlab = await bash(Pipeline.parse(snippet('gitlab')).deploy.script.join('\n'), {})
    expect(gitlab.stdout).toBe('deployed with ••••••••\n')
    expect(await readFile(join(folder, 'used'), 'utf8')).toBe(secret)
  })
})
