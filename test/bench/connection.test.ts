// The bench's own client: an answer is read to its end however it is framed and cut, and nothing of it is left for the next one.
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Connection } from '../../bench/connection.ts'

const answers: Readonly<Record<string, string>> = {
  '/length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  '/chunked': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n',
  '/empty': 'HTTP/1.1 204 No Content\r\n\r\n',
  '/refused': 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n',
}

describe('a connection of the bench', () => {
  /** Of one piece each. */
  let pieceBytes = 1000
  const asked: string[] = []
  const serve = async (socket: Socket, request: string) => {
    asked.push(request)
    const answer = answers[request.split(' ')[1] ?? '']
    if (answer === undefined) return void socket.destroy()
    for (let from = 0; from < answer.length; from += pieceBytes)
      await new Promise((sent) => socket.write(answer.slice(from, from + pieceBytes), sent))
  }
  const server = createServer((socket) => {
    socket.setNoDelay(true).on('error', () => {})
    socket.on('data', (chunk) => void serve(socket, chunk.toString()))
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => void server.close())

  it.each([1000, 7, 1])(
    'reads answers that come in pieces of %i bytes, one after the other',
    async (bytes) => {
      pieceBytes = bytes
      const connection = await Connection.open(url)
      for (const path of ['/length', '/chunked', '/empty', '/chunked', '/refused', '/length']) {
        const { status, body } = await connection.ask({ path })
        expect(answers[path]).toContain(` ${status} `)
        expect(body.toString()).toBe(path === '/length' || path === '/chunked' ? 'hello' : '')
      }
      connection.close()
    },
  )

  it('sends the token, the headers, and a body with its length', async () => {
    const connection = await Connection.open(url)
    const headers = { 'If-Match': '"7"' }
    await connection.ask({ method: 'PUT', path: '/length', token: 'secret', headers, body: '{"é":1}' })
    expect(asked.at(-1)).toMatch(
      /^PUT \/length HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nAuthorization: Bearer secret\r\n/,
    )
    expect(asked.at(-1)).toContain('If-Match: "7"\r\n')
    expect(asked.at(-1)).toContain('Content-Length: 8\r\n\r\n{"é":1}')
    connection.close()
  })

  it('rejects what is asked on a connection that the server closes, and what is asked later', async () => {
    const connection = await Connection.open(url)
    await expect(connection.ask({ path: '/closed' })).rejects.toThrow('closed')
    expect(connection.isClosed).toBe(true)
    await expect(connection.ask({ path: '/length' })).rejects.toThrow('closed')
  })
})
