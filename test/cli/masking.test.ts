// Secrets in what a program writes, however it arrives.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Masking } from '../../src/terminal/masking.ts'

const hidden = '••••••••'

/** What is shown of pieces. */
function shown(secrets: readonly string[], pieces: readonly (string | Uint8Array)[]): string {
  const masking = new Masking(secrets)
  return Buffer.concat([...pieces.map((piece) => masking.push(Buffer.from(piece))), masking.end()]).toString()
}

describe('masking', () => {
  it('hides each secret, each line of one, and what overlaps', () => {
    expect(shown(['swordfish'], ['the swordfish, swordfish'])).toBe(`the ${hidden}, ${hidden}`)
    expect(shown(['first line\nsecond line'], ['a second line'])).toBe(`a ${hidden}`)
    expect(shown(['abcdef', 'defghi'], ['_abcdefghi_'])).toBe(`_${hidden}_`)
    expect(shown(['aaaa'], ['a'.repeat(10)])).toBe(hidden)
    expect(shown(['abc'], ['abc'])).toBe('abc')
  })

  it('hides the same however the output is cut, and loses nothing else', () => {
    const word = fc.stringMatching(/^[ab\u{e9}]{4,7}$/u)
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 3 }),
        fc.stringMatching(/^[abcé ]{0,60}$/),
        fc.array(fc.nat(6)),
        (secrets, output, cuts) => {
          const bytes = Buffer.from(output)
          const pieces: Buffer[] = []
          let at = 0
          for (const cut of [...cuts, bytes.length]) {
            pieces.push(bytes.subarray(at, at + cut))
            at += cut
          }
          pieces.push(bytes.subarray(at))
          const whole = shown(secrets, [output])
          expect(shown(secrets, pieces)).toBe(whole)
          for (const secret of secrets) expect(whole).not.toContain(secret)
          if (!secrets.some((secret) => output.includes(secret))) expect(whole).toBe(output)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('shows at once what cannot be a part of a secret', () => {
    const masking = new Masking(['swordfish'])
    expect(masking.push(Buffer.from('Password: ')).toString()).toBe('Password: ')
    expect(masking.push(Buffer.from('a sword')).toString()).toBe('a ')
    expect(masking.push(Buffer.from('!')).toString()).toBe('sword!')
  })
})
