// The published vectors (test/vectors), typed, with their hexadecimal as bytes.
import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Bytes without the class that Node reads them as, so that they compare equal to what the client returns. */
const Hex = z.string().transform((hex) => new Uint8Array(Buffer.from(hex, 'hex')))

// The algorithm is taken as it stands: the refused vectors hold others, as a hostile server would.
const Kdf = z.object({
  algorithm: z.custom<'argon2id'>((value) => typeof value === 'string'),
  memoryKiB: z.number(),
  iterations: z.number(),
  parallelism: z.number(),
  salt: z.string(),
})

const Keys = z.object({ secret: Hex, masterKey: Hex, authKey: Hex, wrapKey: Hex, authKeyAsSent: z.string() })

const Envelope = z.object({
  name: z.string(),
  key: Hex,
  salt: Hex,
  context: z.array(z.string()),
  encodedContext: Hex,
  plaintext: Hex,
  padded: Hex,
  encryptionKey: Hex,
  commitment: Hex,
  sealed: z.string(),
})

const RefusedEnvelope = z.object({
  why: z.string(),
  key: Hex,
  context: z.array(z.string()),
  sealed: z.string(),
})

const KeyDerivation = z.object({
  accepted: z.array(Keys.extend({ name: z.string(), password: z.string(), kdf: Kdf })).min(1),
  refused: z.array(z.object({ why: z.string(), password: z.string(), kdf: Kdf })).min(1),
  refusedPasswords: z
    .array(
      z.object({
        why: z.string(),
        utf16: z
          .array(z.string())
          .transform((units) => String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16)))),
      }),
    )
    .min(1),
  refusedChoices: z.array(z.object({ why: z.string(), code: z.string(), password: z.string() })).min(1),
})

const Envelopes = z.object({
  accepted: z.array(Envelope).min(1),
  refused: z.array(RefusedEnvelope).min(1),
})

const Padding = z.object({
  padme: z.array(z.tuple([z.number(), z.number()])).min(1),
  accepted: z.array(z.object({ plaintext: Hex, padded: Hex })).min(1),
  refused: z.array(z.object({ why: z.string(), padded: Hex })).min(1),
})

const Base64url = z.object({
  accepted: z.array(z.object({ bytes: Hex, text: z.string() })).min(1),
  refused: z.array(z.object({ why: z.string(), text: z.string() })).min(1),
})

const Account = Keys.extend({
  accountId: z.string(),
  vaultId: z.string(),
  itemId: z.string(),
  password: z.string(),
  kdf: Kdf,
  accountKey: Envelope,
  vaultKey: Envelope,
  vaultData: Envelope,
  vaultContent: z.unknown(),
  item: Envelope,
  itemContent: z.unknown(),
  afterPasswordChange: Keys.extend({ password: z.string(), kdf: Kdf, accountKey: Envelope }),
})

const Chain = z.object({
  accepted: z.array(Account).min(1),
  refused: z.array(RefusedEnvelope).min(1),
})

const KeyOfVersion = z.object({ keyVersion: z.number(), envelope: Envelope })

const Rotation = z.object({
  accepted: z
    .array(
      z.object({
        accountId: z.string(),
        vaultId: z.string(),
        itemId: z.string(),
        kdf: Kdf,
        accountKeys: z.array(KeyOfVersion).min(1),
        vaultKeys: z.array(KeyOfVersion).min(1),
        vaultKeysUnderTheNextAccountKey: z.array(KeyOfVersion).min(1),
        tokenKeys: z.array(KeyOfVersion).min(1),
        resealed: z.array(z.object({ before: Envelope, after: Envelope })).min(1),
        files: z
          .array(
            z.object({
              vaultKey: Hex,
              attachmentId: z.string(),
              salt: z.string(),
              newAttachmentId: z.string(),
              newSalt: z.string(),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
  refused: z.array(RefusedEnvelope).min(1),
})

const Fernet = z.object({
  key: z.string(),
  accepted: z
    .array(
      z.object({
        name: z.string(),
        seconds: z.number(),
        iv: Hex,
        plaintext: z.string(),
        token: z.string(),
      }),
    )
    .min(1),
  refused: z.array(z.object({ why: z.string(), token: z.string() })).min(1),
})

const Shares = z.object({
  accepted: z
    .array(
      z.object({
        name: z.string(),
        linkKey: z.string(),
        passphrase: z.string().nullable(),
        fernetKey: Hex,
        proof: z.string(),
        seconds: z.number(),
        iv: Hex,
        plaintext: Hex,
        token: z.string(),
      }),
    )
    .min(1),
  refused: z.array(z.object({ why: z.string(), fernetKey: Hex, token: z.string() })).min(1),
  links: z.array(z.object({ text: z.string(), server: z.string(), id: z.string(), key: z.string() })).min(1),
  refusedLinks: z.array(z.object({ why: z.string(), text: z.string(), incomplete: z.boolean() })).min(1),
})

const Tokens = z.object({
  accepted: z
    .array(z.object({ text: z.string(), token: z.string(), secret: Hex, tokenKey: Hex, vaultKey: Envelope }))
    .min(1),
  refused: z.array(RefusedEnvelope).min(1),
  refusedTexts: z.array(z.object({ why: z.string(), text: z.string() })).min(1),
})

const State = z.union([
  z.object({ purged: z.literal(true), marker: z.string().optional() }),
  z.object({ data: z.string() }),
])
const Pair = z.object({ why: z.string(), known: State, shown: State })

const History = z.object({
  vaultKey: Hex,
  vaultId: z.string(),
  itemId: z.string(),
  accepted: z.array(Pair).min(1),
  refused: z.array(Pair).min(1),
})

const Content = z.object({
  accepted: z.array(z.object({ text: z.string(), edits: z.number() })).min(1),
  kept: z.array(z.object({ text: z.string(), member: z.string() })).min(1),
  refused: z.array(z.object({ why: z.string(), text: z.string() })).min(1),
})

const FileIds = { vaultId: z.string(), itemId: z.string(), attachmentId: z.string() }
const Piece = z.union([
  z.object({ from: z.number(), to: z.number() }),
  z.object({ hex: Hex }),
  z.object({ nonce: Hex, begin: z.number(), length: z.number() }),
])

const Files = z.object({
  vaultKey: Hex,
  accepted: z
    .array(
      z.object({
        name: z.string(),
        ...FileIds,
        size: z.number(),
        plaintextSha256: z.string(),
        salt: Hex,
        fileKey: Hex,
        commitment: Hex,
        context: z.array(z.string()),
        padded: z.number(),
        chunks: z.number(),
        bytes: z.number(),
        sealedSha256: z.string(),
        sealed: Hex.optional(),
      }),
    )
    .min(1),
  refused: z
    .array(
      z.object({
        why: z.string(),
        of: z.string(),
        pieces: z.array(Piece),
        offeredSha256: z.string(),
        expected: z.object({ ...FileIds, size: z.number(), salt: Hex }),
      }),
    )
    .min(1),
})

/** A part of an accepted export, or its beginning; a chunk sealed for another place; or bytes. */
const ExportPiece = z.union([
  z.object({ part: z.number(), of: z.string().optional(), length: z.number().optional() }),
  z.object({ nonce: Hex, begin: z.number(), length: z.number() }),
  z.object({ hex: Hex }),
])

const Exports = z.object({
  accepted: z
    .array(
      z.object({
        name: z.string(),
        passphrase: z.string(),
        kdf: Kdf,
        recordsBefore: z.string(),
        fileBytes: z.number(),
        recordsAfter: z.string(),
        exportKey: Hex,
        header: z.string(),
        recordBytes: z.number(),
        recordsSha256: z.string(),
        padded: z.number(),
        bytes: z.number(),
        sealedSha256: z.string(),
        sealed: Hex.optional(),
      }),
    )
    .min(1),
  refused: z
    .array(
      z.object({
        why: z.string(),
        refusal: z.enum(['header', 'costs', 'passphrase', 'content']),
        of: z.string(),
        passphrase: z.string(),
        pieces: z.array(ExportPiece),
        offeredSha256: z.string(),
      }),
    )
    .min(1),
})

const read = <Shape extends z.ZodType>(name: string, shape: Shape): z.output<Shape> =>
  shape.parse(JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')))

export const vectors = {
  keyDerivation: read('key-derivation', KeyDerivation),
  envelope: read('envelope', Envelopes),
  padding: read('padding', Padding),
  base64url: read('base64url', Base64url),
  chain: read('chain', Chain),
  rotation: read('rotation', Rotation),
  fernet: read('fernet', Fernet),
  shares: read('shares', Shares),
  tokens: read('tokens', Tokens),
  history: read('history', History),
  content: read('content', Content),
  files: read('files', Files),
  exports: read('export', Exports),
}
