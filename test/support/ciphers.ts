// Items as Bitwarden's apps write them, with texts that nobody can open.
import { encString } from './bitwarden.ts'

/** An item key, or any other key of 64 bytes, as it is wrapped. */
export const wrappedKey = () => encString(80)

type Members = Readonly<Record<string, unknown>>

/** A login with everything in it. @param changes of its own members */
export const loginCipher = (changes: Members = {}) => ({
  type: 1,
  organizationId: null,
  folderId: null,
  name: encString(),
  notes: encString(48),
  favorite: false,
  reprompt: 0,
  key: null,
  login: {
    response: null,
    username: encString(),
    password: encString(),
    totp: encString(48),
    uris: [{ response: null, uri: encString(), uriChecksum: encString(64), match: null }],
    passwordRevisionDate: '2026-01-31T12:00:00.000Z',
    autofillOnPageLoad: null,
    fido2Credentials: null,
  },
  fields: [{ response: null, type: 1, name: encString(), value: encString(), linkedId: null }],
  passwordHistory: [{ password: encString(), lastUsedDate: '2026-01-30T12:00:00.000Z' }],
  attachments: {},
  attachments2: {},
  ...changes,
})

/** The same with other members of `login`. */
export const loginWith = (changes: Members) => {
  const cipher = loginCipher()
  return { ...cipher, login: { ...cipher.login, ...changes } }
}

export const passkey = (changes: Members = {}) => ({
  credentialId: encString(64),
  keyType: encString(),
  keyAlgorithm: encString(),
  keyCurve: encString(),
  keyValue: encString(160),
  rpId: encString(),
  rpName: encString(),
  userHandle: encString(),
  userName: encString(),
  userDisplayName: encString(),
  counter: encString(16),
  discoverable: encString(16),
  creationDate: '2026-01-31T12:00:00.000Z',
  ...changes,
})

/** The kinds of items, with a member of each. */
export const otherKinds: readonly Members[] = [
  { type: 2, secureNote: { type: 0 } },
  { type: 3, card: { number: encString(), code: encString() } },
  { type: 4, identity: { firstName: encString(), ssn: encString() } },
  { type: 5, sshKey: { privateKey: encString(400), publicKey: encString(), keyFingerprint: encString() } },
  { type: 6, bankAccount: { iban: encString() } },
  { type: 7, driversLicense: { licenseNumber: encString() } },
  { type: 8, passport: { surname: encString() } },
]

/** An item of another kind. */
export const cipherOf = (kind: Members): Members => {
  const { login: _, ...common } = loginCipher()
  return { ...common, ...kind }
}
