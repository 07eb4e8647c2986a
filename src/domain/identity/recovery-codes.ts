// Recovery codes: what logs in when the factor is lost. 140 random bits each (80 in old ones), so a plain hash of them is enough.
import { recoveryCodeCount } from '../../contract/second-factors.ts'
import type { Random } from '../../random.ts'

/** Crockford's base32, which has no letter that looks like a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const [characters, group] = [28, 4]

/** As the contract parses them; `showRecoveryCode` is for people. */
export const newRecoveryCodes = (random: Random): string[] =>
  Array.from({ length: recoveryCodeCount }, () =>
    // 256 is a multiple of 32: no character is more likely than another.
    [...random.bytes(characters)].map((byte) => alphabet[byte % alphabet.length]).join(''),
  )

/** In groups of four. */
export const showRecoveryCode = (code: string): string =>
  code.replaceAll(new RegExp(`(.{${group}})(?=.)`, 'g'), '$1-')
