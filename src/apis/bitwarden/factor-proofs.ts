// Second factors at the token endpoint: what a login shows, and what it is asked for.
import { z } from 'zod'
import { WebauthnAssertion } from '../../contract/second-factors.ts'
import { mailTicket } from '../../domain/identity/login-mails.ts'
import type { FactorChallenge, FactorProof } from '../../domain/identity/second-factor-login.ts'
import { Bytes, credential } from './factor-shapes.ts'
import type { Services } from './route.ts'
import { caseless } from './wire.ts'

/** The numbers by which clients name the kinds. */
const providers = { totp: '0', email: '1', remembered: '5', webauthn: '7', recovery: '8' } as const

const longest = 20_000

const unreadable: FactorProof = { type: 'unreadable' }

const Code = z
  .string()
  .max(64)
  .transform((text) => text.replaceAll(/[\s-]/g, ''))

/** What `navigator.credentials.get()` gave. */
const Assertion = caseless({
  ...credential,
  response: caseless({ authenticatorData: Bytes, clientDataJSON: Bytes, signature: Bytes }),
}).pipe(WebauthnAssertion)

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A proof by the number of its kind. */
const kinds: Readonly<Record<string, (token: string) => FactorProof>> = {
  [providers.totp]: (token) => {
    const code = Code.safeParse(token).data
    return code !== undefined && /^\d{6}$/.test(code) ? { type: 'totp', code } : unreadable
  },
  [providers.email]: (token) => {
    const code = Code.safeParse(token).data
    return code ? { type: 'email', code } : unreadable
  },
  [providers.remembered]: (token) => ({ type: 'remembered', token }),
  [providers.webauthn]: (token) => {
    const response = Assertion.safeParse(parsedJson(token)).data
    return response ? { type: 'webauthn', response } : unreadable
  },
  [providers.recovery]: (token) => {
    const code = Code.safeParse(token).data
    return code ? { type: 'account-recovery', code } : unreadable
  },
}

/**
 * The second factor in a form.
 * @param provider the number of its kind
 * @param token depends on the kind: a code, a token, or JSON
 * @returns undefined if the form has none
 */
export function factorProofIn(
  provider: string | undefined,
  token: string | undefined,
): FactorProof | undefined {
  if (!token) return undefined
  const kind = provider !== undefined && Object.hasOwn(kinds, provider) ? kinds[provider] : undefined
  return kind && token.length <= longest ? kind(token) : unreadable
}

/** An address as its owner knows it again, and somebody else does not learn it: the first letters, and the domain. */
function hidden(address: string): string {
  const at = address.lastIndexOf('@')
  const name = [...address.slice(0, at)]
  return `${name.slice(0, Math.min(2, name.length - 1)).join('')}***${address.slice(at)}`
}

/**
 * What a login is asked for: of each kind that would do what its client needs.
 * @param email of the account
 */
export function challengeAnswer(
  { mailsTo, methods, options }: FactorChallenge,
  email: string,
  services: Services,
) {
  const asked = {
    ...(methods.includes('totp') && { [providers.totp]: null }),
    ...(mailsTo !== undefined && { [providers.email]: { Email: hidden(mailsTo) } }),
    ...(options && { [providers.webauthn]: { ...options, status: 'ok', errorMessage: '' } }),
  }
  return {
    TwoFactorProviders: Object.keys(asked),
    TwoFactorProviders2: asked,
    // By which the client has a code mailed, without the password.
    ...(mailsTo !== undefined && { SsoEmail2faSessionToken: mailTicket(email, services), Email: email }),
  }
}
