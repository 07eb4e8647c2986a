// Out of one server and into another one of the other engine: the same vaults, items, trash, versions and files. And files that were
// tampered with: each its sentence, and nothing is written.
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Ending } from '../../src/terminal/exit-codes.ts'
import { type Engine, engines } from '../support/database.ts'
import { bytesOf, fileNamed } from '../support/files.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell, type Shell } from './program.ts'

const passphrase = 'limpets cling to seven wet rocks'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const otherEngine = (engine: Engine) => engines.find((one) => one !== engine) ?? engine

interface Listed {
  readonly id: string
  readonly name: string
}

/** Everything of an account but ids and times. */
async function everythingOf(shell: Shell) {
  const { account } = await shell.otherDevice()
  const found = []
  for (const vault of await account.vaults()) {
    const { items } = await vault.changes(undefined)
    for (const state of items) {
      if (!('data' in state)) continue
      const { content, deletedAt } = await vault.openItem(state)
      const { attachments: _, ...rest } = content
      const versions = await vault.versions(state.id)
      const files = []
      for (const file of 'attachments' in content && Array.isArray(content.attachments)
        ? content.attachments
        : [])
        files.push([file.name, sha256(await vault.attachments.read(state.id, file))])
      const before = versions.map(({ content: { attachments: _, ...one } }) => JSON.stringify(one)).reverse()
      const states = [...before, JSON.stringify(rest)]
      // A write that changed only the files is no state of its own here.
      const distinct = states.filter((one, at) => one !== states[at - 1])
      found.push({ vault: vault.name, trashed: deletedAt !== null, states: distinct, files })
    }
  }
  return found.sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)))
}

describe.each(engines)('an export from %s', (engine) => {
  let from: TestServer
  let to: TestServer
  beforeAll(async () => {
    from = await startServer(engine)
    to = await startServer(otherEngine(engine))
  })
  afterAll(async () => {
    await from.close()
    await to.close()
  })

  async function exported(): Promise<{ path: string; shell: Shell }> {
    const folder = await mkdtemp(join(tmpdir(), 'limpet-round-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const shell = await newShell(from)
    await shell.enter()
    await shell.done(['add', 'login', 'Mail', '--username', 'ada', '--tag', 'sea'], 'the first')
    await shell.done(['edit', 'Mail', '--set-secret', 'password'], 'the second')
    await shell.done(['edit', 'Mail', '--set-secret', 'password'], 'the third')
    await shell.done(['add', 'note', 'Old'], 'gone')
    await shell.done(['rm', 'Old'])
    await shell.done(['vault', 'create', 'Production'])
    const deed: Listed = JSON.parse(
      await shell.done(['add', 'note', 'Deed', '--vault', 'Production', '--json'], 'By the sea'),
    )
    const { account } = await shell.otherDevice()
    const production = (await account.vaults()).find(({ name }) => name === 'Production')
    await production?.attachments.add(deed.id, fileNamed('deed.pdf', bytesOf(200_000)))
    const path = join(folder, 'all.limpet')
    await shell.done(['export', path], passphrase)
    return { path, shell }
  }

  const enteredElsewhere = async () => {
    const shell = await newShell(to)
    await shell.enter()
    return shell
  }

  it('comes back whole on the other engine, and once', async () => {
    const { path, shell } = await exported()
    const other = await enteredElsewhere()
    await other.done(['import', path, '--yes'], passphrase)
    const before = await everythingOf(shell)
    expect(before).toHaveLength(3)
    expect(await everythingOf(other)).toEqual(before)
    await other.done(['import', path, '--yes'], passphrase)
    expect(await everythingOf(other)).toEqual(before)
  })

  it('that was tampered with is refused with a sentence, and nothing is written', async () => {
    const { path } = await exported()
    const good = await readFile(path)
    const header = good.indexOf(0x0a) + 1
    const chunk = 65_536 + 16
    const parts = [0, 1].map((at) => good.subarray(header + at * chunk, header + (at + 1) * chunk))
    const rest = good.subarray(header + 2 * chunk)
    const withHeader = (from: RegExp, text: string) =>
      Buffer.concat([
        Buffer.from(good.subarray(0, header).toString().replace(from, text)),
        good.subarray(header),
      ])
    const changed = Buffer.from(good)
    changed.writeUInt8(changed.readUInt8(header + 99) ^ 1, header + 99)
    const attempts: [what: string, bytes: Uint8Array, typed: string, ending: Ending, sentence: RegExp][] = [
      ['wrong passphrase', good, 'another one', 'wrongPassword', /passphrase does not open the export/],
      ['cut off', good.subarray(0, good.length - 70_000), passphrase, 'usage', /damaged: it was cut off/],
      [
        'reordered',
        Buffer.concat([good.subarray(0, header), ...parts.reverse(), rest]),
        passphrase,
        'usage',
        /damaged/,
      ],
      ['changed', changed, passphrase, 'usage', /damaged/],
      [
        'huge',
        withHeader(/"memoryKiB":\d+/, '"memoryKiB":4000000000'),
        passphrase,
        'usage',
        /Nothing was made of the passphrase/,
      ],
      [
        'endless',
        withHeader(/"iterations":\d+/, '"iterations":1000000'),
        passphrase,
        'usage',
        /Nothing was made of the passphrase/,
      ],
      [
        'later',
        withHeader(/"limpetExport":1/, '"limpetExport":2'),
        passphrase,
        'usage',
        /newer version of Limpet/,
      ],
    ]
    const other = await enteredElsewhere()
    for (const [what, bytes, typed, ending, sentence] of attempts) {
      await writeFile(path, bytes)
      const { stderr } = await other.ended(ending, ['import', path, '--yes'], typed)
      expect(stderr, what).toMatch(sentence)
      expect(stderr, what).toMatch(/^limpet: [^\n]+\n$/)
    }
    expect(await everythingOf(other)).toEqual([])
  })
})
