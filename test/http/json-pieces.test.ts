// Large bodies whose lists are parsed object by object: they say the same as when they are parsed as a whole.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Failure } from '../../src/domain/failure.ts'
import { defaultBody, kindOf } from '../../src/http/body.ts'
import { jsonBody } from '../../src/http/json-body.ts'
import { checkPieces, inJsonPieces } from '../../src/http/json-pieces.ts'

const body = inJsonPieces(z.unknown(), { objects: 2000 })
const bounds = { ...defaultBody, bytes: 8 * 1024 * 1024, values: 200_000 }

/** A body with all its pieces parsed. */
async function whole(value: unknown): Promise<unknown> {
  if (Array.isArray(value)) {
    const entries = await checkPieces(
      z.unknown(),
      value,
      (index) => [index],
      (entry) => entry,
    )
    return Promise.all(entries.map(whole))
  }
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(async ([name, member]) => [name, await whole(member)])
  return Object.fromEntries(await Promise.all(members))
}

describe('a body in pieces', () => {
  let server: Server
  let url: string
  let turns = 0
  beforeAll(async () => {
    const app = express().post('/:way', async (req, res) => {
      const kind = (req.params.way === 'pieces' && kindOf(body)) || jsonBody
      try {
        const given = await kind.read({ req, res }, bounds)
        const before = turns
        const read = kind === jsonBody ? given : await whole(given)
        res.json({ read, turns: turns - before })
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        res.json({ refused: error.code })
      }
    })
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('The server has no port')
    url = `http://127.0.0.1:${address.port}`
  })
  afterAll(() => server.close())

  const Told = z.object({
    read: z.unknown().optional(),
    turns: z.int().optional(),
    refused: z.string().optional(),
  })
  const read = async (way: 'pieces' | 'json', text: string | Uint8Array<ArrayBuffer>) => {
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${url}/${way}`, { method: 'POST', headers, body: text })
    return Told.parse(await response.json())
  }

  it.each([
    '{}',
    '[]',
    '3',
    '{"a":{"b":[{"c":[{"d":1},{}]},{"e":"}]{["},2,null,"x",[{"f":1},[{}]]]},"10":[{"x":1}],"2":[{"y":2}]}',
    ' { "a" : [ { "b" : "\\"]}\\\\" } , { } ] } ',
    '{"ä":[{"ö":"ü€😀"}],"":[{"":0}]}',
    '[[{"__proto__":[1]}],{"__proto__":{"a":1}}]',
    '{"__proto__":[{"a":1}]}',
  ])('says the same: %s', async (text) => {
    const { read: found } = await read('pieces', text)
    expect(JSON.stringify(found)).toBe(JSON.stringify((await read('json', text)).read))
    expect(JSON.stringify(found)).toBe(JSON.stringify(JSON.parse(text)))
  })

  it.each([
    '',
    '[{]',
    '[{]}',
    '[{"a":1]}',
    '{"a":[{"b":1}}',
    '[{"a":1}',
    '[{"a":1}]]',
    '[{"a":1} {"b":2}]',
    '[{"a":1},]',
    '[{a:1}]',
    '{"a":[{"b":1}],"a":[{"b":1}]}',
    '[{"a":1,"a":2}]',
    '[{"a":[{"b":1,"b":1}]}]',
    '{"a":{"b":1,"b":2},"c":[{"d":1}]}',
    `${'['.repeat(20)}${']'.repeat(20)}`,
    `[${'{},'.repeat(2000)}{}]`,
    `[${'0,'.repeat(200_000)}0]`,
  ])('is refused: %.40s', async (text) => {
    expect(await read('pieces', text)).toEqual({ refused: 'malformed-request' })
  })

  it('is refused if a text in it is not UTF-8', async () => {
    const text = new Uint8Array([...Buffer.from('[{"a":"'), 0xff, ...Buffer.from('"}]')])
    expect(await read('pieces', text)).toEqual({ refused: 'malformed-request' })
  })

  it('lets others have their turn', async () => {
    let running = true
    const counting = (async () => {
      for (; running; turns++) await nextTurn()
    })()
    const text = JSON.stringify(
      Array.from({ length: 2000 }, (_, index) => ({ index, text: 'x'.repeat(1000) })),
    )
    const inPieces = await read('pieces', text)
    running = false
    await counting
    expect(inPieces.turns).toBeGreaterThanOrEqual(2000 / 20 - 1)
    expect(JSON.stringify(inPieces.read)).toBe(text)
  })
})
