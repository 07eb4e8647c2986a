// Invites, made at the operator's shell beside a running server: who gets in with one, once, and for how long.
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, hours } from '../../src/clock.ts'
import { minKdf, ProblemError } from '../../src/sdk/index.ts'
import { logInBody, registration } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { outcomeOf, send } from '../support/requests.ts'
import { readRows } from '../support/rows.ts'
import { client, startServer, TestClock, type TestServer } from '../support/server.ts'

const Created = z.strictObject({
  id: z.uuid(),
  code: z.string().regex(/^lmi_[\w-]{22}$/),
  email: z.string().nullable(),
  note: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
})

const Listed = z.strictObject({
  id: z.uuid(),
  state: z.enum(['open', 'used', 'revoked', 'expired']),
  email: z.string().nullable(),
  note: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  usedAt: z.iso.datetime().nullable(),
  usedBy: z.strictObject({ id: z.uuid(), email: z.string() }).nullable(),
  revokedAt: z.iso.datetime().nullable(),
})

describe.each(engines)('invites on %s', (engine) => {
  const running: TestServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0).reverse()) await server.close()
  })

  async function start(policy: 'open' | 'invite' | 'closed' = 'invite') {
    const clock = new TestClock()
    // The operator's program has a clock of its own, which cannot be set.
    clock.jump(Date.now() - clock.now())
    const server = await startServer(engine, { clock, environment: { REGISTRATION: policy } })
    running.push(server)
    const operator = operatorOf(server.database, { REGISTRATION: policy, PUBLIC_URL: server.url })
    const invite = async (...options: string[]) =>
      Created.parse(await operator.json('invite', 'create', ...options))
    const list = async () => z.array(Listed).parse(await operator.json('invite', 'list'))
    return { server, clock, operator, invite, list }
  }

  const register = (server: { url: string }, body: object) =>
    send(server, { method: 'POST', path: '/api/v1/register', body })

  it('let one account in each, and are listed with what became of them', async () => {
    const { server, invite, list } = await start()
    const { id, code } = await invite('--note', 'for Ada')
    const email = `${randomUUID()}@example.com`
    const limpet = client(server)
    const password = 'kelp forest lantern dune'
    expect((await limpet.serverInfo()).registration).toBe('invite')
    const registration = { email, password, method: 'authKey' as const, kdf: minKdf }
    const refused = await limpet.register(registration).catch((error) => error)
    expect(refused).toBeInstanceOf(ProblemError)
    expect(refused).toMatchObject({ status: 403, code: 'invite-required' })
    const { accountId } = await limpet.register({ ...registration, invite: code })
    await expect(limpet.login({ email, password })).resolves.toBeDefined()
    expect(await list()).toMatchObject([
      { id, state: 'used', note: 'for Ada', email: null, usedBy: { id: accountId, email }, revokedAt: null },
    ])
  })

  it('that cannot be used are refused alike, before it is told whether an address is taken', async () => {
    const { server, clock, operator, invite } = await start()
    const [used, revoked, expired, bound] = [
      await invite(),
      await invite(),
      await invite('--expires', '1m'),
      await invite('--email', 'ada@example.com'),
    ]
    const first = { ...registration(), invite: used.code }
    expect(outcomeOf(await register(server, first))).toBe('201')
    await operator.json('invite', 'revoke', revoked.id)
    clock.advance(hours(1))
    const before = await readRows(server.database)
    const answers = []
    for (const code of ['lmi_AAAAAAAAAAAAAAAAAAAAAA', used, revoked, expired, bound].map((invite) =>
      typeof invite === 'string' ? invite : invite.code,
    ))
      for (const email of [first.email, `${randomUUID()}@example.com`]) {
        const answer = await register(server, { ...registration(), email, invite: code })
        const { requestId: _, ...problem } = JSON.parse(answer.text)
        answers.push(JSON.stringify({ status: answer.status, problem }))
      }
    expect(answers[0]).toContain('invalid-invite')
    expect(new Set(answers).size).toBe(1)
    for (const invite of ['', 'lmi_', 'x'.repeat(26), 7, null, `${used.code}A`, used.code.slice(0, -1)])
      expect(outcomeOf(await register(server, { ...registration(), invite }))).toBe('400 malformed-request')
    expect(await readRows(server.database)).toEqual(before)
  })

  it('for an address let that one in, however it is written, and are given back by a refusal', async () => {
    const { server, invite, list } = await start()
    const { code } = await invite('--email', ' Ada@Example.COM')
    const body = { ...registration(), email: 'ADA@example.com', invite: code }
    const taken = { ...registration(), email: 'grace@example.com' }
    expect(outcomeOf(await register(server, { ...taken, invite: (await invite()).code }))).toBe('201')
    // What refuses an account for another reason uses nothing up.
    expect(outcomeOf(await register(server, { ...body, accountId: taken.accountId }))).toBe('409 id-taken')
    expect(outcomeOf(await register(server, { ...body, vault: taken.vault }))).toBe('409 id-taken')
    const weak = { ...body, kdf: { ...body.kdf, iterations: 1 } }
    expect(outcomeOf(await register(server, weak))).toBe('400 kdf-too-weak')
    expect((await list()).map(({ state }) => state)).toEqual(['used', 'open'])
    expect(outcomeOf(await register(server, body))).toBe('201')
  })

  it('are good up to the millisecond of their end', async () => {
    const { server, clock, invite, list } = await start()
    const [first, second] = [await invite('--expires', '1h'), await invite('--expires', '1h')]
    clock.jump(Date.parse(first.expiresAt) - 1 - clock.now())
    expect(outcomeOf(await register(server, { ...registration(), invite: first.code }))).toBe('201')
    clock.jump(Date.parse(second.expiresAt) - clock.now())
    const late = await register(server, { ...registration(), invite: second.code })
    expect(outcomeOf(late)).toBe('403 invalid-invite')
    expect((await list()).map(({ state }) => state).sort()).toEqual(['open', 'used'])
  })

  it('are for one of fifty who use one at the same time, on two processes', async () => {
    const { server, clock, invite } = await start()
    const beside = await startServer(engine, {
      clock,
      database: server.database,
      environment: { REGISTRATION: 'invite', PUBLIC_URL: server.url },
    })
    running.push(beside)
    const { code } = await invite()
    const bodies = Array.from({ length: 50 }, () => ({ ...registration(), invite: code }))
    const answers = await Promise.all(
      bodies.map((body, index) => register(index % 2 ? server : beside, body).then(outcomeOf)),
    )
    expect(answers.filter((outcome) => outcome === '201')).toHaveLength(1)
    expect(answers.filter((outcome) => outcome === '403 invalid-invite')).toHaveLength(49)
    const { accounts = [], vaults = [], invites = [] } = await readRows(server.database)
    expect([accounts.length, vaults.length, invites.length]).toEqual([1, 1, 1])
    const winner = bodies[answers.indexOf('201')]
    expect(invites[0]?.used_by).toBe(winner?.accountId)
  })

  it('are not asked for while registration is open, and of no use while it is closed', async () => {
    for (const [policy, outcome, warning] of [
      ['open', '201', 'REGISTRATION is open'],
      ['closed', '403 registration-closed', 'REGISTRATION is closed'],
    ] as const) {
      const { server, operator, list } = await start(policy)
      const { code, stdout, stderr } = await operator.run('invite', 'create')
      expect(code).toBe(0)
      expect(stderr).toContain(warning)
      expect(outcomeOf(await register(server, { ...registration(), invite: stdout.trim() }))).toBe(outcome)
      expect((await list()).map(({ state }) => state)).toEqual(['open'])
    }
  })

  it('go with the account that used them, and leave those of others', async () => {
    const { server, operator, invite, list } = await start()
    const { code } = await invite('--email', 'ada@example.com')
    const kept = await invite()
    const body = { ...registration(), email: 'ada@example.com', invite: code }
    expect(outcomeOf(await register(server, body))).toBe('201')
    await operator.json('users', 'delete', 'ada@example.com', '--yes')
    expect((await list()).map(({ id }) => id)).toEqual([kept.id])
    // It does not come back to life by that.
    expect(outcomeOf(await register(server, body))).toBe('403 invalid-invite')
    expect(
      outcomeOf(await send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(body) })),
    ).toBe('401 invalid-credentials')
  })

  it('that nobody used are forgotten 90 days after their end', async () => {
    const { server, clock, invite } = await start()
    await invite('--expires', '1d')
    const { id } = await invite('--expires', '2d')
    clock.jump(days(91) + hours(1))
    const beside = await startServer(engine, { clock, database: server.database })
    running.push(beside)
    // Maintenance begins with the server, and is not waited for.
    await expect
      .poll(async () => (await readRows(server.database)).invites?.map((row) => row.id), { timeout: 20_000 })
      .toEqual([id])
  })

  it('are revoked by their id, again without an effect, and not once they are used', async () => {
    const { server, operator, invite, list } = await start()
    const [{ id }, used] = [await invite(), await invite()]
    expect(outcomeOf(await register(server, { ...registration(), invite: used.code }))).toBe('201')
    const first = Listed.parse(await operator.json('invite', 'revoke', id))
    expect(first).toMatchObject({ id, state: 'revoked' })
    expect(Listed.parse(await operator.json('invite', 'revoke', id))).toEqual(first)
    const refused = await operator.run('invite', 'revoke', used.id)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/was used by .*@example\.com on .*users disable/)
    expect(await operator.run('invite', 'revoke', randomUUID())).toMatchObject({ code: 1, stdout: '' })
    expect((await list()).map(({ state }) => state).sort()).toEqual(['revoked', 'used'])
  })

  it('have a code that is printed once and stands nowhere else', async () => {
    const { server, operator } = await start()
    const made = await operator.run('invite', 'create', '--email', 'ada@example.com')
    const code = made.stdout.trim()
    expect(made.stdout).toMatch(/^lmi_[\w-]{22}\n$/)
    expect(made.stderr).toContain(`limpet register ada@example.com --server ${server.url} --invite`)
    await register(server, { ...registration(), email: 'grace@example.com', invite: code })
    const list = await operator.run('invite', 'list')
    expect(list.stdout).toMatch(/ada@example\.com .* open/)
    const rows = JSON.stringify(await readRows(server.database))
    expect(rows).toContain('ada@example.com')
    for (const place of [made.stderr, list.stdout, list.stderr, rows, server.log()]) {
      expect(place).not.toContain(code)
      expect(place).not.toContain(Buffer.from(code.slice(4), 'base64url').toString('hex'))
      expect(place).not.toContain(Buffer.from(code).toString('hex'))
    }
  })
})
