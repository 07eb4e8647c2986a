// The rules about who may import whom (.dependency-cruiser.cjs): each refuses what it is there for, and lets the house as it is planned through.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkImports } from '../../scripts/check-imports.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

const rules = z
  .object({ forbidden: z.array(z.object({ name: z.string() })) })
  .parse(createRequire(import.meta.url)('../../.dependency-cruiser.cjs'))
  .forbidden.map(({ name }) => name)

/** Imports, each from a file below `src` to another one, to a package, or to one of Node's own modules. */
type Imports = readonly (readonly [from: string, to: string])[]

/** Makes a tree of files that hold these imports and nothing else, and looks at it. */
function look(imports: Imports): { from: string; rule: string }[] {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-imports-'))
  try {
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
    symlinkSync(join(checkout, 'tsconfig.json'), join(folder, 'tsconfig.json'))
    const isFile = (name: string) => name.endsWith('.ts')
    const content = new Map<string, string>()
    for (const [from, to] of imports) {
      if (isFile(to) && !to.startsWith('missing')) content.set(to, content.get(to) ?? '')
      const specifier = isFile(to) ? relative(dirname(from), to).replace(/^(?!\.)/, './') : to
      content.set(from, `${content.get(from) ?? ''}import '${specifier}'\n`)
    }
    for (const [name, text] of content) {
      const path = join(folder, 'src', name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, `${text}export {}\n`)
    }
    return checkImports(folder).violations.map(({ from, rule }) => ({ from, rule: rule.name }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** For each rule, imports that break it. */
const broken: Readonly<Record<string, Imports>> = {
  'no-cycles': [
    ['domain/identity/one.ts', 'domain/identity/other.ts'],
    ['domain/identity/other.ts', 'domain/identity/one.ts'],
  ],
  'no-cycles-of-folders': [
    ['domain/audit/reads.ts', 'domain/mail/is-read.ts'],
    ['domain/mail/reads.ts', 'domain/audit/is-read.ts'],
  ],
  'basics-are-basic': [['clock.ts', 'contract/items.ts']],
  'contract-is-pure': [
    ['contract/shapes.ts', 'protocol/keys.ts'],
    ['contract/files.ts', 'node:fs'],
  ],
  'protocol-is-portable': [
    ['protocol/bytes.ts', 'sdk/errors.ts'],
    ['protocol/node.ts', 'node:crypto'],
  ],
  'sdk-is-portable': [
    ['sdk/vault.ts', 'domain/vaults/vaults.ts'],
    ['sdk/storage.ts', 'node:fs'],
  ],
  'moving-is-portable': [
    ['sdk/moving/kdbx.ts', 'cli/session.ts'],
    ['sdk/moving/files.ts', 'node:fs'],
  ],
  'sdk-without-moving': [['sdk/account.ts', 'sdk/moving/csv.ts']],
  'web-is-small': [
    ['web/share/page.ts', 'http/html.ts'],
    ['web/share/shapes.ts', 'zod'],
  ],
  'domain-knows-no-http': [
    ['domain/shares/shares.ts', 'apis/limpet/shares.ts'],
    ['domain/shares/writes.ts', 'http/route.ts'],
    ['domain/shares/asks.ts', 'server/config.ts'],
    ['domain/shares/answers.ts', 'express'],
    ['domain/shares/listens.ts', 'node:http'],
  ],
  'http-serves-every-api': [
    ['http/route.ts', 'domain/rate-limits/budgets.ts'],
    ['http/mount.ts', 'apis/pages/documentation.ts'],
  ],
  'apis-translate': [['apis/limpet/items.ts', 'server/config.ts']],
  'apis-stand-side-by-side': [['apis/snappass/routes.ts', 'apis/limpet/route.ts']],
  'store-knows-no-rules': [['store/sqlite.ts', 'domain/failure.ts']],
  'objects-know-no-rules': [['objects/s3.ts', 'domain/failure.ts']],
  'terminal-serves-both-programs': [['terminal/command.ts', 'cli/state-folder.ts']],
  'cli-uses-the-sdk': [['cli/session.ts', 'domain/identity/sessions.ts']],
  'operator-is-no-client': [['operator/users.ts', 'cli/session.ts']],
  'server-is-on-top': [['credentials/index.ts', 'server/config.ts']],
  'drivers-stay-in-the-store': [['domain/vaults/fast.ts', 'better-sqlite3']],
  'dialects-stay-in-columns': [['store/bulk.ts', 'drizzle-orm/pg-core']],
  'main-is-the-end': [['operator/program.ts', 'limpet-server.ts']],
  'no-unknown': [['sdk/index.ts', 'missing.ts']],
}

describe('the rules about imports', () => {
  it('each have an example that breaks them', () => {
    expect(Object.keys(broken).sort()).toEqual([...rules].sort())
  })

  // All in one tree: a look at one takes as long as a look at all.
  const found = look(Object.values(broken).flat())

  it.each(Object.entries(broken))('%s refuses what it is there for', (rule, imports) => {
    const refused = found.filter((violation) => violation.rule === rule).map(({ from }) => from)
    // A rule about folders names the folder.
    const isRefused = ([from]: Imports[number]) =>
      refused.includes(`src/${from}`) || refused.includes(`src/${dirname(from)}`)
    // A circle is told once, by one of its files.
    const isCircle = rule.startsWith('no-cycles')
    expect(isCircle ? imports.some(isRefused) : imports.every(isRefused)).toBe(true)
  })

  it('let the house through as it is planned', () => {
    expect(
      look([
        ['contract/items.ts', 'zod'],
        ['protocol/keys.ts', 'contract/items.ts'],
        ['sdk/vault.ts', 'protocol/keys.ts'],
        ['web/share/open.ts', 'sdk/vault.ts'],
        ['domain/vaults/items.ts', 'store/store.ts'],
        ['domain/vaults/items.ts', 'domain/failure.ts'],
        ['domain/identity/login.ts', 'domain/audit/audit-log.ts'],
        ['http/route.ts', 'domain/failure.ts'],
        ['apis/limpet/items.ts', 'domain/vaults/items.ts'],
        ['apis/limpet/items.ts', 'http/route.ts'],
        ['server/compose.ts', 'apis/limpet/items.ts'],
        ['operator/serving.ts', 'server/compose.ts'],
        ['operator/serving.ts', 'terminal/command.ts'],
        ['cli/session.ts', 'sdk/vault.ts'],
        ['cli/session.ts', 'terminal/command.ts'],
        ['store/sqlite.ts', 'better-sqlite3'],
        ['store/sqlite.ts', 'node:fs'],
        ['limpet-server.ts', 'operator/serving.ts'],
      ]),
    ).toEqual([])
  })
})
