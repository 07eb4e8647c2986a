// Wire shapes of second factors: one-time codes (TOTP, RFC 6238), recovery codes, and passkeys and security keys (WebAuthn).
import * as z from 'zod'
import { base64urlOfUpTo, line, SecondFactorId, Timestamp, tooLong } from './primitives.ts'

/** How many recovery codes there are at the beginning; each works once. */
export const recoveryCodeCount = 10

/** Most factors of one account. */
export const maxSecondFactors = 20

/** Bounds of what authenticators send, far above what they do send: bytes before base64url. */
const [maxCredentialId, maxClientData, maxAttestation] = [1023, 4096, 65_536]

const CredentialId = base64urlOfUpTo(1, maxCredentialId)
const bytesUpTo = (most: number) => base64urlOfUpTo(1, most)
const Name = line(100)

const TotpCode = z
  .string()
  .length(6, tooLong())
  .regex(/^[0-9]{6}$/, 'Expected six digits')

/** A character of Crockford's base32, or one that is taken for it; spaces and dashes may follow. */
const spelled = '(?:[0-9A-TV-Za-tv-z][\\s-]*)'

/** Without spaces and dashes, in lower case, and with the letters that Crockford's base32 takes for digits as those. */
const normalizeRecoveryCode = (code: string): string =>
  code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1')

const RecoveryCode = z
  .string()
  .max(64, tooLong())
  // Old codes have 16 characters.
  .regex(
    new RegExp(`^[\\s-]*${spelled}{16}(?:${spelled}{12})?$`),
    'Expected a recovery code: seven groups of four characters, or four groups if it is an old one',
  )
  .overwrite(normalizeRecoveryCode)
  .meta({
    description:
      'Seven groups of four characters; old codes have four groups. Spaces, dashes and case do not matter',
    example: 'k3vz-9q4m-t2xw-8hcd-5n7r-0bfj-ype6',
  })

/** What every answer of an authenticator has, as `PublicKeyCredential.toJSON()` makes it (WebAuthn level 3, section 5.1). */
const credential = {
  id: CredentialId,
  rawId: CredentialId,
  type: z.literal('public-key'),
}
const clientDataJSON = bytesUpTo(maxClientData)

// Not strict, as everything else is: browsers make these objects and may add members.
export const WebauthnRegistration = z
  .object({
    ...credential,
    response: z
      .object({
        clientDataJSON,
        attestationObject: bytesUpTo(maxAttestation),
        transports: z
          .array(
            z
              .string()
              .min(1)
              .max(32, tooLong())
              .regex(/^[a-z-]+$/, 'Expected the name of a transport'),
          )
          .max(8)
          .default([]),
      })
      .meta({ id: 'WebauthnRegistrationResponse' }),
  })
  .meta({ id: 'WebauthnRegistration', description: 'What navigator.credentials.create() gave, by toJSON()' })

export const WebauthnAssertion = z
  .object({
    ...credential,
    response: z
      .object({
        clientDataJSON,
        authenticatorData: bytesUpTo(maxClientData),
        signature: bytesUpTo(maxClientData),
      })
      .meta({ id: 'WebauthnAssertionResponse' }),
  })
  .meta({ id: 'WebauthnAssertion', description: 'What navigator.credentials.get() gave, by toJSON()' })

/** The second step of a login. */
export const SecondFactorProof = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('totp'), code: TotpCode }).meta({ id: 'TotpProof' }),
    z
      .strictObject({ type: z.literal('recovery-code'), code: RecoveryCode })
      .meta({ id: 'RecoveryCodeProof' }),
    z
      .strictObject({ type: z.literal('webauthn'), response: WebauthnAssertion })
      .meta({ id: 'WebauthnProof' }),
  ])
  .meta({ id: 'SecondFactorProof' })

export const SecondFactorMethod = z.enum(['totp', 'webauthn', 'recovery-code'])

/** What goes into `PublicKeyCredential.parseRequestOptionsFromJSON()`, or its counterpart for creation, as it is. */
export const WebauthnOptions = z
  .looseObject({ challenge: z.string() })
  .meta({ id: 'WebauthnOptions', description: 'Give it to the WebAuthn API of the platform as it is' })

export const SecondFactor = z
  .object({
    id: SecondFactorId,
    type: z.enum(['totp', 'webauthn']),
    name: Name,
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: 'SecondFactor' })

export const SecondFactorList = z
  .object({ factors: z.array(SecondFactor), recoveryCodesLeft: z.int().min(0) })
  .meta({ id: 'SecondFactorList' })

export const TotpStarted = z
  .object({
    id: SecondFactorId,
    secret: z.string().meta({ description: 'In base32, for typing into an authenticator app' }),
    uri: z.string().meta({ description: 'otpauth://…, for a QR code' }),
  })
  .meta({ id: 'TotpStarted' })

export const WebauthnStarted = z
  .object({ id: SecondFactorId, options: WebauthnOptions })
  .meta({ id: 'WebauthnStarted' })

export const ConfirmTotp = z
  .strictObject({ code: TotpCode, name: Name.optional() })
  .meta({ id: 'ConfirmTotp' })

export const ConfirmWebauthn = z
  .strictObject({ name: Name, response: WebauthnRegistration })
  .meta({ id: 'ConfirmWebauthn' })

const RecoveryCodes = z.array(z.string()).meta({
  description: 'Shown once. Each logs in once in place of a lost factor',
})

export const SecondFactorConfirmed = z
  .object({
    recoveryCodes: RecoveryCodes.nullable().meta({
      description: 'Ten with the first factor of an account, null with further ones',
    }),
  })
  .meta({ id: 'SecondFactorConfirmed' })

export const NewRecoveryCodes = z.object({ recoveryCodes: RecoveryCodes }).meta({ id: 'NewRecoveryCodes' })

export type SecondFactor = z.infer<typeof SecondFactor>
export type SecondFactorList = z.infer<typeof SecondFactorList>
export type SecondFactorMethod = z.infer<typeof SecondFactorMethod>
export type SecondFactorProof = z.infer<typeof SecondFactorProof>
export type TotpStarted = z.infer<typeof TotpStarted>
export type WebauthnAssertion = z.infer<typeof WebauthnAssertion>
export type WebauthnOptions = z.infer<typeof WebauthnOptions>
export type WebauthnRegistration = z.infer<typeof WebauthnRegistration>
export type WebauthnStarted = z.infer<typeof WebauthnStarted>
