// Answers that are made piece by piece.
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express from 'express'
import { expect, it } from 'vitest'
import { JsonStream } from '../../src/http/json-text.ts'

it('an answer in pieces lets others have their turn after each of them, also if the client takes all at once', async () => {
  let turns = 0
  const turnsAtPiece: number[] = []
  async function* pieces() {
    yield Buffer.from('[0')
    for (let piece = 1; piece < 20; piece++) {
      turnsAtPiece.push(turns)
      yield Buffer.from(`,${piece}`)
    }
    return Buffer.from(']')
  }
  const counting = (async () => {
    for (; turnsAtPiece.length < 19; turns++) await nextTurn()
  })()
  const app = express().get('/', (req, res) => new JsonStream(pieces()).send(req, res, 200))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('The server has no port')
    const response = await fetch(`http://127.0.0.1:${address.port}/`)
    expect(await response.json()).toEqual(Array.from({ length: 20 }, (_, number) => number))
    await counting
    expect(new Set(turnsAtPiece).size).toBe(turnsAtPiece.length)
  } finally {
    server.close()
  }
})
