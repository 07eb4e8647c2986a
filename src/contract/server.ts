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
    accountDeletionByMail: z.enum(['off', 'on']).meta({
      description:
        'Whether an owner who has lost the password can have the account deleted by a link in a mail',
    }),
    shares: z.enum(['public', 'accounts', 'off']),
    minKdf: z
      .object({ memoryKiB: z.int().min(1), iterations: z.int().min(1), parallelism: z.int().min(1) })
      .meta({ id: 'KdfCosts', description: 'The least that a registration may choose' }),
    limits: z
      .object({
        sealedBytes: z.int().min(0),
        sealedKeyBytes: z.int().min(0),
        batchOperations: z.int().min(0),
        pageItems: z.int().min(0),
        pageBytes: z.int().min(0),
        bodyBytes: z.int().min(0),
        batchBodyBytes: z.int().min(0),
        shareBytes: z.int().min(0),
        itemAttachments: z.int().min(0).meta({ description: 'Most files of one item' }),
        attachmentBytes: z.int().min(0).meta({ description: 'Largest sealed file' }),
        attachmentPartBytes: z
          .int()
          .min(0)
          .meta({ description: 'Least bytes of a part of an upload that does not end its file' }),
        versionsKept: z.int().min(0),
        versionDaysKept: z.int().min(0),
        versionsKeptDaily: z.int().min(0).meta({
          description: 'Of each of so many days, the version that stood when the day began is kept as well',
        }),
      })
      .meta({ id: 'ServerLimits', description: 'Numbers and bytes a client has to plan for' }),
  })
  .meta({ id: 'ServerInfo' })

export type ServerInfo = z.infer<typeof ServerInfo>
