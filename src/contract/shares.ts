// Wire shapes of one-time shares (docs/protocol.md, "One-time shares").
import * as z from 'zod'
import { base64urlLetter, base64urlOf, base64urlOfUpTo, Timestamp, tooLong } from './primitives.ts'
import { claimBytes, fernetBlock, fernetOverhead, limits, shareTtl } from './sizes.ts'

export const ShareId = base64urlOf(16).meta({ description: 'A share: 16 random bytes, chosen by the server' })

const decodedLength = (token: string) =>
  (token.length / 4) * 3 - (token.length - token.replace(/=+$/, '').length)

/** A Fernet token in form; only who has the link can open it. */
const FernetToken = z
  .string()
  .max(
    Math.ceil(limits.shareBytes / 3) * 4,
    tooLong(`A share holds at most ${limits.shareBytes} bytes of ciphertext`),
  )
  .regex(
    new RegExp(
      `^gA${base64urlLetter}{2}(?:${base64urlLetter}{4})*(?:${base64urlLetter}{2}[AEIMQUYcgkosw048]=|${base64urlLetter}[AQgw]==)?$`,
    ),
    'Expected a Fernet token: base64url with its padding, of version 128',
  )
  .refine((token) => {
    const bytes = decodedLength(token)
    return (
      bytes <= limits.shareBytes && bytes > fernetOverhead && (bytes - fernetOverhead) % fernetBlock === 0
    )
  }, `Expected a whole Fernet token of at most ${limits.shareBytes} bytes`)
  .meta({
    id: 'FernetToken',
    description: 'A Fernet token, base64url with its padding, under a key that is in the link alone',
    example: `gAAAAA${'A'.repeat(92)}==`,
  })

const Proof = base64urlOf(32).meta({
  description: 'SHA-256 of "limpet-share-proof:" and the Fernet key in base64url without padding',
})

const Claim = base64urlOfUpTo(claimBytes.min, claimBytes.max).meta({
  description:
    'Random, chosen by the reader: a request with it may be repeated for 60 seconds, until it is acknowledged',
})

export const CreateShare = z
  .strictObject({
    ciphertext: FernetToken,
    proof: Proof,
    ttl: z
      .int()
      .min(shareTtl.min)
      .max(shareTtl.max)
      .default(shareTtl.default)
      .meta({ description: 'Seconds that it lives' }),
    passphrase: z.boolean().default(false).meta({
      description: 'Whether the key is derived from a passphrase, so that readers are asked for it',
    }),
  })
  .meta({ id: 'CreateShare' })

export const CreatedShare = z
  .object({
    id: ShareId,
    links: z
      .array(z.object({ rel: z.enum(['self', 'web-view']), href: z.url() }).meta({ id: 'ShareLink' }))
      .meta({ description: 'To `web-view` the client adds "#" and the key; the server never learns it' }),
    ttl: z.int().min(shareTtl.min),
    expiresAt: Timestamp,
    manageToken: base64urlOf(32).meta({ description: 'For the receipt and to revoke; shown once' }),
  })
  .meta({ id: 'CreatedShare' })

export const RevealShare = z
  .strictObject({ proof: Proof, claim: Claim.optional() })
  .meta({ id: 'RevealShare' })

export const RevealedShare = z.object({ ciphertext: FernetToken }).meta({ id: 'RevealedShare' })

export const AcknowledgeShare = z.strictObject({ claim: Claim }).meta({ id: 'AcknowledgeShare' })

export const ShareReceipt = z
  .object({
    id: ShareId,
    state: z.enum(['pending', 'read', 'expired', 'revoked']),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    readAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
  })
  .meta({ id: 'ShareReceipt' })

export type CreatedShare = z.infer<typeof CreatedShare>
export type ShareReceipt = z.infer<typeof ShareReceipt>
