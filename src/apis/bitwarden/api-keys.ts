// The API key, which its owner is shown again, and can have replaced.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { toTimestamp } from '../../domain/encoding.ts'
import { readApiKey } from '../../domain/identity/bitwarden-api-key.ts'
import { route } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'

const answerAt = (path: `/${string}`, { replaces }: { readonly replaces: boolean }) =>
  route({
    ...bySecret,
    path,
    success: {
      200: z.object({ apiKey: z.string(), revisionDate: z.string(), object: z.literal('apiKey') }),
    },
    async handler({ body, caller }, services) {
      const verified = await proveSecret(caller, body, services)
      const { apiKey, account } = await readApiKey(caller, verified, { replaces }, services)
      return {
        status: 200,
        body: { apiKey, revisionDate: toTimestamp(account.own.revisionAt), object: 'apiKey' },
      }
    },
  })

export const apiKeyRoutes = [
  answerAt(bitwardenAccountPaths.apiKey, { replaces: false }),
  answerAt(bitwardenAccountPaths.rotateApiKey, { replaces: true }),
]
