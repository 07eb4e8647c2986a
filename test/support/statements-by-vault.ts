// Watches every statement that a server sends to Postgres in any test, and has Postgres itself say, on a database whose tables are cut up
// by vault, how many parts the statement looks into. One is what a statement on the content of a vault may look into; the statements
// that need all of them are listed here; docs/scaling.md says why.
import pg from 'pg'
import { inject } from 'vitest'
import { z } from 'zod'
import { allTables } from '../../src/store/shape.ts'

const names = allTables.flatMap(({ isByVault, name }) => (isByVault ? [name] : []))

interface AcrossVaults {
  /** What docs/scaling.md calls it. */
  readonly name: string
  readonly is: RegExp
}

/** Statements that look into every part, which docs/scaling.md gives the reasons for. */
const acrossVaults: readonly AcrossVaults[] = [
  {
    name: 'vaults with versions that are too old',
    is: /^select "vault_id" from \(select "vault_id" from "item_versions" where "item_versions"."replaced_at" </,
  },
  {
    name: 'uploads that nobody finished',
    is: /^select "vault_id", "item_id", "id" from "attachments" where "attachments"."expires_at" <=/,
  },
  {
    name: 'vaults with old trash',
    is: /^select "vault_id" from \(select "vault_id" from "ciphers" where "ciphers"."deleted_at" </,
  },
  {
    name: 'sends whose file is gone',
    is: /^select .* from "sends" left join "attachments" on .* where \("sends"."file_id" is not null and "attachments"."id" is null\)/,
  },
  {
    name: 'a send by its link',
    is: /^select .* from "sends" left join "attachments" on .* where "sends"."id" = \$1/,
  },
  {
    name: 'files that are in the database or in the store',
    is: /^select .* from "attachments" where \(?"attachments"."place" =/,
  },
  {
    name: 'whether objects of the store are still named',
    is: /^select "vault_id", "item_id", "id", "upload" from "attachments" where \("attachments"."vault_id" in/,
  },
  {
    name: 'how many items each vault of a list has',
    is: /^select "vault_id", count\(\*\) from "items" where \("items"."vault_id" in \(/,
  },
  {
    name: 'what each account stores',
    is: /^select "vaults"."account_id", .* from "(items|item_versions)" inner join "vaults" on .* group by "vaults"."account_id"$/,
  },
]

interface Seen {
  readonly text: string
  readonly values: unknown[]
}

const Sent = z.union([
  z.string().transform((text) => ({ text, values: undefined })),
  z.looseObject({ text: z.string(), values: z.array(z.unknown()).optional() }),
])

/** Statements that are sent in one piece (src/store/postgres-pieces.ts). */
const SentTogether = z.looseObject({ statements: z.array(Sent) }).transform(({ statements }) => statements)

const onVaultData = new RegExp(`^\\s*(select|insert|update|delete|with)\\b.*"(${names.join('|')})"`, 's')

const seen = new Map<string, Seen>()
const judged = new Set<string>()

/** A server's connections have time limits. Those of work on the whole database have none, and are not watched. */
const ofServer = z.looseObject({
  connectionParameters: z.looseObject({ statement_timeout: z.int().positive() }),
})

let isWatching = false

/** Begins to remember each statement, once for each process that runs tests. */
export function watchStatements(): void {
  if (isWatching) return
  isWatching = true
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = new Proxy(query, {
    apply(target, client, args: unknown[]) {
      const sent = z.union([SentTogether, Sent.transform((one) => [one])]).safeParse(args[0])
      for (const { text, values } of sent.data ?? []) {
        if (!onVaultData.test(text) || seen.has(text)) continue
        const given = z.array(z.unknown()).safeParse(args[1])
        if (ofServer.safeParse(client).success)
          seen.set(text, { text, values: (given.success ? given.data : values) ?? [] })
      }
      return Reflect.apply(target, client, args)
    },
  })
}

const part = new RegExp(`^(${names.join('|')})_\\d\\d$`)

/** How many parts of the table of which it is most a plan looks into. */
function partsOf(plan: unknown): number {
  const found = new Map<string, Set<string>>()
  const walk = (node: unknown) => {
    if (Array.isArray(node)) for (const one of node) walk(one)
    else if (typeof node === 'object' && node !== null)
      for (const [key, value] of Object.entries(node)) {
        const [name = '', table] = (key === 'Relation Name' && part.exec(String(value))) || []
        if (table) found.set(table, (found.get(table) ?? new Set()).add(name))
        walk(value)
      }
  }
  walk(plan)
  return Math.max(0, ...[...found.values()].map((parts) => parts.size))
}

/** Of a statement that no test has sent before. @returns the statements that look into several parts and are not on the list */
export async function judgeStatements(): Promise<string[]> {
  const open = [...seen.values()].filter(({ text }) => !judged.has(text))
  if (open.length === 0) return []
  const client = new pg.Client({ connectionString: inject('partitionedUrl') })
  await client.connect()
  const found: string[] = []
  try {
    for (const { text, values } of open) {
      judged.add(text)
      const { rows } = await client.query({ text: `explain (format json) ${text}`, values, rowMode: 'array' })
      if (partsOf(rows) > 1 && !acrossVaults.some(({ is }) => is.test(text))) found.push(text)
    }
  } finally {
    await client.end()
  }
  return found
}
