// Changing the account key over HTTP: all of it or nothing, and nothing is stored under a key that was replaced.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Account, AccountEventList, AccountKeyChanged, Session } from '../../../src/contract/accounts.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { type Vault, VaultList } from '../../../src/contract/vaults.ts'
import { fakeEnvelope, logInBody, newAccount, randomKey, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { newOpaqueAccount, startProof } from '../../support/opaque.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { newToken } from '../../support/tokens.ts'

describe.each(engines)('changing the account key on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  const ask = (method: string, path: string, token: string, body?: unknown) =>
    send(server, { method, path: `/api/v1/${path}`, token, body })
  const vaultsOf = async (token: string) => bodyOf(VaultList, await ask('GET', 'vaults', token)).vaults
  const accountOf = async (token: string) => bodyOf(Account, await ask('GET', 'account', token))

  /** What a client sends for these vaults. */
  const changeOf = (vaults: readonly Vault[], accountKeyVersion = 2) => ({
    accountKey: fakeEnvelope(),
    accountKeyVersion,
    vaults: vaults.map(({ id, keyVersion, rotation }) => ({
      id,
      keyVersion,
      key: fakeEnvelope(),
      ...(rotation && { nextKey: fakeEnvelope() }),
    })),
  })

  const newVault = (accountKeyVersion?: number) => ({
    id: randomUUID(),
    key: fakeEnvelope(),
    data: fakeEnvelope(),
    accountKeyVersion,
  })

  /** An account with three vaults, one of which has its key changed. */
  async function inhabited() {
    const account = await newAccount(server)
    const { token, authKey, vaultId } = account
    for (const vault of [newVault(), newVault(1)])
      expect(outcomeOf(await ask('POST', 'vaults', token, vault))).toBe('201')
    const begin = { key: fakeEnvelope(), keyVersion: 2, versions: 'keep', authKey }
    expect(outcomeOf(await ask('POST', `vaults/${vaultId}/rotation`, token, begin))).toBe('201')
    return { ...account, vaults: await vaultsOf(token) }
  }

  it('replaces it with the keys of all vaults, and ends nothing', async () => {
    const { token, authKey, vaults, email, ...account } = await inhabited()
    const { token: bearer } = await newToken(server, { token, authKey })
    const other = bodyOf(Session, await ask('POST', 'login', '', logInBody({ email, authKey })))
    const change = changeOf(vaults)
    const answer = await ask('POST', 'account/key', token, { current: { authKey }, ...change })
    expect(bodyOf(AccountKeyChanged, answer)).toEqual({ accountKeyVersion: 2 })
    for (const living of [token, other.accessToken]) {
      const { accountKey, accountKeyVersion, method } = await accountOf(living)
      expect({ accountKey, accountKeyVersion, method }).toEqual({
        accountKey: change.accountKey,
        accountKeyVersion: 2,
        method: 'authKey',
      })
    }
    const now = await vaultsOf(bearer)
    for (const [index, vault] of vaults.entries()) {
      const { key, nextKey } = change.vaults[index] ?? {}
      const rotation = vault.rotation && { ...vault.rotation, key: nextKey }
      expect(now[index]).toEqual({ ...vault, key, rotation, revision: vault.revision + 1 })
    }
    const again = bodyOf(Session, await ask('POST', 'login', '', logInBody({ email, authKey })))
    expect(again.account).toEqual({
      id: account.accountId,
      email,
      accountKey: change.accountKey,
      accountKeyVersion: 2,
    })
    const { events } = bodyOf(AccountEventList, await ask('GET', 'account/events', token))
    expect(events.filter(({ type }) => type === 'account-key-changed')).toHaveLength(1)
    const repeated = await ask('POST', 'account/key', token, { current: { authKey }, ...change })
    expect(outcomeOf(repeated)).toBe('409 key-changed')
    expect(bodyOf(Problem, repeated).accountKeyVersion).toBe(2)
  })

  it('changes nothing unless account and vaults stand as the request says', async () => {
    const { token, authKey, vaults } = await inhabited()
    const stranger = await newAccount(server)
    const good = changeOf(vaults)
    const [first, second, ...rest] = good.vaults
    if (!first?.nextKey || !second) throw new Error('The first vault has its key changed')
    const { nextKey: _, ...withoutNext } = first
    const theirs = { id: stranger.vaultId, keyVersion: 1, key: fakeEnvelope() }
    const refused = {
      'an older version': { ...good, accountKeyVersion: 1 },
      'a later version': { ...good, accountKeyVersion: 3 },
      'a vault less': { ...good, vaults: [first, second] },
      'no vault': { ...good, vaults: [] },
      'a vault that is not there': { ...good, vaults: [...good.vaults, { ...second, id: randomUUID() }] },
      "another account's vault": { ...good, vaults: [...good.vaults, theirs] },
      "another account's in place of one": { ...good, vaults: [first, second, theirs] },
      'another key of a vault': { ...good, vaults: [first, { ...second, keyVersion: 2 }, ...rest] },
      'no key that is to follow': { ...good, vaults: [withoutNext, second, ...rest] },
      'one that is not': { ...good, vaults: [first, { ...second, nextKey: fakeEnvelope() }, ...rest] },
    }
    const { account_events: _events, ...before } = await readRows(server.database)
    for (const [why, change] of Object.entries(refused)) {
      const answer = await ask('POST', 'account/key', token, { current: { authKey }, ...change })
      expect.soft(outcomeOf(answer), why).toBe('409 key-changed')
      expect.soft(bodyOf(Problem, answer).accountKeyVersion, why).toBe(1)
    }
    const twice = { ...good, vaults: [...good.vaults, first] }
    for (const [change, outcome] of [
      [{ ...good, current: { authKey: randomKey() } }, '401 invalid-credentials'],
      [{ ...twice, current: { authKey } }, '400 malformed-request'],
      [good, '400 malformed-request'],
    ] as const)
      expect(outcomeOf(await ask('POST', 'account/key', token, change))).toBe(outcome)
    const { account_events: _later, ...after } = await readRows(server.database)
    expect(after).toEqual(before)
    expect(outcomeOf(await ask('POST', 'account/key', token, { current: { authKey }, ...good }))).toBe('200')
  })

  it('leaves nothing behind that lies under the old one: vaults, keys that follow, passwords', async () => {
    const account = await newAccount(server)
    const { token, vaultId } = account
    let { authKey } = account
    const change = { current: { authKey }, ...changeOf(await vaultsOf(token)) }
    expect(outcomeOf(await ask('POST', 'account/key', token, change))).toBe('200')
    const { account_events: _events, ...before } = await readRows(server.database)
    const password = () => {
      const { kdf, accountKey } = registration()
      return { current: { authKey }, kdf, accountKey, authKey: randomKey() }
    }
    const begin = () => ({ key: fakeEnvelope(), keyVersion: 2, versions: 'keep', authKey })
    for (const accountKeyVersion of [undefined, 1, 3])
      for (const [path, body] of [
        ['vaults', newVault()],
        [`vaults/${vaultId}/rotation`, begin()],
        ['account/password', password()],
      ] as const) {
        const answer = await ask('POST', path, token, { ...body, accountKeyVersion })
        expect.soft(outcomeOf(answer), path).toBe('409 key-changed')
        expect.soft(bodyOf(Problem, answer).accountKeyVersion, path).toBe(2)
      }
    const { account_events: _later, ...after } = await readRows(server.database)
    expect(after).toEqual(before)
    for (const [path, body, outcome] of [
      ['vaults', newVault(), '201'],
      [`vaults/${vaultId}/rotation`, begin(), '201'],
      ['account/password', password(), '200'],
    ] as const) {
      const answer = await ask('POST', path, token, { ...body, accountKeyVersion: 2 })
      expect(outcomeOf(answer), path).toBe(outcome)
      if ('current' in body) authKey = body.authKey
    }
    // The password is another one, the account key is not.
    expect((await accountOf(token)).accountKeyVersion).toBe(2)
    const next = { current: { authKey }, ...changeOf(await vaultsOf(token), 3) }
    expect(outcomeOf(await ask('POST', 'account/key', token, next))).toBe('200')
  })

  it('is proved by OPAQUE too, and is not for tokens', async () => {
    const { email, password, token } = await newOpaqueAccount(server)
    const change = changeOf(await vaultsOf(token))
    const opaque = await startProof(server, email, password)
    const body = { current: { opaque }, ...change }
    const { token: bearer } = await newToken(server, await newAccount(server), { scopes: ['write'] })
    expect(outcomeOf(await ask('POST', 'account/key', bearer, body))).toBe('403 token-not-allowed')
    expect(outcomeOf(await ask('POST', 'account/key', token, body))).toBe('200')
    expect(outcomeOf(await ask('POST', 'account/key', token, body))).toBe('401 invalid-credentials')
    expect(await accountOf(token)).toMatchObject({ accountKey: change.accountKey, method: 'opaque' })
  })
})
