// Nothing that a row of the database says steers the operator's terminal: every command there is, over rows of somebody evil.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { commands } from '../../src/operator/commands.ts'
import { runProgram } from '../../src/operator/program.ts'
import { ask } from '../../src/terminal/output.ts'
import type { Prompter } from '../../src/terminal/prompter.ts'
import { newAccount } from '../support/accounts.ts'
import { newBitwardenAccount } from '../support/bitwarden.ts'
import { loginCipher } from '../support/ciphers.ts'
import { bodyOf, send } from '../support/requests.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { startServer, type TestServer, testOpaqueSetup, testSecret } from '../support/server.ts'
import { evil, onTerminal, steering } from '../support/terminal.ts'

/** Commands that show something of accounts and invites, in one way at least. */
const showing = [
  'invite list',
  'invite revoke',
  'items bring-back',
  'items history',
  'users delete',
  'users disable',
  'users enable',
  'users list',
  'users reset-factors',
]

/** Somebody at a terminal who answers everything with the same. */
const person: Prompter = {
  interactive: true,
  isOpened: true,
  secret: async () => evil,
  line: async (question) => {
    ask(question)
    return evil
  },
  text: async () => evil,
  bytes: async () => Buffer.from(evil),
  async *pieces() {
    yield Buffer.from(evil)
  },
  confirm: async () => true,
  close: () => {},
}

describe("the operator's terminal", () => {
  let server: TestServer
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpet-operator-'))
    server = await startServer('sqlite', { environment: { BITWARDEN_API: 'on' } })
    const settings = {
      DATABASE_URL: server.database.url,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
      LIMPET_CREDENTIALS_FILE: join(folder, 'credentials.yml.enc'),
      // An editor that changes nothing.
      VISUAL: 'true',
    }
    for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** An account of Bitwarden's apps with an item that was replaced, under a name that is spoiled. */
  async function spoiledApp() {
    const { accountId, token } = await newBitwardenAccount(server)
    const write = (method: string, path: string) => send(server, { method, path, token, body: loginCipher() })
    const { id } = bodyOf(z.object({ id: z.string() }), await write('POST', '/api/ciphers'))
    expect((await write('PUT', `/api/ciphers/${id}`)).status).toBe(200)
    const { item_versions: [version] = [] } = await readRows(server.database)
    await runStatement(
      server.database,
      `update accounts set email = email || '${evil}' where id = '${accountId}'`,
    )
    return { accountId, itemId: id, version: String(version?.revision) }
  }

  /** An account and two invites, of which it has used one, with everything that is text spoiled as far as it can be. */
  async function spoiledRows() {
    const { accountId } = await newAccount(server)
    const run = (statement: string) => runStatement(server.database, statement)
    await run(`update accounts set email = email || '${evil}' where id = '${accountId}'`)
    const [used, open] = [randomUUID(), `${randomUUID()}${evil}`]
    for (const [id, usedBy] of [
      [used, `'${accountId}'`],
      [open, 'null'],
    ])
      await run(
        `insert into invites (id, code_hash, email, note, created_at, expires_at, used_at, used_by)
         values ('${id}', randomblob(32), 'a@example.com${evil}', '${evil}', 0, 9999999999999, ${usedBy === 'null' ? 'null' : 1}, ${usedBy})`,
      )
    return { accountId, used, open }
  }

  const valueFor = (operand: string, { accountId }: { accountId: string }) =>
    operand === 'EMAIL_OR_ID'
      ? accountId
      : operand.includes('FILE')
        ? join(folder, `${randomUUID()}${evil}`)
        : evil

  it('gets nothing that steers it from any command', async () => {
    const app = await spoiledApp()
    const met = new Set<string>()
    const loaded = await commands.load()
    // Serving is no command that ends, and nothing can be looked at in a database that was moved.
    const others = loaded.filter(([name]) => name !== 'start' && name !== 'move')
    for (const [name, command] of [...others, ...loaded.filter(([name]) => name === 'move')]) {
      const rows = await spoiledRows()
      const words = command.usage.split(' ').slice(1 + name.split(' ').length)
      const operands = words.filter((word) => word !== '[options]').map((word) => valueFor(word, rows))
      const withOption = Object.entries(command.options).map(([option, { type }]) => [
        type === 'boolean'
          ? `--${option}`
          : `--${option}=${option === 'to' ? `file:${folder}/${evil}` : evil}`,
        ...operands,
      ])
      const lines = [operands, ...withOption]
      if (name === 'items history') lines.push([app.accountId])
      if (name === 'items bring-back')
        for (const version of [app.version, '7', evil]) lines.push([app.accountId, app.itemId, version])
      if (name === 'invite revoke') lines.push([rows.used], [rows.open], ['--json', rows.open])
      for (const line of lines) {
        const args = [...name.split(' '), ...line]
        const screen = await onTerminal(() => runProgram(args, person))
        const told = `${args.join(' ')}:\n${JSON.stringify(screen)}`
        expect(steering.exec(screen)?.[0], told).toBeUndefined()
        expect(screen, told).not.toMatch(/^Forged prompt/m)
        expect(screen, told).toMatch(/^$|\n$|: $/)
        if (screen.includes('evil\\u001b')) met.add(name)
      }
    }
    // Otherwise the test would see nothing of what it is about.
    expect([...met]).toEqual(expect.arrayContaining(showing))
  }, 120_000)
})
