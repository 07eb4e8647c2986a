// The bytes of an event stream, however they arrive (HTML Living Standard, section 9.2.6).
import { describe, expect, it } from 'vitest'
import { EventStreamReader, type StreamEvent } from '../../src/sdk/event-stream.ts'
import { RefusedError } from '../../src/sdk/index.ts'

/** Reads a text in pieces of this many bytes. */
function read(text: string, pieceBytes = Number.POSITIVE_INFINITY): StreamEvent[] {
  const bytes = new TextEncoder().encode(text)
  const reader = new EventStreamReader()
  const events: StreamEvent[] = []
  for (let begin = 0; begin < bytes.length; begin += pieceBytes)
    events.push(...reader.push(bytes.subarray(begin, begin + pieceBytes)))
  return events
}

const event = (name: string, data: string) => ({ name, data })

describe('an event stream', () => {
  it.each([
    ['a name and data', 'event: vault\ndata: {"a":1}\n\n', [event('vault', '{"a":1}')]],
    ['no name', 'data: x\n\n', [event('message', 'x')]],
    [
      'a name that is for one event only',
      'event: a\ndata: 1\n\ndata: 2\n\n',
      [event('a', '1'), event('message', '2')],
    ],
    ['a name without data, which is no event', 'event: a\n\ndata: 2\n\n', [event('message', '2')]],
    ['several lines', 'data: one\ndata: two\ndata\ndata:\n\n', [event('message', 'one\ntwo\n\n')]],
    ['one space that is dropped', 'data:  x\n\ndata:y\n\n', [event('message', ' x'), event('message', 'y')]],
    [
      'comments, ids, waits and unknown fields',
      ':\n: x\nid: 1\nretry: 1\nfoo: 1\ndata: x\n:\n\n',
      [event('message', 'x')],
    ],
    [
      'carriage returns',
      'data: 1\r\rdata: 2\r\n\r\ndata: 3\n\r\n',
      ['1', '2', '3'].map((data) => event('message', data)),
    ],
    ['a byte order mark', '\ufeffdata: x\n\n', [event('message', 'x')]],
    ['letters of several bytes', 'data: Grüße 🔑\n\n', [event('message', 'Grüße 🔑')]],
    ['an end in the middle', 'data: x\n\ndata: y\n', [event('message', 'x')]],
    ['nothing', '', []],
  ])('with %s', (_name, text, expected) => {
    for (const pieceBytes of [1, 2, 3, 7, Number.POSITIVE_INFINITY])
      expect(read(text, pieceBytes)).toEqual(expected)
  })

  const large = 'x'.repeat(64 * 1024)

  it.each([
    ['a line', large],
    ['an event', `data: ${large}\n`],
    ['the name of a field', `${large}`],
  ])('that holds %s without end is refused', (_name, piece) => {
    const reader = new EventStreamReader()
    const bytes = new TextEncoder().encode(piece)
    const push = () => {
      for (let count = 0; count < 20; count++) reader.push(bytes)
    }
    expect(push).toThrow(RefusedError)
  })

  it('takes comments without end, which nothing is kept of', () => {
    const reader = new EventStreamReader()
    const bytes = new TextEncoder().encode(`:${large}\n`)
    for (let count = 0; count < 20; count++) expect(reader.push(bytes)).toEqual([])
  })
})
