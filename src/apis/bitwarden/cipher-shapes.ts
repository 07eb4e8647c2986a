// Items as clients write them. What would make a client fail over it, or over all items, is refused.
import { z } from 'zod'
import { AccountId, FolderId, Instant, ItemId } from '../../contract/primitives.ts'
import { memberOfType } from '../../domain/ciphers/content.ts'
import type { KnownRevision } from '../../domain/ciphers/rows.ts'
import type { CipherWrite } from '../../domain/ciphers/writes.ts'
import { EncString, encStringOf } from './enc-string.ts'
import { caseless, caselessAs } from './wire.ts'

/** Some clients write nothing as an empty text, others leave it out. */
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((given) => (given === '' || given === undefined ? null : given), schema.nullable())

const Text = orNull(EncString)
const Time = orNull(Instant)

const login = caseless({
  username: Text,
  password: Text,
  totp: Text,
  uri: Text,
  uris: z
    .array(
      caseless({
        uri: Text,
        uriChecksum: Text,
        match: z.literal([0, 1, 2, 3, 4, 5]).nullable().default(null),
      }),
    )
    .nullable()
    .default(null),
  passwordRevisionDate: Time,
  autofillOnPageLoad: z.boolean().nullable().default(null),
  fido2Credentials: z
    .array(
      caseless({
        credentialId: EncString,
        keyType: EncString,
        keyAlgorithm: EncString,
        keyCurve: EncString,
        keyValue: EncString,
        rpId: EncString,
        rpName: Text,
        userHandle: Text,
        userName: Text,
        userDisplayName: Text,
        counter: EncString,
        discoverable: EncString,
        creationDate: Instant,
      }),
    )
    .nullish(),
}).transform(({ uri, uris, fido2Credentials, ...rest }) => {
  // Older clients know one address alone, and read it there.
  const all = uris ?? (uri === null ? null : [{ uri, uriChecksum: null, match: null }])
  return {
    leavesOutPasskeys: fido2Credentials === undefined,
    login: { ...rest, uri: all?.[0]?.uri ?? null, uris: all, fido2Credentials: fido2Credentials ?? null },
  }
})

const secureNote = caseless({ type: z.literal(0).default(0) })

const card = caseless({
  cardholderName: Text,
  brand: Text,
  number: Text,
  expMonth: Text,
  expYear: Text,
  code: Text,
})

const identity = caseless({
  title: Text,
  firstName: Text,
  middleName: Text,
  lastName: Text,
  address1: Text,
  address2: Text,
  address3: Text,
  city: Text,
  state: Text,
  postalCode: Text,
  country: Text,
  company: Text,
  email: Text,
  phone: Text,
  ssn: Text,
  username: Text,
  passportNumber: Text,
  licenseNumber: Text,
})

const sshKey = caseless({ privateKey: EncString, publicKey: Text, keyFingerprint: Text })

const bankAccount = caseless({
  bankName: Text,
  nameOnAccount: Text,
  accountType: Text,
  accountNumber: Text,
  routingNumber: Text,
  branchNumber: Text,
  pin: Text,
  swiftCode: Text,
  iban: Text,
  bankContactPhone: Text,
})

const driversLicense = caseless({
  firstName: Text,
  middleName: Text,
  lastName: Text,
  licenseNumber: Text,
  dateOfBirth: Text,
  issuingCountry: Text,
  issuingAuthority: Text,
  issuingState: Text,
  issueDate: Text,
  expirationDate: Text,
  licenseClass: Text,
})

const passport = caseless({
  surname: Text,
  givenName: Text,
  dateOfBirth: Text,
  birthPlace: Text,
  sex: Text,
  nationality: Text,
  passportNumber: Text,
  passportType: Text,
  issuingCountry: Text,
  issuingAuthority: Text,
  issueDate: Text,
  expirationDate: Text,
  nationalIdentificationNumber: Text,
})

/** What a custom field of kind "linked" refers to: members of login, card, identity, and of the newer kinds. */
const linkedIds: readonly (readonly [number, number])[] = [
  [100, 101],
  [300, 305],
  [400, 418],
  [600, 609],
  [700, 708],
  [800, 812],
]

const fields = z.array(
  caseless({
    type: z.literal([0, 1, 2, 3]),
    name: Text,
    value: Text,
    linkedId: z
      .int()
      .refine(
        (id) => linkedIds.some(([first, last]) => id >= first && id <= last),
        'Expected the number of a member that fields can be linked to',
      )
      .nullable()
      .default(null),
  }),
)

const passwordHistory = z.array(caseless({ password: EncString, lastUsedDate: Instant }))

/** What the date in a client's copy of an item stands for. Dates before 1970 are those of clients that do not know it. */
export const LastKnown = z
  .string()
  .max(64)
  .nullish()
  .transform((text, { addIssue }): KnownRevision | undefined => {
    if (!text) return undefined
    const { success, data } = Instant.safeParse(/(?:Z|[+-]\d\d:\d\d)$/i.test(text) ? text : `${text}Z`)
    if (!success) {
      addIssue('Expected a date and time')
      return undefined
    }
    const from = Date.parse(data)
    const digits = /\.(\d+)/.exec(text)?.[1]?.length ?? 0
    return from <= 0 ? undefined : { from, to: from + Math.max(1, 1000 / 10 ** digits) }
  })

const KeyId = z
  .string()
  .regex(/^[0-9A-Fa-f]{32}$/, 'Expected 32 characters of hex')
  .transform((id) => id.toLowerCase())

/** What every kind of item has. */
const common = {
  organizationId: orNull(z.never('This server has no organizations.')),
  folderId: orNull(FolderId),
  name: EncString,
  notes: Text,
  key: orNull(encStringOf(64)),
  favorite: z.boolean().nullish(),
  reprompt: z.literal([0, 1]).nullish(),
  fields: fields.nullable().default(null),
  passwordHistory: passwordHistory.nullable().default(null),
  archivedDate: Instant.transform((date) => Date.parse(date)).nullish(),
  lastKnownRevisionDate: LastKnown,
  encryptedFor: orNull(AccountId),
  encryptedByKeyId: orNull(KeyId),
  attachments2: z
    .record(z.string().max(64), caseless({ fileName: EncString, key: orNull(encStringOf(64)) }))
    .nullable()
    .default(null),
  // What a later generation of clients is to write instead of the other members.
  data: orNull(z.never('This server does not take items in this form. Update it.')),
}

// Of the members of kinds only its own is looked at: some clients send empty ones of all others.
const kinds = z.discriminatedUnion(
  'type',
  [
    z.object({ ...common, type: z.literal(1), login: login.optional() }),
    z.object({ ...common, type: z.literal(2), secureNote: secureNote.optional() }),
    z.object({ ...common, type: z.literal(3), card: card.optional() }),
    z.object({ ...common, type: z.literal(4), identity: identity.optional() }),
    z.object({ ...common, type: z.literal(5), sshKey: sshKey.optional() }),
    z.object({ ...common, type: z.literal(6), bankAccount: bankAccount.optional() }),
    z.object({ ...common, type: z.literal(7), driversLicense: driversLicense.optional() }),
    z.object({ ...common, type: z.literal(8), passport: passport.optional() }),
  ],
  'Expected the number of a kind of items: 1 to 8',
)

type Given = z.output<typeof kinds>

/** What the kind of an item has; undefined if the client has left it out. */
function ownOf(given: Given): Readonly<Record<string, unknown>> | undefined {
  switch (given.type) {
    case 1:
      return given.login?.login
    case 2:
      return given.secureNote
    case 3:
      return given.card
    case 4:
      return given.identity
    case 5:
      return given.sshKey
    case 6:
      return given.bankAccount
    case 7:
      return given.driversLicense
    case 8:
      return given.passport
  }
}

/** What to write of what a client gives. */
function writeOf(given: Given): CipherWrite {
  const { name, notes, key, reprompt, fields, passwordHistory } = given
  const own = ownOf(given)
  const leavesOutPasskeys = given.type === 1 && given.login?.leavesOutPasskeys === true
  return {
    type: given.type,
    content: { name, notes, key, reprompt: reprompt ?? 0, own, fields, passwordHistory },
    folderId: given.folderId,
    isFavorite: given.favorite ?? undefined,
    archivedAt: given.archivedDate,
    encryptedFor: given.encryptedFor ?? undefined,
    encryptedByKeyId: given.encryptedByKeyId ?? undefined,
    known: given.lastKnownRevisionDate,
    leftOut: { reprompt: reprompt == null, passkeys: leavesOutPasskeys, own: own === undefined },
    files: new Map(Object.entries(given.attachments2 ?? {})),
  }
}

const names = [...Object.keys(common), 'type', ...Object.values(memberOfType)]

/** An item as clients write it. */
export const CipherRequest = caselessAs(names, kinds).transform(writeOf)

const idsAtOnce = 10_000

/** Some items or folders. */
export const SomeIds = caseless({ ids: z.array(ItemId).max(idsAtOnce) })

const folderNameLength = 1000

export const FolderName = EncString.max(folderNameLength)
