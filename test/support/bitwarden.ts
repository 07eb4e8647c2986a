// Accounts of Bitwarden's apps for tests, made by the rules: with keys that nobody can open, and a session.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { hours } from '../../src/clock.ts'
import { bitwardenParts, createRegistered } from '../../src/domain/identity/bitwarden-accounts.ts'
import { noteDevice } from '../../src/domain/identity/bitwarden-devices.ts'
import { signBitwardenToken } from '../../src/domain/identity/bitwarden-tokens.ts'
import { createPasswordHasher } from '../../src/domain/identity/password-hasher.ts'
import { createSession } from '../../src/domain/identity/sessions.ts'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { openStore } from '../../src/store/open.ts'
import { databaseOf } from './fresh-database.ts'
import { bodyOf, type RawAnswer, type Server, send } from './requests.ts'
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
  server: Pick<TestServer, 'database' | 'url'>,
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
      ...bitwardenParts(accountId, { kind: 'pbkdf2', iterations: 600_000 }),
      email,
      emailVerified: true,
      hint: null,
      authMethod: 'bitwarden',
      authVerifier,
      credentialId: null,
      bitwarden: {
        kdfKind: 'pbkdf2',
        name: null,
        userKey: encString(64),
        userKeyId: null,
        publicKey: randomBytes(294).toString('base64'),
        privateKey: encString(1232),
        securityStamp,
      },
    } as const
    await createRegistered(tx, account, { now, epoch: randomUUID() })
    const device = { id: deviceIdentifier, name: 'test', type: 'other' } as const
    await noteDevice(tx, accountId, { id: randomUUID(), device, type: 25, now })
    await createSession(
      tx,
      { accountId, sessionId, address: '127.0.0.1' },
      {
        device,
        clientId: 'cli',
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

let publicKey: string | undefined

/** An RSA key as clients send it; the same for all accounts of a test. */
const publicKeyOfTests = () =>
  (publicKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ format: 'der', type: 'spki' })
    .toString('base64'))

/** What an app is asked to be registered with, in the way of newer apps; without the token. */
export function appRegistration(email = `${randomUUID()}@example.com`) {
  const kdf = { kdfType: 0, iterations: 600_000, memory: null, parallelism: null }
  const masterPasswordAuthenticationHash = randomBytes(32).toString('base64')
  return {
    email,
    masterPasswordHint: 'the usual one',
    masterPasswordAuthentication: { kdf, masterPasswordAuthenticationHash, salt: email },
    masterPasswordUnlock: { kdf, masterKeyWrappedUserKey: encString(80), salt: email },
    userAsymmetricKeys: { publicKey: publicKeyOfTests(), encryptedPrivateKey: encString(1216) },
  }
}

export type AppRegistration = ReturnType<typeof appRegistration>

/** Registers over HTTP. @returns the answer to the last request */
export async function registerApp(server: Server, registration: AppRegistration): Promise<RawAnswer> {
  const { email } = registration
  const path = '/identity/accounts/register'
  const asked = await send(server, {
    method: 'POST',
    path: `${path}/send-verification-email`,
    body: { email, name: null },
  })
  if (asked.status !== 200) return asked
  const emailVerificationToken = bodyOf(z.string(), asked)
  return send(server, {
    method: 'POST',
    path: `${path}/finish`,
    body: { ...registration, emailVerificationToken },
  })
}

/** Sends a form to the token endpoint. */
export const askForToken = (server: Server, form: Readonly<Record<string, string>>): Promise<RawAnswer> =>
  send(server, {
    method: 'POST',
    path: '/identity/connect/token',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    raw: new URLSearchParams(form).toString(),
  })

export const newAppDevice = () => ({
  deviceType: '25',
  deviceIdentifier: randomUUID(),
  deviceName: 'linux',
})

/** The form of a login by the password. */
export const passwordGrant = (
  { email, passwordHash }: Pick<BitwardenTestAccount, 'email' | 'passwordHash'>,
  device = newAppDevice(),
) => ({
  grant_type: 'password',
  username: email,
  password: passwordHash,
  scope: 'api offline_access',
  client_id: 'cli',
  ...device,
})

/** A new account, made and logged in to over HTTP. */
export async function registeredApp(server: Server) {
  const registration = appRegistration()
  const { email, masterPasswordAuthentication } = registration
  const passwordHash = masterPasswordAuthentication.masterPasswordAuthenticationHash
  const device = newAppDevice()
  const registered = await registerApp(server, registration)
  if (registered.status !== 200) throw new Error(`Not registered: ${registered.text}`)
  const answer = await askForToken(server, passwordGrant({ email, passwordHash }, device))
  const session = bodyOf(z.looseObject({ access_token: z.string(), refresh_token: z.string() }), answer)
  return { email, passwordHash, device, registration, session, token: session.access_token }
}

/** A request for a new user key of such an account, under the password of another hash. */
export const keyRotation = <Data>(
  { email, passwordHash, registration }: Awaited<ReturnType<typeof registeredApp>>,
  accountData: Data,
) => ({
  oldMasterKeyAuthenticationHash: passwordHash,
  accountUnlockData: {
    masterPasswordUnlockData: {
      kdfType: 0,
      kdfIterations: 600_000,
      email,
      salt: email,
      masterKeyAuthenticationHash: randomBytes(32).toString('base64'),
      masterKeyEncryptedUserKey: encString(80),
      masterPasswordHint: null,
    },
    emergencyAccessUnlockData: [],
    organizationAccountRecoveryUnlockData: [],
    passkeyUnlockData: [],
    deviceKeyUnlockData: [],
  },
  accountKeys: {
    userKeyEncryptedAccountPrivateKey: encString(1216),
    accountPublicKey: registration.userAsymmetricKeys.publicKey,
    publicKeyEncryptionKeyPair: null,
    signatureKeyPair: null,
    securityState: null,
  },
  accountData,
  newUserKeyId: 'ef'.repeat(16),
})
