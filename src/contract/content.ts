// Shapes of what is inside the envelopes of items and vaults (docs/protocol.md, "Item content" and "Vault data"). Clients agree on
// them; the server never sees any.
import * as z from 'zod'
import { AttachmentId, base64urlOf } from './primitives.ts'

const text = z.string().optional()

/** A field that the owner added to an item. */
const Field = z.looseObject({ name: z.string(), value: z.string(), hidden: z.boolean() })

/** How often this was written, from 1; absent means 0. It belongs to the envelope's history, and no program sets it by hand. */
const edits = z.int().min(0).optional()

/**
 * A file beside the item: what its owner called it, its media type or an empty text, its bytes of plaintext, and the salt of its
 * header, so that a server cannot put another file in its place.
 */
export const AttachedFile = z.looseObject({
  id: AttachmentId,
  name: z.string(),
  type: z.string(),
  size: z.int().min(0),
  salt: base64urlOf(32),
})

const attachments = z
  .array(AttachedFile)
  .refine(
    (files) => new Set(files.map(({ id }) => id)).size === files.length,
    'Each file has an id of its own',
  )
  .optional()

const common = {
  edits,
  name: z.string(),
  notes: text,
  folder: text,
  tags: z.array(z.string()).optional(),
  favourite: z.boolean().optional(),
  fields: z.array(Field).optional(),
  attachments,
}

/** A password that the login had before, and when it was replaced (RFC 3339). */
const PreviousPassword = z.looseObject({ password: z.string(), replacedAt: text })

// The forms of its texts are not enforced, for the same reason as those of a date.
/** A key of a site for logins without a password (WebAuthn Level 3). */
const Passkey = z.looseObject({
  credentialId: z.string(),
  privateKey: z.string(),
  rpId: z.string(),
  rpName: text,
  userHandle: text,
  userName: text,
  userDisplayName: text,
  counter: z.int().min(0).optional(),
  discoverable: z.boolean().optional(),
  createdAt: text,
})

const Login = z.looseObject({
  kind: z.literal('login'),
  ...common,
  username: text,
  password: text,
  urls: z.array(z.string()).optional(),
  totp: text,
  previousPasswords: z.array(PreviousPassword).optional(),
  passkeys: z.array(Passkey).optional(),
})

const Note = z.looseObject({ kind: z.literal('note'), ...common })

// The form of `expiry` is not enforced: an item that does not show because of one mistyped date helps nobody.
const Card = z.looseObject({
  kind: z.literal('card'),
  ...common,
  holder: text,
  number: text,
  expiry: text,
  code: text,
  brand: text,
})

const Identity = z.looseObject({
  kind: z.literal('identity'),
  ...common,
  fullName: text,
  email: text,
  phone: text,
  address: text,
  organization: text,
})

const SshKey = z.looseObject({ kind: z.literal('ssh-key'), ...common, privateKey: text, publicKey: text })

/** An item of a kind of this version. Loose, so that what another client added survives an edit. */
export const ItemContent = z.discriminatedUnion('kind', [Login, Note, Card, Identity, SshKey])

/** An item of a kind that came later: shown by its name, and kept as it is. */
export const UnknownContent = z.looseObject({ kind: z.string(), name: z.string(), edits })

export const VaultContent = z.looseObject({ name: z.string(), edits })

export type AttachedFile = z.infer<typeof AttachedFile>
export type ItemContent = z.infer<typeof ItemContent>
export type UnknownContent = z.infer<typeof UnknownContent>
export type VaultContent = z.infer<typeof VaultContent>
export type ItemKind = ItemContent['kind']

/** The counter alone, of whatever else there is. */
export const Edited = z.object({ edits: z.int().min(0) })

/** What a counter can be set in, whatever else is wrong with it. */
export const Countable = z.looseObject({ edits })

export type ContentShape = z.ZodType
export type ContentOf<Shape extends ContentShape> = z.output<Shape>

/** Looks at a value without making another of it, which would lose members such as `__proto__`. */
export function isOfShape<Shape extends ContentShape>(
  shape: Shape,
  value: unknown,
  tell: (places: string[]) => void,
): value is ContentOf<Shape> {
  const parsed = shape.safeParse(value)
  if (!parsed.success) tell(parsed.error.issues.map(({ path }) => path.join('.') || 'the whole'))
  return parsed.success
}
