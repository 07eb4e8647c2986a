// One-time codes against the vectors of RFC 6238, Appendix B, and against another implementation.
import fc from 'fast-check'
import { Secret, TOTP } from 'otpauth'
import { describe, expect, it } from 'vitest'
import { OneTimeCodeError, oneTimeCode, oneTimeCodeSettings } from '../../src/sdk/index.ts'

const base32 = (text: string) => new Secret({ buffer: new TextEncoder().encode(text).buffer }).base32

/** The seeds of the RFC, which repeat ten digits to the length of each HMAC. */
const seeds = { SHA1: 20, SHA256: 32, SHA512: 64 }
const seedOf = (algorithm: keyof typeof seeds) => base32('1234567890'.repeat(7).slice(0, seeds[algorithm]))

const codeOf = async (totp: string, seconds: number) =>
  (await oneTimeCode(oneTimeCodeSettings(totp), seconds * 1000)).code

describe('one-time codes', () => {
  it.each([
    [59, '94287082', '46119246', '90693936'],
    [1_111_111_109, '07081804', '68084774', '25091201'],
    [1_111_111_111, '14050471', '67062674', '99943326'],
    [1_234_567_890, '89005924', '91819424', '93441116'],
    [2_000_000_000, '69279037', '90698825', '38618901'],
    [20_000_000_000, '65353130', '77737706', '47863826'],
  ])('are those of RFC 6238 at %i seconds', async (seconds, sha1, sha256, sha512) => {
    const expected = { SHA1: sha1, SHA256: sha256, SHA512: sha512 }
    for (const algorithm of ['SHA1', 'SHA256', 'SHA512'] as const) {
      const uri = `otpauth://totp/Site:ada?secret=${seedOf(algorithm)}&algorithm=${algorithm}&digits=8`
      expect(await codeOf(uri, seconds)).toBe(expected[algorithm])
    }
  })

  it('are those of another implementation, whatever the settings', async () => {
    const settings = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }),
      algorithm: fc.constantFrom('SHA1', 'SHA256', 'SHA512'),
      digits: fc.integer({ min: 6, max: 10 }),
      period: fc.integer({ min: 1, max: 3600 }),
      now: fc.integer({ min: 0, max: 4e12 }),
    })
    await fc.assert(
      fc.asyncProperty(settings, async ({ bytes, algorithm, digits, period, now }) => {
        const secret = new Secret({ buffer: new Uint8Array(bytes).buffer })
        const other = new TOTP({ secret, algorithm, digits, period, label: 'ada', issuer: 'Site' })
        const { code, endsAt } = await oneTimeCode(oneTimeCodeSettings(other.toString()), now)
        expect(code).toBe(other.generate({ timestamp: now }))
        expect(endsAt - now).toBeGreaterThan(0)
        expect(endsAt - now).toBeLessThanOrEqual(period * 1000)
      }),
      { numRuns: 50 },
    )
  })

  it('come of a secret alone, as people copy it', async () => {
    const secret = seedOf('SHA1')
    const typed = secret.toLowerCase().replaceAll(/(.{4})/g, '$1 ')
    expect(await codeOf(secret, 59)).toBe('287082')
    expect(await codeOf(` ${typed}====`, 59)).toBe('287082')
    expect(await codeOf(`OTPAUTH://totp/x?secret=${secret}`, 59)).toBe('287082')
  })

  it('are of five letters and digits for Steam', async () => {
    expect(await codeOf('steam://BASE32SECRET3232', 0)).toBe('2TC8B')
    expect(await codeOf('otpauth://totp/x?secret=BASE32SECRET3232&encoder=steam', 30)).toBe('YKKK4')
  })

  it.each([
    ['', 'is empty'],
    ['not base 32!', 'not base32'],
    ['otpauth://totp/x', 'is empty'],
    ['otpauth://hotp/x?secret=ME&counter=1', 'counter'],
    ['otpauth://other/x?secret=ME', 'not an otpauth'],
    ['otpauth://totp/x?secret=MEME&digits=5', 'digits'],
    ['otpauth://totp/x?secret=MEME&digits=6.0', 'digits'],
    ['otpauth://totp/x?secret=MEME&period=0', 'period'],
    ['otpauth://totp/x?secret=MEME&algorithm=MD5', 'algorithm'],
    ['otpauth://totp/x?secret=MEME&algorithm=__proto__', 'algorithm'],
  ])('are refused of %j, without a word of it', (totp, reason) => {
    let said = ''
    try {
      oneTimeCodeSettings(totp)
    } catch (error) {
      expect(error).toBeInstanceOf(OneTimeCodeError)
      said = String(error)
    }
    expect(said).toContain(reason)
    expect(said).not.toContain('ME')
  })
})
