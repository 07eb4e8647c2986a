// The client against the published vectors, which another implementation made (test/vectors/generate.py).
import { describe, expect, test, vi } from 'vitest'
import { KdfParameters } from '../../src/contract/accounts.ts'
import { padme } from '../../src/contract/file-sizes.ts'
import { Sealed, SealedKey } from '../../src/contract/primitives.ts'
import { Vault } from '../../src/contract/vaults.ts'
import {
  accountKeyAssociatedData,
  encodeAssociatedData,
  itemAssociatedData,
  tokenVaultKeyAssociatedData,
  vaultDataAssociatedData,
  vaultKeyAssociatedData,
} from '../../src/protocol/associated-data.ts'
import { decodeBase64url, encodeBase64url } from '../../src/protocol/base64url.ts'
import { OpenError, open, seal } from '../../src/protocol/envelope.ts'
import {
  ContentError,
  editsIn,
  encodeContent,
  parseItemContent,
  parseVaultContent,
  readItemContent,
  recount,
} from '../../src/protocol/item-content.ts'
import { deriveKeys, KdfRefusedError } from '../../src/protocol/keys.ts'
import { pad, unpad } from '../../src/protocol/padding.ts'
import { PasswordRefusedError } from '../../src/protocol/password.ts'
import { resealedFile } from '../../src/protocol/resealed-file.ts'
import { memorySessionStorage } from '../../src/sdk/session-storage.ts'
import { deriveTokenKey, parseBearerToken, TokenError } from '../../src/sdk/tokens.ts'
import { Transport } from '../../src/sdk/transport.ts'
import { OpenVault } from '../../src/sdk/vault.ts'
import { vectors } from './read-vectors.ts'

// The vectors have the real costs.
vi.unmock('hash-wasm')

describe('base64url', () => {
  test.each(vectors.base64url.accepted)('$text', ({ bytes, text }) => {
    expect(encodeBase64url(bytes)).toBe(text)
    expect(decodeBase64url(text)).toEqual(bytes)
  })

  test.each(vectors.base64url.refused)('refuses $why: $text', ({ text }) => {
    expect(() => decodeBase64url(text)).toThrow(SyntaxError)
  })
})

describe('padding', () => {
  test.each(vectors.padding.padme)('padme of %i is %i', (length, padded) => {
    expect(padme(length)).toBe(padded)
  })

  test('pads and unpads', () => {
    for (const { plaintext, padded } of vectors.padding.accepted) {
      expect(pad(plaintext)).toEqual(padded)
      expect(unpad(padded)).toEqual(plaintext)
    }
  })

  test.each(vectors.padding.refused)('refuses $why', ({ padded }) => {
    expect(() => unpad(padded)).toThrow(RangeError)
  })
})

describe('key derivation', () => {
  test.each(vectors.keyDerivation.accepted)('$name', async ({ password, kdf, ...expected }) => {
    const { authKey, wrapKey } = await deriveKeys(password, KdfParameters.parse(kdf))
    expect(authKey).toEqual(expected.authKey)
    expect(wrapKey).toEqual(expected.wrapKey)
    expect(encodeBase64url(authKey)).toBe(expected.authKeyAsSent)
  })

  test.each(vectors.keyDerivation.refused)('refuses where $why', async ({ password, kdf }) => {
    await expect(deriveKeys(password, kdf)).rejects.toThrow(KdfRefusedError)
  })

  test.each(vectors.keyDerivation.refusedPasswords)('refuses a password: $why', async ({ utf16 }) => {
    const kdf = vectors.keyDerivation.accepted[0]?.kdf
    if (!kdf) throw new Error('There is no accepted vector')
    await expect(deriveKeys(utf16, kdf)).rejects.toThrow(PasswordRefusedError)
  })
})

describe('envelope', () => {
  test.each(vectors.envelope.accepted)('$name', async ({ key, salt, context, plaintext, ...expected }) => {
    expect(encodeAssociatedData(context)).toEqual(expected.encodedContext)
    expect(pad(plaintext)).toEqual(expected.padded)
    expect(await seal(key, context, plaintext, () => salt)).toBe(expected.sealed)
    expect(await open(key, context, expected.sealed)).toEqual(plaintext)
    expect(Sealed.safeParse(expected.sealed).success).toBe(true)
  })

  test.each(vectors.envelope.refused)('refuses: $why', async ({ key, context, sealed }) => {
    await expect(open(key, context, sealed)).rejects.toStrictEqual(new OpenError())
  })
})

describe('a whole account', () => {
  test.each(vectors.chain.accepted)('opens from the password down', async (account) => {
    const { accountId, vaultId, itemId, password, kdf, accountKey, vaultKey, vaultData, item } = account
    const { authKey, wrapKey } = await deriveKeys(password, kdf)
    expect(encodeBase64url(authKey)).toBe(account.authKeyAsSent)
    const openedAccountKey = await open(wrapKey, accountKeyAssociatedData(accountId, kdf), accountKey.sealed)
    const openedVaultKey = await open(
      openedAccountKey,
      vaultKeyAssociatedData(accountId, vaultId),
      vaultKey.sealed,
    )
    const data = await open(openedVaultKey, vaultDataAssociatedData(vaultId), vaultData.sealed)
    expect(parseVaultContent(data)).toEqual(account.vaultContent)
    const content = parseItemContent(
      await open(openedVaultKey, itemAssociatedData(vaultId, itemId), item.sealed),
    )
    expect(content).toEqual(account.itemContent)
    expect(SealedKey.safeParse(accountKey.sealed).success).toBe(true)
    expect(SealedKey.safeParse(vaultKey.sealed).success).toBe(true)
  })

  test.each(vectors.chain.accepted)('is sealed to the same bytes', async (account) => {
    const { accountKey, vaultKey, vaultData, item } = account
    for (const { key, context, salt, plaintext, sealed } of [accountKey, vaultKey, vaultData, item])
      expect(await seal(key, context, plaintext, () => salt)).toBe(sealed)
    expect(encodeContent(parseItemContent(item.plaintext)).length).toBe(item.plaintext.length)
  })

  test.each(vectors.chain.accepted)('keeps its account key when the password changes', async (account) => {
    const { password, kdf, authKeyAsSent, accountKey } = account.afterPasswordChange
    const { authKey, wrapKey } = await deriveKeys(password, kdf)
    expect(encodeBase64url(authKey)).toBe(authKeyAsSent)
    expect(await open(wrapKey, accountKeyAssociatedData(account.accountId, kdf), accountKey.sealed)).toEqual(
      account.accountKey.plaintext,
    )
  })

  test.each(vectors.chain.refused)('refuses $why', async ({ key, context, sealed }) => {
    await expect(open(key, context, sealed)).rejects.toStrictEqual(new OpenError())
  })
})

describe('changed keys', () => {
  const [changed] = vectors.rotation.accepted
  if (!changed) throw new Error('rotation.json has no account')
  const { accountId, vaultId, itemId, kdf } = changed

  async function expectSealed({ key, context, plaintext, salt, sealed }: (typeof vaultKeys)[0]['envelope']) {
    expect(await open(key, context, sealed)).toEqual(plaintext)
    expect(await seal(key, context, plaintext, () => salt)).toBe(sealed)
  }

  const { accountKeys, vaultKeys, vaultKeysUnderTheNextAccountKey: again, tokenKeys } = changed

  test.each(accountKeys)('the account key of version $keyVersion', async ({ keyVersion, envelope }) => {
    expect(accountKeyAssociatedData(accountId, kdf, keyVersion)).toEqual(envelope.context)
    await expectSealed(envelope)
  })

  test.each([...vaultKeys, ...again])(
    "the vault's key of version $keyVersion",
    async ({ keyVersion, envelope }) => {
      expect(vaultKeyAssociatedData(accountId, vaultId, keyVersion)).toEqual(envelope.context)
      await expectSealed(envelope)
    },
  )

  test.each(tokenKeys)('a token for the key of version $keyVersion', async ({ keyVersion, envelope }) => {
    expect(tokenVaultKeyAssociatedData(accountId, vaultId, keyVersion)).toEqual(envelope.context)
    await expectSealed(envelope)
  })

  test.each(changed.resealed)('seals anew: $after.name', async ({ before, after }) => {
    await expectSealed(before)
    await expectSealed(after)
    const opened = await open(before.key, before.context, before.sealed)
    expect(recount(opened, editsIn(opened) + 1)).toEqual(after.plaintext)
  })

  test.each(changed.files)('a file that replaces $attachmentId', async (file) => {
    const replaced = { vaultId, itemId, id: file.attachmentId, salt: file.salt }
    expect(await resealedFile(file.vaultKey, replaced)).toEqual({
      id: file.newAttachmentId,
      salt: file.newSalt,
    })
  })

  test.each(vectors.rotation.refused)('refuses $why', async ({ key, context, sealed }) => {
    await expect(open(key, context, sealed)).rejects.toStrictEqual(new OpenError())
  })
})

describe('a personal access token', () => {
  test.each(vectors.tokens.accepted)('opens the key of its vault', async ({ text, token, ...expected }) => {
    const { secret, tokenKey, vaultKey } = expected
    expect(parseBearerToken(text)).toEqual({ token, secret })
    expect(parseBearerToken(token)).toEqual({ token, secret: undefined })
    expect(await deriveTokenKey(secret)).toEqual(tokenKey)
    const [, accountId = '', vaultId = ''] = vaultKey.context
    const context = tokenVaultKeyAssociatedData(accountId, vaultId)
    expect(context).toEqual(vaultKey.context)
    expect(await open(tokenKey, context, vaultKey.sealed)).toEqual(vaultKey.plaintext)
    expect(await seal(tokenKey, context, vaultKey.plaintext, () => vaultKey.salt)).toBe(vaultKey.sealed)
    expect(SealedKey.safeParse(vaultKey.sealed).success).toBe(true)
  })

  test.each(vectors.tokens.refused)('refuses $why', async ({ key, context, sealed }) => {
    await expect(open(key, context, sealed)).rejects.toStrictEqual(new OpenError())
  })

  test.each(vectors.tokens.refusedTexts)('refuses $why', ({ text }) => {
    expect(() => parseBearerToken(text)).toThrow(TokenError)
  })
})

describe('what may follow what', () => {
  const { vaultKey, vaultId, itemId, accepted, refused } = vectors.history
  type State = (typeof accepted)[number]['known']
  const at = '2026-01-31T12:00:00.000Z'
  const stateAt = (revision: number, state: State) =>
    'data' in state
      ? {
          ...state,
          id: itemId,
          vaultId,
          keyVersion: 1,
          revision,
          createdAt: at,
          updatedAt: at,
          deletedAt: null,
        }
      : { ...state, id: itemId, keyVersion: 1, revision }
  const follows = async ({ known, shown }: { known: State; shown: State }) => {
    const data = await seal(vaultKey, vaultDataAssociatedData(vaultId), encodeContent({ name: 'x' }))
    const sealed = Vault.parse({
      id: vaultId,
      key: data,
      data,
      revision: 1,
      itemCount: 0,
      createdAt: at,
      updatedAt: at,
    })
    const transport = new Transport('http://localhost', memorySessionStorage())
    const vault = await OpenVault.open(transport, sealed, {
      open: async () => vaultKey,
      requireNewest: async () => {},
    })
    return vault.seals.follows(stateAt(1, known), stateAt(2, shown))
  }

  test.each(accepted)('$why', async (pair) => {
    expect(await follows(pair)).toBe(true)
  })

  test.each(refused)('not $why', async (pair) => {
    expect(await follows(pair)).toBe(false)
  })
})

describe('content', () => {
  const bytesOf = (text: string) => new TextEncoder().encode(text)
  test.each(vectors.content.accepted)('$text has the counter $edits', ({ text, edits }) => {
    const read = readItemContent(bytesOf(text))
    expect(read.edits).toBe(edits)
    expect(read.content).not.toHaveProperty('edits')
  })

  test.each(vectors.content.kept)('an edit keeps $member', ({ text, member }) => {
    const { content } = readItemContent(bytesOf(text))
    const edited = new TextDecoder().decode(encodeContent({ ...content, name: 'edited' }, 2))
    expect(edited).toContain(member)
    expect(edited).toContain('"name":"edited"')
    expect(Object.getPrototypeOf(content)).toBe(Object.prototype)
    expect({}).not.toHaveProperty('a')
  })

  test.each(vectors.content.refused)('refuses $why', ({ text }) => {
    expect(() => readItemContent(bytesOf(text))).toThrow(ContentError)
  })
})
