// Personal access tokens as texts.
import type { Random } from '../../random.ts'
import { toBase64url } from '../encoding.ts'

const tokenBytes = 32

/** Secret scanners find it by the prefix. */
export const newToken = (random: Random): string => `lmp_${toBase64url(random.bytes(tokenBytes))}`
