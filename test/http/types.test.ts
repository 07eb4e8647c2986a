// What the compiler has to promise: equal rows on both engines, and no caller in a public route.
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { route } from '../../src/apis/limpet/route.ts'
import type { SessionCaller, VaultCaller } from '../../src/domain/caller.ts'
import { postgresColumns, sqliteColumns } from '../../src/store/columns.ts'
import * as postgresExports from '../../src/store/schema.postgres.ts'
import * as sqliteExports from '../../src/store/schema.sqlite.ts'
import { postgresTables, sqliteTables } from '../../src/store/schema.ts'

const kinds = ['text', 'whole', 'time', 'flag', 'bytes'] as const

describe('a table over either kit of columns', () => {
  const postgres = {
    text: postgresColumns.text('a'),
    whole: postgresColumns.whole('a'),
    time: postgresColumns.time('a'),
    flag: postgresColumns.flag('a'),
    bytes: postgresColumns.bytes('a'),
  }
  const sqlite = {
    text: sqliteColumns.text('a'),
    whole: sqliteColumns.whole('a'),
    time: sqliteColumns.time('a'),
    flag: sqliteColumns.flag('a'),
    bytes: sqliteColumns.bytes('a'),
  }
  const forever = { backup: 'kept', expires: 'never' } as const
  const onPostgres = postgresColumns.table('t', {
    columns: {
      ...postgres,
      id: postgresColumns.text('id').primaryKey(),
      must: postgresColumns.whole('must').notNull(),
      state: postgresColumns.text('state').notNull().$type<'active' | 'purged'>(),
    },
    ...forever,
  })
  const onSqlite = sqliteColumns.table('t', {
    columns: {
      ...sqlite,
      id: sqliteColumns.text('id').primaryKey(),
      must: sqliteColumns.whole('must').notNull(),
      state: sqliteColumns.text('state').notNull().$type<'active' | 'purged'>(),
    },
    ...forever,
  })

  it('has equal rows to select', () => {
    type Row = typeof onPostgres.$inferSelect
    expectTypeOf<Row>().toEqualTypeOf<typeof onSqlite.$inferSelect>()
    expectTypeOf<Row>().toEqualTypeOf<{
      text: string | null
      whole: number | null
      time: number | null
      flag: boolean | null
      bytes: Uint8Array | null
      id: string
      must: number
      state: 'active' | 'purged'
    }>()
  })

  it('has equal rows to insert', () => {
    expectTypeOf<typeof onPostgres.$inferInsert>().toEqualTypeOf<typeof onSqlite.$inferInsert>()
  })

  it('says what a backup does with it and when its rows run out', () => {
    const { table, text, time } = postgresColumns
    const columns = { id: text('id').primaryKey(), expiresAt: time('expires_at').notNull() }
    table('t', { columns, backup: { leftOut: 'why' }, expires: { after: 'expiresAt', every: 'hour' } })
    // @ts-expect-error: nothing says when its rows run out
    table('t', { columns, backup: 'kept' })
    // @ts-expect-error: nothing says what a backup does with it
    table('t', { columns, expires: 'never' })
    // @ts-expect-error: it has no such column
    table('t', { columns, backup: 'kept', expires: { after: 'endsAt', every: 'hour' } })
    // @ts-expect-error: the cleanup knows no such task
    table('t', { columns, backup: 'kept', expires: { by: 'somebody' } })
  })

  it('has the same kinds in both kits, each of them tested here', () => {
    expectTypeOf<keyof typeof postgresColumns>().toEqualTypeOf<keyof typeof sqliteColumns>()
    type Builders = 'table' | 'primaryKey' | 'foreignKey' | 'index'
    expectTypeOf<Exclude<keyof typeof postgresColumns, Builders>>().toEqualTypeOf<(typeof kinds)[number]>()
    expect(Object.keys(postgresColumns).sort()).toEqual(Object.keys(sqliteColumns).sort())
  })
})

describe('a route', () => {
  const description = {
    method: 'get',
    path: '/x',
    operationId: 'getX',
    tag: 'Server',
    summary: 'x',
    description: 'x',
    limit: 'none',
    request: {},
    success: { 200: z.object({ id: z.string() }) },
    problems: [],
  } as const

  it('knows its caller where it needs a session', () => {
    route({
      ...description,
      auth: 'session',
      async handler({ caller }) {
        expectTypeOf(caller).toEqualTypeOf<SessionCaller>()
        return { status: 200, body: { id: caller.accountId } }
      },
    })
  })

  it('that tokens may call has no account but for a vault that the token reaches', () => {
    for (const auth of ['reader', 'writer'] as const)
      route({
        ...description,
        auth,
        async handler({ caller }) {
          expectTypeOf(caller).toEqualTypeOf<VaultCaller>()
          expectTypeOf(caller).not.toHaveProperty('accountId')
          return { status: 200, body: { id: caller.owned('x').accountId } }
        },
      })
  })

  it('has no caller where it is public', () => {
    route({
      ...description,
      auth: 'public',
      async handler({ caller }) {
        expectTypeOf(caller).toEqualTypeOf<undefined>()
        // @ts-expect-error: who calls a public route is not known
        return { status: 200, body: { id: caller.accountId } }
      },
    })
  })

  it('answers only what it declares', () => {
    route({
      ...description,
      auth: 'public',
      // @ts-expect-error: 201 is not among the answers
      async handler() {
        return { status: 201, body: { id: 'x' } }
      },
    })
  })

  it('answers with the headers that it declares, and with no others', () => {
    const body = { id: 'x' }
    const entity = { ...description, auth: 'public', headers: { 200: ['ETag'] } } as const
    route({ ...entity, handler: async () => ({ status: 200, body, etag: 1 }) })
    // @ts-expect-error: it declares an ETag
    route({ ...entity, handler: async () => ({ status: 200, body }) })
    // @ts-expect-error: it declares no Location
    route({ ...entity, handler: async () => ({ status: 200, body, etag: 1, location: '/x' }) })
    // @ts-expect-error: it declares no ETag
    route({ ...description, auth: 'public', handler: async () => ({ status: 200, body, etag: 1 }) })
  })

  it('has a name and a description for whoever makes a client from the contract', () => {
    const { operationId: _, ...nameless } = description
    const answer = { auth: 'public', handler: async () => ({ status: 200, body: { id: 'x' } }) } as const
    // @ts-expect-error: it has no operationId
    route({ ...nameless, ...answer })
  })
})

describe('what migrations are made from', () => {
  it('is every table', () => {
    expect(Object.keys(postgresExports).sort()).toEqual(Object.keys(postgresTables).sort())
    expect(Object.keys(sqliteExports).sort()).toEqual(Object.keys(sqliteTables).sort())
  })
})
