// `limpet events`: what somebody who fears for their account finds out at the shell.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logInBody, randomKey } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { outcomeOf, send } from '../support/requests.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

describe.each(engines)('the security log at the shell on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('shows who tried, newest first, and lets no device steer the terminal', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const body = logInBody({ email: shell.email, authKey: randomKey() })
    // The strangest name that the server takes.
    const stranger = { ...body, device: { ...body.device, name: 'phone\u202egpj', type: 'mobile' } }
    const answer = await send(server, { method: 'POST', path: '/api/v1/login', body: stranger })
    expect(outcomeOf(answer)).toBe('401 invalid-credentials')
    const log = async () => JSON.parse(await shell.done(['events', '--json']))
    await expect.poll(async () => (await log()).length, { timeout: 20_000 }).toBe(2)
    const [failed, login] = await log()
    const address = expect.stringMatching(/127\.0\.0\.1$/)
    expect(failed).toEqual({
      type: 'login-failed',
      at: expect.any(String),
      device: stranger.device,
      address,
      count: 1,
      reason: null,
    })
    expect(login).toMatchObject({ type: 'login', device: { type: 'cli' }, address })

    const [heading = '', first = '', second = '', ...more] = (await shell.done(['events'])).split('\n')
    expect(heading).toMatch(/^TIME +EVENT +DEVICE +ADDRESS$/)
    expect(first).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d +login-failed +phone\\u202egpj +\S*127\.0\.0\.1$/)
    expect(second).toMatch(/ login +\S.* +\S*127\.0\.0\.1$/)
    expect(more).toEqual([])
  })

  it('shows what the operator did, of whom there is neither device nor address', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const operator = operatorOf(server.database)
    await operator.json('users', 'disable', shell.email)
    await shell.ended('loggedOut', ['events'])
    await operator.json('users', 'enable', shell.email)
    await shell.done(['login', shell.email], shell.password)
    await shell.unlock()
    const log: { type: string }[] = JSON.parse(await shell.done(['events', '--json']))
    expect(log.find(({ type }) => type === 'account-disabled')).toMatchObject({ device: null, address: null })
    expect(await shell.done(['events'])).toMatch(/ account-disabled$/m)
  })

  it('is for the account, not for a token, and takes no operand', async () => {
    const shell = await newShell(server)
    await shell.ended('loggedOut', ['events'])
    await shell.ended('usage', ['events', 'all'])
    shell.environment.LIMPET_TOKEN = `lmp_${'A'.repeat(43)}`
    const { stderr } = await shell.ended('usage', ['events'])
    expect(stderr).toContain('unset LIMPET_TOKEN')
  })
})
