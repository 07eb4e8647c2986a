// The README's walk-throughs, line by line as they stand there, against a server on each engine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { answering, runInProject, walkThrough } from '../support/readme.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe.each(engines)('the walk-throughs of the README on %s', (engine) => {
  let server: TestServer
  let folder: string
  beforeEach(async () => {
    server = await startServer(engine)
    folder = await mkdtemp(join(tmpdir(), 'limpet-readme-'))
  })
  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (script: string) =>
    runInProject(script, { LIMPET_SERVER: server.url, LIMPET_STATE_DIR: join(folder, 'state') })

  it('command line', async () => {
    const output = await run(answering + walkThrough('command line'))
    expect(output).toContain('GitHub')
    expect(output).toContain('ada.lovelace')
    // The generated password, alone on its line.
    expect(output).toMatch(/^\S{20}$/m)
    // It starts the program thirteen times, which takes long on a busy machine.
  }, 600_000)

  it('CI: what the token opens is there in the job', async () => {
    await run(`${answering}npx limpet register ada@example.com; npx limpet login ada@example.com`)
    const [token = ''] = /lmp_\S+/.exec(await run(answering + walkThrough('CI'))) ?? []
    // On another machine, which has nothing but the token.
    const job = walkThrough('the job').replace('https://vault.example.com', server.url)
    const environment = { LIMPET_TOKEN: token, LIMPET_STATE_DIR: join(folder, 'other') }
    expect(await runInProject(job, environment)).toMatch(/^\S{20}\n$/)
  }, 300_000)

  it('one-time links', async () => {
    const lines = walkThrough('one-time links').replaceAll('link.txt', `${folder}/link.txt`)
    expect(await run(lines)).toMatch(/^correct horse\n?ended with 5: it opens once\n$/)
  })

  it('curl and jq', async () => {
    const lines = walkThrough('curl')
      // The files of the walk-through are written where nothing else is.
      .replaceAll(/\b(grace\.json|session\.json|token\.txt)\b/g, `${folder}/$1`)
    const output = await run(answering + lines)
    expect(output).toContain('grace@example.com')
    expect(output).toContain('"code": "revision-conflict"')
    expect(output).toMatch(/"now": 3/)
    expect(output).toMatch(/"revision": 4/)
    expect(output).toMatch(/"deletedAt": "20/)
  })
})
