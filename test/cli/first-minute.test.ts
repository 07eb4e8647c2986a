// The first minute of a new user at a real terminal, with the README's lines: the password is typed twice, and never again.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { dialogue } from '../support/dialogue.ts'
import { walkThrough } from '../support/readme.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

describe.runIf(process.platform === 'linux').each(engines)('the first minute on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('stores the first secret with two entries of the password', async () => {
    const shell = await newShell(server)
    // Before them: git clone, cd, npm ci && npm start.
    const [register = '', add = ''] = walkThrough('command line').split('\n')
    expect(register).toMatch(/^npx limpet register /)
    expect(add).toMatch(/^npx limpet add login /)
    const { screen, code } = await dialogue(
      `cd '${project}' && exec env PS1='$ ' bash --norc --noprofile -i`,
      {
        ...process.env,
        LIMPET_STATE_DIR: shell.folder,
        LIMPET_SERVER: server.url,
        LIMPET_UNLOCK_KEY: '',
        XDG_RUNTIME_DIR: dirname(shell.folder),
        HISTFILE: '',
      },
      [
        ['$ ', `${register}\r`],
        ['New master password: ', `${shell.password}\r`],
        ['(again): ', `${shell.password}\r`],
        ['[Y/n]: ', '\r'],
        ['$ ', `${add}\r`],
        ['$ ', 'npx limpet lock\r'],
        ['$ ', 'exit\r'],
      ],
    )
    expect(code, screen).toBe(0)
    expect(screen).toContain('Unlocked for this login session')
    // The id of the item.
    expect(screen).toMatch(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\r$/m)
    expect(screen).not.toContain('Master password')
    expect(screen).not.toContain(shell.password)
  })
})
