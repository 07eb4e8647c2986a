// Accounts of Bitwarden's apps for tests, made by the rules: with keys that nobody can open, and a session.
import { randomBytes, randomUUID } from 'node:crypto'
import { hours } from '../../src/clock.ts'
import { createBitwardenAccount } from '../../src/domain/identity/bitwarden-accounts.ts'
import { signBitwardenToken } from '../../src/domain/identity/bitwarden-tokens.ts'
import { createPasswordHasher } from '../../src/domain/identity/password-hasher.ts'
import { createSession } from '../../src/domain/identity/sessions.ts'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { openStore } from '../../src/store/open.ts'
import { databaseOf } from './fresh-database.ts'
import { type TestServer, testOpaqueSetup, testSecret } from './server.ts'

/** An EncString of type 2 of so many bytes of ciphertext, which nobody can open. */
export const encString = (bytes = 32): string =>
  `2.${[16, bytes, 32].map((length) => randomBytes(length).toString('base64')).join('|')}`

export interface BitwardenTestAccount {
  readonly accountId: string
  readonly email: string
  /** What the client sends in place of the password: 44 characters. */
  readonly passwordHash: string
  readonly deviceIdentifier: string
  readonly token: string
}

/** A new account with one session. @param now as the server's clock has it */
export async function newBitwardenAccount(
  server: TestServer,
  now: number = Date.now(),
): Promise<BitwardenTestAccount> {
  const [accountId, sessionId, deviceIdentifier] = [randomUUID(), randomUUID(), randomUUID()]
  const email = `${randomUUID()}@example.com`
  const clientHash = randomBytes(32)
  const { store } = await openStore(databaseOf(server.database), { now: () => now, onIdleError: () => {} })
  const authVerifier = await createPasswordHasher().hash(clientHash)
  const securityStamp = randomUUID()
  await store.write(async (tx) => {
    const account = {
      accountId,
      email,
      emailVerified: true,
      name: null,
      hint: null,
      authVerifier,
      kdf: { kind: 'pbkdf2', iterations: 600_000 },
      userKey: encString(64),
      userKeyId: null,
      publicKey: randomBytes(294).toString('base64'),
      privateKey: encString(1232),
      securityStamp,
    } as const
    await createBitwardenAccount(tx, account, { now, epoch: randomUUID() })
    await createSession(
      tx,
      { accountId, sessionId, address: '127.0.0.1' },
      {
        device: { id: deviceIdentifier, name: 'test', type: 'other' },
        refreshToken: { hash: randomBytes(32), familyHash: randomBytes(32) },
        now,
        expiresAt: now + hours(24),
        allowed: 10,
      },
    )
  })
  await store.close()
  const token = signBitwardenToken(
    { key: deriveServerKeys(testSecret, testOpaqueSetup).bitwardenTokens, publicUrl: server.url },
    { accountId, sessionId, deviceIdentifier },
    { email, name: null, clientId: 'cli', deviceType: 25, securityStamp },
    now,
  )
  return { accountId, email, passwordHash: clientHash.toString('base64'), deviceIdentifier, token }
}

/** The code in a mail. */
export const codeIn = ({ text }: { readonly text: string }): string => /^\d{6}$/m.exec(text)?.[0] ?? ''
