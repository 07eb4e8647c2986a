// The server's own Fernet: the vectors of the specification, and what the clients' one makes of the same.
import { randomBytes } from 'node:crypto'
import { expect, it, test } from 'vitest'
import { ivBytes, openFernet, sealFernet } from '../../../src/apis/snappass/fernet.ts'
import { decryptFernet, encryptFernet } from '../../../src/protocol/fernet.ts'
import { vectors } from '../../protocol/read-vectors.ts'

const key = Buffer.from(vectors.fernet.key, 'base64url')
const bytesOf = (token: string) => Buffer.from(token, 'base64url')
/** Whether it is the text of some bytes: what is refused for its text alone says nothing of them. */
const isText = (token: string) => {
  const text = bytesOf(token).toString('base64url')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=') === token
}

test.each(vectors.fernet.accepted)('$name', ({ seconds, iv, plaintext, token }) => {
  const bytes = Buffer.from(plaintext)
  expect(sealFernet(key, bytes, { now: seconds * 1000 + 999, iv })).toEqual(bytesOf(token))
  expect(openFernet(key, bytesOf(token))).toEqual(bytes)
})

test.each(vectors.fernet.refused.filter(({ token }) => isText(token)))('refuses: $why', ({ token }) => {
  expect(openFernet(key, bytesOf(token))).toBeUndefined()
})

test.each(vectors.shares.refused.filter(({ token }) => isText(token)))(
  'refuses: $why',
  ({ fernetKey, token }) => {
    expect(openFernet(fernetKey, bytesOf(token))).toBeUndefined()
  },
)

it('opens what clients make, and they open what it makes', async () => {
  for (const length of [0, 1, 15, 16, 17, 1000]) {
    const [plaintext, own] = [randomBytes(length), randomBytes(32)]
    expect(openFernet(own, bytesOf(await encryptFernet(own, plaintext)))).toEqual(plaintext)
    const token = sealFernet(own, plaintext, { now: Date.now(), iv: randomBytes(ivBytes) }).toString(
      'base64url',
    )
    const padded = token.padEnd(Math.ceil(token.length / 4) * 4, '=')
    expect(Buffer.from(await decryptFernet(own, padded))).toEqual(plaintext)
  }
})

it('opens nothing of which a byte was changed or is missing', () => {
  const token = sealFernet(key, Buffer.from('kelp'), { now: 0, iv: randomBytes(ivBytes) })
  for (let at = 0; at < token.length; at++) {
    const changed = Buffer.from(token)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    expect(openFernet(key, changed)).toBeUndefined()
    expect(openFernet(key, token.subarray(0, at))).toBeUndefined()
  }
  expect(openFernet(key, token)?.toString()).toBe('kelp')
})
