// The form of encrypted texts: what clients cannot read is refused.
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { EncString, encStringOf } from '../../../src/apis/bitwarden/enc-string.ts'
import { encString } from '../../support/bitwarden.ts'

const part = (bytes: number) => randomBytes(bytes).toString('base64')
const [iv, text, mac] = [part(16), part(32), part(32)]

describe('an EncString', () => {
  it.each([16, 32, 48, 64, 80, 4096, 100_000 - (100_000 % 16)])(
    'of %i bytes of ciphertext passes',
    (bytes) => {
      expect(EncString.safeParse(encString(bytes)).success).toBe(true)
    },
  )

  it.each([
    ['plain text', 'secret'],
    ['nothing', ''],
    ['a number', 2],
    ['null', null],
    ['no type', `${iv}|${text}|${mac}`],
    ['type 0', `0.${iv}|${text}`],
    ['type 4', `4.${part(256)}`],
    ['type 7', `7.${part(64)}`],
    ['type 9', `9.${iv}|${text}|${mac}`],
    ['type 22', `22.${iv}|${text}|${mac}`],
    ['two parts', `2.${iv}|${text}`],
    ['four parts', `2.${iv}|${text}|${mac}|${mac}`],
    ['a part behind the end', `2.${iv}|${text}|${mac}|`],
    ['a short IV', `2.${part(15)}|${text}|${mac}`],
    ['no ciphertext', `2.${iv}||${mac}`],
    ['ciphertext that ends within a block', `2.${iv}|${part(33)}|${mac}`],
    ['a long MAC', `2.${iv}|${text}|${part(33)}`],
    ['bad letters', `2.${iv}|${text.replace(/^./, '!')}|${mac}`],
    ['base64url', `2.${iv}|${text.replace(/^./, '_')}|${mac}`],
    ['base64 without padding', `2.${iv}|${text.replace('=', '')}|${mac}`],
    ['base64 with bits left over', `2.${iv.slice(0, -3)}B==|${text}|${mac}`],
    ['padding in the middle', `2.${iv}|${part(16)}${part(16)}|${mac}`],
    ['a space before', ` 2.${iv}|${text}|${mac}`],
    ['a line break behind', `2.${iv}|${text}|${mac}\n`],
    ['300 KiB', encString(300 * 1024)],
  ])('is not %s', (_, value) => {
    expect(EncString.safeParse(value).success).toBe(false)
  })

  it('of a key has its size', () => {
    const Key = encStringOf(64)
    expect([64, 80, 96].map((bytes) => Key.safeParse(encString(bytes)).success)).toEqual([false, true, false])
    expect(encStringOf(1190, 1230).safeParse(encString(1232)).success).toBe(true)
  })
})
