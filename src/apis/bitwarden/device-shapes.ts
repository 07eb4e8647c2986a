// How clients name the installation that they are: an identifier of their own, a name, and the number of a kind.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Device } from '../../contract/accounts.ts'
import { DeviceId, tooLong } from '../../contract/primitives.ts'
import { uuidFromBytes } from '../../domain/encoding.ts'

/** Of Bitwarden's list, what the security log calls them. Every other number is `other`. */
const kinds: readonly (readonly [type: Device['type'], numbers: readonly number[]])[] = [
  ['mobile', [0, 1, 15]],
  ['browser', [2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 17, 18, 19, 20, 26]],
  ['desktop', [6, 7, 8, 16]],
  ['cli', [23, 24, 25]],
]

/** What is not in the list, and what old clients write as a word. */
const unknownBrowser = 14

const lastKind = 26

/** The number of a kind, as a form has it. */
export const DeviceKind = z
  .string()
  .optional()
  .transform((text) =>
    /^\d{1,2}$/.test(text ?? '') && Number(text) <= lastKind ? Number(text) : unknownBrowser,
  )

/** What the security log calls a kind. */
export const deviceTypeOf = (kind: number): Device['type'] =>
  kinds.find(([, numbers]) => numbers.includes(kind))?.[0] ?? 'other'

/**
 * The identifier of a device. Official clients send a UUID, some in upper case; whatever else a client calls itself becomes the UUID that is
 * made of it (RFC 9562, section 5.8), so that it is the same device each time.
 */
export const DeviceIdentifier = z
  .string()
  .min(1)
  .max(256, tooLong())
  .transform((text) => {
    const lower = text.toLowerCase()
    if (DeviceId.safeParse(lower).success) return lower
    const digest = createHash('sha256').update(text).digest().subarray(0, 16)
    digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6)
    digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
    return uuidFromBytes(digest)
  })

const mostOfName = 100

/** One line of at most 100 characters: what a client calls itself is shown and logged, so control characters go. */
export const DeviceName = z
  .string()
  .optional()
  .transform((text = '') => {
    const clean = text
      .toWellFormed()
      .replaceAll(/\p{Cc}/gu, ' ')
      .trim()
    return [...clean].slice(0, mostOfName).join('') || 'unnamed'
  })
