// Every route of the contract, without a token and with another account's ids: nothing is given, nothing is changed.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Item } from '../../../src/contract/vaults.ts'
import { fakeEnvelope, newAccount } from '../../support/accounts.ts'
import { fakeFile, newPlace, putFile } from '../../support/attachments.ts'
import { engines } from '../../support/database.ts'
import {
  type Document,
  exampleOf,
  fillPath,
  isGuarded,
  type Operation,
  operationsOf,
  readDocument,
} from '../../support/openapi.ts'
import { bodyOf, outcomeOf, type RawRequest, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { addTotp, startTotp, startWebauthn } from '../../support/second-factors.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { newShare, randomShareId } from '../../support/shares.ts'
import { newToken } from '../../support/tokens.ts'

/** An account with something of everything that a path can name: by the parameter's name, its id. */
async function inhabitedAccount(server: TestServer) {
  const account = await newAccount(server)
  const { token, vaultId } = account
  const itemId = randomUUID()
  const path = `/api/v1/vaults/${vaultId}/items/${itemId}`
  const put = (headers: Record<string, string>, files = {}) =>
    send(server, { method: 'PUT', path, token, headers, body: { data: fakeEnvelope(), ...files } })
  const created = bodyOf(Item, await put({ 'If-None-Match': '*' }))
  const file = newPlace(vaultId, itemId)
  await putFile(server, token, file, fakeFile())
  const attachments = [file.id]
  const { revision } = bodyOf(Item, await put({ 'If-Match': `"${created.revision}"` }, { attachments }))
  const share = await newShare(server)
  const { id: tokenId, token: personalToken } = await newToken(server, account)
  const { sessionId } = account
  const { id: factorId } = await addTotp(server, account, Date.now())
  const { id: totpId } = await startTotp(server, account)
  const { id: webauthnId } = await startWebauthn(server, account)
  const factors = { factorId, totpId, webauthnId }
  const ids: Record<string, string> = {
    vaultId,
    itemId,
    attachmentId: file.id,
    sessionId,
    tokenId,
    shareId: share.id,
    ...factors,
  }
  return { ...account, ids, revision, manageToken: share.manageToken, personalToken }
}

type Inhabited = Awaited<ReturnType<typeof inhabitedAccount>>

/** What lets its owner in: the session, the share's own token, or the personal access token that it is about. */
function tokenFor({ needsManageToken, needsPersonalToken }: Operation, owner: Inhabited) {
  if (needsManageToken) return owner.manageToken
  return needsPersonalToken ? owner.personalToken : owner.token
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** An example of the body, with the ids that a path would have had where it names any. */
function bodyFor(document: Document, schema: unknown, ids: Record<string, string>): unknown {
  const example = exampleOf(document, schema)
  if (!isObject(example)) return example
  return Object.fromEntries(Object.entries(example).map(([name, value]) => [name, ids[name] ?? value]))
}

/** An id of nothing, in the form of the parameter. */
const noOnesId = (name: string) => (name === 'shareId' ? randomShareId() : randomUUID())

const namesIn = ({ parameters }: Operation) =>
  parameters.flatMap((parameter) => (parameter.in === 'path' ? [parameter.name] : []))

/** The ids that can be another account's. An upload makes what its path names: the vault alone has to be there. */
const foreignNamesIn = (operation: Operation) => (operation.takesBytes ? ['vaultId'] : namesIn(operation))

/** Every way to take each id from one of two accounts, except all of them from the first. */
const mixtures = (names: string[], own: Inhabited, foreign: Inhabited) =>
  Array.from({ length: 2 ** names.length - 1 }, (_, index) => index + 1).map((bits) =>
    Object.fromEntries(
      Object.entries(own.ids).map(([name, value]) => {
        const place = names.indexOf(name)
        return [name, (place >= 0 && (bits >> place) & 1 ? foreign.ids[name] : undefined) ?? value]
      }),
    ),
  )

/** What a client could send beside path and body: nothing, then each value of each choice, and what the headers are for. */
function companions({ parameters }: Operation, revision: number) {
  const queries = parameters.flatMap(({ in: place, name, schema }) =>
    place === 'query' ? (schema.enum ?? []).map((value) => `?${name}=${value}`) : [],
  )
  const ifMatch = parameters.some(({ name }) => name === 'If-Match')
  const ifNoneMatch = parameters.some(({ name }) => name === 'If-None-Match')
  const required = ifMatch && ifNoneMatch
  const headers: Record<string, string>[] = [
    ...(required ? [] : [{}]),
    ...(ifMatch ? [{ 'If-Match': `"${revision}"` }] : []),
    ...(ifNoneMatch && !required ? [{ 'If-None-Match': `"${revision}"` }] : []),
  ]
  return ['', ...queries].flatMap((query) => headers.map((header) => ({ query, headers: header })))
}

function requestsFor(
  document: Document,
  operation: Operation,
  { ids, token, revision }: { ids: Record<string, string>; token: string | undefined; revision: number },
): RawRequest[] {
  const path = fillPath(operation.path, ids)
  return companions(operation, revision).map(({ query, headers }) => ({
    method: operation.method,
    path: path + query,
    token,
    headers: {
      ...headers,
      ...(operation.takesBytes && { 'Content-Type': 'application/octet-stream' }),
    },
    ...(operation.body !== undefined && { body: bodyFor(document, operation.body, ids) }),
    ...(operation.takesBytes && { raw: fakeFile(100) }),
  }))
}

describe.each(engines)('isolation on %s', (engine) => {
  let server: TestServer
  let document: Document
  let own: Inhabited
  let victim: Inhabited
  beforeAll(async () => {
    server = await startServer(engine)
    document = await readDocument(server)
    own = await inhabitedAccount(server)
    victim = await inhabitedAccount(server)
  })
  afterAll(() => server.close())

  /** All that the account can see of itself. */
  const view = async ({ token, ids }: Inhabited) => {
    const vault = `/api/v1/vaults/${ids.vaultId}`
    const paths = [
      '/api/v1/account',
      '/api/v1/vaults',
      '/api/v1/sessions',
      '/api/v1/tokens',
      '/api/v1/account/second-factors',
      `${vault}/items`,
      `${vault}/items?state=trash`,
      `${vault}/changes`,
      `${vault}/items/${ids.itemId}/versions`,
      `${vault}/items/${ids.itemId}/attachments`,
    ]
    const answers = await Promise.all(paths.map((path) => send(server, { path, token })))
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200))
    return answers.map(({ text }) => z.unknown().parse(JSON.parse(text)))
  }

  it('gives nothing to whoever has no token', async () => {
    const guarded = operationsOf(document).filter(isGuarded)
    expect(guarded.length).toBeGreaterThan(17)
    const before = await readRows(server.database)
    // The last is good, but for the other kind of operations.
    for (const operation of guarded)
      for (const token of [
        undefined,
        'x',
        'a.b.c',
        operation.needsManageToken || operation.needsPersonalToken ? victim.token : victim.manageToken,
      ]) {
        for (const request of requestsFor(document, operation, { ...victim, token }))
          expect
            .soft(outcomeOf(await send(server, request)), `${operation.name} with token ${token}`)
            .toBe('401 not-authenticated')
      }
    expect(await readRows(server.database)).toEqual(before)
  })

  it("answers another account's ids like ids that do not exist, and changes nothing", async () => {
    const withPath = operationsOf(document).filter(
      (operation) => isGuarded(operation) && namesIn(operation).length > 0,
    )
    expect(withPath.length).toBeGreaterThan(12)
    const [rowsBefore, viewBefore] = [await readRows(server.database), await view(victim)]
    const nowhere = {
      ...victim,
      ids: Object.fromEntries(Object.keys(victim.ids).map((name) => [name, noOnesId(name)])),
    }
    for (const operation of withPath) {
      const theirs = mixtures(foreignNamesIn(operation), own, victim)
      const noOnes = mixtures(foreignNamesIn(operation), own, nowhere)
      for (const [index, ids] of theirs.entries()) {
        const request = { token: tokenFor(operation, own), revision: victim.revision }
        const requests = requestsFor(document, operation, { ...request, ids })
        const others = requestsFor(document, operation, { ...request, ids: noOnes[index] ?? {} })
        for (const [place, foreign] of requests.entries()) {
          const answer = await send(server, foreign)
          const what = `${operation.name} as ${foreign.path} ${JSON.stringify(foreign.headers)}`
          expect.soft(outcomeOf(answer), what).toBe('404 not-found')
          const missing = await send(server, others[place] ?? foreign)
          const [a, b] = [answer, missing].map(({ text }) => ({
            ...z.looseObject({}).parse(JSON.parse(text)),
            requestId: '',
          }))
          expect.soft(a, what).toEqual(b)
        }
      }
    }
    expect(await view(victim)).toEqual(viewBefore)
    expect(await readRows(server.database)).toEqual(rowsBefore)
  })

  it('refuses neither the session nor the ids of their owner, so that the refusals above mean something', async () => {
    for (const operation of operationsOf(document).filter(isGuarded)) {
      const account = await inhabitedAccount(server)
      const token = tokenFor(operation, account)
      for (const request of requestsFor(document, operation, { ...account, token }).slice(0, 1)) {
        const answer = await send(server, request)
        expect.soft([404, 500], `${operation.name}: ${answer.text}`).not.toContain(answer.status)
        expect.soft(outcomeOf(answer), operation.name).not.toBe('401 not-authenticated')
      }
    }
  })
})
