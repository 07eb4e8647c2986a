// Personal access tokens of the SDK: what a bearer can do with one, and what a hostile server cannot do to it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CurrentToken } from '../../src/contract/tokens.ts'
import { VaultList } from '../../src/contract/vaults.ts'
import {
  decodeBase64url,
  encodeBase64url,
  minKdf,
  newKey,
  OpenError,
  type OpenVault,
  ProblemError,
  RefusedError,
  seal,
  TokenClient,
  TokenError,
  tokenVaultKeyAssociatedData,
} from '../../src/sdk/index.ts'
import { deriveTokenKey, parseBearerToken } from '../../src/sdk/tokens.ts'
import { engines } from '../support/database.ts'
import { readRows } from '../support/rows.ts'
import { type RegisteredClient, registeredClient, startServer, type TestServer } from '../support/server.ts'

const note = (name: string) => ({ kind: 'note' as const, name, notes: 'marker-of-a-secret' })

describe.each(engines)('tokens of the SDK on %s', (engine) => {
  let server: TestServer
  let owner: RegisteredClient
  let other: OpenVault
  beforeAll(async () => {
    server = await startServer(engine)
    owner = await registeredClient(server)
    other = await owner.account.createVault('Other')
  })
  afterAll(() => server.close())

  const create = (scopes: ('read' | 'write')[], vault: OpenVault = owner.vault) =>
    owner.account.tokens.create({ name: 'job', scopes, vault, password: owner.password })

  /** A client to whom the server answers something else at one path. */
  function deceived(bearerToken: string, where: string, deceive: (honest: unknown) => unknown) {
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await globalThis.fetch(input, init)
      if (!String(input).endsWith(where)) return response
      return Response.json(deceive(await response.json()))
    }
    return new TokenClient({ server: server.url, bearerToken, fetch })
  }

  it('open their vault, and go with it as far as their scope', async () => {
    const item = await owner.vault.create(note('one'))
    const { bearerToken, ...made } = await create(['read'])
    expect(made).toMatchObject({ name: 'job', scopes: ['read'], vaultId: owner.vault.id, expiresAt: null })
    const client = new TokenClient({ server: server.url, bearerToken })
    expect(await client.details()).toMatchObject({ id: made.id, accountId: owner.account.accountId })
    const vault = await (await client.open()).vault()
    expect(vault.name).toBe('Personal')
    expect((await vault.get(item.id)).content).toEqual(note('one'))
    await expect(vault.create(note('two'))).rejects.toMatchObject({ code: 'insufficient-scope', status: 403 })
    await expect(vault.rename('mine')).rejects.toMatchObject({ code: 'token-not-allowed' })
    const writer = new TokenClient({ server: server.url, ...(await create(['write'])) })
    const written = await (await (await writer.open()).vault()).create(note('three'))
    expect((await owner.vault.get(written.id)).content).toEqual(note('three'))
    await owner.account.tokens.revoke(made.id)
    await expect(vault.get(item.id)).rejects.toBeInstanceOf(ProblemError)
    const left = (await owner.account.tokens.list()).map(({ id }) => id)
    expect(left).toHaveLength(1)
    expect(left).not.toContain(made.id)
  })

  it('keep their second half to themselves: the server is sent none of it, and cannot open the key', async () => {
    const { bearerToken } = await create(['write'])
    const { secret } = parseBearerToken(bearerToken)
    if (!secret) throw new Error('The token has no key')
    let sent = ''
    const fetch: typeof globalThis.fetch = (input, init) => {
      sent += `${input} ${JSON.stringify(init?.headers)} ${init?.body}\n`
      return globalThis.fetch(input, init)
    }
    const client = new TokenClient({ server: server.url, bearerToken, fetch })
    await (await (await client.open()).vault()).create(note('four'))
    expect(sent).toContain('lmp_')
    const rows = JSON.stringify(await readRows(server.database))
    const key = await deriveTokenKey(secret)
    for (const bytes of [secret, key])
      for (const coding of ['base64url', 'base64', 'hex'] as const) {
        const spelled = Buffer.from(bytes).toString(coding).replace(/=+$/, '')
        for (const place of [sent, rows, server.log()]) expect(place).not.toContain(spelled)
      }
  })

  it('refuse a key that was not sealed for them, and a vault that is not theirs', async () => {
    const { bearerToken } = await create(['read'])
    const elsewhere = await new TokenClient({
      server: server.url,
      ...(await create(['read'], other)),
    }).details()
    const accountId = owner.account.accountId
    const ownSeal = async (vaultId: string) =>
      seal(await deriveTokenKey(newKey()), tokenVaultKeyAssociatedData(accountId, vaultId), newKey())
    const lies: [string, (honest: CurrentToken) => object][] = [
      ["another token's key", (honest) => ({ ...honest, vaultKey: elsewhere.vaultKey })],
      ['another vault', (honest) => ({ ...honest, vaultId: other.id })],
      ['all of another token', (honest) => ({ ...honest, vaultId: other.id, vaultKey: elsewhere.vaultKey })],
      ['another account', (honest) => ({ ...honest, accountId: crypto.randomUUID() })],
      ["the account's own envelope", (honest) => ({ ...honest, vaultKey: owner.vault.sealed.key })],
    ]
    for (const [what, lie] of lies) {
      const client = deceived(bearerToken, '/tokens/current', (honest) => lie(CurrentToken.parse(honest)))
      await expect(client.open(), what).rejects.toBeInstanceOf(OpenError)
    }
    const forged = await ownSeal(owner.vault.id)
    const client = deceived(bearerToken, '/tokens/current', (honest) => ({
      ...CurrentToken.parse(honest),
      vaultKey: forged,
    }))
    await expect(client.open()).rejects.toBeInstanceOf(OpenError)
    for (const missing of [{ vaultKey: null }, { vaultId: null }]) {
      const stripped = deceived(bearerToken, '/tokens/current', (honest) => ({
        ...CurrentToken.parse(honest),
        ...missing,
      }))
      await expect(stripped.open()).rejects.toBeInstanceOf(RefusedError)
    }
  })

  it('refuse a vault that is withheld, or whose data is not its own', async () => {
    const { bearerToken } = await create(['read'])
    const listing = (deceive: (list: z.infer<typeof VaultList>) => object) =>
      deceived(bearerToken, '/vaults', (honest) => deceive(VaultList.parse(honest))).open()
    const withheld = await listing(() => ({ vaults: [], nextCursor: null }))
    await expect(withheld.vault()).rejects.toBeInstanceOf(RefusedError)
    const instead = await listing(() => ({ vaults: [other.sealed], nextCursor: null }))
    await expect(instead.vault()).rejects.toBeInstanceOf(RefusedError)
    await expect(withheld.openVault(other.sealed)).rejects.toBeInstanceOf(RefusedError)
    const renamed = await listing(({ vaults }) => ({
      nextCursor: null,
      vaults: vaults.map((vault) => ({ ...vault, data: other.sealed.data })),
    }))
    await expect(renamed.vault()).rejects.toBeInstanceOf(OpenError)
    const disguised = await listing(() => ({
      vaults: [{ ...other.sealed, id: owner.vault.id }],
      nextCursor: null,
    }))
    await expect(disguised.vault()).rejects.toBeInstanceOf(OpenError)
  })

  it('that were kept go on opening their vault after the password was changed', async () => {
    const { account, password, vault } = await registeredClient(server)
    const { bearerToken } = await account.tokens.create({ name: 'job', scopes: ['read'], vault, password })
    await account.changePassword({
      current: password,
      next: 'another long password',
      keepTokens: true,
      method: 'authKey',
      kdf: minKdf,
    })
    const client = new TokenClient({ server: server.url, bearerToken })
    expect((await (await client.open()).vault()).name).toBe(vault.name)
  })

  it('without a vault have no key, and decrypt nothing', async () => {
    const { bearerToken, vaultId } = await owner.account.tokens.create({
      name: 'backup',
      scopes: ['read'],
      password: owner.password,
    })
    expect(vaultId).toBeNull()
    expect(parseBearerToken(bearerToken).secret).toBeUndefined()
    const client = new TokenClient({ server: server.url, bearerToken })
    expect(await client.details()).toMatchObject({ vaultId: null, vaultKey: null })
    await expect(client.open()).rejects.toBeInstanceOf(TokenError)
  })

  it('are not taken where they are not whole, and not repeated in the refusal', async () => {
    const { bearerToken } = await create(['read'])
    const [token = '', secret = ''] = bearerToken.split('.')
    const twice = encodeBase64url(new Uint8Array([...decodeBase64url(secret), 0]))
    for (const text of [
      '',
      'lmp_',
      token.slice(1),
      `${token}.`,
      `${token}.${twice}`,
      `${token}.${secret}=`,
      `${bearerToken}.`,
    ]) {
      const failure = await new Promise((resolve) => {
        try {
          resolve(new TokenClient({ server: server.url, bearerToken: text }))
        } catch (error) {
          resolve(error)
        }
      })
      expect(failure, text).toBeInstanceOf(TokenError)
      expect(z.instanceof(Error).parse(failure).message).not.toContain(secret)
    }
    expect(() => new TokenClient({ server: 'http://vault.example.com', bearerToken })).toThrow(TypeError)
    expect(new TokenClient({ server: server.url, bearerToken: `${bearerToken}\n` })).toBeInstanceOf(
      TokenClient,
    )
  })
})
