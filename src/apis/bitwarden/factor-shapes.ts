// What authenticators give, as Bitwarden's apps pass it on: base64 of either alphabet, and `clientDataJson` in place of `clientDataJSON`.
import { z } from 'zod'
import { WebauthnRegistration } from '../../contract/second-factors.ts'
import { caseless } from './wire.ts'

const maxLetters = 100_000

/** Base64 or base64url, with or without padding, as base64url without. */
export const Bytes = z
  .string()
  .max(maxLetters)
  .transform((text) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))

/** What every answer of an authenticator has. */
export const credential = { id: Bytes, rawId: Bytes, type: z.string().default('public-key') }

/** What `navigator.credentials.create()` gave. */
export const DeviceRegistration = caseless({
  ...credential,
  response: caseless({
    attestationObject: Bytes,
    clientDataJSON: Bytes,
    transports: z.preprocess((given) => given ?? undefined, z.array(z.string()).optional()),
  }),
}).pipe(WebauthnRegistration)
