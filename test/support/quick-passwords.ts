// Before each test file: Argon2id takes next to no time, on both sides, since hardly a test is about what a guess costs. Tests of
// the costs, and of accounts that a program of its own shares with this process, have the real one back: vi.unmock('hash-wasm'),
// vi.unmock('@serenity-kit/opaque'), vi.unmock('argon2').
import { vi } from 'vitest'

/** The client's, by the method authKey. The costs go into the salt, so that other costs go on to make other keys. */
vi.mock('hash-wasm', async (importOriginal) => {
  const { createHash } = await import('node:crypto')
  const real = await importOriginal<typeof import('hash-wasm')>()
  const argon2id: typeof real.argon2id = (options) => {
    const { salt, memorySize, iterations, parallelism } = options
    const costs = `${memorySize},${iterations},${parallelism}`
    const quickSalt = createHash('sha256').update(salt).update(costs).digest()
    return real.argon2id({ ...options, salt: quickSalt, memorySize: 8, iterations: 1, parallelism: 1 })
  }
  return { ...real, argon2id }
})

/** The client's, by OPAQUE. */
vi.mock('@serenity-kit/opaque', async (importOriginal) => {
  const real = await importOriginal<typeof import('@serenity-kit/opaque')>()
  const keyStretching = { 'argon2id-custom': { memory: 8, iterations: 1, parallelism: 1 } }
  const client: typeof real.client = {
    ...real.client,
    finishRegistration: (parameters) => real.client.finishRegistration({ ...parameters, keyStretching }),
    finishLogin: (parameters) => real.client.finishLogin({ ...parameters, keyStretching }),
  }
  return { ...real, client }
})

/** The server's. A hash says what it was made with, so checking it is as quick. */
vi.mock('argon2', async (importOriginal) => {
  const { default: real } = await importOriginal<{ default: typeof import('argon2') }>()
  const hash = (secret: Buffer, options: object) =>
    real.hash(secret, { ...options, memoryCost: 8, timeCost: 1 })
  return { default: { ...real, hash } }
})
