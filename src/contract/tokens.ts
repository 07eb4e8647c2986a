// Wire shapes of personal access tokens (docs/protocol.md, "Personal access tokens").
import * as z from 'zod'
import { authKeyProof, opaqueProof } from './accounts.ts'
import {
  AccountId,
  base64urlLetter,
  Instant,
  line,
  SealedKey,
  Timestamp,
  TokenId,
  VaultId,
} from './primitives.ts'
import { keyVersion } from './vaults.ts'

/** What a token may do. `write` includes `read`: the answers of writes show what stands there. */
export const TokenScope = z.enum(['read', 'write', 'shares']).meta({
  id: 'TokenScope',
  description:
    'read: vaults and items. write: that, and writing items, but not deleting them for good. shares: making one-time shares where the server wants an account for it.',
})

const scopes = z
  .array(TokenScope)
  .min(1)
  .max(TokenScope.options.length)
  .refine((list) => new Set(list).size === list.length, 'Each scope may stand there once')
  .meta({ uniqueItems: true })

/** Secret scanners know it by its prefix. */
export const PersonalToken = z
  .string()
  .length(47)
  .regex(new RegExp(`^lmp_${base64urlLetter}{43}$`))
  .meta({ description: 'To send as "Authorization: Bearer"; shown once' })

const newToken = {
  name: line(100),
  scopes,
  vaultId: VaultId.optional().meta({ description: 'The one vault that it sees; every one without it' }),
  expiresAt: Instant.optional().meta({ description: 'When it ends; without, it never does' }),
  vaultKey: SealedKey.optional().meta({
    description: "The vault's key under one that only the bearer has; goes with vaultId",
  }),
  keyVersion: keyVersion.meta({ description: 'Of `vaultKey`: the version of the key of the vault' }),
}

export const CreateToken = z
  .union([
    z.strictObject({ ...newToken, ...authKeyProof }).meta({ id: 'CreateTokenByAuthKey' }),
    z.strictObject({ ...newToken, ...opaqueProof }).meta({ id: 'CreateTokenByOpaque' }),
  ])
  .refine(({ vaultId, vaultKey }) => vaultKey === undefined || vaultId !== undefined, {
    path: ['vaultKey'],
    message: 'Goes with vaultId, which says of which vault',
  })
  .meta({ id: 'CreateToken' })

export const TokenSummary = z
  .object({
    id: TokenId,
    name: line(100),
    scopes,
    vaultId: VaultId.nullable().meta({ description: 'The one vault that it sees; null for all' }),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable(),
    lastUsedAt: Timestamp.nullable().meta({ description: 'To the minute' }),
  })
  .meta({ id: 'TokenSummary' })

export const CreatedToken = TokenSummary.extend({ token: PersonalToken }).meta({ id: 'CreatedToken' })

export const TokenList = z.object({ tokens: z.array(TokenSummary) }).meta({ id: 'TokenList' })

/** What a password change says of the tokens that there were; one of the lists is empty. */
export const PasswordChanged = z
  .object({
    endedTokens: z.array(TokenSummary),
    keptTokens: z.array(TokenSummary).meta({ description: 'With `keepTokens`: they still work' }),
  })
  .meta({ id: 'PasswordChanged' })

/** What a bearer learns of its own token: enough to begin with nothing else. */
export const CurrentToken = TokenSummary.extend({
  accountId: AccountId,
  vaultKey: SealedKey.nullable(),
  keyVersion: keyVersion.meta({ description: 'Of `vaultKey`' }),
}).meta({ id: 'CurrentToken' })

export type CreatedToken = z.infer<typeof CreatedToken>
export type CreateToken = z.infer<typeof CreateToken>
export type CurrentToken = z.infer<typeof CurrentToken>
export type PasswordChanged = z.infer<typeof PasswordChanged>
export type TokenScope = z.infer<typeof TokenScope>
export type TokenSummary = z.infer<typeof TokenSummary>
