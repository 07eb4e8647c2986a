// Exports of Bitwarden under a password, encrypted here by the public description of the format.
import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { argon2id } from 'hash-wasm'
import { describe, expect, it } from 'vitest'
import { readerOf, readIncoming } from '../../../src/sdk/moving/index.ts'
import { fileOfText } from '../../support/moving.ts'

const expand = (key: Buffer, info: string) => createHmac('sha256', key).update(info).update('\x01').digest()

function sealed(text: string, master: Buffer): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', expand(master, 'enc'), iv)
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  const mac = createHmac('sha256', expand(master, 'mac')).update(iv).update(ciphertext).digest()
  return `2.${[iv, ciphertext, mac].map((bytes) => bytes.toString('base64')).join('|')}`
}

const salt = randomBytes(16).toString('base64')
const inClear = JSON.stringify({ encrypted: false, folders: [], items: [{ type: 2, name: 'N', notes: 'n' }] })

const exported = (master: Buffer, kdf: object, data = sealed(inClear, master)) => ({
  encrypted: true,
  passwordProtected: true,
  salt,
  ...kdf,
  encKeyValidation_DO_NOT_EDIT: sealed('a guid', master),
  data,
})

const pbkdf2 = { kdfType: 0, kdfIterations: 5000, kdfMemory: null, kdfParallelism: null }
const argon2 = { kdfType: 1, kdfIterations: 2, kdfMemory: 16, kdfParallelism: 1 }
const underPbkdf2 = () => pbkdf2Sync('file password', salt, 5000, 32, 'sha256')
const underArgon2 = async () =>
  Buffer.from(
    await argon2id({
      password: 'file password',
      salt: createHash('sha256').update(salt).digest(),
      iterations: 2,
      memorySize: 16 * 1024,
      parallelism: 1,
      hashLength: 32,
      outputType: 'binary',
    }),
  )

const file = (value: object) => fileOfText(JSON.stringify(value))
const password = async () => 'file password'

describe('an export of Bitwarden under a password', () => {
  it('opens with it, by PBKDF2 and by Argon2', async () => {
    for (const value of [exported(underPbkdf2(), pbkdf2), exported(await underArgon2(), argon2)]) {
      expect((await readerOf(file(value))).name).toBe('bitwarden-json-protected')
      const { items } = await readIncoming(file(value), { password })
      expect(items[0]?.content).toEqual({ kind: 'note', name: 'N', notes: 'n' })
    }
  })

  it('does not open with another one, if it was changed, or without any', async () => {
    const value = exported(underPbkdf2(), pbkdf2)
    await expect(readIncoming(file(value), { password: async () => 'x' })).rejects.toMatchObject({
      code: 'wrong-password',
    })
    await expect(readIncoming(file(value))).rejects.toMatchObject({ code: 'needs-password' })
    const other = { ...value, data: sealed(inClear, randomBytes(32)) }
    await expect(readIncoming(file(other), { password })).rejects.toMatchObject({ code: 'malformed' })
    for (const data of ['', '2.x|y|z', '0.a|b|c'])
      await expect(readIncoming(file({ ...value, data }), { password })).rejects.toMatchObject({
        code: 'malformed',
      })
  })

  it('is refused if its key would take too much', async () => {
    const costs = [
      { ...pbkdf2, kdfIterations: 4_000_000_000 },
      { ...argon2, kdfMemory: 1_000_000 },
      { ...argon2, kdfIterations: 1_000_000 },
      { ...argon2, kdfParallelism: 1000 },
    ]
    for (const kdf of costs)
      await expect(readIncoming(file(exported(randomBytes(32), kdf)), { password })).rejects.toMatchObject({
        code: 'too-large',
      })
  })

  it('for the account alone is refused with what to export instead', async () => {
    const value = { encrypted: true, encKeyValidation_DO_NOT_EDIT: '2.a|b|c', items: [] }
    await expect(readIncoming(file(value), { password })).rejects.toThrow('"Password protected"')
  })
})
