// The largest account that the apps are used with: 10,000 items in one request, and in one answer that is read slowly.
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { newBitwardenAccount } from '../../support/bitwarden.ts'
import { loginCipher } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { send } from '../../support/requests.ts'
import { startServer } from '../../support/server.ts'

const Sync = z.looseObject({ ciphers: z.array(z.looseObject({ name: z.string() })) })

describe.each(engines)('10,000 items on %s', (engine) => {
  it('are imported, and loaded by a slow reader while others write', async () => {
    const server = await startServer(engine, { environment: { BITWARDEN_API: 'on', MAX_ITEMS: '20000' } })
    try {
      const { token } = await newBitwardenAccount(server)
      const ciphers = Array.from({ length: 10_000 }, () => loginCipher())
      const answer = await send(server, {
        method: 'POST',
        path: '/api/ciphers/import',
        token,
        body: { ciphers },
      })
      expect([answer.status, answer.text]).toEqual([200, ''])

      const chunks: Buffer[] = []
      let written = 0
      const outgoing = request(new URL('/api/sync', server.url), {
        headers: { Authorization: `Bearer ${token}` },
      })
      outgoing.end()
      const incoming = await new Promise<AsyncIterable<Buffer>>((resolve, reject) =>
        outgoing.on('response', resolve).on('error', reject),
      )
      for await (const chunk of incoming) {
        chunks.push(chunk)
        // A writer is not kept waiting by the reader.
        if (chunks.length % 20 !== 0 || written === 10) continue
        const made = await send(server, { method: 'POST', path: '/api/ciphers', token, body: loginCipher() })
        expect(made.status).toBe(200)
        written++
        await pause(20)
      }
      const found = new Set(
        Sync.parse(JSON.parse(Buffer.concat(chunks).toString())).ciphers.map(({ name }) => name),
      )
      expect(written).toBeGreaterThan(0)
      expect(ciphers.filter(({ name }) => !found.has(name))).toEqual([])
    } finally {
      await server.close()
    }
  }, 120_000)
})
