// Duo and YubiKey OTP: services of others, which this server does not use. Web vaults ask about them all the same.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { anyQuery } from '../../http/route.ts'
import { notOffered, settings } from './factor-settings.ts'
import { route } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'

const Duo = z.object({
  enabled: z.literal(false),
  host: z.null(),
  clientId: z.null(),
  clientSecret: z.null(),
})
const noDuo = { enabled: false, host: null, clientId: null, clientSecret: null } as const

const readDuo = route({
  ...bySecret,
  path: bitwardenFactorPaths.readDuo,
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
  ...bySecret,
  path: bitwardenFactorPaths.readYubiKey,
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
    request: { query: anyQuery },
    success: { 200: null },
    async handler() {
      throw notOffered()
    },
  })

export const notOfferedFactorRoutes = [
  readDuo,
  readYubiKey,
  refuse(bitwardenFactorPaths.duo),
  refuse(bitwardenFactorPaths.yubiKey),
]
