// The script of docs/export-format.md opens what is exported, and nothing else.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { writers } from '../../src/sdk/moving/index.ts'
import { exportedAt, outgoing, written } from '../support/exports.ts'
import { bytesOf } from '../support/files.ts'
import { pythonWithPackages } from '../support/python.ts'

// Python derives with the costs that the file names.
vi.unmock('hash-wasm')

const document = readFileSync(new URL('../../docs/export-format.md', import.meta.url), 'utf8')
const [, script = ''] = /```python\n(.*?)```/s.exec(document) ?? []
const python = pythonWithPackages()
const passphrase = 'ﬁve barnacles on a ⑨ pin'

describe('the script of docs/export-format.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-export-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const file = bytesOf(150_000)
  const items = [
    outgoing(
      { kind: 'login', name: 'Café 🦪', password: 'now', ofALaterClient: { kept: [1, null] } },
      {
        files: { 'a.txt': file, gone: undefined, empty: new Uint8Array(0) },
        versions: [{ kind: 'login', name: 'Cafe', password: 'before' }],
      },
    ),
    outgoing({ kind: 'later', name: 'Of a later kind' }, { vault: 'Work', trashed: true }),
  ]
  beforeAll(async () => {
    writeFileSync(join(folder, 'open-export.py'), script)
    const { bytes } = await written(writers[0], items, passphrase)
    writeFileSync(join(folder, 'good'), bytes)
    writeFileSync(join(folder, 'cut'), bytes.subarray(0, bytes.length - 70_000))
  })
  let runs = 0
  const run = (name: string, typed: string) => {
    const out = join(folder, `out-${runs++}`)
    const args = [join(folder, 'open-export.py'), join(folder, name), out]
    const { status, stdout, stderr } = spawnSync(python ?? '', args, {
      input: `${typed}\n`,
      encoding: 'utf8',
    })
    return { status, stdout, stderr, out }
  }

  it('has at most 100 lines', () => {
    expect(script.trimEnd().split('\n').length).toBeLessThanOrEqual(100)
    expect(script).toContain('def main')
  })

  it.runIf(python)('gives every record and every file', () => {
    const { status, stdout, stderr, out } = run('good', passphrase)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('2 items')
    const records = JSON.parse(readFileSync(join(out, 'export.json'), 'utf8'))
    const [first, second] = items
    const ids = first?.files.map(({ id }) => id)
    expect(records).toEqual([
      { type: 'export', createdAt: exportedAt.toISOString(), program: 'a test' },
      { type: 'vault', id: first?.vault.id, content: { name: 'Personal' } },
      { type: 'item', ...withoutRevision(first) },
      { type: 'version', ...first?.versions[0] },
      { type: 'file', id: ids?.[0], size: 150_000 },
      { type: 'lost', id: ids?.[1] },
      { type: 'file', id: ids?.[2], size: 0 },
      { type: 'vault', id: second?.vault.id, content: { name: 'Work' } },
      { type: 'item', ...withoutRevision(second) },
      { type: 'end' },
    ])
    expect(new Uint8Array(readFileSync(join(out, ids?.[0] ?? '')))).toEqual(file)
    expect(readFileSync(join(out, ids?.[2] ?? ''))).toHaveLength(0)
  })

  it.runIf(python)('refuses a wrong passphrase and a file that is cut off', () => {
    expect(run('good', 'another one')).toMatchObject({ status: 1, stderr: 'The passphrase is wrong.\n' })
    const cut = run('cut', passphrase)
    expect(cut.status).toBe(1)
    expect(cut.stderr).toContain('InvalidTag')
  })
})

function withoutRevision(outgoing: { readonly item: { readonly revision: number } } | undefined) {
  const { revision: _, ...rest } = outgoing?.item ?? { revision: 0 }
  return rest
}
