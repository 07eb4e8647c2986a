// Personal access tokens: what each may do on every route of the contract, how they end, and what is known of them.
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { days, minutes, seconds } from '../../../src/clock.ts'
import { CreatedShare } from '../../../src/contract/shares.ts'
import { CurrentToken, PasswordChanged, TokenList } from '../../../src/contract/tokens.ts'
import { Item, Vault, VaultList } from '../../../src/contract/vaults.ts'
import { fakeEnvelope, newAccount, type RawAccount, randomKey, registration } from '../../support/accounts.ts'
import { fakeFile, newPlace, putFile } from '../../support/attachments.ts'
import { engines } from '../../support/database.ts'
import { newOpaqueAccount, startProof } from '../../support/opaque.ts'
import { exampleOf, fillPath, type Operation, operationsOf, readDocument } from '../../support/openapi.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import type { TestClock, TestServer } from '../../support/server.ts'
import { serversOn } from '../../support/servers.ts'
import { newShare, postShare, shareBody } from '../../support/shares.ts'
import { newToken, postToken, revokeToken } from '../../support/tokens.ts'

const dead = '401 not-authenticated'
const forbidden = '403 insufficient-scope'
const sessionsOnly = '403 token-not-allowed'
const missing = '404 not-found'

describe.each(engines)('personal access tokens on %s', (engine) => {
  const { start, startBeside } = serversOn(engine)

  const use = async (server: TestServer, token: string, path = '/api/v1/tokens/current') =>
    outcomeOf(await send(server, { path, token }))

  const list = async (server: TestServer, { token }: RawAccount) =>
    bodyOf(TokenList, await send(server, { path: '/api/v1/tokens', token })).tokens

  const at = (clock: TestClock, ms: number) => new Date(clock.now() + ms).toISOString()

  /** Another vault of the account. */
  async function secondVault(server: TestServer, { token }: RawAccount) {
    const body = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() }
    const made = await send(server, { method: 'POST', path: '/api/v1/vaults', token, body })
    return bodyOf(Vault, made).id
  }

  async function newItem(server: TestServer, { token, vaultId }: { token: string; vaultId: string }) {
    const path = `/api/v1/vaults/${vaultId}/items`
    return bodyOf(Item, await send(server, { method: 'POST', path, token, body: { data: fakeEnvelope() } }))
  }

  it('reach what their scope says on every route of the contract, and nothing else', async () => {
    const { server, clock } = await start({ environment: { SHARES: 'accounts' } })
    const document = await readDocument(server)
    const account = await newAccount(server)
    const { token: session, vaultId } = account
    const gone = await newAccount(server)
    const otherVault = await secondVault(server, account)
    const inVault = { vaultId, vaultKey: fakeEnvelope() }
    const make = async (token: Parameters<typeof newToken>[2], of = account) =>
      (await newToken(server, of, token)).token
    const revoked = await newToken(server, account, { scopes: ['write', 'shares'] })
    const bearers: Record<string, { token: string; scopes: string[]; vaultId?: string; dead?: boolean }> = {
      read: { token: await make({ scopes: ['read'] }), scopes: ['read'] },
      write: { token: await make({ scopes: ['write'] }), scopes: ['read', 'write'] },
      shares: { token: await make({ scopes: ['shares'] }), scopes: ['shares'] },
      all: {
        token: await make({ scopes: ['read', 'write', 'shares'] }),
        scopes: ['read', 'write', 'shares'],
      },
      inVault: { token: await make({ scopes: ['write'], ...inVault }), scopes: ['read', 'write'], vaultId },
      elsewhere: {
        token: await make({ scopes: ['write'], vaultId: otherVault }),
        scopes: ['read', 'write'],
        vaultId: otherVault,
      },
      expired: {
        token: await make({ scopes: ['write', 'shares'], expiresAt: at(clock, minutes(1)) }),
        scopes: [],
        dead: true,
      },
      revoked: { token: revoked.token, scopes: [], dead: true },
      deletedAccount: { token: await make({ scopes: ['write'] }, gone), scopes: [], dead: true },
      unknown: { token: `lmp_${'A'.repeat(43)}`, scopes: [], dead: true },
      mistyped: { token: `${revoked.token}x`, scopes: [], dead: true },
      /** The whole text that a job is given, whose second half is nothing for the server. */
      whole: { token: `${await make({})}.${'A'.repeat(43)}`, scopes: [], dead: true },
    }
    await revokeToken(server, session, revoked.id)
    await send(server, {
      method: 'DELETE',
      path: '/api/v1/account',
      token: gone.token,
      body: { authKey: gone.authKey },
    })
    clock.advance(minutes(1))
    const share = await newShare(server, {}, session)

    /** What the contract and the brief of each bearer promise, said once more by hand. */
    function expected({ scopes, needsManageToken, needsPersonalToken, path }: Operation, who: string) {
      const bearer = bearers[who]
      const isSharing = path === '/api/v1/shares'
      if (needsManageToken) return dead
      if (bearer?.dead) return dead
      if (needsPersonalToken) return '200'
      if (!isSharing && scopes.length === 0) return sessionsOnly
      if (!bearer || !scopes.some((scope) => bearer.scopes.includes(scope))) return forbidden
      const isElsewhere = bearer.vaultId !== undefined && bearer.vaultId !== vaultId
      return path.includes('{vaultId}') && isElsewhere ? missing : 'allowed'
    }

    const guarded = operationsOf(document).filter(
      ({ path, needsSession, needsManageToken, needsPersonalToken }) =>
        needsSession || needsManageToken || needsPersonalToken || path === '/api/v1/shares',
    )
    expect(guarded.length).toBeGreaterThan(22)
    let allowed = 0
    const kept = await newItem(server, account)
    for (const operation of guarded)
      for (const [who, { token }] of Object.entries(bearers)) {
        // Who is let in may delete it.
        const item = operation.method === 'DELETE' ? await newItem(server, account) : kept
        const file = newPlace(vaultId, item.id)
        const isOfFile = operation.path.includes('{attachmentId}')
        const isUpload = isOfFile && operation.method === 'PUT'
        if (isOfFile && !isUpload) await putFile(server, session, file, fakeFile())
        const ids = {
          vaultId,
          itemId: item.id,
          attachmentId: file.id,
          sessionId: randomUUID(),
          tokenId: randomUUID(),
          factorId: randomUUID(),
          totpId: randomUUID(),
          webauthnId: randomUUID(),
          shareId: share.id,
        }
        const headers: Record<string, string> = {
          ...(operation.parameters.some(({ name }) => name === 'If-Match') && {
            'If-Match': `"${item.revision}"`,
          }),
          ...(isUpload && { 'Content-Type': 'application/octet-stream' }),
        }
        const outcome = outcomeOf(
          await send(server, {
            method: operation.method,
            path: fillPath(operation.path, ids),
            token,
            headers,
            ...(operation.body !== undefined && { body: exampleOf(document, operation.body) }),
            ...(isUpload && { raw: fakeFile() }),
          }),
        )
        const what = `${operation.name} with ${who}`
        const promised = expected(operation, who)
        if (promised !== 'allowed') expect.soft(outcome, what).toBe(promised)
        else {
          // Examples name items and files that are not there; whether anybody was let in is what counts.
          expect.soft(outcome, what).toMatch(/^(20[014]|412 revision-conflict|409 attachment-missing)$/)
          allowed++
        }
        if (promised.startsWith('403')) expect.soft(operation.statuses, what).toContain(403)
      }
    // Eight routes for readers, of which two are open from elsewhere; seven for writers; one for sharers.
    expect(allowed).toBe(8 * 4 + 2 + 7 * 3 + 2)
    expect(await use(server, session, '/api/v1/tokens/current')).toBe(dead)
    expect(await use(server, session, '/api/v1/account')).toBe('200')
  })

  it('for one vault see that one: others are missing, in a list and by name', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const otherVault = await secondVault(server, account)
    const item = await newItem(server, { ...account, vaultId: otherVault })
    const { token } = await newToken(server, account, { scopes: ['write'], vaultId: account.vaultId })
    const vaults = async (bearer: string) =>
      bodyOf(VaultList, await send(server, { path: '/api/v1/vaults', token: bearer })).vaults.map(
        ({ id }) => id,
      )
    expect(await vaults(token)).toEqual([account.vaultId])
    expect(await vaults(account.token)).toHaveLength(2)
    const everywhere = await newToken(server, account)
    expect(await vaults(everywhere.token)).toHaveLength(2)
    expect(await use(server, everywhere.token, `/api/v1/vaults/${otherVault}/items/${item.id}`)).toBe('200')
    const before = await readRows(server.database)
    const there = `/api/v1/vaults/${otherVault}`
    for (const path of [`${there}/items`, `${there}/changes`, `${there}/items/${item.id}`])
      expect(await use(server, token, path)).toBe(missing)
    const purge = { op: 'purge', id: item.id, revision: item.revision }
    const batch = { method: 'POST', path: `${there}/batch`, token, body: { operations: [purge] } }
    expect(outcomeOf(await send(server, batch))).toBe(missing)
    expect({ ...(await readRows(server.database)), personal_tokens: [] }).toEqual({
      ...before,
      personal_tokens: [],
    })
  })

  it('are shown once, kept as a hash, and tell their bearer what they are for', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const { vaultId } = account
    const [vaultKey, expiresAt] = [fakeEnvelope(), at(clock, days(90))]
    const made = await newToken(server, account, {
      scopes: ['read', 'shares'],
      vaultId,
      vaultKey,
      expiresAt,
    })
    const { token, ...summary } = made
    expect(token).toMatch(/^lmp_[\w-]{43}$/)
    expect(summary).toEqual({
      id: expect.any(String),
      name: 'test',
      scopes: ['read', 'shares'],
      vaultId,
      createdAt: at(clock, 0),
      expiresAt,
      lastUsedAt: null,
    })
    expect(await list(server, account)).toEqual([summary])
    const current = bodyOf(CurrentToken, await send(server, { path: '/api/v1/tokens/current', token }))
    const lastUsedAt = at(clock, 0)
    expect(current).toEqual({ ...summary, lastUsedAt, accountId: account.accountId, vaultKey, keyVersion: 1 })
    const rows = JSON.stringify(await readRows(server.database))
    const bytes = Buffer.from(token.slice(4), 'base64url')
    for (const trace of [token.slice(4), bytes.toString('hex'), bytes.toString('base64')])
      expect(rows).not.toContain(trace)
    expect(server.log()).not.toContain(token.slice(4))
    expect((await newToken(server, account)).token).not.toBe(token)
    expect(await list(server, await newAccount(server))).toEqual([])
  })

  it('are not made for vaults of others, for the past, or of what does not fit together', async () => {
    const { server, clock } = await start()
    const [account, other] = [await newAccount(server), await newAccount(server)]
    const before = await readRows(server.database)
    const attempt = async (token: object) =>
      outcomeOf(await postToken(server, account, { name: 'test', scopes: ['read'], ...token }))
    expect(await attempt({ vaultId: other.vaultId })).toBe(missing)
    expect(await attempt({ vaultId: randomUUID() })).toBe(missing)
    const malformed = '400 malformed-request'
    expect(await attempt({ expiresAt: at(clock, 0) })).toBe(malformed)
    expect(await attempt({ expiresAt: at(clock, -days(400)) })).toBe(malformed)
    expect(await attempt({ vaultKey: fakeEnvelope() })).toBe(malformed)
    expect(await attempt({ vaultId: account.vaultId, vaultKey: fakeEnvelope(2000) })).toBe(malformed)
    expect(await attempt({ scopes: [] })).toBe(malformed)
    expect(await attempt({ scopes: ['read', 'read'] })).toBe(malformed)
    expect(await attempt({ scopes: ['admin'] })).toBe(malformed)
    expect(await readRows(server.database)).toEqual(before)
    expect(await attempt({ expiresAt: at(clock, 1) })).toBe('201')
  })

  it('take the time of their end in every spelling of RFC 3339, and answer in one', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    for (const expiresAt of [
      '2999-01-31T13:30:00+01:30',
      '2999-01-31t12:00:00z',
      '2999-01-31T12:00:00.0009Z',
    ])
      expect((await newToken(server, account, { expiresAt })).expiresAt).toBe('2999-01-31T12:00:00.000Z')
    for (const expiresAt of ['2999-01-31T12:00:00', '2999-02-30T12:00:00Z', '2999-01-31', 'tomorrow', 1])
      expect(outcomeOf(await postToken(server, account, { name: 'test', scopes: ['read'], expiresAt }))).toBe(
        '400 malformed-request',
      )
  })

  it('expire at exactly their time, also where they were just believed, and leave the list', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const { token } = await newToken(server, account, { expiresAt: at(clock, minutes(10)) })
    clock.advance(minutes(10) - 1)
    expect(await use(server, token)).toBe('200')
    expect(await list(server, account)).toHaveLength(1)
    clock.advance(1)
    expect(await use(server, token)).toBe(dead)
    expect(await use(server, token, '/api/v1/vaults')).toBe(dead)
    expect(await list(server, account)).toEqual([])
    // The clock was wrong and was set right: nothing was thrown away for that.
    clock.jump(-1)
    expect(await use(server, token)).toBe('200')
  })

  it('without an expiry outlive every session', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const { token } = await newToken(server, account)
    clock.advance(days(4000))
    expect(await use(server, account.token)).toBe(dead)
    expect(await use(server, token)).toBe('200')
  })

  it.each(['revoked', 'of an account that is deleted', 'for a vault that is deleted'])(
    'that are %s are refused at once here, and within a second elsewhere',
    async (how) => {
      const { server, clock } = await start()
      const beside = await startBeside(server, clock)
      const account = await newAccount(server)
      const { id, token } = await newToken(server, account, { vaultId: account.vaultId })
      const other = await newToken(server, await newAccount(server))
      // Not the route that looks at the token's row itself.
      const vaults = '/api/v1/vaults'
      expect(await use(beside, token, vaults)).toBe('200')
      expect(await use(server, token, vaults)).toBe('200')
      const request = {
        revoked: { path: `/api/v1/tokens/${id}` },
        'of an account that is deleted': { path: '/api/v1/account', body: { authKey: account.authKey } },
        'for a vault that is deleted': {
          path: `/api/v1/vaults/${account.vaultId}`,
          body: { authKey: account.authKey },
        },
      }[how]
      if (!request) throw new Error(`No test knows tokens that are ${how}`)
      const ended = await send(server, { method: 'DELETE', token: account.token, ...request })
      expect(ended.status).toBe(204)
      expect(await use(server, token, vaults)).toBe(dead)
      clock.advance(seconds(1))
      expect(await use(beside, token, vaults)).toBe(dead)
      expect(await use(beside, other.token)).toBe('200')
    },
  )

  it('are revoked by their own account only', async () => {
    const { server } = await start()
    const [account, other] = [await newAccount(server), await newAccount(server)]
    const { id, token } = await newToken(server, account, { scopes: ['read', 'write', 'shares'] })
    expect(outcomeOf(await revokeToken(server, other.token, id))).toBe(missing)
    expect(outcomeOf(await revokeToken(server, token, id))).toBe(sessionsOnly)
    expect(await use(server, token)).toBe('200')
    expect(outcomeOf(await revokeToken(server, account.token, id))).toBe('204')
    expect(outcomeOf(await revokeToken(server, account.token, id))).toBe(missing)
  })

  it('are refused within a second once the operator has disabled their account, and are good again after', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const { token } = await newToken(server, account, { scopes: ['read'] })
    expect(await use(server, token)).toBe('200')
    const disable = (value: string) =>
      runStatement(
        server.database,
        `update accounts set disabled_at = ${value} where id = '${account.accountId}'`,
      )
    await disable('1')
    clock.advance(seconds(1))
    expect(await use(server, token)).toBe(dead)
    await disable('null')
    clock.advance(seconds(1))
    expect(await use(server, token)).toBe('200')
  })

  it('outlive the session that made them', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const { token } = await newToken(server, account)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: account.token })
    expect(await use(server, account.token, '/api/v1/account')).toBe(dead)
    expect(await use(server, token)).toBe('200')
  })

  it('have their last use noted to the minute, whichever process they use', async () => {
    const { server, clock } = await start()
    const beside = await startBeside(server, clock)
    const account = await newAccount(server)
    const { token } = await newToken(server, account)
    const lastUse = async () => (await list(server, account))[0]?.lastUsedAt
    expect(await lastUse()).toBeNull()
    const first = at(clock, 0)
    await use(server, token)
    expect(await lastUse()).toBe(first)
    clock.advance(seconds(59))
    for (const process of [server, beside, server]) await use(process, token)
    expect(await lastUse()).toBe(first)
    clock.advance(seconds(1))
    const second = at(clock, 0)
    await use(beside, token)
    expect(await lastUse()).toBe(second)
    // A refused use is one too: somebody has the token.
    clock.advance(minutes(5))
    await use(server, token, '/api/v1/account')
    expect(await lastUse()).toBe(at(clock, 0))
  })

  it('count by their account, and never as logins', async () => {
    const { server } = await start({ environment: { RATE_LIMITS: 'on' } })
    const account = await newAccount(server)
    const { token } = await newToken(server, account)
    // As often as a password may not be tried.
    for (let times = 0; times < 40; times++) {
      expect(await use(server, `lmp_${'A'.repeat(43)}`)).toBe(dead)
      expect(await use(server, token)).toBe('200')
      expect(await use(server, token, '/api/v1/account')).toBe(sessionsOnly)
    }
  })

  it('are made with a fresh proof of the password alone, by either method', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const before = await readRows(server.database)
    const attempt = async (body: object) =>
      outcomeOf(await send(server, { method: 'POST', path: '/api/v1/tokens', token: account.token, body }))
    const token = { name: 'test', scopes: ['read'] }
    expect(await attempt(token)).toBe('400 malformed-request')
    expect(await attempt({ ...token, authKey: randomKey() })).toBe('401 invalid-credentials')
    // The security log notes the wrong proof, after the answer.
    const events = { account_events: [] }
    expect({ ...(await readRows(server.database)), ...events }).toEqual({ ...before, ...events })
    expect(await attempt({ ...token, authKey: account.authKey })).toBe('201')
    const { email, password, token: session } = await newOpaqueAccount(server)
    const prove = async (word: string) => ({ ...token, opaque: await startProof(server, email, word) })
    const byOpaque = async (body: object) =>
      outcomeOf(await send(server, { method: 'POST', path: '/api/v1/tokens', token: session, body }))
    const proof = await prove(password)
    expect(await byOpaque(proof)).toBe('201')
    // A proof is for one request.
    expect(await byOpaque(proof)).toBe('401 invalid-credentials')
  })

  it('purge nothing, alone or in a batch, and go to the trash as before', async () => {
    const { server } = await start()
    const account = await newAccount(server)
    const { token } = await newToken(server, account, { scopes: ['write'] })
    const item = await newItem(server, account)
    const vault = `/api/v1/vaults/${account.vaultId}`
    const path = `${vault}/items/${item.id}`
    const purge = { op: 'purge', id: item.id, revision: item.revision }
    const batch = { method: 'POST', path: `${vault}/batch`, body: { operations: [purge] } }
    const before = await readRows(server.database)
    for (const request of [{ method: 'DELETE', path: `${path}?permanent=true` }, batch])
      expect(outcomeOf(await send(server, { ...request, token }))).toBe(forbidden)
    expect({ ...(await readRows(server.database)), personal_tokens: [] }).toEqual({
      ...before,
      personal_tokens: [],
    })
    expect(outcomeOf(await send(server, { method: 'DELETE', path, token }))).toBe('200')
    const again = { ...batch, body: { operations: [{ ...purge, revision: item.revision + 1 }] } }
    expect(outcomeOf(await send(server, { ...again, token: account.token }))).toBe('200')
  })

  it.each([false, true])(
    'end with a password change, unless they are kept (%s), and the answer says which there were',
    async (keepTokens) => {
      const { server, clock } = await start()
      const beside = await startBeside(server, clock)
      const account = await newAccount(server)
      const { token, ...summary } = await newToken(server, account)
      await newToken(server, account, { expiresAt: at(clock, 1) })
      const other = await newToken(server, await newAccount(server))
      clock.advance(1)
      expect(await use(beside, token, '/api/v1/vaults')).toBe('200')
      const { kdf, accountKey } = registration()
      const change = (authKey: string) =>
        send(server, {
          method: 'POST',
          path: '/api/v1/account/password',
          token: account.token,
          body: { current: { authKey }, kdf, accountKey, authKey: randomKey(), keepTokens },
        })
      expect(outcomeOf(await change(randomKey()))).toBe('401 invalid-credentials')
      expect(await list(server, account)).toHaveLength(1)
      const changed = bodyOf(PasswordChanged, await change(account.authKey))
      const tokens = [{ ...summary, lastUsedAt: at(clock, 0) }]
      expect(changed).toEqual(
        keepTokens ? { endedTokens: [], keptTokens: tokens } : { endedTokens: tokens, keptTokens: [] },
      )
      expect(await list(server, account)).toEqual(keepTokens ? tokens : [])
      clock.advance(seconds(1))
      for (const process of [server, beside])
        expect(await use(process, token, '/api/v1/vaults')).toBe(keepTokens ? '200' : dead)
      expect(await use(server, other.token)).toBe('200')
      const { account_events: events = [] } = await readRows(server.database)
      expect(events.filter(({ type }) => type === 'tokens-ended')).toHaveLength(keepTokens ? 0 : 1)
    },
  )

  it('share where the server wants an account for it, with the scope for that', async () => {
    const { server } = await start({ environment: { SHARES: 'accounts' } })
    const account = await newAccount(server)
    const shares = await newToken(server, account, { scopes: ['shares'] })
    const write = await newToken(server, account, { scopes: ['write'] })
    expect(outcomeOf(await postShare(server, shareBody()))).toBe(dead)
    expect(outcomeOf(await postShare(server, shareBody(), { token: write.token }))).toBe(forbidden)
    const made = await postShare(server, shareBody(), { token: shares.token })
    expect(bodyOf(CreatedShare, made).id).toHaveLength(22)
  })
})
