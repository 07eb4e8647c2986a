// Forged and damaged access tokens: every one is refused, and the one they are made from is good.
import {
  createHmac,
  createSecretKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, minutes } from '../../../src/clock.ts'
import { deriveServerKeys } from '../../../src/domain/server-keys.ts'
import { logIn, newAccount, type RawAccount } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { outcomeOf, send } from '../../support/requests.ts'
import { readRowsBesideLogs } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer, testOpaqueSetup, testSecret } from '../../support/server.ts'

const keys = deriveServerKeys(testSecret, testOpaqueSetup)
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' })

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const secretKey = (secret: string | Uint8Array) => createSecretKey(Buffer.from(secret))

const hmac = (digest: 'sha256' | 'sha384' | 'sha512', key: KeyObject, content: string) =>
  createHmac(digest, key).update(content).digest('base64url')

/** What a good token says, taken from one; each forgery changes something. */
const Header = z.record(z.string(), z.unknown())
type Json = z.infer<typeof Header>

interface Good {
  readonly token: string
  readonly header: Json
  readonly payload: Json
  readonly signature: string
}

function readToken(token: string): Good {
  const [header, payload, signature = ''] = token.split('.')
  const decode = (part = '') => Header.parse(JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { token, header: decode(header), payload: decode(payload), signature }
}

const sign = (header: unknown, payload: unknown, key = keys.accessTokens) => {
  const content = `${encode(header)}.${encode(payload)}`
  return `${content}.${hmac('sha256', key, content)}`
}

/** Signed rightly, with other claims. */
const claiming = (claims: Json) => (good: Good) => sign(good.header, { ...good.payload, ...claims })

/** Signed rightly, with another header. */
const headed = (members: Json) => (good: Good) => sign({ ...good.header, ...members }, good.payload)

const lacking = (name: string) => (good: Good) => sign(good.header, { ...good.payload, [name]: undefined })

const unsigned =
  (alg: unknown) =>
  ({ header, payload }: Good) =>
    `${encode({ ...header, alg })}.${encode(payload)}.`

const keyed =
  (key: KeyObject) =>
  ({ header, payload }: Good) =>
    sign(header, payload, key)

const withDigest =
  (digest: 'sha384' | 'sha512', alg: string) =>
  ({ header, payload }: Good) => {
    const content = `${encode({ ...header, alg })}.${encode(payload)}`
    return `${content}.${hmac(digest, keys.accessTokens, content)}`
  }

const seconds = (clock: TestClock) => Math.floor(clock.now() / 1000)

/** What one account knows of another. */
interface Others {
  readonly account: RawAccount
  readonly other: RawAccount
  readonly endedSession: string
  readonly clock: TestClock
}

const forgeries: [string, (good: Good, others: Others) => string][] = [
  ['alg none', unsigned('none')],
  ['alg None', unsigned('None')],
  ['alg NONE', unsigned('NONE')],
  ['alg nOnE with the old signature', (good) => unsigned('nOnE')(good) + good.signature],
  ['alg empty', unsigned('')],
  ['alg null', unsigned(null)],
  ['alg missing', unsigned(undefined)],
  ['alg as a list', unsigned(['HS256', 'none'])],
  ['alg hs256 in lower case', headed({ alg: 'hs256' })],
  ['no signature', ({ token }) => token.slice(0, token.lastIndexOf('.') + 1)],
  ['no signature and no dot', ({ token }) => token.slice(0, token.lastIndexOf('.'))],
  ['HS384', withDigest('sha384', 'HS384')],
  ['HS512', withDigest('sha512', 'HS512')],
  ['HS512 under the name HS256', withDigest('sha512', 'HS256')],
  ['HS256 under the name HS384', headed({ alg: 'HS384' })],
  [
    'RS256 by a key of its own, in the header',
    ({ header, payload }) => {
      const jwk = rsa.publicKey.export({ format: 'jwk' })
      const content = `${encode({ ...header, alg: 'RS256', jwk })}.${encode(payload)}`
      return `${content}.${createSign('sha256').update(content).sign(rsa.privateKey, 'base64url')}`
    },
  ],
  ['HS256 by a public key as text', keyed(secretKey(publicPem))],
  [
    'RS256 as HS256 by a public key',
    ({ header, payload }) => sign({ ...header, alg: 'RS256' }, payload, secretKey(publicPem)),
  ],
  ['another key', keyed(secretKey(randomBytes(32)))],
  ['an empty key', keyed(secretKey(''))],
  ['a key of zeros', keyed(secretKey(Buffer.alloc(32)))],
  ['JWT_SECRET itself', keyed(secretKey(testSecret))],
  ['a key from JWT_SECRET alone', keyed(deriveServerKeys(testSecret, 'another setup').accessTokens)],
  ['a key from the setup alone', keyed(deriveServerKeys('another secret', testOpaqueSetup).accessTokens)],
  ["the refresh tokens' key", keyed(keys.refreshTokens)],
  ["prelogin's key", keyed(keys.prelogin)],
  [
    'kid as a path',
    (good) => keyed(secretKey(''))({ ...good, header: { ...good.header, kid: '/dev/null' } }),
  ],
  ['kid, signed rightly', headed({ kid: '1' })],
  ['jku', headed({ jku: 'https://evil.example/keys' })],
  ['x5u', headed({ x5u: 'https://evil.example/keys' })],
  ['jwk', headed({ jwk: { kty: 'oct', k: encode('x') } })],
  ['crit', headed({ crit: ['exp'] })],
  ['crit of something unknown', headed({ crit: ['x'], x: 1 })],
  ['b64 false', headed({ b64: false, crit: ['b64'] })],
  ['typ JWT', headed({ typ: 'JWT' })],
  ['typ missing', headed({ typ: undefined })],
  ['typ of another kind of token', headed({ typ: 'refresh+jwt' })],
  ['cty', headed({ cty: 'JWT' })],
  ['exp missing', lacking('exp')],
  ['exp a second ago', (good, { clock }) => claiming({ exp: seconds(clock) - 1 })(good)],
  ['exp now', (good, { clock }) => claiming({ exp: seconds(clock) })(good)],
  ['exp as a text', (good) => claiming({ exp: String(good.payload.exp) })(good)],
  ['exp null', claiming({ exp: null })],
  ['exp not whole', (good) => claiming({ exp: Number(good.payload.exp) + 0.5 })(good)],
  [
    'exp without end',
    (good) => sign(good.header, JSON.stringify(good.payload).replace(/"exp":\d+/, '"exp":1e999')),
  ],
  ['nbf in the future', (good, { clock }) => claiming({ nbf: seconds(clock) + 60 })(good)],
  ['iat missing', lacking('iat')],
  ['iat as a text', claiming({ iat: 'now' })],
  ['iss missing', lacking('iss')],
  ['iss of another server', claiming({ iss: 'https://other.example' })],
  ['iss as a list', (good) => claiming({ iss: [good.payload.iss] })(good)],
  ['aud missing', lacking('aud')],
  ['aud of another service', claiming({ aud: 'limpet-shares' })],
  ['aud as a list', (good) => claiming({ aud: [good.payload.aud] })(good)],
  ['sub missing', lacking('sub')],
  ['sub in upper case', (good) => claiming({ sub: String(good.payload.sub).toUpperCase() })(good)],
  ['sub of nobody', claiming({ sub: randomUUID() })],
  [
    'sub of another account with the own session',
    (good, { other }) => claiming({ sub: other.accountId })(good),
  ],
  ['sid missing', lacking('sid')],
  ['sid of another account', (good, { other }) => claiming({ sid: other.sessionId })(good)],
  ['sid of no session', claiming({ sid: randomUUID() })],
  ['sid of an ended session', (good, { endedSession }) => claiming({ sid: endedSession })(good)],
  ['jti missing', lacking('jti')],
  ['jti empty', claiming({ jti: '' })],
  ['a claim of no meaning', claiming({ admin: true })],
  ['a payload that is a list', (good) => sign(good.header, [good.payload])],
  ['a payload that is no JSON', (good) => sign(good.header, 'x')],
  ['a header that is no JSON', (good) => sign('x', good.payload)],
  [
    'another payload under the old signature',
    ({ header, payload, signature }) =>
      `${encode(header)}.${encode({ ...payload, jti: randomUUID() })}.${signature}`,
  ],
  [
    'another header under the old signature',
    ({ header, payload, signature }) => `${encode({ ...header, kid: '1' })}.${encode(payload)}.${signature}`,
  ],
  [
    'a changed signature',
    ({ token, signature }) =>
      token.slice(0, -signature.length) + (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1),
  ],
  ['a shorter signature', ({ token }) => token.slice(0, -4)],
  ['a longer signature', ({ token }) => `${token}AAAA`],
  ['padding', ({ token }) => `${token}=`],
  ['a dot more', ({ token }) => `${token}.`],
  ['five parts, as of an encrypted token', ({ token }) => `${token}.x.y`],
  ['a dot before', ({ token }) => `.${token}`],
  ['only dots', () => '..'],
  ['nothing', () => ''],
  ['the refresh token', (_good, { account }) => account.refreshToken],
  ['two tokens', ({ token }) => `${token} ${token}`],
  ['a comma', ({ token }) => `${token},${token}`],
]

describe.each(engines)('access tokens on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let good: Good
  let others: Others
  beforeAll(async () => {
    server = await startServer(engine, { clock })
    const [account, other] = [await newAccount(server), await newAccount(server)]
    const ended = await logIn(server, account)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: ended.token })
    good = readToken(account.token)
    others = { account, other, endedSession: ended.sessionId, clock }
  })
  afterAll(() => server.close())

  const call = (authorization: string) =>
    send(server, { path: '/api/v1/account', headers: { Authorization: authorization } }).then(outcomeOf)

  it('accepts what it signed, and what is signed like it', async () => {
    expect(await call(`Bearer ${good.token}`)).toBe('200')
    expect(await call(`bearer ${good.token}`)).toBe('200')
    expect(await call(`Bearer ${sign(good.header, good.payload)}`)).toBe('200')
    expect(await call(`Bearer ${claiming({ jti: 'x' })(good)}`)).toBe('200')
  })

  it.each(forgeries)('refuses %s', async (_name, forge) => {
    const before = await readRowsBesideLogs(server.database)
    expect(await call(`Bearer ${forge(good, others)}`)).toBe('401 not-authenticated')
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
    // Nothing of the refusal sticks to the session.
    expect(await call(`Bearer ${good.token}`)).toBe('200')
  })

  it.each(['', 'Basic', 'Token', 'Bearer:', 'Bearer  ', 'JWT'])('refuses the scheme %j', async (scheme) => {
    expect(await call(`${scheme} ${good.token}`.trim())).toBe('401 not-authenticated')
  })

  it('refuses its own token in every other place', async () => {
    for (const request of [
      { path: `/api/v1/account?access_token=${good.token}` },
      {
        path: '/api/v1/account',
        headers: { Cookie: `token=${good.token}; Authorization=Bearer ${good.token}` },
      },
      { path: '/api/v1/account', headers: { 'X-Access-Token': good.token } },
    ])
      expect(outcomeOf(await send(server, request))).toBe('401 not-authenticated')
  })

  it('refuses its own token once its time is over, to the second', async () => {
    const { token } = await logIn(server, others.account)
    clock.advance(minutes(15) - 1000)
    expect(await call(`Bearer ${token}`)).toBe('200')
    clock.advance(1000)
    expect(await call(`Bearer ${token}`)).toBe('401 not-authenticated')
    clock.advance(days(1))
    expect(await call(`Bearer ${token}`)).toBe('401 not-authenticated')
  })
})
