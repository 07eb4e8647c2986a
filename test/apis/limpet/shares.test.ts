// One-time shares over HTTP: what is promised to senders and readers, and what nobody can do to them. Ciphertexts are Fernet
// tokens in form only; share-races.test.ts has those who come at the same time.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { days, minutes, seconds } from '../../../src/clock.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { ServerInfo } from '../../../src/contract/server.ts'
import { CreatedShare, RevealedShare, ShareReceipt } from '../../../src/contract/shares.ts'
import { newAccount } from '../../support/accounts.ts'
import { engines, type TestDatabase } from '../../support/database.ts'
import { bodyOf, outcomeOf, type RawAnswer, send } from '../../support/requests.ts'
import { forgetCounts, readRows } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer, type TestServerOptions } from '../../support/server.ts'
import {
  acknowledge,
  fakeFernet,
  look,
  newShare,
  postShare,
  type RawShare,
  randomClaim,
  randomProof,
  randomShareId,
  receiptOf,
  reveal,
  revoke,
  shareBody,
} from '../../support/shares.ts'
import { tally, times } from '../../support/tally.ts'

const consumed = '410 share-consumed'
const expired = '410 share-expired'
const revoked = '410 share-revoked'
const wrongProof = '403 wrong-proof'
const missing = '404 not-found'
const limited = '429 too-many-requests'

/** A problem without what differs between two of the same. */
const problemIn = (answer: RawAnswer) => ({ ...bodyOf(Problem, answer), requestId: '' })

describe.each(engines)('one-time shares on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  const others: TestServer[] = []
  beforeAll(async () => {
    server = await startServer(engine, { clock })
  })
  afterEach(async () => {
    for (const other of others.splice(0).reverse()) await other.close()
  })
  afterAll(() => server.close())

  async function start(environment: Record<string, string>, database?: TestDatabase): Promise<TestServer> {
    const options: TestServerOptions = { clock, environment, ...(database && { database }) }
    const other = await startServer(engine, options)
    others.push(other)
    return other
  }

  const receipt = async (share: RawShare) => bodyOf(ShareReceipt, await receiptOf(server, share))

  const expectRead = async (share: RawShare, by: TestServer = server) =>
    expect(bodyOf(RevealedShare, await reveal(by, share))).toEqual({ ciphertext: share.ciphertext })

  /** Nothing that happened so far has read it. */
  async function expectUnread(share: RawShare) {
    expect((await look(server, share)).status).toBe(200)
    expect(await receipt(share)).toMatchObject({ state: 'pending', readAt: null, revokedAt: null })
    await expectRead(share)
  }

  describe('made', () => {
    it('answer with links, a time and a token, and live a week unless said otherwise', async () => {
      const answer = await postShare(server, shareBody())
      const share = bodyOf(CreatedShare, answer)
      const self = `/api/v1/shares/${share.id}`
      expect(share).toMatchObject({
        links: [
          { rel: 'self', href: server.url + self },
          { rel: 'web-view', href: `${server.url}/s/${share.id}` },
        ],
        ttl: 604_800,
        expiresAt: new Date(clock.now() + days(7)).toISOString(),
      })
      expect(answer.headers.location).toBe(self)
      const another = bodyOf(CreatedShare, await postShare(server, shareBody()))
      expect(another.id).not.toBe(share.id)
      expect(another.manageToken).not.toBe(share.manageToken)
    })

    it('live from a minute to two weeks', async () => {
      for (const ttl of [60, 1_209_600]) {
        const { expiresAt } = await newShare(server, { ttl })
        expect(expiresAt).toBe(clock.now() + seconds(ttl))
      }
      const before = await readRows(server.database)
      for (const ttl of [59, 0, -60, 60.5, 1_209_601, '60', null])
        expect(outcomeOf(await postShare(server, { ...shareBody(), ttl })), `${ttl}`).toBe(
          '400 malformed-request',
        )
      expect(await readRows(server.database)).toEqual(before)
    })

    it('hold what fits into 64 KiB, and not a block more', async () => {
      // 57 bytes of a token are not blocks, so that 65,529 bytes are the most.
      const most = Math.floor((64 * 1024 - 57) / 16)
      const share = await newShare(server, { ciphertext: fakeFernet(most) })
      await expectRead(share)
      const before = await readRows(server.database)
      const tooLarge = await postShare(server, shareBody({ ciphertext: fakeFernet(most + 1) }))
      expect(outcomeOf(tooLarge)).toBe('400 malformed-request')
      expect(await readRows(server.database)).toEqual(before)
    })
  })

  describe('read', () => {
    it('give their ciphertext once, and then say when that was', async () => {
      const share = await newShare(server)
      clock.advance(1234)
      await expectRead(share)
      const readAt = new Date(clock.now()).toISOString()
      clock.advance(minutes(5))
      const again = await reveal(server, share)
      expect(outcomeOf(again)).toBe(consumed)
      expect(problemIn(again)).toMatchObject({ readAt })
      expect((await look(server, share)).status).toBe(404)
      expect(await receipt(share)).toMatchObject({ state: 'read', readAt })
    })

    it('say before whether there is a passphrase to know, and to nobody anything else', async () => {
      const [plain, asking] = [await newShare(server), await newShare(server, { passphrase: true })]
      for (let looks = 0; looks < 3; looks++) {
        const [answer, other] = [await look(server, plain), await look(server, asking)]
        expect([answer.status, answer.headers['limpet-passphrase'], answer.text]).toEqual([
          200,
          undefined,
          '',
        ])
        expect([other.status, other.headers['limpet-passphrase'], other.text]).toEqual([200, 'required', ''])
      }
      const wrong = problemIn(await reveal(server, { ...asking, proof: randomProof() }))
      expect(wrong).toMatchObject({ code: 'wrong-proof', passphrase: true })
      await expectUnread(plain)
      await expectUnread(asking)
    })

    it('tell a wrong proof nothing of what has become of them', async () => {
      const shares = await Promise.all(times(4, () => newShare(server, { ttl: 60 })))
      const [read, taken, late, pending] = shares
      if (!read || !taken || !late || !pending) throw new Error('There are four')
      await expectRead(read)
      await revoke(server, taken)
      const tryWrongly = () =>
        Promise.all(
          [read, taken, late, pending].map(async ({ id }) =>
            problemIn(await reveal(server, { id, proof: randomProof() })),
          ),
        )
      const before = await tryWrongly()
      clock.advance(seconds(60))
      for (const answer of [...before, ...(await tryWrongly())]) {
        expect(answer).toEqual(before[0])
        expect(answer.code).toBe('wrong-proof')
      }
      expect(outcomeOf(await reveal(server, { id: randomShareId(), proof: pending.proof }))).toBe(missing)
      expect((await look(server, { id: randomShareId() })).status).toBe(404)
    })
  })

  describe('claimed', () => {
    /** A share that was read under a claim. */
    async function claimedShare(changes: { ttl?: number } = {}) {
      const [share, claim] = [await newShare(server, changes), randomClaim()]
      expect((await reveal(server, share, { claim })).status).toBe(200)
      return { share, claim }
    }

    const expectAgain = async (share: RawShare, claim: string) =>
      expect(bodyOf(RevealedShare, await reveal(server, share, { claim }))).toEqual({
        ciphertext: share.ciphertext,
      })

    it('are given again to the claim and to nobody else, for a minute', async () => {
      const { share, claim } = await claimedShare()
      await expectAgain(share, claim)
      clock.advance(seconds(60) - 1)
      await expectAgain(share, claim)
      expect(outcomeOf(await reveal(server, share))).toBe(consumed)
      expect(outcomeOf(await reveal(server, share, { claim: randomClaim() }))).toBe(consumed)
      expect(outcomeOf(await reveal(server, { ...share, proof: randomProof() }, { claim }))).toBe(wrongProof)
      // A repetition is no reading: the minute goes on.
      await expectAgain(share, claim)
      clock.advance(1)
      expect(outcomeOf(await reveal(server, share, { claim }))).toBe(consumed)
    })

    it('are given to nobody who comes with a claim after a reader without', async () => {
      const share = await newShare(server)
      await expectRead(share)
      expect(outcomeOf(await reveal(server, share, { claim: randomClaim() }))).toBe(consumed)
      expect(await readRows(server.database)).not.toMatchObject({
        claimed_share_bodies: expect.arrayContaining([expect.objectContaining({ share_id: share.id })]),
      })
    })

    it('are forgotten once they are acknowledged, by the claim alone', async () => {
      const { share, claim } = await claimedShare()
      const bytes = Buffer.from(share.ciphertext, 'base64url').toString('hex')
      const unknown = await acknowledge(server, { id: randomShareId() }, claim)
      const wrong = await acknowledge(server, share, randomClaim())
      expect(outcomeOf(wrong)).toBe(missing)
      expect(problemIn(wrong)).toEqual(problemIn(unknown))
      await expectAgain(share, claim)
      expect(JSON.stringify(await readRows(server.database))).toContain(bytes)

      expect((await acknowledge(server, share, claim)).status).toBe(204)
      expect(JSON.stringify(await readRows(server.database))).not.toContain(bytes)
      expect(outcomeOf(await reveal(server, share, { claim }))).toBe(consumed)
      expect((await acknowledge(server, share, claim)).status).toBe(204)
      expect(outcomeOf(await acknowledge(server, share, randomClaim()))).toBe(missing)
      expect(await receipt(share)).toMatchObject({ state: 'read' })
    })

    it('cannot be acknowledged before they are read', async () => {
      const share = await newShare(server)
      expect(outcomeOf(await acknowledge(server, share, randomClaim()))).toBe(missing)
      await expectUnread(share)
    })

    it('are not given again after their own time, even within the minute', async () => {
      const share = await newShare(server, { ttl: 60 })
      clock.advance(seconds(50))
      const claim = randomClaim()
      expect((await reveal(server, share, { claim })).status).toBe(200)
      clock.advance(seconds(10) - 1)
      await expectAgain(share, claim)
      clock.advance(1)
      expect(outcomeOf(await reveal(server, share, { claim }))).toBe(consumed)
    })

    it('cannot be revoked any more', async () => {
      const { share, claim } = await claimedShare()
      expect(outcomeOf(await revoke(server, share))).toBe(consumed)
      await expectAgain(share, claim)
    })
  })

  describe('not used up', () => {
    it.each([
      ['GET', '', '405 method-not-allowed'],
      ['POST', '', '405 method-not-allowed'],
      ['PUT', '', '405 method-not-allowed'],
      ['PATCH', '', '405 method-not-allowed'],
      ['OPTIONS', '', '405 method-not-allowed'],
      ['DELETE', '', '401 not-authenticated'],
      ['HEAD', '', '200'],
      ['GET', '/reveal', '405 method-not-allowed'],
      ['PUT', '/reveal', '405 method-not-allowed'],
      ['PATCH', '/reveal', '405 method-not-allowed'],
      ['DELETE', '/reveal', '405 method-not-allowed'],
      ['OPTIONS', '/reveal', '405 method-not-allowed'],
    ])('by %s of it%s with the right proof', async (method, path, outcome) => {
      const share = await newShare(server)
      const url = `/api/v1/shares/${share.id}${path}`
      const answer = await send(server, { method, path: url, body: { proof: share.proof } })
      expect(outcomeOf(answer)).toBe(outcome)
      if (outcome.startsWith('405')) expect(answer.headers.allow).toBe(path ? 'POST' : 'HEAD, DELETE')
      await expectUnread(share)
    })

    it('by HEAD where reading is', async () => {
      const share = await newShare(server)
      const path = `/api/v1/shares/${share.id}/reveal`
      expect((await send(server, { method: 'HEAD', path })).status).toBe(405)
      await expectUnread(share)
    })

    it('by a body that is wrong beside the right proof', async () => {
      const share = await newShare(server)
      const { proof } = share
      const json = JSON.stringify({ proof })
      const wrong: [string, Parameters<typeof reveal>[2], string][] = [
        ['text', { headers: { 'Content-Type': 'text/plain' } }, '415 not-json'],
        ['a form', { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }, '415 not-json'],
        ['a member more', { body: { proof, ttl: 60 } }, '400 malformed-request'],
        ['a short claim', { claim: randomBytes(15).toString('base64url') }, '400 malformed-request'],
        ['a long claim', { claim: randomBytes(33).toString('base64url') }, '400 malformed-request'],
        ['an empty claim', { claim: '' }, '400 malformed-request'],
        ['no claim', { body: { proof, claim: null } }, '400 malformed-request'],
        ['a list', { body: [{ proof }] }, '400 malformed-request'],
        ['padding', { body: { proof: `${proof}=` } }, '400 malformed-request'],
        ['half of it', { body: { proof: proof.slice(0, 22) } }, '400 malformed-request'],
        ['no proof', { body: {} }, '400 malformed-request'],
        ['a cut document', { raw: json.slice(0, -1) }, '400 malformed-request'],
        ['two documents', { raw: json + json }, '400 malformed-request'],
        ['a query', { path: `/api/v1/shares/${share.id}/reveal?proof=${proof}` }, '400 malformed-request'],
      ]
      for (const [what, request, outcome] of wrong)
        expect(outcomeOf(await reveal(server, share, request)), what).toBe(outcome)
      await expectUnread(share)
    })

    /** Sends bytes on a connection of their own and drops it at once. */
    const drop = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const { hostname, port } = new URL(server.url)
        const socket = connect(Number(port), hostname, () => socket.write(text, () => socket.destroy()))
        socket.on('error', reject)
        socket.on('close', () => resolve())
      })

    const head = ({ id }: RawShare, framing: string) =>
      `POST /api/v1/shares/${id}/reveal HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`

    it('by a connection that is lost in the middle of a request', async () => {
      const share = await newShare(server)
      const json = JSON.stringify({ proof: share.proof })
      const requestsLogged = () => server.log().split('/reveal').length
      const before = requestsLogged()
      await drop(head(share, `Content-Length: ${json.length}`) + json.slice(0, -1))
      await drop(head(share, `Content-Length: ${json.length + 1}`) + json)
      await drop(`${head(share, 'Transfer-Encoding: chunked')}${json.length.toString(16)}\r\n${json}\r\n`)
      // The server has noticed each of them.
      await vi.waitFor(() => expect(requestsLogged()).toBe(before + 3), { timeout: 10_000 })
      await expectUnread(share)
    })

    it('by an answer that is lost, where there was a claim', async () => {
      const [share, claim] = [await newShare(server), randomClaim()]
      const json = JSON.stringify({ proof: share.proof, claim })
      await drop(head(share, `Content-Length: ${json.length}`) + json)
      const answer = await reveal(server, share, { claim })
      expect(bodyOf(RevealedShare, answer)).toEqual({ ciphertext: share.ciphertext })
    })

    it('by a thousand wrong proofs, which end in 429 and keep nobody out who has the key', async () => {
      const guarded = await start({ RATE_LIMITS: 'on' }, server.database)
      const share = await newShare(server)
      const answers: RawAnswer[] = []
      for (let turn = 0; turn < 20; turn++)
        answers.push(
          ...(await Promise.all(times(50, () => reveal(guarded, { id: share.id, proof: randomProof() })))),
        )
      expect(tally(answers)).toEqual({ [wrongProof]: 30, [limited]: 970 })
      for (const { headers } of answers.filter(({ status }) => status === 429)) {
        expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
        expect(Number(headers['retry-after'])).toBeLessThanOrEqual(600)
      }
      await expectRead(share, guarded)
    })
  })

  describe('with a passphrase that somebody guesses', () => {
    const guess = (guarded: TestServer, share: RawShare, address: string, proof = randomProof()) =>
      reveal(guarded, { ...share, proof }, { headers: { 'X-Forwarded-For': address } })

    const limits = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }
    beforeEach(() => forgetCounts(server.database))

    it('are closed to the right one too, until the time is over, and lose nothing by it', async () => {
      const share = await newShare(server, { passphrase: true })
      const guarded = await start(limits, server.database)
      const answers = await Promise.all(times(100, () => guess(guarded, share, '192.0.2.1')))
      expect(tally(answers)).toEqual({ [wrongProof]: 30, [limited]: 70 })
      const right = await guess(guarded, share, '192.0.2.1', share.proof)
      expect(outcomeOf(right)).toBe(limited)
      expect(Number(right.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect((await look(server, share)).status).toBe(200)
      // From elsewhere it is read at once: the address had enough of them, and the share not yet.
      const read = await guess(guarded, share, '192.0.2.2', share.proof)
      expect(bodyOf(RevealedShare, read)).toEqual({ ciphertext: share.ciphertext })
    })

    it('take one more of each address after a hundred wrong ones from everywhere: no stranger keeps a reader out', async () => {
      const [share, other] = [
        await newShare(server, { passphrase: true }),
        await newShare(server, { passphrase: true }),
      ]
      const guarded = await start(limits, server.database)
      const answers = await Promise.all(times(130, (turn) => guess(guarded, share, `192.0.2.${turn % 10}`)))
      expect(tally(answers)).toEqual({ [wrongProof]: 110, [limited]: 20 })
      // An address that guessed is closed to the right one too, and of new ones each may be wrong once.
      expect(outcomeOf(await guess(guarded, share, '192.0.2.1', share.proof))).toBe(limited)
      expect(outcomeOf(await guess(guarded, share, '198.51.100.2'))).toBe(wrongProof)
      expect(outcomeOf(await guess(guarded, share, '198.51.100.2'))).toBe(limited)
      // A site of IPv6 has 65,536 networks, and no more tries than sixteen addresses.
      const site = await Promise.all(times(20, (turn) => guess(guarded, share, `2001:db8:1:${turn}::1`)))
      expect(tally(site)).toEqual({ [wrongProof]: 16, [limited]: 4 })
      expect((await guess(guarded, other, '198.51.100.1', other.proof)).status).toBe(200)
      expect((await guess(guarded, share, '198.51.100.1', share.proof)).status).toBe(200)
    })

    it('do not count the right one', async () => {
      const [share, claim] = [await newShare(server, { passphrase: true }), randomClaim()]
      const guarded = await start(limits, server.database)
      const answers: RawAnswer[] = []
      for (let turn = 0; turn < 110; turn++) answers.push(await reveal(guarded, share, { claim }))
      expect(tally(answers)).toEqual({ '200': 110 })
    })
  })

  describe('expired', () => {
    it('are so from the very millisecond on, whether or not anybody has cleaned up', async () => {
      const [read, late] = [await newShare(server, { ttl: 60 }), await newShare(server, { ttl: 60 })]
      clock.advance(seconds(60) - 1)
      for (const share of [read, late]) expect((await look(server, share)).status).toBe(200)
      expect(await receipt(late)).toMatchObject({ state: 'pending' })
      await expectRead(read)
      clock.advance(1)
      const bytes = Buffer.from(late.ciphertext, 'base64url').toString('hex')
      expect(JSON.stringify(await readRows(server.database))).toContain(bytes)
      const answer = await reveal(server, late, { claim: randomClaim() })
      expect(outcomeOf(answer)).toBe(expired)
      expect(problemIn(answer)).toMatchObject({ expiresAt: new Date(late.expiresAt).toISOString() })
      expect((await look(server, late)).status).toBe(404)
      expect(await receipt(late)).toMatchObject({ state: 'expired', readAt: null, revokedAt: null })
      expect(outcomeOf(await revoke(server, late))).toBe(expired)
      // What was read before stays read.
      expect(outcomeOf(await reveal(server, read))).toBe(consumed)
      expect(await receipt(read)).toMatchObject({ state: 'read' })
    })
  })

  describe('looked after', () => {
    it('have a receipt for whoever made them', async () => {
      const createdAt = new Date(clock.now()).toISOString()
      const share = await newShare(server)
      const { id, expiresAt } = share
      const all = { id, createdAt, expiresAt: new Date(expiresAt).toISOString() }
      expect(await receipt(share)).toEqual({ ...all, state: 'pending', readAt: null, revokedAt: null })
      clock.advance(minutes(3))
      expect((await revoke(server, share)).status).toBe(204)
      const revokedAt = new Date(clock.now()).toISOString()
      expect(await receipt(share)).toEqual({ ...all, state: 'revoked', readAt: null, revokedAt })
      clock.advance(days(8))
      expect(await receipt(share)).toEqual({ ...all, state: 'revoked', readAt: null, revokedAt })
    })

    it('are revoked at once and as often as one likes, and the reader learns it', async () => {
      const share = await newShare(server)
      const bytes = Buffer.from(share.ciphertext, 'base64url').toString('hex')
      expect((await revoke(server, share)).status).toBe(204)
      const revokedAt = new Date(clock.now()).toISOString()
      expect(JSON.stringify(await readRows(server.database))).not.toContain(bytes)
      clock.advance(minutes(1))
      expect((await revoke(server, share)).status).toBe(204)
      const answer = await reveal(server, share, { claim: randomClaim() })
      expect(outcomeOf(answer)).toBe(revoked)
      expect(problemIn(answer)).toMatchObject({ revokedAt })
      expect((await look(server, share)).status).toBe(404)
    })

    it('are nobody’s without their own token', async () => {
      const [share, other] = [await newShare(server), await newShare(server)]
      const { token } = await newAccount(server)
      const unknown = await receiptOf(server, { ...share, id: randomShareId() })
      expect(outcomeOf(unknown)).toBe(missing)
      for (const use of [receiptOf, revoke]) {
        for (const manageToken of [other.manageToken, randomProof(), share.proof]) {
          const answer = await use(server, { ...share, manageToken })
          expect(outcomeOf(answer)).toBe(missing)
          expect(problemIn(answer)).toEqual(problemIn(unknown))
        }
        for (const manageToken of ['', token, share.id, `${share.manageToken}=`, ` ${share.manageToken}x`])
          expect(outcomeOf(await use(server, { ...share, manageToken }))).toBe('401 not-authenticated')
      }
      await expectUnread(share)
    })
  })

  describe('by the policy', () => {
    const policyOf = async (other: TestServer) =>
      bodyOf(ServerInfo, await send(other, { path: '/api/v1/server' })).shares

    it('"accounts" are made with a session and read without', async () => {
      const other = await start({ SHARES: 'accounts' })
      const { token } = await newAccount(other)
      expect(await policyOf(other)).toBe('accounts')
      const body = shareBody()
      for (const bearer of [undefined, 'a.b.c', randomProof()])
        expect(outcomeOf(await postShare(other, body, { token: bearer }))).toBe('401 not-authenticated')
      expect(await readRows(other.database)).toMatchObject({ shares: [], share_bodies: [] })
      const { id } = bodyOf(CreatedShare, await postShare(other, body, { token }))
      expect((await look(other, { id })).status).toBe(200)
      const answer = await reveal(other, { id, proof: body.proof })
      expect(bodyOf(RevealedShare, answer)).toEqual({ ciphertext: body.ciphertext })
    })

    it('"off" are not made any more, and still read, looked after and revoked', async () => {
      const [share, taken] = [await newShare(server), await newShare(server)]
      const other = await start({ SHARES: 'off' }, server.database)
      const { token } = await newAccount(other)
      expect(await policyOf(other)).toBe('off')
      const before = await readRows(server.database)
      for (const bearer of [undefined, token])
        expect(outcomeOf(await postShare(other, shareBody(), { token: bearer }))).toBe('403 shares-off')
      expect(await readRows(server.database)).toEqual(before)
      expect((await look(other, share)).status).toBe(200)
      await expectRead(share, other)
      expect((await receiptOf(other, share)).status).toBe(200)
      expect((await revoke(other, taken)).status).toBe(204)
    })

    it('"public" are made by anybody, whatever is said of a session', async () => {
      expect(await policyOf(server)).toBe('public')
      for (const authorization of ['Bearer x', 'Bearer a.b.c', 'Basic eDp5', 'nonsense', ''])
        expect(
          (await postShare(server, shareBody(), { headers: { Authorization: authorization } })).status,
          authorization,
        ).toBe(201)
    })

    it('are made a hundred and twenty times an hour from one address', async () => {
      const other = await start({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' })
      const make = (address: string) =>
        postShare(other, shareBody(), { headers: { 'X-Forwarded-For': address } })
      const answers = await Promise.all(times(140, () => make('192.0.2.1')))
      expect(tally(answers)).toEqual({ '201': 120, [limited]: 20 })
      const seconds = Number((await make('192.0.2.1')).headers['retry-after'])
      expect(seconds).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeLessThanOrEqual(3600)
      expect((await make('192.0.2.2')).status).toBe(201)
      const { shares } = await readRows(other.database)
      expect(shares).toHaveLength(121)
    })
  })

  describe('gone', () => {
    /** All that a database holds; of SQLite its files, byte for byte. */
    async function everything({ url }: TestDatabase): Promise<string> {
      if (engine === 'postgres') return JSON.stringify(await readRows({ url, remove: async () => {} }))
      const file = url.slice('file:'.length)
      return readdirSync(dirname(file))
        .filter((name) => name.startsWith(basename(file)))
        .map((name) => readFileSync(join(dirname(file), name)).toString('hex'))
        .join('\n')
    }

    /** Pieces of a ciphertext that stand together wherever it is kept: pages of 4 KiB take it apart. */
    const pieces = ({ ciphertext }: RawShare) => {
      const hex = Buffer.from(ciphertext, 'base64url').toString('hex')
      return times(Math.floor(hex.length / 256) + 1, (index) =>
        hex.slice(index * 256, index * 256 + 32),
      ).filter(({ length }) => length === 32)
    }

    /** How many of the shares have left something. */
    const left = (content: string, shares: RawShare[]) =>
      shares.filter((share) => pieces(share).some((piece) => content.includes(piece))).length

    it('have left every file within the minute, and their receipts 30 days after', async () => {
      const kept: RawShare[] = []
      const done: RawShare[] = []
      const other = await start({})
      const { database } = other
      for (let turn = 0; turn < 120; turn++) {
        // Of all sizes, among each other: those that share a page, and those that take many.
        const ciphertext = fakeFernet(turn % 10 === 0 ? 36 * (turn + 1) : 1 + ((turn * 7) % 60))
        const stays = turn % 3 === 0
        const share = await newShare(other, { ciphertext, ttl: stays ? 1_209_600 : 3600 })
        if (stays) kept.push(share)
        else done.push(share)
      }
      const before = await everything(database)
      expect([left(before, kept), left(before, done)]).toEqual([kept.length, done.length])

      const endings = [
        (share: RawShare) => reveal(other, share),
        (share: RawShare) => reveal(other, share, { claim: randomClaim() }),
        (share: RawShare) => revoke(other, share),
        async () => {},
      ]
      for (const [index, share] of done.entries()) await endings[index % endings.length]?.(share)
      clock.advance(seconds(3600))
      // Maintenance comes once in a minute, and at the start of a server.
      await start({}, database)
      await vi.waitFor(async () => expect(left(await everything(database), done)).toBe(0), {
        timeout: 20_000,
        interval: 100,
      })
      expect(left(await everything(database), kept)).toBe(kept.length)
      const [late] = done.filter((_share, index) => index % endings.length === 3)
      if (!late) throw new Error('None has expired')
      expect(outcomeOf(await reveal(other, late))).toBe(expired)

      clock.advance(days(30) - 1)
      await start({}, database)
      // All are gone that were to live longer; the receipts of the others are still there.
      await expect.poll(async () => (await readRows(database)).share_bodies).toEqual([])
      expect(await readRows(database)).toMatchObject({ shares: { length: 120 } })
      expect(bodyOf(ShareReceipt, await receiptOf(other, late)).state).toBe('expired')
      clock.advance(1)
      await start({}, database)
      await expect.poll(async () => (await readRows(database)).shares).toHaveLength(kept.length)
      expect(outcomeOf(await receiptOf(other, late))).toBe(missing)
      expect(outcomeOf(await reveal(other, late))).toBe(missing)
    })
  })
})
