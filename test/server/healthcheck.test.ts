// What watches a container asks by bin/healthcheck.js.
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startServer } from '../support/server.ts'

const program = fileURLToPath(new URL('../../bin/healthcheck.js', import.meta.url))

const check = (settings: Record<string, string>) =>
  promisify(execFile)(process.execPath, [program], { env: { PATH: process.env.PATH, ...settings } }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }) => ({ code, stderr }),
  )

describe('the health check', () => {
  it('ends with 0 where the server is ready, on whichever addresses it listens', async () => {
    const server = await startServer('sqlite')
    const { port } = new URL(server.url)
    try {
      for (const HOST of ['127.0.0.1', '0.0.0.0'])
        expect(await check({ HOST, PORT: port })).toEqual({ code: 0, stderr: '' })
    } finally {
      await server.close()
    }
  })

  it('ends with 1 and a sentence where nothing listens, or what does is not ready', async () => {
    const port = await freePort()
    const settings = { PORT: String(port) }
    const nothing = `Nothing answers at http://127.0.0.1:${port}/readyz.\n`
    expect(await check(settings)).toEqual({ code: 1, stderr: nothing })

    const unready = createServer((_request, response) => response.writeHead(503).end())
    await new Promise<void>((resolve) => unready.listen(port, '127.0.0.1', resolve))
    try {
      const sentence = 'The server is not ready: it answers 503.\n'
      expect(await check(settings)).toEqual({ code: 1, stderr: sentence })
    } finally {
      unready.close()
    }
  })
})
