// Passkeys and security keys as a second factor (WebAuthn level 3): the one place where the server calls its library.
import { type Clock, minutes } from '../../clock.ts'
import type {
  WebauthnAssertion,
  WebauthnOptions,
  WebauthnRegistration,
} from '../../contract/second-factors.ts'
import type { Random } from '../../random.ts'
import { fromBase64url, toBase64url, uuidToBytes } from '../encoding.ts'
import { signToken, verifyToken } from '../expiring-tokens.ts'
import type { ServerKeys } from '../server-keys.ts'

/** Loaded with the first use: many servers see no passkey, and it takes 5 MB. */
const library = () => import('@simplewebauthn/server')

const idBytes = 16
const livesFor = minutes(5)

/** Where passkeys are used. */
export interface WebauthnSettings {
  /** PUBLIC_URL, without a slash at the end. */
  readonly publicUrl: string
  /** Further origins: of apps and browser extensions. */
  readonly webauthnOrigins: readonly string[]
}

interface Needs {
  readonly clock: Clock
  readonly config: WebauthnSettings
  readonly keys: Pick<ServerKeys, 'webauthnChallenges'>
  readonly random: Random
}

/** What an authenticator has to sign, and for what; nothing of it is kept anywhere. */
export interface Challenge {
  readonly id: Uint8Array
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/**
 * A challenge that proves by itself that this server made it. So any process can check what another began, and beginning writes
 * nothing.
 * @param purpose what may be done by it, and by whom
 */
function newChallenge(purpose: string, { clock, keys, random }: Needs): Uint8Array<ArrayBuffer> {
  const made = { content: random.bytes(idBytes), expiresAt: clock.now() + livesFor }
  return new Uint8Array(fromBase64url(signToken(keys.webauthnChallenges, purpose, made)))
}

/** @param challenge base64url, as the client gave it back. @returns undefined if it is not of this purpose, or too old */
function openChallenge(
  purpose: string,
  challenge: string,
  { clock, keys }: Pick<Needs, 'clock' | 'keys'>,
): Challenge | undefined {
  const expected = { contentBytes: idBytes, now: clock.now() }
  const verified = verifyToken(keys.webauthnChallenges, purpose, challenge, expected)
  return verified && { id: verified.content, expiresAt: verified.expiresAt }
}

/** The library throws for what does not hold; which of its many reasons it was would help only an attacker. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}

/** A credential as the server keeps it. */
export interface Credential {
  readonly credentialId: Uint8Array
  readonly publicKey: Uint8Array
  readonly signCount: number
  readonly transports: string[]
}

type Known = Pick<Credential, 'credentialId' | 'transports'>

const described = ({ credentialId, transports }: Known) => ({ id: toBase64url(credentialId), transports })

const partyOf = ({ publicUrl, webauthnOrigins }: WebauthnSettings) => {
  const { hostname, origin } = new URL(publicUrl)
  return { id: hostname, origins: [origin, ...webauthnOrigins] }
}

/** Ed25519, ES256 and RS256 (COSE's numbers, RFC 9053 and RFC 8812): what authenticators have. */
const supportedAlgorithmIDs = [-8, -7, -257]

/** None is asked for, so that none is looked at. */
const noExtensions = { clientExtensionResults: {} }

/** A second factor shows that a person is present. The password has shown who it is. */
const userVerification = 'discouraged'

const registrationOf = (factorId: string) => `registration:${factorId}`
const loginOf = (accountId: string) => `login:${accountId}`

/** What `navigator.credentials.create()` takes. Nothing is asked of the maker of the authenticator. */
export async function registrationOptions(
  account: { readonly id: string; readonly email: string },
  factorId: string,
  known: readonly Known[],
  needs: Needs,
): Promise<WebauthnOptions> {
  const { generateRegistrationOptions } = await library()
  const options = await generateRegistrationOptions({
    rpID: partyOf(needs.config).id,
    rpName: 'Limpet',
    userID: new Uint8Array(uuidToBytes(account.id)),
    userName: account.email,
    challenge: newChallenge(registrationOf(factorId), needs),
    timeout: livesFor,
    supportedAlgorithmIDs,
    attestationType: 'none',
    excludeCredentials: known.map(described),
    authenticatorSelection: { residentKey: 'discouraged', userVerification },
  })
  return { ...options }
}

/** @returns undefined if the answer is not one to the options of this factor */
export async function verifyRegistration(
  factorId: string,
  response: WebauthnRegistration,
  needs: Needs,
): Promise<Credential | undefined> {
  const { id, origins } = partyOf(needs.config)
  const { verifyRegistrationResponse } = await library()
  const verified = await unlessRefused(() =>
    verifyRegistrationResponse({
      response: { ...response, ...noExtensions },
      expectedChallenge: (challenge) =>
        openChallenge(registrationOf(factorId), challenge, needs) !== undefined,
      expectedOrigin: origins,
      expectedRPID: id,
      supportedAlgorithmIDs,
      requireUserVerification: false,
    }),
  )
  if (!verified?.verified) return undefined
  const { credential } = verified.registrationInfo
  return {
    credentialId: fromBase64url(credential.id),
    publicKey: credential.publicKey,
    signCount: credential.counter,
    transports: response.response.transports,
  }
}

/** What `navigator.credentials.get()` takes. */
export async function assertionOptions(
  accountId: string,
  known: readonly Known[],
  needs: Needs,
): Promise<WebauthnOptions> {
  const { generateAuthenticationOptions } = await library()
  const options = await generateAuthenticationOptions({
    rpID: partyOf(needs.config).id,
    challenge: newChallenge(loginOf(accountId), needs),
    timeout: livesFor,
    allowCredentials: known.map(described),
    userVerification,
  })
  return { ...options }
}

/**
 * Whether an authenticator signed a challenge of a login of this account. The caller uses the challenge up.
 * @returns undefined if it did not
 */
export async function verifyAssertion(
  accountId: string,
  { credentialId, publicKey, signCount, transports }: Credential,
  response: WebauthnAssertion,
  needs: Needs,
): Promise<{ challenge: Challenge; signCount: number } | undefined> {
  const { id, origins } = partyOf(needs.config)
  let challenge: Challenge | undefined
  const { verifyAuthenticationResponse } = await library()
  const verified = await unlessRefused(() =>
    verifyAuthenticationResponse({
      response: { ...response, ...noExtensions },
      expectedChallenge: (given) => {
        challenge = openChallenge(loginOf(accountId), given, needs)
        return challenge !== undefined
      },
      expectedOrigin: origins,
      expectedRPID: id,
      credential: {
        id: toBase64url(credentialId),
        publicKey: new Uint8Array(publicKey),
        counter: signCount,
        transports,
      },
      requireUserVerification: false,
    }),
  )
  if (!verified?.verified || !challenge) return undefined
  return { challenge, signCount: verified.authenticationInfo.newCounter }
}
