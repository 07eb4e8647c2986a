// Which passwords can be chosen, and what is said about guessing them.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { startOpaqueLogin } from '../../src/protocol/opaque.ts'
import {
  assessPassword,
  defaultKdf,
  deriveKeys,
  Limpet,
  minKdf,
  newKdf,
  PasswordRefusedError,
  prepareRegistration,
  sharesOf,
} from '../../src/sdk/index.ts'
import { vectors } from '../protocol/read-vectors.ts'
import { engines } from '../support/database.ts'
import { client, registeredClient, startServer, type TestServer } from '../support/server.ts'

const email = 'ada.lovelace@harbour.example'

const codeOf = async (password: string) => (await assessPassword(password, { email })).refusal?.code

describe('a password that is chosen', () => {
  test.each(vectors.keyDerivation.refusedChoices)('is refused: $why', async ({ code, password }) => {
    expect(await codeOf(password)).toBe(code)
  })

  test.each(vectors.keyDerivation.refusedChoices)('is taken at login: $why', async ({ password }) => {
    await expect(deriveKeys(password, newKdf(minKdf))).resolves.toBeDefined()
    await expect(startOpaqueLogin(password)).resolves.toBeDefined()
  })

  test.each([
    ...['password', 'PASSWORD', 'p@ssw0rd', 'drowssap', '12345678', 'qwertyuiop', 'iloveyou', 'sunshine'],
    ...['correct horse battery staple', 'Tr0ub4dor&3'],
  ])('is refused since lists have it: %s', async (password) => {
    expect(await codeOf(password)).toBe('common')
  })

  test.each(['ada.lovelace@harbour.example', 'adalovelace', 'Lovelace1', 'harbour.example', 'lovelaceada'])(
    'is refused since it is the address: %s',
    async (password) => {
      const { refusal } = await assessPassword(password, { email })
      expect(refusal?.code).toBe('common')
      expect(refusal?.message).toContain('e-mail address')
    },
  )

  test.each([
    'Password1!',
    'abcdefgh',
    'aaaaaaaaaaaaaaaaaaaaaaaa',
    '2024-01-31',
    'hunter22',
    'a'.repeat(100_000),
  ])('is refused since it is guessed at once: %.40s', async (password) => {
    expect(['common', 'guessable']).toContain(await codeOf(password))
  })

  test.each([
    'kelp forest lantern dune',
    'Grüße aus dem Hafen 🔑',
    'x7Gh2k9qLm',
    'harbour lighthouse \u{1e030}',
  ])('is taken: %s', async (password) => {
    expect(await codeOf(password)).toBeUndefined()
  })

  it('comes with the time that guessing takes, by what one guess costs', async () => {
    const cheap = (await assessPassword('tidal7pool', { kdf: minKdf })).guessing
    const usual = (await assessPassword('tidal7pool', { kdf: defaultKdf })).guessing
    expect(usual.guesses).toBe(cheap.guesses)
    expect(usual.seconds / cheap.seconds).toBeCloseTo((65_536 * 3) / (19_456 * 2))
    expect((await assessPassword('password')).guessing.words).toBe('less than a second')
    expect(usual.words).toMatch(/^about \d+ (second|minute|hour|day|month|year)s?$/)
    expect((await assessPassword('kelp forest lantern dune')).guessing.words).toBe('more than 1,000 years')
  })
})

describe('nothing is sent for a password that is refused', () => {
  const fetch = () => Promise.reject(new Error('Something was sent'))
  const server = 'http://localhost:1'

  it.each(['opaque', 'authKey'] as const)('at a registration by %s', async (method) => {
    const device = { id: randomUUID(), name: 'test', type: 'other' } as const
    await expect(
      new Limpet({ server, device, fetch }).register({ email, password: 'password1', method }),
    ).rejects.toThrow(PasswordRefusedError)
  })

  it('when one is prepared', async () => {
    await expect(prepareRegistration({ email, password: 'lovelace1' })).rejects.toThrow(PasswordRefusedError)
  })

  it('as the passphrase of a share', async () => {
    const made = sharesOf(server, { fetch }).create({ secret: 'tide', passphrase: 'lighthouse \u0378' })
    await expect(made).rejects.toMatchObject({ code: 'unassigned' })
  })
})

describe.each(engines)('a password change on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('refuses a common one, and leaves the old one', async () => {
    const { account, email, password } = await registeredClient(server)
    for (const method of ['opaque', 'authKey'] as const)
      await expect(
        account.changePassword({ current: password, next: 'iloveyou1', method }),
      ).rejects.toMatchObject({
        code: 'common',
      })
    await expect(client(server).login({ email, password })).resolves.toBeDefined()
  })
})
