// What Bitwarden's apps have replaced, at the operator's shell: listed, and brought back for its owner.
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { newAccount } from '../support/accounts.ts'
import { newBitwardenAccount } from '../support/bitwarden.ts'
import { loginCipher } from '../support/ciphers.ts'
import { engines } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { bodyOf, send } from '../support/requests.ts'
import { TestClock } from '../support/server.ts'
import { serversOn } from '../support/servers.ts'

const Cipher = z.looseObject({ id: z.string(), name: z.string(), revisionDate: z.string() })
const Replaced = z.array(
  z.strictObject({
    itemId: z.uuid(),
    version: z.int(),
    writtenAt: z.iso.datetime(),
    replacedAt: z.iso.datetime(),
    bytes: z.int().min(100),
  }),
)

describe.each(engines)("items of Bitwarden's apps at the operator's shell on %s", (engine) => {
  const { start } = serversOn(engine)

  it('are listed with what was replaced, and brought back', async () => {
    const clock = new TestClock()
    // The operator's programs go by the real one.
    clock.jump(Date.now() - clock.now())
    const { server } = await start({ clock, environment: { BITWARDEN_API: 'on' } })
    const operator = operatorOf(server.database)
    const { email, token } = await newBitwardenAccount(server, clock.now())
    const ask = async (method: string, path: string, body?: unknown) =>
      bodyOf(Cipher, await send(server, { method, path: `/api/ciphers${path}`, token, body }))
    const made = await ask('POST', '', loginCipher())
    const path = `/${made.id}`
    const changed = await ask('PUT', path, loginCipher({ type: 2, secureNote: { type: 0 } }))

    const history = async () => Replaced.parse(await operator.json('items', 'history', email))
    const [replaced, ...others] = await history()
    expect([replaced?.itemId, others]).toEqual([made.id, []])
    expect((await operator.run('items', 'history', email)).stdout).toContain(made.id)
    const version = String(replaced?.version)
    expect(await operator.json('items', 'bring-back', email, made.id, version)).toMatchObject({
      itemId: made.id,
    })
    const back = await ask('GET', path)
    expect(back).toEqual({ ...made, revisionDate: back.revisionDate })
    expect(back.revisionDate > changed.revisionDate).toBe(true)
    expect(await history()).toHaveLength(2)

    for (const [id, which] of [
      [made.id, '999'],
      [randomUUID(), version],
    ] as const)
      expect(await operator.run('items', 'bring-back', email, id, which)).toMatchObject({
        stdout: '',
        stderr: expect.stringContaining('no such version'),
      })
    expect((await operator.run('items', 'bring-back', email, made.id, 'x')).stderr).toContain('whole number')
    const { email: nativeEmail } = await newAccount(server)
    expect((await operator.run('items', 'history', nativeEmail)).stderr).toContain("Bitwarden's apps")
  })
})
