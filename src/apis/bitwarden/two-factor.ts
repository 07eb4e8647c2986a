// The settings of second factors: what is on, the recovery code, switching off, and the check of new devices. The kinds are in factors-*.ts.
// Web vaults before version 2026.8 read flat answers and prove the password with each request; later ones read an object within, and give
// back a token that stands for the proof. Both are answered at once.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { disableFactors, setDeviceCheck, showRecoveryCode } from '../../domain/identity/bitwarden-factors.ts'
import { factorsOf } from '../../domain/identity/second-factors.ts'
import { anyQuery } from '../../http/route.ts'
import {
  DisabledAnswer,
  disabled,
  grantMembers,
  notOffered,
  providers,
  requireGrant,
  settings,
} from './factor-settings.ts'
import { emailFactorRoutes } from './factors-email.ts'
import { notOfferedFactorRoutes } from './factors-not-offered.ts'
import { securityKeyRoutes } from './factors-security-keys.ts'
import { totpRoutes } from './factors-totp.ts'
import { route } from './route.ts'
import { bySecret, proveSecret, secretMembers } from './secret.ts'
import { caseless } from './wire.ts'

const kinds = ['totp', 'email', 'webauthn'] as const

const list = route({
  method: 'get',
  path: bitwardenFactorPaths.list,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery },
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

const setDeviceCheckBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.deviceCheck,
    request: { query: anyQuery, body: caseless({ ...secretMembers, verifyDevices: z.boolean() }) },
    success: { 200: null },
    async handler({ body, caller }, services) {
      await proveSecret(caller, body, services)
      await setDeviceCheck(caller, body.verifyDevices, services)
      return { status: 200 }
    },
  })

const readRecoveryCode = route({
  ...bySecret,
  path: bitwardenFactorPaths.readRecoveryCode,
  success: { 200: z.object({ code: z.string(), object: z.literal('twoFactorRecover') }) },
  async handler({ body, caller }, services) {
    await proveSecret(caller, body, services)
    const code = await showRecoveryCode(caller, services)
    return { status: 200, body: { code, object: 'twoFactorRecover' } }
  },
})

/** Switching off by the number of the kind, as older web vaults do. */
const disableBy = (method: 'post' | 'put') =>
  route({
    ...settings,
    method,
    path: bitwardenFactorPaths.disable,
    request: { query: anyQuery, body: caseless({ ...grantMembers, type: z.coerce.number().int() }) },
    success: { 200: DisabledAnswer },
    async handler({ body, caller }, services) {
      const type = kinds.find((one) => providers[one] === body.type)
      if (!type) throw notOffered()
      await requireGrant(caller, type, body, services)
      await disableFactors(caller, type, services)
      return { status: 200, body: disabled(type) }
    },
  })

export const twoFactorRoutes = [
  list,
  ...totpRoutes,
  ...securityKeyRoutes,
  ...emailFactorRoutes,
  setDeviceCheckBy('put'),
  setDeviceCheckBy('post'),
  readRecoveryCode,
  disableBy('put'),
  disableBy('post'),
  ...notOfferedFactorRoutes,
]
