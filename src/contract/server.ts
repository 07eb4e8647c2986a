// Wire shapes about the server itself.
import * as z from 'zod'

export const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' })

export const ServerInfo = z
  .object({
    name: z.literal('limpet'),
    version: z.string(),
    registration: z.enum(['open', 'invite', 'closed']),
    emailVerification: z
      .enum(['off', 'required'])
      .meta({ description: 'Whether an address has to be confirmed before its account can be used' }),
    shares: z.enum(['public', 'accounts', 'off']),
    leastKdf: z.object({ memoryKiB: z.int(), iterations: z.int(), parallelism: z.int() }),
    limits: z
      .object({
        sealedBytes: z.int(),
        sealedKeyBytes: z.int(),
        batchOperations: z.int(),
        pageItems: z.int(),
        pageBytes: z.int(),
        bodyBytes: z.int(),
        batchBodyBytes: z.int(),
        shareBytes: z.int(),
        versionsKept: z.int(),
        versionDaysKept: z.int(),
        versionsKeptDaily: z.int().meta({
          description: 'Of each of so many days, the version that stood when the day began is kept as well',
        }),
      })
      .meta({ description: 'Numbers and bytes a client has to plan for' }),
  })
  .meta({ id: 'ServerInfo' })

export type ServerInfo = z.infer<typeof ServerInfo>
