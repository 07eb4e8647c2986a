// Accounts at the operator's shell, beside two running servers: listed, disabled within a second, enabled, deleted without a trace.
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { seconds } from '../../src/clock.ts'
import { AccountEventList } from '../../src/contract/accounts.ts'
import { LoggedOutError } from '../../src/sdk/index.ts'
import { logIn, logInBody, newAccount, randomKey } from '../support/accounts.ts'
import { engines } from '../support/database.ts'
import { operatorOf } from '../support/operator.ts'
import { bodyOf, outcomeOf, type Server, send } from '../support/requests.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { addTotp } from '../support/second-factors.ts'
import { registeredClient, secondDevice, TestClock } from '../support/server.ts'
import { serversOn } from '../support/servers.ts'
import { newToken } from '../support/tokens.ts'

const User = z.strictObject({
  id: z.uuid(),
  email: z.string(),
  kind: z.literal('native'),
  createdAt: z.iso.datetime(),
  lastLoginAt: z.iso.datetime().nullable(),
  disabledAt: z.iso.datetime().nullable(),
  deletesAt: z.iso.datetime().nullable(),
  sessions: z.int(),
  vaults: z.int(),
  items: z.int(),
  bytes: z.int(),
  attachmentBytes: z.int(),
})

const use = async (server: Server, token: string) =>
  outcomeOf(await send(server, { path: '/api/v1/account', token }))

const refresh = async (server: Server, refreshToken: string) =>
  outcomeOf(await send(server, { method: 'POST', path: '/api/v1/token/refresh', body: { refreshToken } }))

const attemptLogin = (server: Server, credentials: { email: string; authKey: string }) =>
  send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(credentials) })

describe.each(engines)("the operator's users on %s", (engine) => {
  const { start: startOne, startBeside } = serversOn(engine)

  async function start() {
    const clock = new TestClock()
    // The operator's programs go by the real one.
    clock.jump(Date.now() - clock.now())
    const { server } = await startOne({ clock })
    const beside = await startBeside(server, clock)
    return { server, beside, clock, operator: operatorOf(server.database) }
  }

  it('are listed with what they have, and nothing that is secret', async () => {
    const { server, operator } = await start()
    expect(await operator.json('users', 'list')).toEqual([])
    expect((await operator.run('users', 'list')).stderr).toBe('There are no accounts.\n')
    const ada = await registeredClient(server)
    await secondDevice(server, ada)
    const item = await ada.vault.create({ kind: 'note', name: 'one' })
    await ada.vault.replace(item.id, item.revision, { kind: 'note', name: 'two' })
    await ada.vault.trash((await ada.vault.create({ kind: 'note', name: 'three' })).id)
    await ada.vault.purge((await ada.vault.create({ kind: 'note', name: 'four' })).id)
    await ada.account.createVault('another')
    const quiet = await newAccount(server)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: quiet.token })

    const users = z.array(User).parse(await operator.json('users', 'list'))
    expect(users).toHaveLength(2)
    const { items = [], item_versions = [], vaults = [] } = await readRows(server.database)
    const sizes = [
      ...items,
      ...item_versions,
      ...vaults.filter((row) => row.account_id === ada.account.accountId),
    ]
      .map(({ data }) => String(data ?? '').length / 2)
      .reduce((sum, size) => sum + size, 0)
    const byEmail = (email: string) => users.find((user) => user.email === email)
    expect(byEmail(ada.email)).toMatchObject({
      sessions: 2,
      vaults: 2,
      items: 2,
      bytes: sizes,
      attachmentBytes: 0,
      disabledAt: null,
    })
    expect(byEmail(quiet.email)).toMatchObject({ sessions: 0, vaults: 1, items: 0, id: quiet.accountId })

    const { stdout, code } = await operator.run('users', 'list')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(
      /^E-MAIL +KIND +STATE +CREATED +LAST LOGIN +SESSIONS +VAULTS +ITEMS +BYTES +FILES +ID$/,
    )
    expect(stdout).toContain(ada.email)
  })

  it('that are disabled are refused everywhere within a second, like a wrong password at the login', async () => {
    const { server, beside, clock, operator } = await start()
    const [account, bystander] = [await newAccount(server), await newAccount(server)]
    const second = await logIn(beside, account)
    const vaults = async () => {
      const {
        accounts: _,
        sessions: _s,
        refresh_tokens: _t,
        account_events: _e,
        ...rest
      } = await readRows(server.database)
      return rest
    }
    const before = await vaults()
    for (const one of [server, beside]) {
      expect(await use(one, account.token)).toBe('200')
      expect(await use(one, second.token)).toBe('200')
    }
    const disabled = User.parse(await operator.json('users', 'disable', account.email.toUpperCase()))
    expect(disabled).toMatchObject({ id: account.accountId, sessions: 0 })
    clock.advance(seconds(1))
    for (const one of [server, beside]) {
      for (const { token, refreshToken } of [account, second]) {
        expect(await use(one, token)).toBe('401 not-authenticated')
        expect(await refresh(one, refreshToken)).toBe('401 invalid-refresh-token')
      }
      const [right, wrong] = [
        await attemptLogin(one, account),
        await attemptLogin(one, { ...account, authKey: randomKey() }),
      ]
      const shown = ({ status, text }: typeof right) => ({ status, ...JSON.parse(text), requestId: '' })
      expect(outcomeOf(right)).toBe('401 invalid-credentials')
      expect(shown(right)).toEqual(shown(wrong))
      expect(await use(one, bystander.token)).toBe('200')
    }
    expect(await vaults()).toEqual(before)

    // Again: nothing changes, not even since when.
    expect(User.parse(await operator.json('users', 'disable', account.accountId))).toEqual(disabled)
    const again = await operator.run('users', 'disable', account.email)
    expect(again).toMatchObject({ code: 0, stdout: '', stderr: `${account.email} was disabled already.\n` })

    // Enabled, old sessions stay ended, and a new one lives.
    const enabled = User.parse(await operator.json('users', 'enable', account.email))
    expect(enabled).toEqual({ ...disabled, disabledAt: null })
    expect(await operator.run('users', 'enable', account.email)).toMatchObject({ code: 0 })
    expect(await use(server, account.token)).toBe('401 not-authenticated')
    expect(await refresh(server, account.refreshToken)).toBe('401 invalid-refresh-token')
    expect(await use(beside, (await logIn(server, account)).token)).toBe('200')
  })

  it('have their sessions ended, of one or of all, and log in again', async () => {
    const { server, beside, clock, operator } = await start()
    const accounts = [await newAccount(server), await newAccount(server)] as const
    const second = await logIn(beside, accounts[0])
    const useAll = async () => {
      const uses = []
      for (const one of [server, beside])
        for (const { token } of [...accounts, second]) uses.push((await use(one, token)).slice(0, 3))
      return uses
    }
    const personal = await newToken(server, accounts[0])
    expect(await useAll()).toEqual(['200', '200', '200', '200', '200', '200'])

    for (const args of [[], ['--all', '--account', accounts[0].email]])
      expect((await operator.run('sessions', 'end', ...args)).code).toBe(2)
    expect((await operator.run('sessions', 'end', '--account', 'nobody@example.com')).code).toBe(1)
    expect(await operator.json('sessions', 'end', '--account', accounts[0].email.toUpperCase())).toEqual({
      accounts: 1,
      sessions: 2,
    })
    clock.advance(seconds(1))
    expect(await useAll()).toEqual(['401', '200', '401', '401', '200', '401'])
    for (const { refreshToken } of [accounts[0], second])
      expect(await refresh(beside, refreshToken)).toBe('401 invalid-refresh-token')

    const again = await logIn(server, accounts[0])
    expect(await operator.run('sessions', 'end', '--all')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '2 sessions of 2 accounts ended; every server refuses them within a second.\n',
    })
    clock.advance(seconds(1))
    expect(await useAll()).toEqual(['401', '401', '401', '401', '401', '401'])
    expect(await refresh(server, again.refreshToken)).toBe('401 invalid-refresh-token')
    expect(await operator.json('sessions', 'end', '--all')).toEqual({ accounts: 0, sessions: 0 })

    // It stands in each owner's log, and scripts go on.
    const { token } = await logIn(server, accounts[0])
    const { events } = bodyOf(AccountEventList, await send(server, { path: '/api/v1/account/events', token }))
    const ended = events.filter(({ type }) => type === 'session-ended')
    expect(ended).toHaveLength(3)
    for (const { address, device } of ended) {
      expect(address).toBeNull()
      expect(device).not.toBeNull()
    }
    const current = await send(server, { path: '/api/v1/tokens/current', token: personal.token })
    expect(outcomeOf(current)).toBe('200')
  })

  it('that are disabled while they log in have no session left', async () => {
    const { server, beside, clock, operator } = await start()
    const account = await newAccount(server)
    const answers: Awaited<ReturnType<typeof attemptLogin>>[] = []
    let isDisabled = false
    const keepLoggingIn = async (process: { url: string }) => {
      while (!isDisabled) answers.push(await attemptLogin(process, account))
    }
    const logins = [server, server, beside, beside].map(keepLoggingIn)
    try {
      await expect.poll(() => answers.some(({ status }) => status === 200), { timeout: 20_000 }).toBe(true)
      await operator.json('users', 'disable', account.email)
    } finally {
      isDisabled = true
    }
    await Promise.all(logins)
    clock.advance(seconds(1))
    expect(answers.some(({ status }) => status === 200)).toBe(true)
    for (const answer of answers)
      if (answer.status === 200)
        expect(await use(server, JSON.parse(answer.text).accessToken)).toBe('401 not-authenticated')
    expect((await readRows(server.database)).sessions).toEqual([])
  })

  it('have no living session while they are disabled, wherever one came from', async () => {
    const { server, beside, clock, operator } = await start()
    const account = await newAccount(server)
    expect(await use(beside, account.token)).toBe('200')
    await runStatement(
      server.database,
      `update accounts set disabled_at = 1 where id = '${account.accountId}'`,
    )
    clock.advance(seconds(1))
    expect(await use(beside, account.token)).toBe('401 not-authenticated')
    await operator.json('users', 'enable', account.accountId)
    clock.advance(seconds(1))
    expect(await use(beside, account.token)).toBe('200')
  })

  it('have their tokens back within a second when they are enabled, however often a script tried meanwhile', async () => {
    const { server, clock } = await startOne({ environment: { RATE_LIMITS: 'on' } })
    const beside = await startBeside(server, clock)
    const account = await newAccount(server)
    const { token } = await newToken(server, account)
    const current = async (one: Server) =>
      outcomeOf(await send(one, { path: '/api/v1/tokens/current', token }))
    const setDisabled = (at: string) =>
      runStatement(
        server.database,
        `update accounts set disabled_at = ${at} where id = '${account.accountId}'`,
      )
    expect(await current(server)).toBe('200')
    await setDisabled('1')
    clock.advance(seconds(1))
    for (const one of [server, beside])
      for (let tries = 0; tries < 310; tries++) expect(await current(one)).toBe('401 not-authenticated')
    await setDisabled('null')
    clock.advance(seconds(1))
    for (const one of [server, beside]) expect(await current(one)).toBe('200')
  })

  it('that are deleted leave no row in any table, and are refused within a second', async () => {
    const { server, beside, clock, operator } = await start()
    const bystander = await registeredClient(server)
    await bystander.vault.create({ kind: 'note', name: 'stays' })
    const before = await readRows(server.database)
    const first = await registeredClient(server)
    const second = await secondDevice(beside, first)
    const item = await first.vault.create({ kind: 'note', name: 'one' })
    await first.vault.replace(item.id, item.revision, { kind: 'note', name: 'two' })

    const unconfirmed = await operator.run('users', 'delete', first.email)
    expect(unconfirmed).toMatchObject({ code: 2, stdout: '' })
    expect(unconfirmed.stderr).toContain('--yes')
    expect(await second.account.vaults()).toHaveLength(1)

    expect(await operator.json('users', 'delete', first.email, '--yes')).toEqual({
      id: first.account.accountId,
      email: first.email,
      deleted: true,
    })
    clock.advance(seconds(1))
    expect(await readRows(server.database)).toEqual(before)
    for (const { account } of [first, second])
      await expect(account.details()).rejects.toBeInstanceOf(LoggedOutError)
    expect(await operator.run('users', 'delete', first.email, '--yes')).toMatchObject({ code: 1, stdout: '' })
    expect((await bystander.vault.changes(undefined)).items).toHaveLength(1)
  })

  it('who have lost their second factors log in by the password alone again, and learn of it', async () => {
    const { server, clock, operator } = await start()
    const account = await newAccount(server)
    await addTotp(server, account, clock.now())
    expect(outcomeOf(await attemptLogin(server, account))).toBe('401 second-factor-required')
    const { accountId: id, email } = account
    expect(await operator.json('users', 'reset-factors', email)).toEqual({ id, email, removed: 1 })
    expect(outcomeOf(await attemptLogin(server, account))).toBe('200')
    const { account_events: events = [], recovery_codes: codes } = await readRows(server.database)
    expect(events).toContainEqual(expect.objectContaining({ type: 'second-factors-reset', address: null }))
    expect(codes).toEqual([])
    expect((await operator.run('users', 'reset-factors', email)).stderr).toContain('no second factor')
  })

  it('that are not there are told in a sentence, and change nothing', async () => {
    const { server, operator } = await start()
    await newAccount(server)
    const before = await readRows(server.database)
    for (const [who, command, ...options] of [
      [randomUUID(), 'disable'],
      ['nobody@example.com', 'enable'],
      ['%', 'delete', '--yes'],
      ['', 'delete', '--yes'],
    ] as const) {
      const { code, stdout, stderr } = await operator.run('users', command, who, ...options)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toBe(`There is no account "${who}". "limpet-server users list" shows those there are.\n`)
    }
    expect(await readRows(server.database)).toEqual(before)
  })
})
