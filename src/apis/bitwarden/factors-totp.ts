// The settings of an authenticator app.
import { z } from 'zod'
import { bitwardenFactorPaths } from '../../contract/bitwarden-paths.ts'
import { enableTotp, showTotp } from '../../domain/identity/bitwarden-factors.ts'
import { grantFactorChange } from '../../domain/identity/factor-grants.ts'
import { anyQuery } from '../../http/route.ts'
import { disableKind, grantMembers, refused, requireGrant, settings } from './factor-settings.ts'
import { route } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'
import { caseless } from './wire.ts'

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
  ...bySecret,
  path: bitwardenFactorPaths.readTotp,
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
      query: anyQuery,
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

export const totpRoutes = [
  readTotp,
  enableTotpBy('put'),
  enableTotpBy('post'),
  disableKind('totp', bitwardenFactorPaths.totp),
]
