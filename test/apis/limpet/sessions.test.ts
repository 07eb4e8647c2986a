// Sessions over their whole life: login, refresh, reuse, expiry, ending, password change, the end of the account.
import { describe, expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../../src/clock.ts'
import { SessionList, SessionTokens } from '../../../src/contract/accounts.ts'
import { LoggedOutError, memorySessionStorage, ProblemError } from '../../../src/sdk/index.ts'
import {
  fakeEnvelope,
  logIn,
  logInBody,
  newAccount,
  type RawAccount,
  randomKey,
  registration,
} from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows, readRowsBesideLogs, runStatement } from '../../support/rows.ts'
import { client, registeredClient, secondDevice, startServer, type TestServer } from '../../support/server.ts'
import { serversOn } from '../../support/servers.ts'

const refused = '401 not-authenticated'
const refreshRefused = '401 invalid-refresh-token'

describe.each(engines)('sessions on %s', (engine) => {
  const { start, startBeside } = serversOn(engine)

  const refresh = (server: TestServer, refreshToken: string) =>
    send(server, { method: 'POST', path: '/api/v1/token/refresh', body: { refreshToken } })

  const refreshed = async (server: TestServer, refreshToken: string) =>
    bodyOf(SessionTokens, await refresh(server, refreshToken))

  const use = async (server: TestServer, token: string) =>
    outcomeOf(await send(server, { path: '/api/v1/account', token }))

  const list = async (server: TestServer, token: string) =>
    bodyOf(SessionList, await send(server, { path: '/api/v1/sessions', token })).sessions

  const changePassword = (server: TestServer, { token, authKey }: RawAccount, next: string) => {
    const { kdf } = registration()
    const body = { current: { authKey }, kdf, authKey: next, accountKey: fakeEnvelope() }
    return send(server, { method: 'POST', path: '/api/v1/account/password', token, body }).then(outcomeOf)
  }

  it('begins with a login, is listed with its device, and ends with a logout', async () => {
    const { server, clock } = await start()
    const storage = memorySessionStorage()
    const first = await registeredClient(server, { storage })
    clock.advance(minutes(1))
    const second = await secondDevice(server, first)
    const sessions = await second.account.sessions()
    expect(sessions.map(({ current }) => current)).toEqual([true, false])
    expect(sessions[0]?.device).toMatchObject({ name: 'test', type: 'other' })
    expect(sessions[0]).toMatchObject({
      createdAt: '2026-01-01T00:01:00.000Z',
      lastUsedAt: '2026-01-01T00:01:00.000Z',
      expiresAt: '2026-01-31T00:01:00.000Z',
    })
    const state = await storage.load()
    await first.limpet.logout()
    expect(await second.account.sessions()).toHaveLength(1)
    expect(await use(server, state?.accessToken ?? '')).toBe(refused)
    expect(outcomeOf(await refresh(server, state?.refreshToken ?? ''))).toBe(refreshRefused)
    await expect(first.account.details()).rejects.toBeInstanceOf(LoggedOutError)
  })

  it('can be ended from another one, alone or with all others', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const [second, third] = [await logIn(server, account), await logIn(server, account)]
    const path = `/api/v1/sessions/${second.sessionId}`
    const end = { method: 'DELETE', path, token: account.token }
    expect(outcomeOf(await send(server, end))).toBe('204')
    expect(outcomeOf(await send(server, end))).toBe('404 not-found')
    expect(await use(server, second.token)).toBe(refused)
    expect(await use(server, third.token)).toBe('200')
    const others = { method: 'DELETE', path: '/api/v1/sessions', token: account.token }
    expect(outcomeOf(await send(server, others))).toBe('204')
    expect(outcomeOf(await send(server, others))).toBe('204')
    expect(await use(server, third.token)).toBe(refused)
    expect(outcomeOf(await refresh(server, third.refreshToken))).toBe(refreshRefused)
    expect((await list(server, account.token)).map(({ id }) => id)).toEqual([account.sessionId])
    // Ending the session that asks is a logout.
    const own = `/api/v1/sessions/${account.sessionId}`
    expect(outcomeOf(await send(server, { ...end, path: own }))).toBe('204')
    expect(await use(server, account.token)).toBe(refused)
  })

  it('answers a lost refresh again with the same successor, for a minute', async () => {
    const { server, clock } = await start()
    const { refreshToken } = await newAccount(server)
    const first = await refreshed(server, refreshToken)
    clock.advance(seconds(30))
    const second = await refreshed(server, refreshToken)
    clock.advance(seconds(30))
    const third = await refreshed(server, refreshToken)
    expect(first.refreshToken).not.toBe(refreshToken)
    expect([second.refreshToken, third.refreshToken]).toEqual([first.refreshToken, first.refreshToken])
    const successor = await refreshed(server, first.refreshToken)
    expect(successor.refreshToken).not.toBe(first.refreshToken)
    expect(successor.sessionId).toBe(first.sessionId)
    expect(await use(server, successor.accessToken)).toBe('200')
  })

  it('ends, newer tokens and all, when a replaced token is used later', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const elsewhere = await logIn(server, account)
    const first = await refreshed(server, account.refreshToken)
    const second = await refreshed(server, first.refreshToken)
    clock.advance(minutes(1) + 1)
    expect(await use(server, second.accessToken)).toBe('200')
    expect(outcomeOf(await refresh(server, account.refreshToken))).toBe(refreshRefused)
    for (const token of [account.refreshToken, first.refreshToken, second.refreshToken])
      expect(outcomeOf(await refresh(server, token))).toBe(refreshRefused)
    for (const token of [account.token, first.accessToken, second.accessToken])
      expect(await use(server, token)).toBe(refused)
    expect(await use(server, elsewhere.token)).toBe('200')
    expect((await list(server, elsewhere.token)).map(({ id }) => id)).toEqual([elsewhere.sessionId])
  })

  it('keeps no token that was replaced long ago, and still knows it', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const tokens = [account.refreshToken]
    for (let turn = 0; turn < 20; turn++) {
      clock.advance(minutes(2))
      tokens.unshift((await refreshed(server, tokens[0] ?? '')).refreshToken)
    }
    const { refresh_tokens: rows = [] } = await readRows(server.database)
    expect(rows).toHaveLength(2)
    const [newest = '', , , old = ''] = tokens
    expect(outcomeOf(await refresh(server, old))).toBe(refreshRefused)
    expect(outcomeOf(await refresh(server, newest))).toBe(refreshRefused)
  })

  it('begun before tokens had families goes on, and gets them', async () => {
    const { server, clock } = await start()
    const { refreshToken } = await newAccount(server)
    await runStatement(server.database, 'update refresh_tokens set family_hash = null')
    const first = await refreshed(server, refreshToken)
    expect((await refreshed(server, refreshToken)).refreshToken).toBe(first.refreshToken)
    clock.advance(minutes(2))
    const second = await refreshed(server, first.refreshToken)
    const { refresh_tokens: rows = [] } = await readRows(server.database)
    expect(rows).toHaveLength(2)
    expect(outcomeOf(await refresh(server, refreshToken))).toBe(refreshRefused)
    expect(outcomeOf(await refresh(server, second.refreshToken))).toBe(refreshRefused)
  })

  it('survives fifty refreshes at once, which all get the one successor', async () => {
    const { server } = await start()
    const { refreshToken } = await newAccount(server)
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(server, refreshToken)))
    expect(new Set(answers.map(outcomeOf))).toEqual(new Set(['200']))
    const tokens = answers.map((answer) => bodyOf(SessionTokens, answer))
    expect(new Set(tokens.map((token) => token.refreshToken)).size).toBe(1)
    for (const { accessToken } of tokens) expect(await use(server, accessToken)).toBe('200')
    expect(outcomeOf(await refresh(server, tokens[0]?.refreshToken ?? ''))).toBe('200')
    const { refresh_tokens: rows } = await readRows(server.database)
    expect(rows).toHaveLength(3)
  })

  it('slides with its use, and is over SESSION_TTL after the last one', async () => {
    const { server, clock } = await start({ environment: { SESSION_TTL: '10d' } })
    let { refreshToken } = await newAccount(server)
    for (let use = 0; use < 4; use++) {
      clock.advance(days(10) - 1)
      refreshToken = (await refreshed(server, refreshToken)).refreshToken
    }
    const { accessToken, refreshToken: next } = await refreshed(server, refreshToken)
    clock.advance(minutes(1))
    const [session] = await list(server, accessToken)
    expect(session?.createdAt).toBe('2026-01-01T00:00:00.000Z')
    refreshToken = (await refreshed(server, next)).refreshToken
    clock.advance(days(10))
    expect(outcomeOf(await refresh(server, refreshToken))).toBe(refreshRefused)
  })

  it('ends SESSION_MAX_AGE after its login, however much it is used', async () => {
    const { server, clock } = await start({ environment: { SESSION_TTL: '10d', SESSION_MAX_AGE: '25d' } })
    const { token, ...account } = await newAccount(server)
    expect((await list(server, token))[0]?.expiresAt).toBe('2026-01-11T00:00:00.000Z')
    let { refreshToken } = account
    let ends = ''
    for (let use = 0; use < 3; use++) {
      clock.advance(days(8))
      const next = await refreshed(server, refreshToken)
      ends = (await list(server, next.accessToken))[0]?.expiresAt ?? ''
      refreshToken = next.refreshToken
    }
    expect(ends).toBe('2026-01-26T00:00:00.000Z')
    clock.advance(days(1) - seconds(1))
    const last = await refreshed(server, refreshToken)
    expect(await use(server, last.accessToken)).toBe('200')
    clock.advance(seconds(1))
    // The access token itself would go on.
    expect(await use(server, last.accessToken)).toBe(refused)
    expect(outcomeOf(await refresh(server, last.refreshToken))).toBe(refreshRefused)
  })

  it('that is older than SESSION_MAX_AGE ends with the start of a server that has it', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    clock.advance(days(2))
    const young = await logIn(server, account)
    await server.stop()
    const again = await startServer(engine, {
      clock,
      database: server.database,
      environment: { SESSION_MAX_AGE: '1d' },
    })
    try {
      expect(outcomeOf(await refresh(again, account.refreshToken))).toBe(refreshRefused)
      const { accessToken, refreshToken } = await refreshed(again, young.refreshToken)
      const sessions = await list(again, accessToken)
      expect(sessions.map(({ expiresAt }) => expiresAt)).toEqual(['2026-01-04T00:00:00.000Z'])
      clock.advance(days(1) - seconds(1))
      const last = await refreshed(again, refreshToken)
      expect(await use(again, last.accessToken)).toBe('200')
      clock.advance(seconds(1))
      expect(await use(again, last.accessToken)).toBe(refused)
    } finally {
      await again.stop()
    }
  })

  it('refuses an access token after ACCESS_TOKEN_TTL, which the SDK renews without being asked', async () => {
    const { server, clock } = await start({ environment: { ACCESS_TOKEN_TTL: '5m' } })
    const raw = await newAccount(server)
    const { account } = await registeredClient(server)
    clock.advance(minutes(5) - seconds(1))
    expect(await use(server, raw.token)).toBe('200')
    clock.advance(seconds(1))
    expect(await use(server, raw.token)).toBe(refused)
    expect((await account.details()).emailVerified).toBe(false)
    clock.advance(days(31))
    await expect(account.details()).rejects.toBeInstanceOf(LoggedOutError)
  })

  it('that was ended on one process is refused by another one within a second', async () => {
    const { server, clock } = await start()
    const beside = await startBeside(server, clock)
    const account = await newAccount(server)
    const ways: ((ended: { token: string; sessionId: string }) => Promise<unknown>)[] = [
      ({ token }) => send(server, { method: 'POST', path: '/api/v1/logout', token }),
      ({ sessionId }) =>
        send(server, { method: 'DELETE', path: `/api/v1/sessions/${sessionId}`, token: account.token }),
      () => send(server, { method: 'DELETE', path: '/api/v1/sessions', token: account.token }),
    ]
    for (const end of ways) {
      const session = await logIn(beside, account)
      expect(await use(beside, session.token)).toBe('200')
      await end(session)
      clock.advance(seconds(1))
      expect(await use(beside, session.token)).toBe(refused)
      expect(outcomeOf(await refresh(beside, session.refreshToken))).toBe(refreshRefused)
    }
    expect(await use(beside, account.token)).toBe('200')
  })

  it('is refreshed on two processes at once with one successor', async () => {
    const { server, clock } = await start()
    const beside = await startBeside(server, clock)
    const { refreshToken } = await newAccount(server)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => refresh(index % 2 ? server : beside, refreshToken)),
    )
    const successors = answers.map((answer) => bodyOf(SessionTokens, answer).refreshToken)
    expect(new Set(successors).size).toBe(1)
    expect(outcomeOf(await refresh(beside, successors[0] ?? ''))).toBe('200')
  })

  it('of the caller alone survives a password change; the new password opens the same vault', async () => {
    const { server } = await start()
    const first = await registeredClient(server)
    const second = await secondDevice(server, first)
    const item = await first.vault.create({ kind: 'note', name: 'kept', notes: 'text' })
    await first.account.changePassword({ current: first.password, next: 'another battery staple' })
    expect((await first.vault.get(item.id)).content).toMatchObject({ name: 'kept' })
    await expect(second.account.details()).rejects.toBeInstanceOf(LoggedOutError)
    const old = await client(server)
      .login({ email: first.email, password: first.password })
      .catch((error) => error)
    expect(old).toBeInstanceOf(ProblemError)
    expect(old.code).toBe('invalid-credentials')
    const account = await client(server).login({ email: first.email, password: 'another battery staple' })
    const [vault] = await account.vaults()
    expect((await vault?.get(item.id))?.content).toEqual({ kind: 'note', name: 'kept', notes: 'text' })
    expect(await first.account.sessions()).toHaveLength(2)
  })

  it('changes no password with a wrong one, and ends nothing then', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const second = await logIn(server, account)
    const before = await readRowsBesideLogs(server.database)
    expect(await changePassword(server, { ...account, authKey: randomKey() }, randomKey())).toBe(
      '401 invalid-credentials',
    )
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
    expect(await use(server, second.token)).toBe('200')
  })

  it('changes the password once when two ask at once with the same current one', async () => {
    const { server } = await start()
    for (let round = 0; round < 4; round++) {
      const account = await newAccount(server)
      // Both from one session, then each from its own.
      const second = round % 2 ? await logIn(server, account) : {}
      const candidates = [
        { ...account, next: randomKey() },
        { ...account, ...second, next: randomKey() },
      ]
      const outcomes = await Promise.all(
        candidates.map((candidate) => changePassword(server, candidate, candidate.next)),
      )
      expect(outcomes.filter((outcome) => outcome === '200')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome.startsWith('401 '))).toHaveLength(1)
      const winner = candidates[outcomes.indexOf('200')]
      const { email } = account
      for (const { next } of candidates) {
        const answer = await send(server, {
          method: 'POST',
          path: '/api/v1/login',
          body: logInBody({ email, authKey: next }),
        })
        expect(outcomeOf(answer)).toBe(next === winner?.next ? '200' : '401 invalid-credentials')
      }
      expect(await use(server, winner?.token ?? '')).toBe('200')
    }
  })

  it('made by a login that races with a password change does not outlive the old password', async () => {
    const { server, clock } = await start()
    for (let round = 0; round < 6; round++) {
      const account = await newAccount(server)
      const next = randomKey()
      const attempt = () => send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(account) })
      // Logins before, around and behind it in the queue of hashes.
      const early = [attempt(), attempt()]
      const changing = changePassword(server, account, next)
      const late = [attempt(), attempt(), attempt()]
      expect(await changing).toBe('200')
      const answers = await Promise.all([...early, ...late])
      clock.advance(seconds(1))
      for (const answer of answers) {
        if (answer.status !== 200) expect(outcomeOf(answer)).toBe('401 invalid-credentials')
        else expect(await use(server, bodyOf(SessionTokens, answer).accessToken)).toBe(refused)
      }
      expect((await list(server, account.token)).map(({ id }) => id)).toEqual([account.sessionId])
    }
  })

  it('goes with its account, of which no row is left in any table', async () => {
    const { server } = await start()
    const bystander = await registeredClient(server)
    await bystander.vault.create({ kind: 'note', name: 'stays' })
    const before = await readRowsBesideLogs(server.database)
    const first = await registeredClient(server)
    const second = await secondDevice(server, first)
    const item = await first.vault.create({ kind: 'note', name: 'one' })
    await first.vault.replace(item.id, item.revision, { kind: 'note', name: 'two' })
    await first.vault.purge((await first.vault.create({ kind: 'note', name: 'three' })).id)
    await first.account.createVault('another')
    const grown = await readRowsBesideLogs(server.database)
    for (const table of ['accounts', 'sessions', 'refresh_tokens', 'vaults', 'items', 'item_versions'])
      expect(grown[table]?.length, table).toBeGreaterThan(before[table]?.length ?? 0)
    const wrong = await first.account.delete('not the password').catch((error) => error)
    expect(wrong.code).toBe('invalid-credentials')
    expect(await readRowsBesideLogs(server.database)).toEqual(grown)
    await first.account.delete(first.password)
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
    await expect(second.account.details()).rejects.toBeInstanceOf(LoggedOutError)
    const again = await first.limpet
      .login({ email: first.email, password: first.password })
      .catch((error) => error)
    expect(again.code).toBe('invalid-credentials')
    expect((await bystander.vault.changes(undefined)).items).toHaveLength(1)
  })

  it('is neither ended nor brought back by a wall clock that jumps', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const ended = await logIn(server, account)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: ended.token })

    clock.jump(hours(3))
    expect(await use(server, account.token)).toBe(refused)
    const ahead = await refreshed(server, account.refreshToken)
    expect(await use(server, ahead.accessToken)).toBe('200')

    clock.jump(-hours(6))
    expect(await use(server, ahead.accessToken)).toBe('200')
    const back = await refreshed(server, ahead.refreshToken)
    expect(await use(server, back.accessToken)).toBe('200')
    expect(await use(server, ended.token)).toBe(refused)
    expect(outcomeOf(await refresh(server, ended.refreshToken))).toBe(refreshRefused)

    clock.jump(hours(3))
    const home = await refreshed(server, back.refreshToken)
    expect(await use(server, home.accessToken)).toBe('200')
    expect(outcomeOf(await refresh(server, ended.refreshToken))).toBe(refreshRefused)
  })

  it('that was refused only because the clock was wrong for a moment goes on afterwards', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    clock.jump(days(40))
    expect(outcomeOf(await refresh(server, account.refreshToken))).toBe(refreshRefused)
    clock.jump(-days(40))
    const first = await refreshed(server, account.refreshToken)
    const second = await refreshed(server, first.refreshToken)
    expect(await use(server, second.accessToken)).toBe('200')
  })
})
