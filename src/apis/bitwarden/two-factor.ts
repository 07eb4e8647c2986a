// The settings of second factors. Web vaults before version 2026.8 read flat answers and prove the password with each request; later
// ones read an object within, and give back a token that stands for the proof. Both are answered at once.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { Email, line } from '../../contract/primitives.ts'
import { maxSecondFactors } from '../../contract/second-factors.ts'
import { Failure } from '../../domain/failure.ts'
import {
  addSecurityKey,
  disableFactors,
  enableEmail,
  enableTotp,
  mailAddressCode,
  removeSecurityKey,
  setDeviceCheck,
  showRecoveryCode,
  showTotp,
  startSecurityKey,
} from '../../domain/identity/bitwarden-factors.ts'
import { type FactorType, grantFactorChange, isFactorGrant } from '../../domain/identity/factor-grants.ts'
import { factorsOf } from '../../domain/identity/second-factors.ts'
import { anyQuery } from '../../http/route.ts'
import { DeviceRegistration } from './factor-shapes.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'
import { proveSecret, secretMembers } from './secret.ts'
import { caseless } from './wire.ts'

/** The numbers by which clients name the kinds of factors. */
const providers = { totp: 0, email: 1, webauthn: 7 } as const satisfies Record<FactorType, number>

const kinds = ['totp', 'email', 'webauthn'] as const

const settings = { auth: 'account', limit: 'proof' } as const
const query = anyQuery

/** A proof of the password, or the token that stands for one. */
const grantMembers = { ...secretMembers, userVerificationToken: z.string().max(500).nullish() }

type Grant = z.infer<z.ZodObject<typeof grantMembers>>

/** Throws `invalid-credentials` unless the caller may change factors of this kind. */
async function requireGrant(
  caller: BitwardenCaller,
  type: FactorType,
  grant: Grant,
  services: Services,
): Promise<void> {
  const { userVerificationToken: token } = grant
  if (!token) return void (await proveSecret(caller, grant, services))
  if (!isFactorGrant(caller, type, token, services))
    throw new Failure('invalid-credentials', 'This page was open for too long. Enter your password again.')
}

const list = route({
  method: 'get',
  path: bitwardenFactorPaths.list,
  auth: 'account',
  limit: 'read',
  request: { query },
  success: {
    200: z.object({
      object: z.literal('list'),
      data: z.array(
        z.object({ enabled: z.literal(true), type: z.int(), object: z.literal('twoFactorProvider') }),
      ),
      continuationToken: z.null(),
    }),
  },
  async handler({ caller }, { store }) {
    const factors = await store.read((reader) => factorsOf(reader, caller))
    const types = kinds.filter((type) => factors[type].length > 0)
    const data = types.map((type) => ({
      enabled: true as const,
      type: providers[type],
      object: 'twoFactorProvider' as const,
    }))
    return { status: 200, body: { object: 'list', data, continuationToken: null } }
  },
})

const refused = (sentence: string) => new Failure('invalid-credentials', sentence)

const notOffered = () =>
  new Failure('invalid-credentials', 'This server does not offer this kind of two-step login.')

const DisabledAnswer = z.object({
  enabled: z.literal(false),
  type: z.int(),
  object: z.literal('twoFactorProvider'),
})

const disabled = (type: FactorType): z.infer<typeof DisabledAnswer> => ({
  enabled: false,
  type: providers[type],
  object: 'twoFactorProvider',
})

const secretBody = caseless(secretMembers)
const grantBody = caseless(grantMembers)

// An authenticator app.

const Totp = z.object({ enabled: z.boolean(), key: z.string() })

const TotpAnswer = Totp.extend({
  authenticator: Totp,
  userVerificationToken: z.string().nullable(),
  object: z.literal('twoFactorAuthenticator'),
})

const totpAnswer = (
  totp: z.infer<typeof Totp>,
  userVerificationToken: string | null,
): z.infer<typeof TotpAnswer> => ({
  ...totp,
  authenticator: totp,
  userVerificationToken,
  object: 'twoFactorAuthenticator',
})

const readTotp = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.readTotp,
  request: { query, body: secretBody },
  success: { 200: TotpAnswer },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    const { isEnabled, secret } = await showTotp(caller, services)
    const token = grantFactorChange(caller, 'totp', services)
    return { status: 200, body: totpAnswer({ enabled: isEnabled, key: secret }, token) }
  },
})

const enableTotpBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.totp,
    request: {
      query,
      body: caseless({ ...grantMembers, token: z.string().max(50), key: z.string().max(100) }),
    },
    success: { 200: TotpAnswer },
    async handler({ body, caller }, services) {
      await requireGrant(caller, 'totp', body, services)
      const code = body.token.replaceAll(/\s/g, '')
      if (!(await enableTotp(caller, { secret: body.key, code }, services)))
        throw refused('The code is wrong. Check that the clock of your device is right, and try again.')
      return { status: 200, body: totpAnswer({ enabled: true, key: body.key }, null) }
    },
  })

const disableTotp = route({
  ...settings,
  method: 'delete',
  path: bitwardenFactorPaths.totp,
  request: { query, body: grantBody },
  success: { 200: DisabledAnswer },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'totp', body, services)
    await disableFactors(caller, 'totp', services)
    return { status: 200, body: disabled('totp') }
  },
})

// Security keys.

const Keys = z.object({
  enabled: z.boolean(),
  keys: z.array(z.object({ id: z.int(), name: z.string(), migrated: z.literal(false) })),
})

const KeysAnswer = Keys.extend({
  webAuthn: Keys,
  userVerificationToken: z.string().nullable(),
  object: z.literal('twoFactorWebAuthn'),
})

async function keysAnswer(
  caller: BitwardenCaller,
  userVerificationToken: string | null,
  { store }: Services,
): Promise<z.infer<typeof KeysAnswer>> {
  const { webauthn } = await store.read((reader) => factorsOf(reader, caller))
  const keys = webauthn.map(({ name, slot }) => ({ id: slot ?? 0, name, migrated: false as const }))
  const answer = { enabled: keys.length > 0, keys }
  return { ...answer, webAuthn: answer, userVerificationToken, object: 'twoFactorWebAuthn' }
}

/** The number under which a web vault lists a key. */
const slotMember = { id: z.coerce.number().int().min(1).max(maxSecondFactors) }

const readKeys = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.readKeys,
  request: { query, body: secretBody },
  success: { 200: KeysAnswer },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    const token = grantFactorChange(caller, 'webauthn', services)
    return { status: 200, body: await keysAnswer(caller, token, services) }
  },
})

const beginKey = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.beginKey,
  request: { query, body: grantBody },
  success: {
    200: z.looseObject({ challenge: z.string(), options: z.looseObject({ challenge: z.string() }) }),
  },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'webauthn', body, services)
    const options = { ...(await startSecurityKey(caller, services)), status: 'ok', errorMessage: '' }
    return { status: 200, body: { ...options, options } }
  },
})

const addKeyBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.keys,
    request: {
      query,
      body: caseless({ ...grantMembers, ...slotMember, name: line(100), deviceResponse: DeviceRegistration }),
    },
    success: { 200: KeysAnswer },
    async handler({ body, caller }, services) {
      await requireGrant(caller, 'webauthn', body, services)
      const { deviceResponse: response, id: slot, name } = body
      if (!(await addSecurityKey(caller, { slot, name, response }, services)))
        throw refused('This is not the answer of a security key to what was asked. Load the page again.')
      return { status: 200, body: await keysAnswer(caller, null, services) }
    },
  })

const removeKey = route({
  ...settings,
  method: 'delete',
  path: bitwardenFactorPaths.keys,
  request: { query, body: caseless({ ...grantMembers, ...slotMember }) },
  success: { 200: KeysAnswer },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'webauthn', body, services)
    await removeSecurityKey(caller, body.id, services)
    return { status: 200, body: await keysAnswer(caller, null, services) }
  },
})

const removeAllKeys = route({
  ...settings,
  method: 'delete',
  path: bitwardenFactorPaths.allKeys,
  request: { query, body: grantBody },
  success: { 200: KeysAnswer },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'webauthn', body, services)
    await disableFactors(caller, 'webauthn', services)
    return { status: 200, body: await keysAnswer(caller, null, services) }
  },
})

// Codes by mail.

const EmailFactor = z.object({ email: z.string().nullable(), enabled: z.boolean() })

const EmailAnswer = z.object({
  email: z.union([z.string(), EmailFactor]).nullable(),
  enabled: z.boolean(),
  userVerificationToken: z.string().nullable(),
  object: z.literal('twoFactorEmail'),
})

/** From this version on web vaults read an object where a string was before: the one name of both shapes that means two things. */
const isNested = ({ client: { version } }: BitwardenCaller): boolean => {
  const [year = 0, month = 0] = version ?? []
  return year > 2026 || (year === 2026 && month >= 8)
}

async function emailAnswer(
  caller: BitwardenCaller,
  userVerificationToken: string | null,
  { store }: Services,
): Promise<z.infer<typeof EmailAnswer>> {
  const { email: factors } = await store.read((reader) => factorsOf(reader, caller))
  const email = factors[0]?.email ?? null
  const enabled = email !== null
  return {
    email: isNested(caller) ? { email, enabled } : email,
    enabled,
    userVerificationToken,
    object: 'twoFactorEmail',
  }
}

const readEmail = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.readEmail,
  request: { query, body: secretBody },
  success: { 200: EmailAnswer },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    const token = grantFactorChange(caller, 'email', services)
    return { status: 200, body: await emailAnswer(caller, token, services) }
  },
})

const mailCodeToAddress = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.mailAddressCode,
  request: { query, body: caseless({ ...grantMembers, email: Email }) },
  success: { 200: null },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'email', body, services)
    await mailAddressCode(caller, body.email, services)
    return { status: 200 }
  },
})

const enableEmailBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.email,
    request: { query, body: caseless({ ...grantMembers, email: Email, token: z.string().max(50) }) },
    success: { 200: EmailAnswer },
    async handler({ body, caller }, services) {
      await requireGrant(caller, 'email', body, services)
      const { email, token: code } = body
      if (!(await enableEmail(caller, { email, code }, services)))
        throw refused('The code is wrong, or has expired.')
      return { status: 200, body: await emailAnswer(caller, null, services) }
    },
  })

const disableEmail = route({
  ...settings,
  method: 'delete',
  path: bitwardenFactorPaths.email,
  request: { query, body: grantBody },
  success: { 200: DisabledAnswer },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'email', body, services)
    await disableFactors(caller, 'email', services)
    return { status: 200, body: disabled('email') }
  },
})

// The check of new devices.

const setDeviceCheckBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.deviceCheck,
    request: { query, body: caseless({ ...secretMembers, verifyDevices: z.boolean() }) },
    success: { 200: null },
    async handler({ body, caller }, services) {
      await proveSecret(caller, body, services)
      await setDeviceCheck(caller, body.verifyDevices, services)
      return { status: 200 }
    },
  })

// The recovery code.

const readRecoveryCode = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.readRecoveryCode,
  request: { query, body: secretBody },
  success: { 200: z.object({ code: z.string(), object: z.literal('twoFactorRecover') }) },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    const code = await showRecoveryCode(caller, services)
    return { status: 200, body: { code, object: 'twoFactorRecover' } }
  },
})

// Switching off by the number of the kind, as older web vaults do.

const disableBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.disable,
    request: { query, body: caseless({ ...grantMembers, type: z.coerce.number().int() }) },
    success: { 200: DisabledAnswer },
    async handler({ body, caller }, services) {
      const type = kinds.find((one) => providers[one] === body.type)
      if (!type) throw notOffered()
      await requireGrant(caller, type, body, services)
      await disableFactors(caller, type, services)
      return { status: 200, body: disabled(type) }
    },
  })

// Services of others, which this server does not use. Web vaults ask about them all the same.

const Duo = z.object({
  enabled: z.literal(false),
  host: z.null(),
  clientId: z.null(),
  clientSecret: z.null(),
})
const noDuo = { enabled: false, host: null, clientId: null, clientSecret: null } as const

const readDuo = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.readDuo,
  request: { query, body: secretBody },
  success: {
    200: Duo.extend({ duo: Duo, userVerificationToken: z.null(), object: z.literal('twoFactorDuo') }),
  },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    return {
      status: 200,
      body: { ...noDuo, duo: noDuo, userVerificationToken: null, object: 'twoFactorDuo' },
    }
  },
})

const YubiKey = z.object({
  enabled: z.literal(false),
  key1: z.null(),
  key2: z.null(),
  key3: z.null(),
  key4: z.null(),
  key5: z.null(),
  nfc: z.literal(false),
})
const noYubiKey = {
  enabled: false,
  key1: null,
  key2: null,
  key3: null,
  key4: null,
  key5: null,
  nfc: false,
} as const

const readYubiKey = route({
  ...settings,
  method: 'post',
  path: bitwardenFactorPaths.readYubiKey,
  request: { query, body: secretBody },
  success: {
    200: YubiKey.extend({
      yubiKey: YubiKey,
      userVerificationToken: z.null(),
      object: z.literal('twoFactorYubiKey'),
    }),
  },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    return {
      status: 200,
      body: { ...noYubiKey, yubiKey: noYubiKey, userVerificationToken: null, object: 'twoFactorYubiKey' },
    }
  },
})

const refuse = (path: (typeof bitwardenFactorPaths)['duo' | 'yubiKey']) =>
  route({
    ...settings,
    method: 'put',
    path,
    request: { query },
    success: { 200: null },
    async handler() {
      throw notOffered()
    },
  })

export const twoFactorRoutes = [
  list,
  readTotp,
  enableTotpBy('put'),
  enableTotpBy('post'),
  disableTotp,
  readKeys,
  beginKey,
  addKeyBy('put'),
  addKeyBy('post'),
  removeKey,
  removeAllKeys,
  readEmail,
  mailCodeToAddress,
  enableEmailBy('put'),
  enableEmailBy('post'),
  disableEmail,
  setDeviceCheckBy('put'),
  setDeviceCheckBy('post'),
  readRecoveryCode,
  disableBy('put'),
  disableBy('post'),
  readDuo,
  readYubiKey,
  refuse(bitwardenFactorPaths.duo),
  refuse(bitwardenFactorPaths.yubiKey),
]
