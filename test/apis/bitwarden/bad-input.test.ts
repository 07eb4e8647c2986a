// What no honest app sends, to every route of Bitwarden's apps: a clear error in their form, nothing told, nothing changed, and the session
// stays.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isBitwardenPath } from '../../../src/contract/bitwarden-paths.ts'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import { appOver, unusedStore } from '../../support/app.ts'
import { appRegistration, encString, registeredApp } from '../../support/bitwarden.ts'
import { loginCipher } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, type RawAnswer, send } from '../../support/requests.ts'
import { readRowsBesideLogs } from '../../support/rows.ts'
import { fileSend, textSend } from '../../support/sends.ts'
import { startServer, type TestServer } from '../../support/server.ts'

/** Stands in every bad text: no answer repeats it. */
const marker = 'Correct-Horse-7f3a'

const leaks = /node_modules|\/src\/|\.ts\b|\.js\b|file:\/\/|^\s+at |\bSQLITE|\bpg_/m

const Refusal = z.strictObject({
  object: z.literal('error'),
  message: z.string().min(10),
  validationErrors: z.record(z.string(), z.array(z.string())).nullable(),
  exceptionMessage: z.null(),
  exceptionStackTrace: z.null(),
  innerExceptionMessage: z.null(),
})

/** Of the token endpoint and of the grants of sends: in the form of OAuth. */
const TokenRefusal = z.looseObject({ error: z.string(), error_description: z.string().optional() })

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const deepObject = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const text = (json: unknown) => ({ raw: JSON.stringify(json) })

/** Members that requests of these apps have, of which each has the same value. */
const allAre = (value: string) => ({
  raw: `{${[
    'email,name,key,type,ids,login,username,password,masterPasswordHash,newMasterPasswordHash,otp,token,secret,data,text,file,fields,notes',
    'fileName,fileSize,fileLength,deletionDate,expirationDate,maxAccessCount,disabled,folderId,cipher,ciphers,folders,folderRelationships',
    'kdf,kdfIterations,authenticationData,unlockData,accountKeys,accountData,accountUnlockData,publicKey,accessCode,deviceIdentifier',
    'requestApproved,keys,code,deviceResponse,id,avatarColor,userKeyId,equivalentDomains,excludedGlobalEquivalentDomains,pushToken',
    'oldMasterKeyAuthenticationHash,verifyDevices,emailVerificationToken,masterPasswordHint,userVerificationToken,passwordHistory',
    'lastKnownRevisionDate,attachments2,favorite,reprompt,organizationId,userSymmetricKey,userAsymmetricKeys,devices',
  ]
    .join(',')
    .split(',')
    .map((name) => `"${name}":${value}`)}}`,
})

interface Bad {
  readonly raw?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const parts = { 'Content-Type': 'multipart/form-data; boundary=x' }

/** What is JSON, and fits no route. */
const misfits: Readonly<Record<string, Bad>> = {
  nothing: {},
  null: text(null),
  'a list': text([[[]]]),
  'an object of nothing': text({}),
  'nothing in every member': allAre('null'),
  'a large number in every member': allAre('1e308'),
  'a negative number in every member': allAre('-9007199254740993'),
  'a list in every member': allAre('[[]]'),
  'an object in every member': allAre(`{"$ne":"${marker}","toString":1,"length":-1}`),
  'a text in every member': allAre(`"${marker}"`),
  'a NUL in every member': allAre('"a\\u0000b"'),
  'a lone surrogate in every member': allAre('"\\ud800"'),
  'a long text in every member': allAre(`"${'a'.repeat(1000)}"`),
}

/** What is refused before a route looks at it. Each route gets some of these. */
const unreadable: Readonly<Record<string, Bad>> = {
  'an empty text': { raw: '' },
  'half of an object': { raw: `{"email":"${marker}` },
  'two objects': { raw: '{}{}' },
  'deep lists': { raw: nested(30_000) },
  'deep objects': { raw: deepObject(30_000) },
  'too large a number': { raw: '[1e999]' },
  'a text of a megabyte': text([`${'a'.repeat(2 ** 20)}@example.com`]),
  'many values': text(Array.from({ length: 30_000 }, () => marker)),
  'another media type': { raw: '{}', headers: { 'Content-Type': 'text/plain' } },
  'no media type': { raw: '{}', headers: { 'Content-Type': '' } },
  'another encoding': { raw: '{}', headers: { 'Content-Encoding': 'gzip' } },
  'bytes that are no text': { raw: Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]) },
  'a form': { raw: `grant_type=password&username=${marker}&password=%00`, headers: form },
  'a form with a name twice': { raw: 'grant_type=a&grant_type=b&scope[]=c', headers: form },
  'a form that is none': { raw: `%ZZ=%&=&&${'&a=b'.repeat(5_000)}`, headers: form },
  'parts without a boundary': { raw: '--x', headers: { 'Content-Type': 'multipart/form-data' } },
  'parts that end early': {
    raw: '--x\r\nContent-Disposition: form-data; name="data"; filename="../../a"\r\n\r\nabc',
    headers: parts,
  },
  'parts without names': { raw: '--x\r\n\r\nabc\r\n--x--\r\n', headers: parts },
  'no parts': { raw: '--x--\r\n', headers: parts },
  'many parts': {
    raw: `${'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'.repeat(200)}--x--\r\n`,
    headers: parts,
  },
}

/** Routes that take something else than JSON, which get all of the unreadable bodies. */
const takesOthers = /\/token$|\/attachment\/\{fileId\}$|\/file\/\{fileId\}$/

/** All bodies for a route that are bad there. @param turn which part of the unreadable ones it gets */
const badBodies = (path: string, turn: number): [string, Bad][] => [
  ...Object.entries(misfits),
  ...Object.entries(unreadable).filter((_, index) => takesOthers.test(path) || index % 5 === turn % 5),
]

const badIds = [
  'x',
  '1',
  '%00',
  '%ZZ',
  '%C3%28',
  '__proto__',
  '..%2f..%2fetc%2fpasswd',
  "a'%20or%20'1'='1",
  'a'.repeat(4000),
]

const badQueries = [
  'token=x',
  'access_token=%00&token=%00',
  'id=1&id=2',
  'code[a]=1',
  '%ZZ',
  '__proto__=1',
  'a'.repeat(2000),
]

/** Where strangers are let in. */
const open =
  /^\/identity\/|^\/icons\/|^\/api\/(?:alive|now|version|config|attachments\/|sends\/(?:access|content)|sends\/\{accessId\}\/access)|\/prelogin$|\/register$|\/password-hint$|\/send-email-login$|\/resend-new-device-otp$|\/auth-requests$|\/response$|\/knowndevice|\/clear-token$|\/delete-recover$|\/anonymous-hub$/

/** Texts of JSON that stand in one place of a request. */
const badTexts = [
  '"a\\u0000b"',
  '"\\ud800"',
  '1e308',
  '-1',
  '1e999',
  '[[]]',
  '{"__proto__":1,"length":-1}',
  `"${'a'.repeat(20_000)}"`,
]

/** The paths to every value in an object, own and nested. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  const below = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return [
    ...(path.length > 0 ? [path] : []),
    ...below.flatMap(([name, member]) => placesIn(member, [...path, name])),
  ]
}

/** A copy with a mark at one place. */
function marked(value: unknown, [name, ...rest]: string[]): unknown {
  if (name === undefined) return mark
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const changed = entries.map(([key, member]) => [key, key === name ? marked(member, rest) : member] as const)
  return Array.isArray(value) ? changed.map(([, member]) => member) : Object.fromEntries(changed)
}

const mark = '<here>'

/** What takes no body, and does what it does whatever comes with the request. */
const bodiless =
  /^(?:PUT \/api\/ciphers\/\{id\}\/\w+|DELETE \/api\/ciphers\/\{id\}|PUT .*\/remove-password|DELETE \/api\/(?:sends|folders|devices)\/.*|DELETE \/api\/ciphers\/\{id\}\/.*|POST .*\/delete|PUT .*\/(?:clear-token|token|web-push-auth)|POST .*\/(?:clear-token|token|web-push-auth|collect|deactivate))$/

/** What is told of push services. */
const doesNothing = /\/(?:clear-token|token|web-push-auth)$/

/** What has no member that must be there: such a body says to leave everything empty. */
const leavesOut = new Set(['an object of nothing', 'nothing in every member', 'a text in every member'])
const optional = /\/(?:profile|avatar|domains|partial)$/

// Thousands of requests, which a busy machine answers slowly.
describe.each(engines)("bad input at the API of Bitwarden's apps on %s", { timeout: 300_000 }, (engine) => {
  let server: TestServer
  let app: Awaited<ReturnType<typeof registeredApp>>
  let routes: readonly { readonly method: string; readonly path: string }[]
  let ids: Readonly<Record<string, string>>
  beforeAll(async () => {
    server = await startServer(engine, { environment: { BITWARDEN_API: 'on' } })
    app = await registeredApp(server)
    const { apis } = await appOver(unusedStore, { environment: { BITWARDEN_API: 'on' } })
    routes = apis.flatMap((api) => api.routes).filter(({ path }) => isBitwardenPath(path))
    const Made = z.looseObject({ id: z.string() })
    const make = async (path: string, body: object) =>
      bodyOf(z.looseObject({}), await send(server, { method: 'POST', path, body, token: app.token }))
    const item = Made.parse(await make('/api/ciphers', loginCipher()))
    const { id: sendId } = Made.parse(await make('/api/sends', textSend(Date.now())))
    const { sendResponse } = await make('/api/sends/file/v2', fileSend(Date.now(), 1000))
    const { file } = z.looseObject({ file: Made }).parse(sendResponse)
    ids = {
      id: item.id,
      sendId,
      fileId: file.id,
      accessId: randomUUID(),
      deviceId: randomUUID(),
      identifier: app.device.deviceIdentifier,
      email: Buffer.from(app.email).toString('base64url'),
      requestId: randomUUID(),
      host: 'example.com',
    }
  })
  afterAll(() => server.close())

  const pathOf = (path: string, values: Readonly<Record<string, string>>) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x')

  /** What is wrong with an answer. @returns undefined for nothing */
  function faultOf({ status, headers, text: answered }: RawAnswer, isStranger: boolean): string | undefined {
    if (status >= 500) return `${status} ${answered}`
    if ([402, 403, 406, 409, 412, 413, 415].includes(status)) return `${status}, which no app understands`
    if (status === 401 && !isStranger) return '401, which logs the app out'
    if (answered.includes(marker)) return 'repeats what it was sent'
    if (leaks.test(answered)) return `tells of its insides: ${answered}`
    if (status < 400) return undefined
    if (headers['content-type'] !== 'application/json; charset=utf-8')
      return `no JSON: ${headers['content-type']}`
    const body: unknown = JSON.parse(answered)
    if (Refusal.safeParse(body).success || TokenRefusal.safeParse(body).success) return undefined
    return `no error of the apps: ${answered}`
  }

  /** What is sent to a route that it cannot take. */
  function* badRequests({ method, path }: (typeof routes)[number], turn: number) {
    const name = `${method} ${path}`
    const isPlain = method === 'GET' || bodiless.test(name)
    if (!isPlain)
      for (const [what, body] of badBodies(path, turn))
        if (!optional.test(path) || !leavesOut.has(what))
          yield { what, request: { path: pathOf(path, ids), ...body } }
    if (path.includes('{'))
      for (const id of badIds) {
        const bad = Object.fromEntries(Object.keys(ids).map((key) => [key, id]))
        yield { what: id.slice(0, 30), request: { path: pathOf(path, bad), ...(!isPlain && { raw: '{}' }) } }
      }
    if (!bodiless.test(name))
      for (const query of badQueries) {
        const at = `${pathOf(path, ids)}?${query}`
        yield { what: `?${query.slice(0, 30)}`, request: { path: at, ...(!isPlain && { raw: '[]' }) } }
      }
  }

  it('is refused from the owner of an account, who stays logged in', async () => {
    const before = await readRowsBesideLogs(server.database)
    const faults: string[] = []
    for (const [turn, route] of routes.entries())
      for (const { what, request } of badRequests(route, turn)) {
        const { method, path } = route
        const answer = await send(server, { method, token: app.token, ...request })
        const isTaken = method !== 'GET' && answer.status < 400 && !doesNothing.test(path)
        const fault = isTaken ? 'was taken' : faultOf(answer, open.test(path))
        if (fault !== undefined) faults.push(`${method} ${path} with ${what}: ${fault.slice(0, 200)}`)
      }
    expect(faults).toEqual([])
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
    expect(await onSnapshot(databaseOf(server.database), findDamage)).toEqual([])
  })

  it('is refused from strangers, before a body is read where they have no business', async () => {
    const before = await readRowsBesideLogs(server.database)
    const faults: string[] = []
    for (const [turn, { method, path }] of routes.entries())
      for (const token of [undefined, 'a.b.c', marker]) {
        const isRead = open.test(path) && method !== 'GET' && !bodiless.test(`${method} ${path}`)
        for (const [what, body] of badBodies(path, turn).slice(0, isRead ? undefined : 1)) {
          const answer = await send(server, { method, path: pathOf(path, ids), token, ...body })
          const isLetIn = !open.test(path) && answer.status !== 401
          const fault = isLetIn ? `let in: ${answer.status}` : faultOf(answer, true)
          if (fault !== undefined) faults.push(`${method} ${path} with ${what}: ${fault.slice(0, 200)}`)
        }
      }
    expect(faults).toEqual([])
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
  })

  it('is refused in every place of requests that are right otherwise', async () => {
    const faults: string[] = []
    const hash = () => randomBytes(32).toString('base64')
    const kdf = { kdfType: 0, iterations: 600_000, memory: null, parallelism: null }
    const keysOf = (salt: string) => ({
      authenticationData: { kdf, masterPasswordAuthenticationHash: hash(), salt },
      unlockData: { kdf, masterKeyWrappedUserKey: encString(80), salt },
    })
    type App = Awaited<ReturnType<typeof registeredApp>>
    const good: Record<string, (own: App) => object> = {
      'PUT /api/accounts/profile': () => ({ name: 'Ada', masterPasswordHint: 'a hint', culture: 'en-US' }),
      'PUT /api/accounts/avatar': () => ({ avatarColor: '#aabbcc' }),
      'PUT /api/settings/domains': () => ({
        equivalentDomains: [['a.example', 'b.example']],
        excludedGlobalEquivalentDomains: [1],
      }),
      'POST /api/folders': () => ({ name: encString() }),
      'POST /api/ciphers/import': () => ({
        ciphers: [loginCipher()],
        folders: [{ name: encString() }],
        folderRelationships: [{ key: 0, value: 0 }],
      }),
      'PUT /api/ciphers/move': () => ({ ids: [ids.id], folderId: randomUUID() }),
      'POST /api/sends': () => ({ ...textSend(Date.now()), password: hash(), maxAccessCount: 3 }),
      'POST /api/sends/file/v2': () => fileSend(Date.now(), 1000),
      [`POST /api/ciphers/${ids.id}/attachment/v2`]: () => ({
        fileName: encString(),
        key: encString(80),
        fileSize: 1000,
        lastKnownRevisionDate: new Date().toISOString(),
      }),
      'POST /api/auth-requests': ({ email, device, registration }) => ({
        email,
        publicKey: registration.userAsymmetricKeys.publicKey,
        deviceIdentifier: device.deviceIdentifier,
        accessCode: 'abcdefghijklmnopqrstuvwxy',
        type: 0,
      }),
      'POST /api/accounts/password': ({ email, passwordHash }) => ({
        masterPasswordHash: passwordHash,
        masterPasswordHint: 'another',
        newMasterPasswordHash: hash(),
        key: encString(80),
        ...keysOf(email),
      }),
      'POST /api/accounts/kdf': ({ email, passwordHash }) => ({
        masterPasswordHash: passwordHash,
        ...keysOf(email),
      }),
      'POST /api/accounts/email-token': ({ passwordHash }) => ({
        masterPasswordHash: passwordHash,
        newEmail: `${randomUUID()}@example.com`,
      }),
      'POST /api/accounts/email': ({ passwordHash }) => ({
        masterPasswordHash: passwordHash,
        newEmail: 'a@example.com',
        token: '123456',
        ...keysOf('a@example.com'),
      }),
      'POST /api/two-factor/send-email': ({ passwordHash }) => ({
        masterPasswordHash: passwordHash,
        email: 'a@example.com',
      }),
      'PUT /api/two-factor/authenticator': ({ passwordHash }) => ({
        masterPasswordHash: passwordHash,
        token: '123456',
        key: 'A'.repeat(32),
      }),
      'PUT /api/two-factor/webauthn': ({ passwordHash }) => ({
        masterPasswordHash: passwordHash,
        id: 1,
        name: 'a key',
        deviceResponse: {
          id: 'AAAA',
          rawId: 'AAAA',
          type: 'public-key',
          extensions: {},
          response: { attestationObject: 'AAAA', clientDataJSON: 'AAAA', transports: ['usb'] },
        },
      }),
      'POST /identity/accounts/register/send-verification-email': () => ({
        email: 'a@example.com',
        name: 'a',
      }),
      'POST /identity/accounts/register/finish': () => ({
        ...appRegistration(),
        emailVerificationToken: 'abc.def',
      }),
      'POST /identity/accounts/prelogin': ({ email }) => ({ email }),
      'POST /api/two-factor/send-email-login': ({ email, passwordHash, device }) => ({
        email,
        masterPasswordHash: passwordHash,
        deviceIdentifier: device.deviceIdentifier,
        authRequestId: randomUUID(),
        authRequestAccessCode: 'abc',
      }),
      'PUT /api/accounts/verify-devices': ({ passwordHash }) => ({
        masterPasswordHash: passwordHash,
        verifyDevices: false,
      }),
      'POST /api/accounts/verify-otp': () => ({ otp: '123456' }),
    }
    for (const [name, make] of Object.entries(good)) {
      const own = /\/(?:password|kdf)$/.test(name) ? await registeredApp(server) : app
      const [method = '', path = ''] = name.split(' ')
      for (const place of placesIn(make(own)))
        for (const bad of badTexts) {
          const raw = JSON.stringify(marked(make(own), place)).replace(`"${mark}"`, () => bad)
          const answer = await send(server, { method, path, token: own.token, raw })
          const fault = faultOf(answer, false)
          if (fault !== undefined)
            faults.push(`${name} with ${bad.slice(0, 30)} at ${place.join('.')}: ${fault.slice(0, 200)}`)
        }
    }
    expect(faults).toEqual([])
    expect(await onSnapshot(databaseOf(server.database), findDamage)).toEqual([])
    for (const path of ['/api/sync', '/api/settings/domains', '/api/accounts/profile'])
      expect((await send(server, { path, token: app.token })).status).toBe(200)
  })
})
