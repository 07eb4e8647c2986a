// What an app asks before it logs in. Newer apps have a path of their own for it; the answer suits all.
import { z } from 'zod'
import { bitwardenLoginPaths } from '../../contract/bitwarden-paths.ts'
import { Email } from '../../contract/primitives.ts'
import { bitwardenLoginParametersOf } from '../../domain/identity/bitwarden-prelogin.ts'
import { anyQuery } from '../../http/route.ts'
import { kdfAnswer } from './account-shapes.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

const Cost = z.number().nullable()

const preloginAt = (path: (typeof bitwardenLoginPaths.prelogin)[number]) =>
  route({
    method: 'post',
    path,
    auth: 'public',
    limit: 'login',
    request: { query: anyQuery, body: caseless({ email: Email }) },
    success: {
      200: z.object({
        kdf: z.number(),
        kdfIterations: z.number(),
        kdfMemory: Cost,
        kdfParallelism: Cost,
        kdfSettings: z.object({
          kdfType: z.number(),
          iterations: z.number(),
          memory: Cost,
          parallelism: Cost,
        }),
        salt: z.string(),
      }),
    },
    async handler({ body: { email } }, services) {
      const kdf = await bitwardenLoginParametersOf(email, services)
      return { status: 200, body: { ...kdfAnswer(kdf), salt: email } }
    },
  })

export const preloginRoutes = bitwardenLoginPaths.prelogin.map(preloginAt)
