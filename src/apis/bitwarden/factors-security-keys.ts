// The settings of security keys, and of passkeys as second factors.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { line } from '../../contract/primitives.ts'
import { maxSecondFactors } from '../../contract/second-factors.ts'
import {
  addSecurityKey,
  disableFactors,
  removeSecurityKey,
  startSecurityKey,
} from '../../domain/identity/bitwarden-factors.ts'
import { grantFactorChange } from '../../domain/identity/factor-grants.ts'
import { factorsOf } from '../../domain/identity/second-factors.ts'
import { anyQuery } from '../../http/route.ts'
import { grantBody, grantMembers, refused, requireGrant, settings } from './factor-settings.ts'
import { DeviceRegistration } from './factor-shapes.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'
import { caseless } from './wire.ts'

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
  ...bySecret,
  path: bitwardenFactorPaths.readKeys,
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
  request: { query: anyQuery, body: grantBody },
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
      query: anyQuery,
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
  request: { query: anyQuery, body: caseless({ ...grantMembers, ...slotMember }) },
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
  request: { query: anyQuery, body: grantBody },
  success: { 200: KeysAnswer },
  async handler({ body, caller }, services) {
    await requireGrant(caller, 'webauthn', body, services)
    await disableFactors(caller, 'webauthn', services)
    return { status: 200, body: await keysAnswer(caller, null, services) }
  },
})

export const securityKeyRoutes = [
  readKeys,
  beginKey,
  addKeyBy('put'),
  addKeyBy('post'),
  removeKey,
  removeAllKeys,
]
