// Answers that are made piece by piece.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express, { type RequestHandler } from 'express'
import { expect, it } from 'vitest'
import { JsonStream } from '../../src/http/json-text.ts'

async function serve(answer: RequestHandler): Promise<{ port: number; server: Server }> {
  const server = express().get('/', answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('The server has no port')
  return { port: address.port, server }
}

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
  const { port, server } = await serve((req, res) => new JsonStream(pieces()).send(req, res, 200))
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(await response.json()).toEqual(Array.from({ length: 20 }, (_, number) => number))
    await counting
    expect(new Set(turnsAtPiece).size).toBe(turnsAtPiece.length)
  } finally {
    server.close()
  }
})

it('a piece is made when the connection has taken the one before, so that a slow reader fills no memory', async () => {
  const pieceBytes = 1024 * 1024
  let waiting = () => 0
  const waitingAtPiece: number[] = []
  async function* pieces() {
    for (let piece = 0; piece < 40; piece++) {
      waitingAtPiece.push(waiting())
      yield Buffer.alloc(pieceBytes, ' ')
    }
    return Buffer.from('[]')
  }
  const { port, server } = await serve((req, res) => {
    waiting = () => res.writableLength
    return new JsonStream(pieces()).send(req, res, 200)
  })
  const client = connect(port, '127.0.0.1')
  try {
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    // The client has read nothing yet, and the system's buffers are full.
    await expect.poll(() => waiting()).toBeGreaterThan(0)
    let received = 0
    for await (const chunk of client) received += chunk.length
    expect(received).toBeGreaterThan(40 * pieceBytes)
    expect(waitingAtPiece).toEqual(Array.from({ length: 40 }, () => 0))
  } finally {
    client.destroy()
    server.close()
  }
})
