// How each kind of caller proves who it is, as the OpenAPI document says it.
import type { Security } from '../../http/openapi.ts'
import type { Callers } from './route.ts'

const bearer = (description: string, bearerFormat?: string) =>
  ({ type: 'http', scheme: 'bearer', ...(bearerFormat && { bearerFormat }), description }) as const

/**
 * A scheme for each set of tokens that is taken, and one for each operation: of alternatives some generated clients send all, and
 * a request with two `Authorization` headers is refused. Scopes OpenAPI has for OAuth alone.
 */
export const security: Security<keyof Callers> = {
  schemes: {
    session: bearer('an access token', 'JWT'),
    reader: bearer('an access token, or a personal access token with the scope read or write'),
    writer: bearer('an access token, or a personal access token with the scope write'),
    sharer: bearer('an access token, or a personal access token with the scope shares'),
    tokenHolder: bearer('a personal access token of any scope', 'lmp_…'),
    shareManager: bearer('the manage token that making the share answered with'),
  },
  required: {
    public: [],
    visitor: [],
    session: [{ session: [] }],
    vaultOwner: [{ session: [] }],
    reader: [{ reader: [] }],
    writer: [{ writer: [] }],
    tokenHolder: [{ tokenHolder: [] }],
    sharer: [{}, { sharer: [] }],
    shareManager: [{ shareManager: [] }],
  },
  refusals: {
    public: [],
    visitor: [],
    session: ['not-authenticated', 'token-not-allowed'],
    vaultOwner: ['not-authenticated', 'token-not-allowed'],
    reader: ['not-authenticated', 'insufficient-scope'],
    writer: ['not-authenticated', 'insufficient-scope'],
    tokenHolder: ['not-authenticated'],
    sharer: ['not-authenticated', 'insufficient-scope'],
    shareManager: ['not-authenticated'],
  },
}
